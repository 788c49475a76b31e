"""NIQE for small pictures: blocks of any side, the model fitted to real faces of that size.

Paper: Mittal, Soundararajan & Bovik, Making a "completely blind" image quality analyzer, IEEE
Signal Processing Letters 2013; fitting as in section III-C. The published model belongs to blocks
of 96 pixels and says nothing about smaller ones. Numbers are comparable under one reference set
and one block only, and are not those of `niqe`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._cache import stored
from facesr.protocols._checks import called, given, same_size, too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.metrics import _blocks, niqe
from facesr.protocols.metrics._blocks import FEATURES
from facesr.protocols.metrics.niqe import Model, brightness, rate

VERSION = 1
NAME = "niqe[fit]"
SHARP = 0.75
LEAST_BLOCKS = 2 * FEATURES

Array = NDArray[np.float64]


def sharp_blocks(y: Array, block: int) -> Array:
    """Describe those blocks of each image that are nearly as sharp as its sharpest.

    Args:
        y: Brightness, (n, h, w), integers of 16 to 235.
        block: Side of a block, even.

    Returns:
        Features, (blocks, 36); flat blocks are left out.
    """
    blocks, sharpness = _blocks.block_features(y, block)
    chosen = blocks[sharpness > SHARP * sharpness.max(axis=1, keepdims=True)]
    return chosen[~np.isnan(chosen).any(axis=1)]


@dataclass(frozen=True)
class NiqeFit(Metric):
    """NIQE with a model of the reference faces.

    Args:
        block: Side of a block in pixels, even, 8 or more.
    """

    needs: ClassVar[Needs] = "faces"

    block: int = 32

    def __post_init__(self) -> None:
        if self.block < 8 or self.block % 2:
            raise BadName(f"block={self.block} cannot be used; niqe takes even sides from 8 on")

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        real = same_size(sr, given(reference, NAME), NAME)
        label = identity(
            "niqe",
            block=self.block,
            luma="rounded",
            params="fit",
            sharp=SHARP,
            reference=real,
            version=_code(),
        )
        if small := too_small(sr, self.block):
            why = f"{small}; set a smaller block"
            return absent(NAME, sr, why, better="lower", identity=label, group="realism")
        packed = _packed_model(real, self.block)
        if len(packed) < 1 + FEATURES:
            why = (
                f"fits its model to at least {LEAST_BLOCKS} sharp blocks of {self.block} pixels; "
                f"{called(real)} has fewer, take more reference faces"
            )
            return absent(NAME, sr, why, better="lower", identity=label, group="realism")
        values = rate(brightness(sr, NAME), Model(packed[0], packed[1:]), self.block)
        return per_picture(NAME, values, sr, better="lower", identity=label, group="realism")


def _code() -> str:
    return versions(VERSION, niqe.VERSION, _blocks.VERSION, _luma.VERSION)


def _packed_model(real: Faces, block: int) -> Array:
    """Return mean and covariance below each other, (37, 36); without rows if not to be had."""

    def compute() -> Array:
        parts = [sharp_blocks(y, block) for y in brightness(real, "niqe model")]
        blocks = np.concatenate(parts)
        if len(blocks) < LEAST_BLOCKS:
            return np.empty((0, FEATURES))
        return np.vstack([blocks.mean(axis=0), np.cov(blocks, rowvar=False)])

    return stored(f"niqe-v{_code()}-block{block}", real.fingerprint, compute)
