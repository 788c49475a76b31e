"""The networks of SCGAN (Hou et al., TIP 2023); images in [-1, 1].

The paper gives numbers of blocks but no channels, and its Fig. 5 and Section 3.3 differ from what
the authors released: there is no spectral norm in the released generators, their encoder has four
groups of two blocks and not three, their decoder two and not three, and the third group of the
restorer is declared but never run. What follows is what was released, with its channels.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

from facesr.methods._nets.blocks import channels
from facesr.methods._nets.discriminator import BLOCKS, LAST, pooled_blocks
from facesr.methods._nets.spectral import spectral

SHARED = {
    "none": (),
    "SA": ("down.0", "down.1", "down.2", "down.3", "up.0", "up.1"),
    "SE": ("down.0", "down.1", "down.2", "down.3"),
    "SD": ("up.0", "up.1"),
    "SM": ("down.2", "down.3", "up.0", "up.1"),
}


class PlainBlock(nn.Module):
    """Residual block of the generators: no normalisation, and a skip that passes the ReLU too.

    The authors rectify the input of a block in place, so that their skip, and every later use of
    that input, sees relu(x): the block is relu(x) + F(relu(x)), not x + F(relu(x)).

    Args:
        inside: Channels that come.
        outside: Channels that leave.
        pool: Whether average pooling halves the image.
    """

    def __init__(self, inside: int, outside: int, pool: bool = False) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        same = inside == outside and not pool
        self.skip = nn.Identity() if same else nn.Conv2d(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inside, h, w) to (n, outside, h, w) or, pooled, (n, outside, h / 2, w / 2)."""
        x = relu(x)
        y = relu(self.conv1(x), inplace=True)
        if self.pool:
            x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
        return self.conv2(y) + self.skip(x)


def _chain(wide: Iterable[int], inside: int) -> nn.Sequential:
    blocks = []
    for outside in wide:
        blocks.append(PlainBlock(inside, outside))
        inside = outside
    return nn.Sequential(*blocks)


class Degrader(nn.Module):
    """Degrades a face to a quarter of its side; noise decides how (Section 3.3, Eqs. 1 and 11).

    The noise passes a fully connected layer and becomes a fourth channel. Four groups of two
    blocks, each of which halves the image first, lead down to 4 px for a face of 64 px; pixel
    shuffles and two blocks each, twice, lead up to 16 px.

    12,291,896 parameters.

    Args:
        size: Side of the input, in pixels; a multiple of 16.
        noise: Length of the noise vector.
        width: Factor of all channels; the 4-px level never has fewer than 256, as it must have
            room for a face, nor the last layers fewer than follow from that.
    """

    def __init__(self, size: int = 64, noise: int = 64, width: float = 1.0) -> None:
        super().__init__()
        deep = channels(512, width, 256)
        wide = [channels(full, width) for full in (96, 128, 256)] + [deep]
        self.size, self.noise = size, noise
        self.project = nn.Linear(noise, size * size)
        self.first = nn.Conv2d(4, wide[0], 3, padding=1, bias=False)
        self.down = nn.Sequential(
            *(
                nn.Sequential(PlainBlock(before, w, pool=True), PlainBlock(w, w))
                for before, w in zip([wide[0], *wide[:3]], wide, strict=True)
            )
        )
        self.up = nn.Sequential(
            *(
                nn.Sequential(nn.PixelShuffle(2), PlainBlock(w, w), PlainBlock(w, w))
                for w in (deep // 4, deep // 16)
            )
        )
        self.last = nn.ModuleList(
            [
                nn.Conv2d(deep // 16, 8, 3, padding=1, bias=False),
                nn.Conv2d(8, 3, 3, padding=1, bias=False),
            ]
        )

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        """Map (n, 3, size, size) and (n, noise) to (n, 3, size / 4, size / 4) in [-1, 1]."""
        channel = self.project(noise).view(-1, 1, self.size, self.size)
        x = self.up(self.down(self.first(torch.cat([hr, channel.to(hr.dtype)], 1))))
        return torch.tanh(self.last[1](relu(self.last[0](x), inplace=True)).float())

    def share(self, other: "Degrader", sharing: str) -> None:
        """Take over layers of another degrader, as Section 4.2 b names the ways (Table 2).

        `SA` shares all but the heads, `SE` the encoder, `SD` the decoder. `SM` shares the last two
        groups of the encoder and the first two of the decoder, inferred: of two blocks each, and
        the released decoder has no third.
        """
        for name in SHARED[sharing]:
            part, _, index = name.partition(".")
            getattr(self, part)[int(index)] = getattr(other, part)[int(index)]


class Restorer(nn.Module):
    """Restores a face at four times its side (Section 3.4, Eqs. 4 and 5).

    Groups of 12 and 3 blocks, each with a skip from its (rectified) input to its output and
    followed by bilinear interpolation to twice the side with the corners of both grids aligned,
    batch normalisation, ReLU and a 1x1 convolution; then a 3x3 and two 1x1 convolutions.

    15,476,323 parameters, 12,384 of which (`a2` in the released file) are never used.

    Args:
        width: Factor of all channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide, half, third = (channels(full, width) for full in (256, 128, 96))
        self.first = nn.Conv2d(3, wide, 3, padding=1, bias=False)
        self.groups = nn.ModuleList([_chain([wide] * 12, wide), _chain([half] * 3, wide)])
        self.skip = nn.Conv2d(wide, half, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(wide), nn.BatchNorm2d(half)])
        self.mixes = nn.ModuleList([nn.Conv2d(wide, wide, 1), nn.Conv2d(half, half, 1)])
        self.unused = nn.Conv2d(half, third, 1)  # so that the count is that of the file
        self.last = nn.ModuleList(
            [
                nn.Conv2d(half, third, 3, padding=1, bias=False),
                nn.Conv2d(third, third, 1),
                nn.Conv2d(third, 3, 1),
            ]
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w) in [-1, 1]."""
        x = self.first(lr)
        for group, skip, norm, mix in zip(
            self.groups, (nn.Identity(), self.skip), self.norms, self.mixes, strict=True
        ):
            x = group(x) + skip(relu(x))
            x = interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = mix(relu(norm(x), inplace=True))
        for layer in self.last[:2]:
            x = relu(layer(x), inplace=True)
        return torch.tanh(self.last[2](x).float())


class _Judging(nn.Module):
    """Block of a discriminator: spectral norm, and max-pooling before its second convolution."""

    def __init__(self, inside: int, outside: int, pool: bool) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = spectral(nn.Conv2d(inside, outside, 3, padding=1, bias=False))
        self.conv2 = spectral(nn.Conv2d(outside, outside, 3, padding=1, bias=False))
        same = inside == outside and not pool
        self.skip = nn.Identity() if same else spectral(nn.Conv2d(inside, outside, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.conv1(relu(x)), inplace=True)
        if self.pool:
            x, y = max_pool2d(x, 2), max_pool2d(y, 2)
        return self.conv2(y) + self.skip(x)


class Discriminator(nn.Module):
    """Six residual blocks with max-pooling and spectral norm, then a judgement.

    Sections 3.3 and 3.4 give the six blocks and the max-pooling of the last two for 16 px and of
    the last four for 64 px; the channels, 128, 128, 256, 256, 512 and 512, and two fully
    connected layers in place of the paper's one are those released. `SpectralBlock` of LRGAN does
    not serve: it pools last, and its convolutions have a bias.

    15,456,641 parameters for 64 px and 15,390,849 for 16 px.

    Args:
        size: Side of the images, in pixels: 8, 16, 32, 64, 128 or 256.
        width: Factor of all channels.
    """

    def __init__(self, size: int, width: float = 1.0) -> None:
        super().__init__()
        unpooled = BLOCKS - len(pooled_blocks(size))
        wide = [channels(full, width) for full in (128, 128, 256, 256, 512, 512)]
        self.blocks = nn.Sequential(
            *(
                _Judging(before, w, i >= unpooled)
                for i, (before, w) in enumerate(zip([3, *wide[:5]], wide, strict=True))
            )
        )
        self.verdict = nn.Sequential(
            nn.Flatten(),
            spectral(nn.Linear(LAST**2 * wide[5], wide[5])),
            nn.ReLU(inplace=True),
            spectral(nn.Linear(wide[5], 1)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Judge images, (n, 3, size, size) in [-1, 1]; returns (n, 1), high for real."""
        return self.verdict(self.blocks(images).contiguous()).float()
