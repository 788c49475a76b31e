"""Unsharp masking, and colour ramps to try it on."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from facesr.bench.contract import About, Dataset, Method, Part, Split
from facesr.bench.faces import Faces, folder, write_images


@dataclass
class Unsharp(Method):
    """Bicubic interpolation that overshoots at edges."""

    about: ClassVar[About | None] = About("Unsharp masking", family="interpolation")

    amount: float = 0.5

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        sr = interpolate(lr, scale_factor=self.scale, mode="bicubic")
        blurred = avg_pool2d(sr, 3, stride=1, padding=1, count_include_pad=False)
        return sr + self.amount * (sr - blurred)


@dataclass
class Ramps(Dataset):
    """Pictures that brighten from left to right, each at its own pace."""

    about: ClassVar[About | None] = About("Colour ramps", licence="CC0-1.0", shareable=True)

    def split(self, part: Part) -> Split:
        """See `Dataset.split`."""
        generator = torch.Generator().manual_seed(0 if part == "train" else 1)
        pace = torch.rand(min(self.limit or 24, 24), 3, 1, 1, generator=generator)
        lr, hr = self._half(pace, part, self.lr_size), self._half(pace, part, self.hr_size)
        return Split(lr, hr, paired=True)

    def _half(self, pace: Tensor, part: Part, size: int) -> Faces:
        root = self.cache / "ramps" / part / f"{size}-{len(pace)}"
        images = pace * torch.linspace(0, 1, size).expand(1, 1, size, size)
        write_images(images, [f"{i:02}.png" for i in range(len(pace))], root)
        return folder(root, f"ramps/{part}/{size}")
