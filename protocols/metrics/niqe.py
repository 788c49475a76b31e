"""Natural image quality evaluator: how far local statistics lie from those of good photographs.

Paper: Mittal, Soundararajan & Bovik, Making a "completely blind" image quality analyzer, IEEE
Signal Processing Letters 2013. Conventions of the authors' MATLAB release: blocks of 96 pixels, a
second scale halved by antialiased bicubic; the model is theirs, too. Brightness is an integer: 16
to 235 as in BasicSR and most papers on restoration, or 0 to 255 as in the release itself and in
pyiqa, which gives other numbers.

Blur raises the number always, noise only beyond about 2 grey values: less of it may lower that of a
smooth picture. A picture of less than 192 pixels is a single block. Where 7x7 pixels are equal,
coefficients are zero and belong to neither side of a distribution; programs that keep the rounding
errors of such areas count them as texture and differ there, pyiqa by up to 0.12 on enlarged faces
of LFW. Elsewhere it differs by up to 0.02, because it rounds the Gaussian to single precision.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np

from facesr.bench import assets
from facesr.bench.contract import Metric
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._checks import called, some, too_small
from facesr.protocols._identity import DIGITS, identity, versions
from facesr.protocols._luma import Array, Pixels
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.metrics import _blocks

VERSION = 1
BLOCK = 96
_AT_ONCE = 1 << 17  # pixels: few, so that they stay in the processor's cache

Luma = Literal["rounded", "grey"]


class Model(NamedTuple):
    """Gaussian of pristine blocks: mean (36,), covariance (36, 36)."""

    mean: Array
    covariance: Array


def niqe(y: Array, model: Model, block: int = BLOCK) -> Array:
    """Rate images without a reference (eq. 10).

    Args:
        y: Brightness, (n, h, w), integers up to 255; cut to whole blocks.
        model: Statistics of good photographs, from blocks of the same side.
        block: Side of a block, even.

    Returns:
        Distances, (n,), lower is better; finite for any image that holds no NaN, else NaN.
    """
    blocks, _ = _blocks.block_features(y, block)
    values = np.array([_distance(each, model) for each in blocks])
    return np.where(np.isnan(y).any(axis=(1, 2)), np.nan, values)


@dataclass(frozen=True)
class Niqe(Metric):
    """NIQE as published, defined from 96 pixels on; see `niqe_fit` for smaller faces.

    Args:
        luma: Brightness, `rounded` (16 to 235) or `grey` (0 to 255).
    """

    smallest: ClassVar[float] = 0.05

    luma: Luma = "rounded"

    @property
    def column(self) -> str:
        """See `Metric.column`."""
        return "niqe" if self.luma == "rounded" else f"niqe[{self.luma}]"

    def __post_init__(self) -> None:
        if self.luma not in get_args(Luma):
            raise BadName(f"no luma named {self.luma!r}; known: {', '.join(get_args(Luma))}")

    def missing(self) -> str:
        """Say how to get the published model."""
        return assets.missing("niqe")

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        name = self.column
        small = too_small(some(sr, name), BLOCK)
        mark = f"live@{assets.asset('niqe').sha256[:DIGITS]}"
        label = identity(
            "niqe",
            block=BLOCK,
            luma=self.luma,
            params=mark,
            version=versions(VERSION, _blocks.VERSION, _luma.VERSION),
        )
        why = f"{small}; niqe[fit] is the variant for small ones" if small else self.missing()
        if why:
            return absent(name, sr, why, better="lower", identity=label, group="realism")
        convert = studio if self.luma == "rounded" else _blocks.grey
        values = rate(brightness(sr, name, convert), published(), BLOCK)
        return per_picture(name, values, sr, better="lower", identity=label, group="realism")


def published() -> Model:
    """Read the authors' model of 125 photographs.

    Raises:
        BenchError: If the file is absent or is another one.
    """
    with np.load(assets.find("niqe"), allow_pickle=False) as file:
        return Model(file["mu_pris_param"].ravel(), file["cov_pris_param"])


def rate(parts: Iterator[Array], model: Model, block: int) -> Array:
    """Rate images that come some at a time, (n,)."""
    return np.concatenate([niqe(y, model, block) for y in parts])


def studio(rgb: Pixels) -> Array:
    """Return brightness rounded to integers of 16 to 235, (n, h, w)."""
    return _luma.luma(rgb).round()


def brightness(
    faces: Faces, what: str, convert: Callable[[Pixels], Array] = studio
) -> Iterator[Array]:
    """Yield the brightness of some faces at a time, (n, h, w), showing progress."""
    step = max(1, _AT_ONCE // faces.size**2)
    with progress(f"{what} of {called(faces)}", len(faces)) as advance:
        for start in range(0, len(faces), step):
            part = faces.take(range(start, min(start + step, len(faces))))
            yield convert(part.pixels().numpy())
            advance(len(part))


def _distance(blocks: Array, model: Model) -> float:
    whole = blocks[~np.isnan(blocks).any(axis=1)]
    covariance = np.cov(whole, rowvar=False) if len(whole) > 1 else np.zeros_like(model.covariance)
    known = ~np.isnan(blocks)
    # a spread that no block has counts as none: a flat picture is rated, and rated badly
    mean = np.where(known, blocks, 0).sum(axis=0) / known.sum(axis=0).clip(1)
    away = model.mean - mean
    inverse = np.linalg.pinv((model.covariance + covariance) / 2)
    return float(np.sqrt(np.maximum(0, away @ inverse @ away)))
