"""The generator of StyleGAN2 (Karras et al., CVPR 2020); images in [-1, 1], not clamped."""

import itertools
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from facesr.methods._nets.blocks import channels
from facesr.methods._nets.stylegan2_ops import Activate, EqualLinear, Fir, ModulatedConv, doubled

STYLE = 512
MAPPING = 8
_LEAST = 4  # side of the learned constant, in pixels
_FULL = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}


def channels_of(size: int, multiplier: int = 2, width: float = 1.0) -> tuple[int, ...]:
    """Return the channels of each level, from 4 pixels up to `size`.

    Args:
        size: Side of the images, in pixels; a power of two from 8 to 1024.
        multiplier: Factor from 64 pixels on: 2 in the official configuration F, 1 in E.
        width: Factor of all channels.

    >>> channels_of(64), channels_of(256)[-1], channels_of(32, width=0.125)
    ((512, 512, 512, 512, 512), 128, (64, 64, 64, 64))
    """
    full = (n * multiplier if side >= 64 else n for side, n in _FULL.items() if side <= size)
    return tuple(channels(n, width) for n in full)


class PixelNorm(nn.Module):
    """Divides each code by its root mean square."""

    def forward(self, z: Tensor) -> Tensor:
        """Map (n, style) to the same shape."""
        return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)


class _Noise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return x + self.weight * noise.to(x.dtype)


class _StyledConv(nn.Module):
    def __init__(self, inside: int, outside: int, style: int, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(inside, outside, 3, style, up)
        self.noise = _Noise()
        self.activate = Activate(outside)

    def forward(self, x: Tensor, code: Tensor, noise: Tensor) -> Tensor:
        return self.activate(self.noise(self.conv(x, code), noise))


class _ToRgb(nn.Module):
    def __init__(self, inside: int, style: int, up: bool = True) -> None:
        super().__init__()
        self.conv = ModulatedConv(inside, 3, 1, style, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        if up:
            self.upsample: Fir = doubled()

    def forward(self, x: Tensor, code: Tensor, image: Tensor | None = None) -> Tensor:
        rgb = self.conv(x, code) + self.bias
        return rgb if image is None else rgb + self.upsample(image)


class _Constant(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, width, _LEAST, _LEAST))

    def forward(self, n: int) -> Tensor:
        return self.input.expand(n, -1, -1, -1)


class Generator(nn.Module):
    """Makes faces of codes (section 2 and Fig. 7b, output skips).

    A code of W is one vector for all layers, a code of W+ one vector for each of `latents`. Names
    and shapes of parameters are those of the widespread PyTorch files (`g_ema`). Noise that is not
    given is that of the buffers, so that a code always makes the same face.

    30,034,338 parameters at 256 pixels, 30,370,060 at 1024.

    Args:
        widths: Channels of each level, from 4 pixels up; see `channels_of`.
        style: Length of z and of w.
        mapping: Layers between z and w.
    """

    def __init__(self, widths: Sequence[int], style: int = STYLE, mapping: int = MAPPING) -> None:
        super().__init__()
        self.widths, self.style_dim = tuple(widths), style
        self.size = _LEAST << (len(widths) - 1)
        self.latents = 2 * len(widths)
        layers = (EqualLinear(style, style, rate=0.01, active=True) for _ in range(mapping))
        self.style = nn.Sequential(PixelNorm(), *layers)
        self.input = _Constant(widths[0])
        self.conv1 = _StyledConv(widths[0], widths[0], style)
        self.to_rgb1 = _ToRgb(widths[0], style, up=False)
        self.convs, self.to_rgbs = nn.ModuleList(), nn.ModuleList()
        for inside, outside in itertools.pairwise(widths):
            self.convs.append(_StyledConv(inside, outside, style, up=True))
            self.convs.append(_StyledConv(outside, outside, style))
            self.to_rgbs.append(_ToRgb(outside, style))
        self.noises = nn.Module()
        for i, side in enumerate(self.noise_sides):
            self.noises.register_buffer(f"noise_{i}", torch.randn(1, 1, side, side))

    @property
    def noise_sides(self) -> list[int]:
        """Sides of the noise of each layer, in pixels."""
        return [_LEAST, *(_LEAST << k for k in range(1, len(self.widths)) for _ in range(2))]

    def map(self, z: Tensor) -> Tensor:
        """Turn normal numbers, (n, style), into codes of W, (n, style)."""
        return self.style(z)

    def forward(self, codes: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Make images.

        Args:
            codes: Of W, (n, style), or of W+, (n, latents, style).
            noise: For each of `noise_sides`, (1 or n, 1, side, side).

        Returns:
            (n, 3, size, size), about [-1, 1].
        """
        w = codes[:, None].expand(-1, self.latents, -1) if codes.ndim == 2 else codes
        noise = list(self.noises.buffers()) if noise is None else noise
        x = self.conv1(self.input(len(w)), w[:, 0], noise[0])
        image = self.to_rgb1(x, w[:, 1])
        for k, to_rgb in enumerate(self.to_rgbs):
            first = 2 * k + 1  # a level's RGB shares its code with the next level's first layer
            x = self.convs[first - 1](x, w[:, first], noise[first])
            x = self.convs[first](x, w[:, first + 1], noise[first + 1])
            image = to_rgb(x, w[:, first + 2], image)
        return image

    def draw_noise(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Draw noise for `n` images with a generator of the CPU, for `forward`."""
        device = self.input.input.device
        return [
            torch.randn((n, 1, side, side), generator=generator).to(device)
            for side in self.noise_sides
        ]

    @torch.no_grad()
    def mean(self, n: int = 10_000, seed: int = 0) -> Tensor:
        """Return the mean code of `n` random faces, (style,)."""
        z = torch.randn((n, self.style_dim), generator=torch.Generator().manual_seed(seed))
        return self.map(z.to(self.input.input.device)).mean(0)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """See `nn.Module.to`; weights have five axes, for which there is no channels-last form."""
        kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs)
