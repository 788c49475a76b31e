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

    Every use in training mode does one iteration, as in the code that the authors of LRGAN and
    SCGAN released; evaluation changes nothing. What is judged in one batch costs one iteration and
    one division, so steps judge genuine and made images together.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = _matrix(weight.detach())
        self.register_buffer("u", normalize(torch.randn(matrix.shape[0]), dim=0))
        self.register_buffer("v", normalize(torch.randn(matrix.shape[1]), dim=0))
        for _ in range(_START):
            self._iterate(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = _matrix(weight)
            if self.training:
                self._iterate(matrix)
            # a product, whose gradient takes fewer passes than that of a quotient
            return weight * torch.dot(self.u, matrix @ self.v).reciprocal()

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        # new tensors each time, so that graphs of earlier uses keep theirs
        self.v = normalize(matrix.mT @ self.u, dim=0)
        self.u = normalize(matrix @ self.v, dim=0)


def _matrix(weight: Tensor) -> Tensor:
    """View a weight as rows of outputs; channels go last, as training lays weights out."""
    return weight.movedim(1, -1).flatten(1)


def spectral(layer: Layer) -> Layer:
    """Give a layer a weight of largest singular value 1 (LRGAN Eq. 3); the bias stays free."""
    parametrize.register_parametrization(layer, "weight", _Spectral(layer.weight))
    return layer
