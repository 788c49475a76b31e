from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import interpolate

from facesr.bench.contract import Split
from facesr.bench.faces import Faces, write_images
from facesr.methods.lrgan import LRGAN

MakeSplit = Callable[..., Split]


def smooth_faces(root: Path, n: int, size: int, seed: int) -> Faces:
    """Write smooth random pictures."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 5, 5, generator=generator)
    names = tuple(f"{i:03}.png" for i in range(n))
    write_images(interpolate(coarse, size=size, mode="bilinear"), names, root)
    return Faces(root, names, size, root.name)


@pytest.fixture
def make_split(tmp_path: Path) -> MakeSplit:
    """Make a split of unrelated low- and high-resolution pictures."""

    def make(lr: int = 5, hr: int = 7, lr_size: int = 16, hr_size: int = 64) -> Split:
        low = smooth_faces(tmp_path / f"lr{lr_size}", lr, lr_size, 1)
        return Split(low, smooth_faces(tmp_path / f"hr{hr_size}", hr, hr_size, 2))

    return make


TINY: dict[str, Any] = {
    "width": 0.125,
    "batch": 4,
    "steps": 2,
    "joint_steps": 1,
    "d_steps": 1,
    "learning_rate": 1e-3,
}


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    return make_split()


@pytest.fixture
def build() -> Callable[..., LRGAN]:
    """Build a tiny LRGAN."""

    def build(seed: int = 0, **settings: Any) -> LRGAN:
        torch.manual_seed(seed)
        return LRGAN(seed=seed, **(TINY | settings))

    return build


@pytest.fixture
def trained(build: Callable[..., LRGAN]) -> Callable[..., LRGAN]:
    """Train a tiny LRGAN."""

    def trained(data: Split, out: Path, seed: int = 0, **settings: Any) -> LRGAN:
        method = build(seed, **settings)
        method.train(data, out)
        method.net.eval()
        return method

    return trained
