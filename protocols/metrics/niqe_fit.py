"""NIQE for small pictures: blocks of any side, the model fitted to real faces of that size.

Paper: Mittal, Soundararajan & Bovik, Making a "completely blind" image quality analyzer, IEEE
Signal Processing Letters 2013; fitting as in section III-C. The published model belongs to blocks
of 96 pixels and says nothing about smaller ones. Numbers are comparable under one reference set
and one block only, and are not those of `niqe`: real faces have about 4 with blocks of 32 pixels,
and 2 with blocks of 16.

A model of few blocks has a covariance that is too narrow in some directions, along which every
picture looks far away. On LFW at 64 pixels with blocks of 32, against a model of 9,299 blocks, 75
blocks raise values by 44 % (and agree with the large model on which faces are worse at a
correlation of only .81), 180 by 14 % (.92), 450 by 5 % (.97), 1,152 by 3 % (.99), as
`tests/protocols/few_blocks.py --faces 3500 --draws 10` measures it. Hence at least
180 blocks, and a note below 1,152. The interval leaves this out, because all methods share a model.
Noise of 2 grey values raises the number of real faces by half (the same script).
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._cache import stored
from facesr.protocols._checks import called, given, same_size, too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.metrics import _blocks, niqe
from facesr.protocols.metrics._blocks import FEATURES
from facesr.protocols.metrics.niqe import Model, brightness, rate

VERSION = 2
NAME = "niqe[fit]"
SHARP = 0.75
LEAST_BLOCKS = 5 * FEATURES
MANY_BLOCKS = 32 * FEATURES


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
    smallest: ClassVar[float] = 0.05

    block: int = 32

    @property
    def column(self) -> str:
        """See `Metric.column`."""
        return NAME

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
        found = _fitted(real, self.block)
        if found.blocks < LEAST_BLOCKS:
            why = (
                f"fits its model to at least {LEAST_BLOCKS} sharp blocks of {self.block} pixels; "
                f"{called(real)} has {found.blocks}, take more reference faces"
            )
            return absent(NAME, sr, why, better="lower", identity=label, group="realism")
        values = rate(brightness(sr, NAME), found.model, self.block)
        return per_picture(
            NAME,
            values,
            sr,
            better="lower",
            identity=label,
            group="realism",
            note=_note(found.blocks),
        )


class _Fitted(NamedTuple):
    """A model and how many blocks it rests on."""

    blocks: int
    model: Model


def _note(count: int) -> str:
    """Warn of a model of few blocks.

    The inverse of a covariance of n samples of p numbers is (n - 1) / (n - p - 2) too large.
    """
    if count >= MANY_BLOCKS:
        return ""
    excess = np.sqrt((count - 1) / (count - FEATURES - 2)) - 1
    return (
        f"its model rests on {count} blocks, which raises all values by about {excess:.0%}; take "
        f"more reference faces for {MANY_BLOCKS}"
    )


def _code() -> str:
    return versions(VERSION, niqe.VERSION, _blocks.VERSION, _luma.VERSION)


def _fitted(real: Faces, block: int) -> _Fitted:
    def compute() -> Array:
        count, mean, scatter = 0, np.zeros(FEATURES), np.zeros((FEATURES, FEATURES))
        for y in brightness(real, "niqe model"):
            blocks = sharp_blocks(y, block)
            if not len(blocks):
                continue
            new = blocks.mean(axis=0)
            away, count = new - mean, count + len(blocks)
            share = len(blocks) / count
            scatter += (blocks - new).T @ (blocks - new)
            scatter += np.outer(away, away) * share * (count - len(blocks))
            mean = mean + away * share
        return np.vstack([np.full(FEATURES, count), mean, scatter / max(1, count - 1)])

    packed = stored(f"niqe-v{_code()}-block{block}", real.fingerprint, compute)
    return _Fitted(int(packed[0, 0]), Model(packed[1], packed[2:]))
