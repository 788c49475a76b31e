"""Learned perceptual image patch similarity.

Paper: Zhang, Isola, Efros, Shechtman & Wang, The unreasonable effectiveness of deep features as a
perceptual metric, CVPR 2018, eq. 1. Version 0.1 of the authors' package: it scales the input, which
0.0 forgot. Activations are those after a ReLU: all five of AlexNet, the last of each size of
VGG-16, seven of SqueezeNet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from facesr.bench import assets
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols._checks import too_small
from facesr.protocols._identity import DIGITS, identity
from facesr.protocols._luma import Array, Pixels
from facesr.protocols._pairs import PairMetric
from facesr.protocols.features import _backbones
from facesr.protocols.features._backbones import Backbone, Name

VERSION = 1
RELEASE = "0.1"
Network = Literal["alex", "vgg", "squeeze"]

# mean and deviation of ImageNet for pixels of [-1, 1], as rounded by the authors
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_LENGTH_FLOOR = 1e-10
_BACKBONES: dict[Network, Name] = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def lpips(x: Tensor, y: Tensor, network: Backbone, weights: list[Tensor]) -> Tensor:
    """Compare images.

    Args:
        x: Images, (n, 3, h, w), in [0, 1].
        y: References, (n, 3, h, w), in [0, 1].
        network: Gives the activations.
        weights: One per channel, for each layer of activations, (1, c, 1, 1).

    Returns:
        Distances, (n,), 0 or more.
    """
    shift, scale = (torch.tensor(v, dtype=x.dtype, device=x.device) for v in (_SHIFT, _SCALE))
    both = (2 * torch.cat([x, y]) - 1 - shift[:, None, None]) / scale[:, None, None]
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for seen, weight in zip(network(both), weights, strict=True):
        length = seen.square().sum(1, keepdim=True).sqrt()
        first, second = (seen / (length + _LENGTH_FLOOR)).chunk(2)
        total += ((first - second).square() * weight).sum(1).mean((1, 2))
    return total


@dataclass(frozen=True)
class Lpips(PairMetric):
    """Mean over pictures of the LPIPS of each.

    Single precision: batches and devices change a number by less than 1e-5 of itself.

    Args:
        network: `alex`, the authors' advice for comparing methods; `vgg` or `squeeze`.
    """

    at_once: ClassVar[int] = 1 << 16
    smallest: ClassVar[float] = 0.003

    network: Network = "alex"

    def __post_init__(self) -> None:
        if self.network not in get_args(Network):
            raise BadName(
                f"no network named {self.network!r}; known: {', '.join(get_args(Network))}"
            )

    @property
    def column(self) -> str:
        """See `PairMetric.column`."""
        return f"lpips[{self.network}]"

    def label(self, reference: Faces) -> str:
        """See `PairMetric.label`."""
        backbone, linear = (assets.asset(name) for name in self._needed)
        return identity(
            "lpips",
            self.network,
            f"{backbone.name}@{backbone.sha256[:DIGITS]}",
            f"linear-{RELEASE}@{linear.sha256[:DIGITS]}",
            version=VERSION,
            reference=reference,
        )

    def missing(self) -> str:
        """Say how to get the weights."""
        return "; ".join(filter(None, map(assets.missing, self._needed)))

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        return too_small(sr, _backbones.LEAST[_BACKBONES[self.network]]) or self.missing()

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        network, device = _backbones.backbone(_BACKBONES[self.network])
        weights = _linear(assets.find(self._needed[1]), device)

        def compare(sr: Pixels, reference: Pixels) -> Array:
            with _backbones.exact():
                x, y = (_backbones.shares(pixels, device) for pixels in (sr, reference))
                return lpips(x, y, network, weights).double().cpu().numpy()

        return compare

    @property
    def _needed(self) -> tuple[str, str]:
        return _BACKBONES[self.network], f"lpips_{self.network}"


@cache
def _linear(path: Path, device: torch.device) -> list[Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    return [state[f"lin{i}.model.1.weight"].to(device) for i in range(len(state))]
