"""Layers with an equalised learning rate (Karras et al., "Progressive growing of GANs", ICLR 2018).

Weights are kept with unit variance and scaled in every pass, so that Adam, whose steps do not
depend on the size of a gradient, moves all layers at one relative speed (Section 4.1 there).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

HE = math.sqrt(2)  # what a ReLU takes away of the variance


class EqualConv2d(nn.Module):
    """A convolution that keeps height and width; its weights act divided by their He constant.

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        kernel: Side of the kernel, odd.
        gain: Standard deviation of the output for independent inputs of unit variance.
        bias: What biases start at; None for no biases.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int = 3,
        gain: float = HE,
        bias: float | None = 0.0,
    ) -> None:
        super().__init__()
        self.scale = gain / math.sqrt(inside * kernel**2)
        self.weight = nn.Parameter(torch.randn(outside, inside, kernel, kernel))
        self.bias = None if bias is None else nn.Parameter(torch.full((outside,), bias))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, h, w)."""
        return conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


class EqualLinear(nn.Module):
    """A fully connected layer; its weights act divided by their He constant.

    Args:
        inside: Numbers that come.
        outside: Numbers that leave.
        gain: Standard deviation of the output for independent inputs of unit variance.
    """

    def __init__(self, inside: int, outside: int, gain: float = HE) -> None:
        super().__init__()
        self.scale = gain / math.sqrt(inside)
        self.weight = nn.Parameter(torch.randn(outside, inside))
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside) to (n, outside)."""
        return linear(x, self.weight * self.scale, self.bias)
