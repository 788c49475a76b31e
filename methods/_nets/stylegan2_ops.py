"""Layers of StyleGAN2 in plain torch, named as in the widespread PyTorch files of its weights.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020,
https://arxiv.org/abs/1912.04958. Every weight is drawn from N(0, 1) and scaled where it is used
(equalised learning rate, Karras et al. 2018, section 4.1).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, linear, pad

_TAPS = (1.0, 3.0, 3.0, 1.0)


class Fir(nn.Module):
    """Low-pass filter of 4x4 taps, alone or with a change of size by two; keeps a constant.

    Args:
        pads: Zeros before and behind each row and column.
        up: 2 to double the side: zeros are put between pixels first, and `pads` has no effect.
        down: 2 to halve the side: every other pixel is kept.
        gain: Factor of the kernel.
    """

    kernel: Tensor

    def __init__(
        self, pads: tuple[int, int] = (0, 0), up: int = 1, down: int = 1, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.pads, self.up, self.down = pads, up, down
        taps = torch.tensor(_TAPS)
        self.register_buffer("kernel", torch.outer(taps, taps) * (gain / taps.sum() ** 2))

    def forward(self, x: Tensor) -> Tensor:
        """Filter (n, c, h, w), each channel alone."""
        c = x.shape[1]
        if self.up == 2:
            kernel = self.kernel.to(x.dtype).expand(c, 1, 4, 4)
            return conv_transpose2d(x, kernel, stride=2, padding=1, groups=c)
        kernel = self.kernel.to(x.dtype).flip(0, 1).expand(c, 1, 4, 4)
        before, behind = self.pads
        return conv2d(pad(x, (before, behind, before, behind)), kernel, None, self.down, groups=c)


def doubled() -> Fir:
    """Return the filter that doubles a picture's side (used on the RGB skip, Fig. 7b)."""
    return Fir(up=2, gain=4.0)


class Activate(nn.Module):
    """Add a bias per channel, leaky ReLU of slope 0.2, times the square root of 2.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width, ...) to the same shape."""
        return activate(x, self.bias.view(-1, *[1] * (x.ndim - 2)))


def activate(x: Tensor, bias: Tensor) -> Tensor:
    """Add a bias, leaky ReLU of slope 0.2, times the square root of 2."""
    return leaky_relu(x + bias, 0.2) * math.sqrt(2)


class EqualLinear(nn.Module):
    """Fully connected layer with an equalised learning rate.

    Args:
        inside: Numbers that come.
        outside: Numbers that leave.
        bias: Every bias at the start.
        rate: Factor of the layer's learning rate.
        active: Whether `activate` follows.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        bias: float = 0.0,
        rate: float = 1.0,
        active: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside) / rate)
        self.bias = nn.Parameter(torch.full((outside,), bias))
        self.scale, self.rate, self.active = rate / math.sqrt(inside), rate, active

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside) to (n, outside)."""
        if self.active:
            return activate(linear(x, self.weight * self.scale), self.bias * self.rate)
        return linear(x, self.weight * self.scale, self.bias * self.rate)


class EqualConv(nn.Module):
    """Convolution without bias, with an equalised learning rate.

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        kernel: Side of the kernel.
        stride: 2 to halve the side, without padding then.
    """

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outside, inside, kernel, kernel))
        self.scale = 1 / math.sqrt(inside * kernel**2)
        self.stride, self.padding = stride, kernel // 2 if stride == 1 else 0

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, ...)."""
        return conv2d(x, self.weight * self.scale, None, self.stride, self.padding)


class ModulatedConv(nn.Module):
    """Convolution whose weight is scaled by a code, per image (section 2.2, Eqs. 1 to 3).

    Scaling what comes in by the style, and what leaves by the demodulation, is the same as scaling
    the weight of each image, and lets all images of a batch share one convolution.

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        kernel: Side of the kernel.
        style: Length of the code.
        up: Whether the side is doubled.
        demodulate: Whether every kernel is brought to norm 1.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int,
        style: int,
        up: bool = False,
        demodulate: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, outside, inside, kernel, kernel))
        self.modulation = EqualLinear(style, inside, bias=1.0)
        self.scale = 1 / math.sqrt(inside * kernel**2)
        self.padding, self.up, self.demodulate = kernel // 2, up, demodulate
        if up:
            self.blur = Fir((1, 1), gain=4.0)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Map (n, inside, h, w) and (n, style) to (n, outside, h, w), or twice the side."""
        style, weight = self.modulation(code), self.weight[0] * self.scale
        x = x * style[:, :, None, None]
        if self.up:
            x = self.blur(conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        else:
            x = conv2d(x, weight, padding=self.padding)
        if not self.demodulate:
            return x
        energy = style.square() @ weight.square().sum((2, 3)).T
        return x * torch.rsqrt(energy + 1e-8)[:, :, None, None]
