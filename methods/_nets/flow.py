"""The flow-field degradation network of SelfSR (Zeng et al. 2021); images in [-1, 1]."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate, relu

from facesr.methods._nets.blocks import channels

BLOCKS = 6
REACH = 1 / 16  # of the side, what a pixel moves at most
_COARSE = 4  # a disturbance changes over this many pixels


class Degraded(NamedTuple):
    """What a degradation network makes of clean faces.

    Args:
        lr: Noisy faces, (n, 3, h, w).
        image: The image branch, (n, 3, h, w), the same where nothing is warped.
        flow: How far each pixel has moved, right and down, in pixels, (n, 2, h, w); or None.
    """

    lr: Tensor
    image: Tensor
    flow: Tensor | None


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """Move the pixels of images along a flow field (SelfSR Eq. 1).

    The result at (x, y) is the image at (x - dx, y - dy), linear between pixels; beyond the
    border it goes on as the border is.

    Args:
        images: (n, c, h, w).
        flow: (n, 2, h, w), dx to the right and dy down, in pixels.

    Returns:
        (n, c, h, w), float32.
    """
    with torch.autocast(images.device.type, enabled=False):
        images, flow = images.float(), flow.float()
        height, width = images.shape[-2:]
        x = torch.arange(width, device=flow.device) - flow[:, 0]
        y = torch.arange(height, device=flow.device)[:, None] - flow[:, 1]
        # pixel centres to [-1, 1] between the outer edges
        grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], 3)
        return grid_sample(images, grid, padding_mode="border", align_corners=False)


def smoothness(flow: Tensor) -> Tensor:
    """Total variation of a flow field, (n, 2, h, w): one number (SelfSR Eq. 4).

    The mean absolute difference of neighbours across plus that of neighbours down.
    """
    across = (flow[..., 1:] - flow[..., :-1]).abs().mean()
    down = (flow[..., 1:, :] - flow[..., :-1, :]).abs().mean()
    return across + down


def disturbance(n: int, size: int, strength: float, generator: torch.Generator) -> Tensor:
    """Draw smooth random flow fields to add to estimated ones (SelfSR Fig. 8).

    Inferred: normal on a grid four times coarser, linear in between, since Eq. 4 keeps fields
    smooth.

    Args:
        n: How many.
        size: Side of the faces, in pixels.
        strength: Standard deviation at the points of the grid, in pixels.
        generator: Source of chance, on the CPU.

    Returns:
        (n, 2, size, size).
    """
    coarse = max(2, size // _COARSE)
    field = strength * torch.randn((n, 2, coarse, coarse), generator=generator)
    return interpolate(field, size=(size, size), mode="bilinear", align_corners=True)


class _Block(nn.Module):
    """Two 3x3 convolutions with instance normalisation, plus the input, as in CycleGAN."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide, wide, 3, padding=1)
        self.norm1 = nn.InstanceNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, padding=1)
        self.norm2 = nn.InstanceNorm2d(wide)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))


class Degrader(nn.Module):
    """Makes clean low-resolution faces noisy: an image and a flow field that warps it (Section A).

    Inferred, as the paper shows no architecture: the residual generator of CycleGAN with six
    blocks, its side halved once instead of twice because faces have 16 px; two convolutions of
    3x3 as heads, for what is added to the face and for the flow. Both start at zero, so that an
    untrained network changes nothing; a tanh keeps each pixel within a sixteenth of the side (one
    of 16), without which faces are stretched until they are smooth.

    1,931,013 parameters; 1,929,859 without a flow.

    Args:
        width: Factor of all channels.
        flow: Whether a flow field is predicted; the image is the result otherwise, as a CycleGAN
            has it.
    """

    def __init__(self, width: float = 1.0, flow: bool = True) -> None:
        super().__init__()
        wide = channels(64, width)
        self.first = nn.Conv2d(3, wide, 7, padding=3)
        self.norm1 = nn.InstanceNorm2d(wide)
        self.down = nn.Conv2d(wide, 2 * wide, 3, 2, padding=1)
        self.norm2 = nn.InstanceNorm2d(2 * wide)
        self.blocks = nn.Sequential(*(_Block(2 * wide) for _ in range(BLOCKS)))
        self.up = nn.Conv2d(2 * wide, wide, 3, padding=1)
        self.norm3 = nn.InstanceNorm2d(wide)
        self.image = _from_zero(wide, 3)
        self.flow = _from_zero(wide, 2) if flow else None

    def forward(self, lr: Tensor, disturbed: Tensor | float = 0.0) -> Degraded:
        """Degrade faces.

        Args:
            lr: (n, 3, h, w) in [-1, 1], h and w even.
            disturbed: Added to the flow field, in pixels.
        """
        x = relu(self.norm1(self.first(lr)))
        x = self.blocks(relu(self.norm2(self.down(x))))
        x = relu(self.norm3(self.up(interpolate(x, scale_factor=2, mode="nearest"))))
        image = (lr + self.image(x).float()).clamp(-1, 1)
        if self.flow is None:
            return Degraded(image, image, None)
        reach = REACH * lr.shape[-1]
        flow = reach * torch.tanh(self.flow(x).float()) + disturbed
        return Degraded(warp(image, flow), image, flow)


def _from_zero(inside: int, outside: int) -> nn.Conv2d:
    layer = nn.Conv2d(inside, outside, 3, padding=1)
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
