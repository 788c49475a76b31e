"""Compare every metric with independent implementations and print a table.

Pictures are LFW's where `--data` holds them, else those of the embedded data set. Weights that
cannot be shipped are drawn from a seed, the same for both sides; what is compared is code.

    python tests/protocols/exactness.py --images 40 --markdown docs/metrics.md

It ends with exit code 1 if a number is further away than it may be. A reference that is not
installed takes a line that says so:
pip install piq lpips clean-fid prdc pyiqa facexlib onnxruntime opencv-python-headless
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.contract import Pair
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, write_png
from facesr.bench.files import digest
from facesr.datasets._render import render
from facesr.protocols.features.embedders import EMBEDDERS

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.protocols.references import CHECKS, Check, Unable, oracle  # pyright: ignore[reportMissingImports]
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from references import CHECKS, Check, Unable, oracle

ROOT = Path(__file__).parents[2]
COMMAND = "python tests/protocols/exactness.py"
BOX = (58, 58, 195, 195)  # of LFW's pictures, as the loader cuts them
MIDDLE = (29, 29, 221, 221)
NOISE = (0, 4, 20, 60)
NETS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}

Values = NDArray[np.float64]
Pixels = NDArray[np.uint8]


@dataclass
class Sets:
    """The pictures of a run.

    Args:
        n: Images of a set.
        data: Folder of real pictures; None to take the embedded ones.
        folder: Where pictures are written.
    """

    n: int
    data: Path | None
    folder: Path

    @property
    def title(self) -> str:
        return "LFW" if self.data else "the embedded data set"

    @cached_property
    def _found(self) -> list[Path]:
        found = sorted((self.data or ROOT).glob("lfw/lfw-deepfunneled/*/*.jpg"))
        if not found:
            raise Unable("needs LFW")
        return found

    def store(self, pixels: list[Pixels], title: str, **labels: Any) -> Faces:
        """Write pictures to files, as a user has them."""
        names = tuple(f"{i:05d}.png" for i in range(len(pixels)))
        for name, image in zip(names, pixels, strict=True):
            write_png(image, self.folder / title / name)
        return Faces(self.folder / title, names, len(pixels[0]), title, **labels)

    def real(self, size: int = 64, n: int = 0, first: int = 0) -> Faces:
        """Return originals, evenly spaced among all; those of another `first` are other ones."""
        n = n or self.n
        title = f"real-{size}-{n}-{first}"
        if self.data:
            step = len(self._found) / n
            chosen = [self._found[int((i + first / 2) * step)] for i in range(n)]
            images = (Image.open(path).convert("RGB") for path in chosen)
            cut = [
                np.asarray(i.resize((size, size), Image.Resampling.BICUBIC, BOX)) for i in images
            ]
            return self.store(cut, title, identities=tuple(path.parent.name for path in chosen))
        people = [(first * n + i) // 4 for i in range(n)]
        drawn = [render(0, who, i % 4, size).pixels for i, who in enumerate(people)]
        return self.store(drawn, title, identities=tuple(map(str, people)))

    def made(self, size: int = 64, n: int = 0) -> Faces:
        """Return the originals after a fourfold reduction and with noise, of four strengths."""
        real, random, images = self.real(size, n), np.random.default_rng(0), []
        for i, image in enumerate(real.images()):
            small = Image.fromarray(image).resize((size // 4, size // 4), Image.Resampling.BICUBIC)
            large = np.asarray(small.resize((size, size), Image.Resampling.BICUBIC), np.float64)
            noisy = large + random.normal(0, NOISE[i % 4], large.shape)
            images.append(noisy.clip(0, 255).round().astype(np.uint8))
        return self.store(images, f"made-{size}-{len(real)}", identities=real.identities)

    def photos(self, n: int) -> Faces:
        """Return photographs, evenly spaced, without the black corners of funneled ones."""
        chosen = self._found[:: max(1, len(self._found) // n)][:n]
        images = (Image.open(path).convert("RGB").crop(MIDDLE) for path in chosen)
        return self.store([np.asarray(image) for image in images], f"photos-{n}")

    def pairs(self) -> tuple[Faces, list[Pair]]:
        """Return pictures in pairs of LFW, and every k-th of the pairs."""
        if not self.data:
            raise Unable("needs LFW")
        read = import_module("facesr.datasets._formats.lfw")
        listed = list(read.pairs(self.data / "lfw" / "pairs.txt", lambda *_: None))
        chosen = listed[:: max(1, len(listed) // (10 * self.n))]
        ends = [(read.path(*pair.left), read.path(*pair.right)) for pair in chosen]
        photos = sorted({end for pair in ends for end in pair})
        at = {photo: f"{i:05d}" for i, photo in enumerate(photos)}
        root = self.data / "lfw" / "lfw-deepfunneled"
        images = (Image.open(root / photo) for photo in photos)
        cut = [np.asarray(i.resize((64, 64), Image.Resampling.BICUBIC, BOX)) for i in images]
        people = tuple(Path(photo).parent.name for photo in photos)
        faces = self.store(cut, "pairs", identities=people)
        named = zip(chosen, ends, strict=True)
        return faces, [Pair(at[a], at[b], pair.same, pair.fold) for pair, (a, b) in named]


def random_weights(folder: Path, data: Path | None) -> Iterator[Asset]:
    """Write weights in the places and the layouts of the published ones; link what is there."""
    random = torch.Generator().manual_seed(1)
    drawn: dict[str, Any] = {"inception": import_module("conftest").random_inception()}
    for net, backbone in NETS.items():
        drawn[backbone] = oracle("lpips").random_backbone(net)
        sizes = enumerate(oracle("lpips").CHANNELS[net])
        linear = {i: torch.rand((1, c, 1, 1), generator=random) for i, c in sizes}
        drawn[f"lpips_{net}"] = {f"lin{i}.model.1.weight": w for i, w in linear.items()}
    if release("lpips"):
        published = Path(import_module("lpips").__file__ or "").parent / "weights" / "v0.1"
        for net in NETS:
            path = published / f"{net}.pth"
            drawn[f"lpips_{net}"] = torch.load(path, map_location="cpu", weights_only=True)
    weights = {key: torch.rand((1, 1475, 1, 1), generator=random) for key in ("alpha", "beta")}
    total = weights["alpha"].sum() + weights["beta"].sum()
    drawn["dists"] = {key: weight / total for key, weight in weights.items()}
    for asset in assets.ASSETS:
        name = asset.name
        path = folder / asset.file
        path.parent.mkdir(parents=True, exist_ok=True)
        real = data.parent / "weights" / asset.file if data else Path()
        if name in drawn:
            path = folder / f"{name}.pth"
            torch.save(drawn[name], path)
            yield replace(asset, file=path.name, sha256=digest(path), size=0)
            continue
        if real.is_file():
            path.symlink_to(real.resolve())
        yield asset


@contextmanager
def setting(images: int, data: Path | None) -> Iterator[Sets]:
    """Give a run folders, pictures and weights of its own."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        patch.setenv("FACESR_CACHE", str(folder / "cache"))
        patch.setattr(assets, "ASSETS", tuple(random_weights(folder / "assets", data)))
        patch.setenv("FACESR_ASSETS", str(folder / "assets"))
        patch.setitem(EMBEDDERS, "pooled", import_module("conftest").Pooled)
        yield Sets(images, data, folder / "pictures")


def release(package: str) -> str:
    """Return the version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def row(check: Check, sets: Sets) -> tuple[tuple[str, ...], bool]:
    """Make one comparison; return a line of the table, and whether the deviation is allowed."""
    name = f"{check.package} {release(check.package)}" if check.package else "tests"
    reference = f"{name}: {check.what}"
    if check.package and not release(check.package):
        line = (
            check.metric,
            f"{check.package}: {check.what}",
            "",
            f"{check.package} is not installed",
            "",
        )
        return line, True
    try:
        ours, theirs, images = check.compare(sets)
    except (Unable, BenchError, ImportError) as why:
        return (check.metric, reference, "", str(why), ""), True
    one, other = (np.asarray(side, np.float64).ravel() for side in (ours, theirs))
    assert one.shape == other.shape, (check.metric, one.shape, other.shape)
    away = np.abs(one - other)
    if check.relative:
        away = away / np.abs(other)
    furthest = float(away.max())
    unit = " of the value" if check.relative else ""
    fits = furthest <= check.within  # a NaN does not
    shown = f"{furthest:.1e}{unit}" if furthest else "none"
    limit = f"{check.within:.0e}{unit}" if check.within else "none"
    mark = "" if fits else " (exceeded)"
    return (check.metric, reference, f"{images:,}", shown, limit + mark), fits


def table(images: int, data: Path | None, words: str, only: str = "") -> tuple[str, bool]:
    """Make all comparisons; return the page and whether all numbers are as near as they may be."""
    for part in ("references_realism", "references_faces"):
        import_module(part)  # they list their comparisons
    head = ("metric", "reference", "images", "largest deviation", "allowed")
    rows, good = [], True
    with setting(images, data) as sets, torch.inference_mode():
        for each in CHECKS:
            if only not in each.metric:
                continue
            began = time.process_time()
            line, fits = row(each, sets)
            seconds = time.process_time() - began
            sys.stderr.write(f"{' | '.join(line)} ({seconds:.1f} s)\n")
            rows.append(line)
            good &= fits
        title = sets.title
    lines = [head, tuple("---" for _ in head), *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return PAGE.format(words=words, title=title, table=body), good


PAGE = """# Metrics against their references

Written by `{words}`; do not edit.

Each line compares one metric with an implementation that shares no code with it, on pictures of
{title}: originals of 64 pixels (176 for five scales of MS-SSIM), and the same after a fourfold
reduction and with noise. Weights that cannot be shipped are drawn from a seed, the same for both
sides, so that code is compared with code. A deviation is the largest of all images, or of the one
number of a set. The command ends with an error if one exceeds what is allowed.

pyiqa searches the shapes of NIQE's distributions in single precision: on about one picture in
twenty, one of them lies a step of the grid, 0.001, beside ours, which moves NIQE by up to 0.01;
elsewhere both agree to 1e-3. In areas of one colour it counts rounding errors as texture, as piq
does in BRISQUE; such pictures have a line of their own.

{table}
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    parser.add_argument("--only", default="", help="metrics whose column contains this")
    chosen = parser.parse_args()
    data = chosen.data.resolve() if (chosen.data / "lfw").is_dir() else None
    words = f"{COMMAND} --images {chosen.images}"
    if chosen.markdown:
        words += f" --markdown {os.fspath(chosen.markdown)}"
    page, good = table(chosen.images, data, words, chosen.only)
    sys.stdout.write(page)
    if chosen.markdown:
        chosen.markdown.parent.mkdir(parents=True, exist_ok=True)
        chosen.markdown.write_text(page, encoding="utf-8")
    if not good:
        raise SystemExit("a deviation exceeds what is allowed")


if __name__ == "__main__":
    main()
