"""Interpolation by a fixed kernel: the floor that every learned method must clear."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import interpolate

from facesr.bench.contract import About, Method
from facesr.bench.errors import BadName
from facesr.methods._nets.lanczos import lanczos

KERNELS = ("bicubic", "bilinear", "nearest", "lanczos")


@dataclass
class Bicubic(Method):
    """Interpolate each channel on its own; nothing is learned.

    Antialiasing widens a kernel when an image is made smaller; here images only grow, so that
    with it and without it the result is the same. The cubic kernel is Keys' with a = -0.5, as in
    Pillow and MATLAB (with a = -0.75, as in OpenCV and in torch without antialiasing, edges
    overshoot more).

    Args:
        kernel: `bicubic`, `bilinear`, `nearest`, or `lanczos` with three lobes.
    """

    about = About(
        "Bicubic",
        paper="Keys: Cubic convolution interpolation for digital image processing. IEEE TASSP 1981",
        year=1981,
        family="interpolation",
    )

    kernel: Literal["bicubic", "bilinear", "nearest", "lanczos"] = "bicubic"

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise BadName(f"bicubic has no kernel {self.kernel!r}; known: {', '.join(KERNELS)}")

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        size = (lr.shape[2] * self.scale, lr.shape[3] * self.scale)
        if self.kernel == "lanczos":
            return lanczos(lr, size)
        if self.kernel == "nearest":
            return interpolate(lr, size, mode="nearest")
        return interpolate(lr, size, mode=self.kernel, antialias=True)
