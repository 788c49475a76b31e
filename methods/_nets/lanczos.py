"""Lanczos resampling with three lobes."""

import torch
from torch import Tensor

LOBES = 3


def lanczos(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample images, along each side in turn.

    Pixels are areas (corners are not aligned); weights beyond the border are dropped and the rest
    normalised; the kernel is widened where the image shrinks. All as in Pillow, in floating point.

    Args:
        images: (n, c, h, w), float.
        size: New height and width.

    Returns:
        (n, c, height, width).
    """
    rows = _weights(images.shape[2], size[0]).to(images)
    columns = _weights(images.shape[3], size[1]).to(images)
    return rows @ (images @ columns.mT)


def _weights(before: int, after: int) -> Tensor:
    """Contribution of every old position to every new one, (after, before), float64."""
    ratio = before / after
    stretch = max(ratio, 1.0)
    centre = (torch.arange(after, dtype=torch.float64)[:, None] + 0.5) * ratio
    distance = (torch.arange(before) + 0.5 - centre) / stretch
    weights = torch.sinc(distance) * torch.sinc(distance / LOBES) * (distance.abs() < LOBES)
    return weights / weights.sum(1, keepdim=True)
