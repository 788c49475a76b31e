"""Pictures of training progress: columns of faces side by side."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from facesr.bench.faces import write_png

_GAP = 2


def bicubic(lr: Tensor, size: int) -> Tensor:
    """Enlarge images, (n, 3, h, w), to (n, 3, size, size)."""
    return interpolate(lr, size=(size, size), mode="bicubic").clamp(lr.min(), lr.max())


def write_grid(path: Path, columns: Sequence[Tensor], signed: bool = True) -> None:
    """Store a picture with one column per batch; small images are enlarged by whole pixels.

    Args:
        path: A PNG file.
        columns: Batches of equal length, (n, 3, h, w) each, sizes may differ.
        signed: Whether they have the range [-1, 1]; [0, 1] otherwise.
    """
    size = max(column.shape[-1] for column in columns)
    shown = [interpolate(c.float(), size=(size, size), mode="nearest") for c in columns]
    cells = torch.stack(shown, 1)  # (n, columns, 3, size, size)
    if signed:
        cells = (cells + 1) / 2
    cells = pad(cells, (0, _GAP, 0, _GAP), value=1.0)
    rows, across, _, height, width = cells.shape
    sheet = cells.permute(0, 3, 1, 4, 2).reshape(rows * height, across * width, 3)
    pixels = (sheet * 255).round().clamp(0, 255).byte()
    write_png(pixels[:-_GAP, :-_GAP].contiguous().cpu().numpy(), path)
