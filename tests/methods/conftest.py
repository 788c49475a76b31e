from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from facesr.bench.contract import Split
from facesr.bench.faces import Faces, write_images

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
