import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

from facesr.bench import catalog, keys

AddFile = Callable[[str, str, str], None]

BLOBS = '''
    """Smooth random pictures."""
    from dataclasses import dataclass
    from pathlib import Path
    import torch
    from facesr.bench.contract import Dataset, Part, Split
    from facesr.bench.errors import BadData
    from facesr.bench.faces import Faces, write_images

    @dataclass
    class Blobs(Dataset):
        n: int = 40
        seed: int = 0
        broken: bool = False

        def split(self, part: Part) -> Split:
            if self.broken:
                raise BadData("blobs are broken on purpose")
            return Split(self._half(part, "lr", self.lr_size), self._half(part, "hr", self.hr_size))

        def _half(self, part: str, half: str, side: int) -> Faces:
            generator = torch.Generator().manual_seed(hash_of(part + half) + self.seed)
            n = min(self.n, self.limit or self.n)
            coarse = torch.rand(n, 3, 6, 6, generator=generator)
            names = tuple(f"{i:03}.png" for i in range(n))
            root = self.cache / f"blobs-{self.seed}-{side}" / part / half
            if not all((root / name).is_file() for name in names):
                images = torch.nn.functional.interpolate(coarse, size=side, mode="bilinear")
                write_images(images, names, root)
            return Faces(root, names, side, f"blobs/{part}/{half}")

    def hash_of(text: str) -> int:
        return sum(map(ord, text))
'''
BRIGHT = '''
    """How bright the pictures are."""
    from dataclasses import dataclass
    from typing import ClassVar
    from facesr.bench.contract import Metric
    from facesr.bench.faces import Faces
    from facesr.bench.score import Score

    @dataclass(frozen=True)
    class Brightness(Metric):
        better: ClassVar = "higher"

        def score(self, sr: Faces, reference: Faces | None) -> Score:
            each = tuple(float(x) for x in sr.pixels().double().mean((1, 2, 3)))
            mean = sum(each) / len(each)
            return Score("brightness", mean, "higher", len(sr), "brightness[v1]", mean - 1,
                         mean + 1, sampling="picture", samples=each)
'''
GLOW = '''
    """Brightness only."""
    from dataclasses import dataclass
    from facesr.bench.contract import Metric, Protocol
    from facesr.protocols.metrics.brightness import Brightness

    @dataclass
    class Glow(Protocol):
        def metrics(self) -> list[Metric]:
            return [Brightness()]
'''
REPEAT = '''
    """Repeat each pixel."""
    from dataclasses import dataclass
    from torch import Tensor
    from facesr.bench.contract import Method

    @dataclass
    class Repeat(Method):
        gain: float = 1.0

        def upscale(self, lr: Tensor) -> Tensor:
            s = self.scale
            return lr.repeat_interleave(s, 2).repeat_interleave(s, 3) * self.gain
'''
TINT = '''
    """Learn one number: the mean colour of the real faces."""
    from dataclasses import dataclass
    from pathlib import Path
    import torch
    from torch import Tensor, nn
    from facesr.bench.contract import Method, Split

    @dataclass
    class Tint(Method):
        steps: int = 3
        budgets = {"paper": {}, "smoke": {"steps": 2}}

        def __post_init__(self) -> None:
            self.net = nn.Conv2d(3, 3, 1)

        def train(self, data: Split, out: Path) -> None:
            with (out / "log.csv").open("a") as log:
                log.write("trained\\n")
            with torch.no_grad():
                self.net.bias.copy_(data.hr.pixels().float().mean((0, 2, 3)) / 255 / self.steps)

        def upscale(self, lr: Tensor) -> Tensor:
            large = nn.functional.interpolate(lr, scale_factor=self.scale)
            return self.net(large)
'''


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddFile:
    """Drop a file into a folder of the house, for one test."""
    root = tmp_path / "house"
    monkeypatch.syspath_prepend(str(root))

    def put(folder: str, name: str, source: str) -> None:
        path = root / "facesr" / folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        sys.modules.pop(f"facesr.{folder.replace('/', '.')}.{name}", None)
        importlib.invalidate_caches()
        catalog._found.cache_clear()
        keys.code_version.cache_clear()

    put("methods", "repeat", REPEAT)
    return put


@pytest.fixture
def toys(add: AddFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddFile:
    """Two methods, a data set and a protocol that run in milliseconds."""
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    add("methods", "tint", TINT)
    add("datasets", "blobs", BLOBS)
    add("protocols/metrics", "brightness", BRIGHT)
    add("protocols", "glow", GLOW)
    return add


@pytest.fixture
def wider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photographs of noise, boxed as WIDER FACE boxes faces: large, small and invalid."""
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    root, chance = tmp_path / "data", np.random.default_rng(0)
    for part in ("train", "val"):
        lines = []
        for i in range(3):
            name = f"0--Parade/{part}_{i}.jpg"
            path = root / f"widerface/WIDER_{part}/images/{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(0, 255, (160, 200, 3), np.uint8)).save(path)
            lines += [name, "4"]
            lines += ["20 20 90 90 0 0 0 0 0 0 ", "60 100 24 24 0 0 0 0 0 0 "]
            lines += ["100 100 24 24 2 0 0 0 0 0 ", "10 100 24 24 0 0 0 1 0 0 "]
        place = root / f"widerface/wider_face_split/wider_face_{part}_bbx_gt.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(autouse=True)
def forget() -> None:
    catalog._found.cache_clear()
    keys.code_version.cache_clear()
