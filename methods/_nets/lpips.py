"""Features whose squared differences are LPIPS, for methods that minimise it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from facesr.bench.assets import find, missing
from facesr.bench.errors import BenchError
from facesr.methods._nets.weights import read_state

ASSETS = ("vgg16", "lpips_vgg")
_LARGEST = 256  # side that is looked at, as in StyleGAN2's projector
_SEEN = (3, 8, 15, 22, 29)  # the last ReLU of each size
_MEAN, _DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def absent() -> str:
    """Say in a sentence which asset is not there; empty if none."""
    return next((sentence for name in ASSETS if (sentence := missing(name))), "")


class Lpips(nn.Module):
    """VGG-16 with the channel weights of LPIPS 0.1 (Zhang et al., CVPR 2018, Eq. 1).

    Raises:
        BenchError: If an asset is absent or another file than the published one.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models.vgg import cfgs, make_layers  # takes a second

        backbone, linear = (read_state(find(name)) for name in ASSETS)
        self.layers = make_layers(cfgs["D"], batch_norm=False)[: _SEEN[-1] + 1]
        prefix = "features."
        own = {k.removeprefix(prefix): v for k, v in backbone.items() if k.startswith(prefix)}
        names = [f"lin{i}.model.1.weight" for i in range(len(_SEEN))]
        wanted = self.layers.state_dict().keys()
        if not (own.keys() >= wanted and linear.keys() >= set(names)):
            raise BenchError("the files of LPIPS lack weights; fetch both assets again")
        self.layers.load_state_dict({k: own[k] for k in wanted})
        self.shares = [linear[name].clamp(min=0).sqrt() for name in names]
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(_DEVIATION)[:, None, None])
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Map images, (n, 3, h, h) in [-1, 1], to what is compared position by position.

        The distance is the sum over layers of the mean over positions of the squared length of the
        difference.
        """
        if images.shape[-1] > _LARGEST:
            images = interpolate(images, size=(_LARGEST, _LARGEST), mode="area")
        x = (images - self.mean) / self.deviation
        found: list[Tensor] = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in _SEEN:
                share = self.shares[len(found)].to(x)
                found.append(normalize(x, dim=1, eps=1e-10) * share)
        return found
