"""Spectral normalisation of layers (Miyato et al., ICLR 2018), safe under mixed precision."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
_START = 15


class _Spectral(nn.Module):
    """Divide a weight by its largest singular value, tracked by power iteration.

    Every use in training mode does one iteration; evaluation changes nothing.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("u", normalize(torch.randn(matrix.shape[0]), dim=0))
        self.register_buffer("v", normalize(torch.randn(matrix.shape[1]), dim=0))
        for _ in range(_START):
            self._iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            if self.training:
                self._iterate(matrix)
            # copies, so that a later iteration leaves this graph intact
            u, v = self.u.clone(), self.v.clone()
            return weight / torch.dot(u, matrix @ v)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self.v.copy_(normalize(matrix.mT @ self.u, dim=0))
        self.u.copy_(normalize(matrix @ self.v, dim=0))


def spectral(layer: Layer) -> Layer:
    """Give a layer a weight of largest singular value 1 (LRGAN Eq. 3); the bias stays free."""
    parametrize.register_parametrization(layer, "weight", _Spectral(layer.weight))
    return layer
