"""The self-conditioned networks of SelfSR (Zeng et al. 2021); images in [-1, 1].

Both grow: `grown` says how many doublings of the side are in use. Its fraction is the weight of
the last one, which fades in; without a value all are in use.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, instance_norm, interpolate, leaky_relu

from facesr.methods._nets.blocks import channels
from facesr.methods._nets.equalized import EqualConv2d, EqualLinear

WIDE = (512, 256, 128, 64, 32, 16)  # channels after each doubling
HIDDEN = 128
SLOPE = 0.2


def split(grown: float) -> tuple[int, float]:
    """Split a number of doublings into how many run and the weight of the last.

    >>> split(2.0), split(1.25)
    ((2, 1.0), (2, 0.25))
    """
    top = math.ceil(grown)
    return top, 1.0 - (top - grown)


def level_of(images: Tensor, doublings: int, grown: float) -> Tensor:
    """Make real images fit a growing network: smaller, and as soft as its last level is.

    As Karras et al. 2018 do, Appendix A.1 there; averages over pixels.

    Args:
        images: (n, 3, s, s).
        doublings: Of the whole network.
        grown: In use.

    Returns:
        (n, 3, t, t), t halved for each doubling not in use.
    """
    top, weight = split(grown)
    images = avg_pool2d(images, 2 ** (doublings - top))
    return images if weight == 1 else _double(avg_pool2d(images, 2)).lerp(images, weight)


def _double(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="nearest")


def _enlarged(lr: Tensor, size: int) -> Tensor:
    if lr.shape[-1] == size:
        return lr
    return interpolate(lr, size=(size, size), mode="bicubic").clamp(-1, 1)


class SelfConditioned(nn.Module):
    """Convolution, instance normalisation, then a map of the input image as deviation (Eq. 6).

    Inferred: the map passes two 3x3 convolutions and starts around 1.

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        hidden: Channels between the two convolutions of the map.
    """

    def __init__(self, inside: int, outside: int, hidden: int) -> None:
        super().__init__()
        self.conv = EqualConv2d(inside, outside, bias=None)  # which the normalisation would undo
        self.look = EqualConv2d(3, hidden)
        self.scale = EqualConv2d(hidden, outside, gain=1, bias=1.0)

    def map(self, image: Tensor) -> Tensor:
        """Return the deviation of every feature, (n, outside, h, w) (gamma in Eq. 6)."""
        return self.scale(leaky_relu(self.look(image), SLOPE))

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Map (n, inside, h, w), under the condition (n, 3, h, w), to (n, outside, h, w)."""
        return leaky_relu(self.map(image) * instance_norm(self.conv(x)), SLOPE)


class Concatenated(nn.Module):
    """What the paper compares with: the input image joins the features ("vanilla", Table IV).

    Args:
        inside: Channels that come.
        outside: Channels that leave.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = EqualConv2d(inside + 3, outside, bias=None)
        self.weight = nn.Parameter(torch.ones(outside))
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Map (n, inside, h, w), next to the image (n, 3, h, w), to (n, outside, h, w)."""
        x = self.conv(torch.cat([x, image.to(x.dtype)], 1))
        return leaky_relu(instance_norm(x, weight=self.weight, bias=self.bias), SLOPE)


class _Block(nn.Module):
    """Two layers under one condition, plus the input; the sum keeps its variance."""

    def __init__(self, inside: int, outside: int, hidden: int | None) -> None:
        super().__init__()

        def layer(inside: int) -> nn.Module:
            if hidden is None:
                return Concatenated(inside, outside)
            return SelfConditioned(inside, outside, hidden)

        self.layers = nn.ModuleList([layer(inside), layer(outside)])
        fits = inside == outside
        self.skip = nn.Identity() if fits else EqualConv2d(inside, outside, 1, gain=1, bias=None)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        y = x
        for layer in self.layers:
            y = layer(y, image)
        return (y + self.skip(x)) / math.sqrt(2)


class SuperResolver(nn.Module):
    """Doubles the side level by level, every level under the condition of the input (Fig. 3).

    Inferred, as the paper gives no widths: one level at the side of the input and one behind each
    doubling; two residual blocks of two layers in each, as levels have "similar numbers of
    convolution layer"; 512 channels, halved with every doubling; leaky ReLU of slope 0.2; nearest
    neighbours double features, as in the network that this growth is taken from; tanh at the end.

    17,980,489 parameters at x8, published: 17.89 M; 17,478,278 at x4.

    Args:
        scale: Factor between the sides, a power of two.
        width: Factor of all channels.
        conditioning: `self`, or `concat` for the network that the paper compares with.
    """

    def __init__(self, scale: int = 4, width: float = 1.0, conditioning: str = "self") -> None:
        super().__init__()
        wide = [channels(full, width) for full in WIDE[: scale.bit_length()]]
        hidden = channels(HIDDEN, width) if conditioning == "self" else None
        self.first = EqualConv2d(3, wide[0])
        self.levels = nn.ModuleList(
            nn.ModuleList([_Block(i, o, hidden), _Block(o, o, hidden)])
            for i, o in zip([wide[0], *wide], wide, strict=False)
        )
        self.to_rgb = nn.ModuleList(EqualConv2d(o, 3, 1, gain=1) for o in wide[1:])

    @property
    def doublings(self) -> int:
        """How many times the whole network doubles the side."""
        return len(self.to_rgb)

    def forward(self, lr: Tensor, grown: float | None = None) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, s h, s w) in [-1, 1], s = 2 per doubling in use."""
        top, weight = split(self.doublings if grown is None else grown)
        x, before, rgb = self.first(lr), lr, lr
        for level in range(top + 1):
            x = self._run(level, x, lr)
            if level:
                before, rgb = rgb, self.to_rgb[level - 1](x)
        if weight < 1:
            rgb = _double(before).lerp(rgb, weight)
        return torch.tanh(rgb.float())

    def _run(self, level: int, x: Tensor, lr: Tensor) -> Tensor:
        x = _double(x) if level else x
        image = _enlarged(lr, x.shape[-1])
        blocks = self.levels[level]
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            x = block(x, image)
        return x

    def maps(self, lr: Tensor) -> list[Tensor]:
        """Return what the condition multiplies features with, layer by layer (Fig. 9).

        Args:
            lr: (n, 3, h, w).

        Returns:
            (n, channels, h, w) of every self-conditioned layer, from shallow to deep, h and w
            doubled level by level; empty for `concat`.
        """
        return [
            layer.map(_enlarged(lr, lr.shape[-1] << level))
            for level, blocks in enumerate(self.levels)
            for layer in blocks.modules()
            if isinstance(layer, SelfConditioned)
        ]


class _Down(nn.Module):
    """Two 3x3 convolutions, then the average of every four pixels."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv1 = EqualConv2d(inside, inside)
        self.conv2 = EqualConv2d(inside, outside)

    def forward(self, x: Tensor) -> Tensor:
        x = leaky_relu(self.conv1(x), SLOPE)
        return avg_pool2d(leaky_relu(self.conv2(x), SLOPE), 2)


class GrowingDiscriminator(nn.Module):
    """Judges faces of the size that the super-resolver has reached.

    Inferred, as the paper describes none: that of Karras et al. 2018 without statistics of the
    batch, the widths those of the super-resolver; two more halvings follow the side of the input.

    Args:
        size: Side of the low-resolution faces, in pixels; a multiple of 4.
        scale: Factor to the high-resolution side, a power of two.
        width: Factor of all channels.
    """

    def __init__(self, size: int = 16, scale: int = 4, width: float = 1.0) -> None:
        super().__init__()
        wide = [channels(full, width) for full in WIDE[: scale.bit_length()]]
        self.from_rgb = nn.ModuleList(EqualConv2d(3, i, 1) for i in wide[1:])
        self.downs = nn.ModuleList(_Down(i, o) for i, o in zip(wide[1:], wide[:-1], strict=True))
        self.trunk = nn.Sequential(_Down(wide[0], wide[0]), _Down(wide[0], wide[0]))
        self.verdict = EqualLinear(wide[0] * (size // 4) ** 2, 1, gain=1)

    def forward(self, images: Tensor, grown: float | None = None) -> Tensor:
        """Judge images, (n, 3, t, t) in [-1, 1]; returns (n, 1), high for real."""
        top, weight = split(len(self.downs) if grown is None else grown)
        x = self.downs[top - 1](self._enter(images, top))
        if weight < 1:
            x = self._enter(avg_pool2d(images, 2), top - 1).lerp(x, weight)
        for down in reversed(self.downs[: top - 1]):
            x = down(x)
        return self.verdict(self.trunk(x).flatten(1)).float()

    def _enter(self, images: Tensor, level: int) -> Tensor:
        return leaky_relu(self.from_rgb[level - 1](images), SLOPE)
