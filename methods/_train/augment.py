"""Random changes of training faces: mirrored, scaled, turned, recoloured."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

AUGMENTATIONS = ("full", "flip", "none")
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Change:
    """What is done to each image of a batch; drawn on the CPU, applied on any device.

    Args:
        mirrored: Whether each is flipped left to right, (n,), bool.
        warp: Rotation and scale as rows of an affine map, (n, 2, 3); None for none.
        colour: Brightness, contrast and saturation factors, (3, n); None for none.
    """

    mirrored: Tensor
    warp: Tensor | None = None
    colour: Tensor | None = None

    def apply(self, images: Tensor) -> Tensor:
        """Change images, (n, 3, h, w) in [0, 1], to others of the same kind."""
        flags = self.mirrored.to(images.device)[:, None, None, None]
        images = torch.where(flags, images.flip(3), images)
        if self.warp is not None:
            grid = affine_grid(self.warp.to(images), list(images.shape), align_corners=False)
            images = grid_sample(
                images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
            )
        if self.colour is not None:
            images = _recolour(images, *self.colour.to(images)[:, :, None, None, None])
        plain = self.warp is None and self.colour is None
        return images if plain else images.clamp(0, 1)


@dataclass(frozen=True)
class Augment:
    """How much faces are changed; every range is uniform and zero means untouched.

    Args:
        flip: Probability of a mirror image.
        scale: Largest relative change of size, such as 0.1.
        rotation: Largest angle, in degrees.
        colour: Largest relative change of brightness, contrast and saturation.
    """

    flip: float = 0.0
    scale: float = 0.0
    rotation: float = 0.0
    colour: float = 0.0

    def draw(self, n: int, generator: torch.Generator) -> Change:
        """Draw the changes of `n` images."""
        mirrored = torch.rand(n, generator=generator) < self.flip
        warp = self._warp(n, generator) if self.scale or self.rotation else None
        colour = 1 + self.colour * _spread((3, n), generator) if self.colour else None
        return Change(mirrored, warp, colour)

    def _warp(self, n: int, generator: torch.Generator) -> Tensor:
        zoom = 1 / (1 + self.scale * _spread((n,), generator))
        angle = math.radians(self.rotation) * _spread((n,), generator)
        cos, sin, zero = zoom * angle.cos(), zoom * angle.sin(), torch.zeros(n)
        rows = [torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)]
        return torch.stack(rows, 1)


def augmentation(name: str) -> dict[str, Augment]:
    """Return the changes that a setting `augment` names, for `Feed`.

    `full` flips and jitters colours by up to 10 %, and scales by up to 10 % and rotates by up to
    10 degrees high-resolution faces only: resampling low-resolution ones would blur the
    degradation that is to be learned. `flip` or `none` do less. Inferred: all ranges.
    """
    if name == "none":
        return {}
    if name == "flip":
        return {"lr": Augment(flip=0.5), "hr": Augment(flip=0.5)}
    return {
        "lr": Augment(flip=0.5, colour=0.1),
        "hr": Augment(flip=0.5, scale=0.1, rotation=10, colour=0.1),
    }


def _spread(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform numbers in [-1, 1)."""
    return torch.rand(shape, generator=generator) * 2 - 1


def _recolour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    luma = images.new_tensor(_LUMA)[None, :, None, None]
    images = images * brightness
    mean = (images * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    images = mean + (images - mean) * contrast
    grey = (images * luma).sum(1, keepdim=True)
    return grey + (images - grey) * saturation
