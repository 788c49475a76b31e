"""MTCNN's output network as a describer of faces.

Paper: Zhang et al., Joint face detection and alignment using multitask cascaded convolutional
networks, IEEE Signal Processing Letters 2016. Weights: the file that facenet-pytorch ships.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench.errors import BenchError
from facesr.bench.files import digest

INPUT = 48


@dataclass(frozen=True)
class Onet:
    """The 256 activations from which MTCNN reads face, box and landmarks.

    Faces are brought to 48x48 (bilinear, antialiased) and to (x - 127.5) / 128.
    """

    name = "onet"
    dim = 256
    version = 1

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the weights."""
        return "missing" if self.missing() else _digest()

    @property
    def label(self) -> str:
        """Name, digest and resize."""
        return f"{self.name}@{self.digest},resize=bilinear-antialiased-{INPUT}"

    def missing(self) -> str:
        """Say which package is absent."""
        found = find_spec("facenet_pytorch")
        return "" if found else "needs the weights in facenet-pytorch: pip install facenet-pytorch"

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, w), float32 in [0, 1], into (n, 256), float32."""
        if batch.shape[-2:] != (INPUT, INPUT):
            size = (INPUT, INPUT)
            batch = F.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)
        return _network()((batch * 255 - 127.5) / 128)


class _Network(nn.Module):
    """Layers and their names as in the weight file, without the three heads."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.prelu1(self.conv1(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu2(self.conv2(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.prelu3(self.conv3(x)), 2, 2, ceil_mode=True)
        x = self.prelu4(self.conv4(x))
        # the weights were trained on images with rows and columns exchanged
        return self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))


@cache
def _weights() -> Path:
    found = find_spec("facenet_pytorch")
    if found is None or found.origin is None:
        raise BenchError(f"onet {Onet().missing()}")
    return Path(found.origin).parent / "data" / "onet.pt"


@cache
def _digest() -> str:
    return digest(_weights())[:8]


@cache
def _network() -> _Network:
    network = _Network()
    state = torch.load(_weights(), map_location="cpu", weights_only=True)
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith("dense6")})
    return network.eval().requires_grad_(False)
