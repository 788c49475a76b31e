"""Residual blocks that several networks are made of."""

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from facesr.methods._nets.spectral import spectral


def channels(full: int, width: float, multiple: int = 8) -> int:
    """Scale a number of channels, kept a positive multiple.

    >>> channels(96, 0.5), channels(96, 0.125), channels(256, 1.0)
    (48, 16, 256)
    """
    return max(1, int(full * width / multiple + 0.5)) * multiple


class ResidualBlock(nn.Module):
    """Pre-activation block with batch normalisation: twice (BN, ReLU, 3x3), plus the input.

    He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016; LRGAN Fig. 6b.

    Args:
        inside: Channels that come.
        outside: Channels that leave; where they differ the input passes a 1x1 convolution.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, h, w)."""
        y = self.conv1(relu(self.bn1(x), inplace=True))
        return self.conv2(relu(self.bn2(y), inplace=True)).add_(self.skip(x))


class SpectralBlock(nn.Module):
    """Block of a discriminator: no normalisation but of spectra, max-pooling last (Fig. 6a).

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        pool: Whether height and width are halved.
        first: Whether the block sees the image itself, which no ReLU may touch.
    """

    def __init__(self, inside: int, outside: int, pool: bool, first: bool = False) -> None:
        super().__init__()
        self.pool, self.first = pool, first
        self.conv1 = spectral(nn.Conv2d(inside, outside, 3, padding=1))
        self.conv2 = spectral(nn.Conv2d(outside, outside, 3, padding=1))
        self.skip = spectral(nn.Conv2d(inside, outside, 1)) if inside != outside else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, h, w) or, pooled, half of that."""
        y = self.conv1(x if self.first else relu(x))
        y = self.conv2(relu(y, inplace=True)).add_(self.skip(x))
        return max_pool2d(y, 2) if self.pool else y
