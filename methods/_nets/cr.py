"""The networks of CR (Cheng, Zhu, Gong, WACV 2020); images in [-1, 1]."""

import itertools

import torch
from torch import Tensor, nn

from facesr.methods._nets.blocks import channels
from facesr.methods._nets.spectral import spectral


class Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation, a ReLU between them, plus the input.

    He et al., "Deep residual learning for image recognition", CVPR 2016, without the ReLU behind
    the sum, as in SRGAN (Ledig et al., CVPR 2017, Fig. 4); Section 4 names both.

    Args:
        wide: Channels.
    """

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(wide, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, wide, h, w) to the same shape."""
        return x + self.body(x)


class Regulariser(nn.Module):
    """Gives low-resolution faces the characteristics of another set, three blocks (Section 3.2).

    Inferred: 64 channels; the blocks compute what is added to the image, from nothing at first,
    since Eq. 5 alone would let the inverse regulariser return any face.

    Args:
        width: Factor of all channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide = channels(64, width)
        self.first = nn.Sequential(nn.Conv2d(3, wide, 3, padding=1), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(*(Block(wide) for _ in range(3)))
        self.last = nn.Conv2d(wide, 3, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to the same shape, not bounded but near [-1, 1]."""
        return (lr + self.last(self.blocks(self.first(lr)))).float()


class Restorer(nn.Module):
    """Enlarges faces by four: groups of 12, 3 and 2 blocks, doubled between (Section 4).

    Inferred: 80 channels (see `Cascade`); a pixel shuffle for each doubling, as in SRGAN; 3x3
    convolutions first and last and a skip around each group, as in LRGAN, whose groups of 12, 3
    and 2 blocks these are.

    Args:
        width: Factor of all channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide = channels(80, width)
        self.first = nn.Sequential(nn.Conv2d(3, wide, 3, padding=1), nn.ReLU(inplace=True))
        self.groups = nn.ModuleList(
            nn.Sequential(*(Block(wide) for _ in range(blocks))) for blocks in (12, 3, 2)
        )
        self.doublings = nn.ModuleList(_doubling(wide) for _ in range(2))
        self.last = nn.Conv2d(wide, 3, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w) in [-1, 1]."""
        x = self.first(lr)
        for group, double in zip(self.groups, [*self.doublings, nn.Identity()], strict=True):
            x = double(x + group(x))
        return torch.tanh(self.last(x).float())


def _doubling(wide: int) -> nn.Sequential:
    wider = nn.Conv2d(wide, 4 * wide, 3, padding=1)
    return nn.Sequential(wider, nn.PixelShuffle(2), nn.ReLU(inplace=True))


class Cascade(nn.Module):
    """What is deployed: the regulariser, then the super-resolution network (Fig. 2).

    2,655,158 parameters. Published: 2.7 M (Section 4.1), while no width is; 64 channels for
    images of 16 px and 80 for the rest meet it.

    Args:
        width: Factor of the channels of the super-resolution network.
        cr_width: The same of the regulariser; None for no regulariser, as in the baseline of
            Table 4.
    """

    def __init__(self, width: float = 1.0, cr_width: float | None = 1.0) -> None:
        super().__init__()
        self.regulariser = nn.Identity() if cr_width is None else Regulariser(cr_width)
        self.restorer = Restorer(width)

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w) in [-1, 1]."""
        return self.restorer(self.regulariser(lr))


class FeatureDiscriminator(nn.Module):
    """Judges features of a face recogniser by five fully connected layers (Section 4).

    Inferred: 512 channels, leaky ReLUs of slope 0.2 between, spectral norm as in the other
    discriminators.

    Args:
        features: Length of a feature.
        width: Factor of the channels.
    """

    def __init__(self, features: int, width: float = 1.0) -> None:
        super().__init__()
        wide = channels(512, width)
        sizes = [features, wide, wide, wide, wide]
        hidden = [
            layer
            for inside, outside in itertools.pairwise(sizes)
            for layer in (spectral(nn.Linear(inside, outside)), nn.LeakyReLU(0.2))
        ]
        self.layers = nn.Sequential(*hidden, spectral(nn.Linear(wide, 1)))

    def forward(self, features: Tensor) -> Tensor:
        """Judge features, (n, features); returns (n, 1), high for real."""
        return self.layers(features).float()
