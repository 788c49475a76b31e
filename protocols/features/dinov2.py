"""DINOv2, a vision transformer trained without labels, as a describer of faces.

Papers: Oquab et al., DINOv2: learning robust visual features without supervision, TMLR 2024;
Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021; Touvron et al., Going deeper with
image transformers, ICCV 2021 (the factors behind each branch). Distances on these features follow
what people find real more closely than on Inception's (Stein et al., Exposing flaws of generative
model evaluation metrics, NeurIPS 2023). Weights: the authors' files without registers.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.protocols.features._backbones import exact

SIDE = 224
PATCH = 14
GRID = 37  # of positions in the file, from pictures of 518 pixels
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
_OFFSET = 0.1  # added to the number of patches when positions are resized, as in training

Size = Literal["s", "b", "l"]
# dim, blocks, heads
SIZES: dict[Size, tuple[int, int, int]] = {
    "s": (384, 12, 6),
    "b": (768, 12, 12),
    "l": (1024, 24, 16),
}


@dataclass(frozen=True)
class Dinov2:
    """The class token after the last norm.

    Faces are brought to 224x224 (bicubic, antialiased) and to ImageNet's mean and deviation.

    Args:
        size: `s`, `b` or `l`, with patches of 14 pixels.
    """

    version = 1

    size: Size = "b"

    def __post_init__(self) -> None:
        if self.size not in get_args(Size):
            known = ", ".join(get_args(Size))
            raise BadName(f"no DINOv2 of size {self.size!r}; known: {known}")

    @property
    def name(self) -> str:
        """Name of the network; the size is left out of the middle one."""
        return "dinov2" if self.size == "b" else f"dinov2-{self.size}"

    @property
    def asset(self) -> str:
        """Name of the weights among the assets."""
        return f"dinov2_vit{self.size}14"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return SIZES[self.size][0]

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the weights, as published."""
        return assets.asset(self.asset).sha256[:8]

    @property
    def label(self) -> str:
        """Name, digest and resize."""
        return f"{self.name}@{self.digest},resize=bicubic-antialiased-{SIDE}"

    def missing(self) -> str:
        """Say how to get the weights."""
        return assets.missing(self.asset)

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, w), float32 in [0, 1], into (n, dim); on a GPU if there is one."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        network = _network(self.size, assets.find(self.asset), device)
        resized = F.interpolate(batch.to(device), (SIDE, SIDE), mode="bicubic", antialias=True)
        mean, deviation = (resized.new_tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
        with exact():
            return network((resized - mean) / deviation)


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value)
        return self.proj(seen.transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class _Scale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class _Block(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.attn, self.mlp = _Attention(dim, heads), _Mlp(dim)
        self.ls1, self.ls2 = _Scale(dim), _Scale(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class _Patches(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, PATCH, PATCH)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class _Network(nn.Module):
    """Layers and their names as in the weight file."""

    def __init__(self, dim: int, blocks: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.mask_token = nn.Parameter(torch.zeros(1, dim))  # in the file, not used
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID**2, dim))
        self.patch_embed = _Patches(dim)
        self.blocks = nn.Sequential(*(_Block(dim, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(dim, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        first = self.cls_token.expand(len(x), -1, -1)
        tokens = torch.cat([first, self.patch_embed(x)], 1) + self._positions()
        return self.norm(self.blocks(tokens)[:, 0])

    def _positions(self) -> Tensor:
        """Resize positions to the grid of 224 pixels, as the authors do."""
        first, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = grid.unflatten(1, (GRID, GRID)).permute(0, 3, 1, 2)
        factor = (SIDE // PATCH + _OFFSET) / GRID
        resized = F.interpolate(square, scale_factor=(factor, factor), mode="bicubic")
        return torch.cat([first, resized.flatten(2).transpose(1, 2)], 1)


@cache
def _network(size: Size, weights: Path, device: str) -> _Network:
    network = _Network(*SIZES[size])
    state = torch.load(weights, map_location="cpu", weights_only=True)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise BenchError(f"{weights} is not a DINOv2 of size {size!r} ({reason})") from None
    return network.eval().requires_grad_(False).to(device)
