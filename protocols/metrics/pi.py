"""Perceptual index of the PIRM challenge: half of what NIQE and the score of Ma et al. find bad.

Papers: Blau, Mechrez, Timofte, Michaeli & Zelnik-Manor, The 2018 PIRM challenge on perceptual image
super-resolution, ECCV workshops 2018, eq. 1; Ma, Yang, Yang & Yang, Learning a no-reference quality
metric for single-image super-resolution, CVIU 2017. Conventions of the challenge's MATLAB code
(utils/calc_scores.m): both scores are taken on Y of YCbCr, rounded, without 4 pixels of border.

Ma's score itself is not computed here. Its random forests are published (model.mat of
github.com/chaoma99/sr-metric), but its statistics rest on MATLAB's pyramids and linear algebra, and
the port that exists, in pyiqa, differs by up to 5 %, mostly by less than 1 %, as its author says.
So the scores are read from the program of Ma et al.: a file `ma.csv` beside the faces, with a line
`name,score` for each.
"""

from csv import reader
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from facesr.bench import assets
from facesr.bench.contract import Metric
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._checks import some, too_small
from facesr.protocols._identity import DIGITS, identity, versions
from facesr.protocols._luma import Array, Pixels, planes
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.metrics import _blocks, niqe
from facesr.protocols.metrics.niqe import BLOCK, brightness, published, rate

VERSION = 1
CROP = 4
FILE = "ma.csv"


def pi(ma: Array, niqe: Array) -> Array:
    """Combine two scores (eq. 1).

    Args:
        ma: Scores of Ma et al., (n,), about 0 to 10, higher is better.
        niqe: NIQE, (n,), lower is better.

    Returns:
        Perceptual indices, (n,), lower is better.
    """
    return ((10 - ma) + niqe) / 2


@dataclass(frozen=True)
class Pi(Metric):
    """Mean over pictures of the perceptual index, from scores of Ma's own program and our NIQE."""

    smallest: ClassVar[float] = 0.05

    def missing(self) -> str:
        """Say how to get the published model of NIQE."""
        return assets.missing("niqe")

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        small = too_small(some(sr, "pi"), BLOCK, CROP)
        label = identity(
            "pi",
            "ma=matlab",
            f"niqe=live@{assets.asset('niqe').sha256[:DIGITS]}",
            block=BLOCK,
            luma="matlab",
            crop=CROP,
            version=versions(VERSION, niqe.VERSION, _blocks.VERSION, _luma.VERSION),
        )
        path = sr.root / FILE
        if why := small or self.missing() or _absent(path):
            return absent("pi", sr, why, better="lower", identity=label, group="realism")
        ma = read_ma(path, sr)
        values = pi(ma, rate(brightness(sr, "pi", shaved), published(), BLOCK))
        return per_picture(
            "pi",
            values,
            sr,
            better="lower",
            identity=label,
            group="realism",
            note=f"Ma's scores are those of {FILE}@{digest(path)[:DIGITS]}",
        )


def shaved(rgb: Pixels) -> Array:
    """Return Y of YCbCr, rounded as MATLAB's rgb2ycbcr, without the border."""
    return planes(rgb, "y", "matlab")[:, 0, CROP:-CROP, CROP:-CROP]


def read_ma(path: Path, faces: Faces) -> Array:
    """Read the score of each face, (n,), from lines `name,score`; endings of names do not count.

    Raises:
        BadData: If a line cannot be read, is no finite number, comes twice, or the names are not
            those of the faces.
    """
    found: dict[str, float] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, line in enumerate(reader(file), 1):
            try:
                name, text = line
                value = float(text)
            except ValueError:
                raise BadData(
                    f"{path} line {number} is {','.join(line)!r}, expected name,score"
                ) from None
            stem = Path(name).stem
            if not np.isfinite(value):
                raise BadData(f"{path} gives {value} for {name}; nothing is averaged over the rest")
            if stem in found:
                raise BadData(f"{path} has {stem} twice; keep one line for each face")
            found[stem] = value
    lacking, extra = set(faces.stems) - set(found), set(found) - set(faces.stems)
    if lacking or extra:
        what = f"no score for {min(lacking)}" if lacking else f"a score for {min(extra)}, no face"
        raise BadData(
            f"{path} and the faces beside it do not agree ({len(lacking)} lack a score, "
            f"{len(extra)} lines have no face): it has {what}"
        )
    return np.array([found[stem] for stem in faces.stems])


def _absent(path: Path) -> str:
    if path.is_file():
        return ""
    return (
        "needs the score of Ma et al., which only their MATLAB program computes "
        "(github.com/chaoma99/sr-metric): run quality_predict on Y of each face without 4 pixels "
        f"of border and put lines name,score into {FILE} beside the faces"
    )
