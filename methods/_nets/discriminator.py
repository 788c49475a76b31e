"""The residual discriminator of LRGAN and its relatives."""

from torch import Tensor, nn
from torch.nn.functional import relu

from facesr.bench.errors import BenchError
from facesr.methods._nets.blocks import SpectralBlock, channels
from facesr.methods._nets.spectral import spectral

BLOCKS = 6
LAST = 4  # side of the last features, in pixels


def pooled_blocks(size: int) -> tuple[int, ...]:
    """Return which of the six blocks halve an image of this size, from 0, down to 4 pixels.

    The last two for 16 px; each doubling of the size pools in one more block from the front.

    >>> pooled_blocks(16), pooled_blocks(64)
    ((4, 5), (0, 1, 4, 5))

    Raises:
        BenchError: If the size is not 8, 16, 32, 64, 128 or 256 pixels.
    """
    halvings = (size // LAST).bit_length() - 1
    if size != LAST << max(halvings, 0) or not 1 <= halvings <= BLOCKS:
        raise BenchError(
            f"a discriminator was asked for images of {size} px, expected 8, 16, 32, 64, 128 or 256"
        )
    front = max(0, halvings - 2)
    return tuple([*range(front), *range(BLOCKS - min(2, halvings), BLOCKS)])


class Discriminator(nn.Module):
    """Six residual blocks with max-pooling and spectral norm, then a fully connected layer.

    Bulat et al. 2018, Fig. 5 and Sections 3.3 and 3.4. Inferred: 128 channels throughout, and a
    ReLU and the average over the last 4x4 positions before the layer, as in the authors' released
    discriminators; where the two further poolings for 64 px sit (blocks 1 and 2: the text calls
    them the first two max-pooling layers).

    Args:
        size: Side of the images, in pixels.
        width: Factor of all channels.
    """

    def __init__(self, size: int, width: float = 1.0) -> None:
        super().__init__()
        wide, pooled = channels(128, width), pooled_blocks(size)
        self.blocks = nn.Sequential(
            *(
                SpectralBlock(3 if i == 0 else wide, wide, i in pooled, first=i == 0)
                for i in range(BLOCKS)
            )
        )
        self.verdict = spectral(nn.Linear(wide, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Judge images, (n, 3, size, size) in [-1, 1]; returns (n, 1), high for real."""
        return self.verdict(relu(self.blocks(images)).mean((2, 3))).float()
