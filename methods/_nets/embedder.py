"""A face recogniser small enough to be trained within a method, after CentreFace.

Wen, Zhang, Li, Qiao, "A discriminative feature learning approach for deep face recognition",
ECCV 2016.
"""

from torch import Tensor, nn

from facesr.methods._nets.blocks import channels


class _Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation and PReLU, plus the input."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_layers(wide, wide), *_layers(wide, wide))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Embedder(nn.Module):
    """Maps a face to a feature that tells people apart.

    Four levels of 64, 128, 256 and 512 channels with 1, 2, 5 and 3 residual blocks, each level
    behind a convolution and max-pooling, then a fully connected layer, as in the network that
    Wen et al. released. Inferred: batch normalisation, also of the feature, so that any training
    set gives features of one spread; the average over positions before the last layer, so that
    faces may have any size from 16 px.

    22,551,424 parameters.

    Args:
        width: Factor of all channels, which are never fewer than 16.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide = [channels(full, width, 16) for full in (64, 128, 256, 512)]
        before = [3, *wide[:-1]]
        self.features = wide[-1]
        self.levels = nn.Sequential(
            *(
                nn.Sequential(
                    *_layers(inside, outside),
                    nn.MaxPool2d(2),
                    *(_Block(outside) for _ in range(blocks)),
                )
                for inside, outside, blocks in zip(before, wide, (1, 2, 5, 3), strict=True)
            )
        )
        self.project = nn.Linear(self.features, self.features, bias=False)
        self.norm = nn.BatchNorm1d(self.features, affine=False)

    def forward(self, faces: Tensor) -> Tensor:
        """Map (n, 3, h, w) in [-1, 1] to (n, features)."""
        return self.norm(self.project(self.levels(faces).mean((2, 3))).float())


def _layers(inside: int, outside: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outside), nn.PReLU(outside)]
