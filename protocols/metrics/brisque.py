"""Blind image spatial quality: a regression from local statistics to the opinions of people.

Paper: Mittal, Moorthy & Bovik, No-reference image quality assessment in the spatial domain, IEEE
Transactions on Image Processing 2012: 18 statistics at each of two scales, scaled to the range they
have in the LIVE data base, rated by a support vector regression with a Gaussian kernel. Conventions
and model of the authors' MATLAB release: grey values of 0 to 255, rounded; zero outside the
picture; a second scale halved by antialiased bicubic. Nothing is clipped, neither statistics
outside their range nor the rating: 0 is good and 100 bad, and both ends are passed.

The model was learned on photographs of about 0.4 megapixels. The smaller a face, the more of its
statistics is border. Blur worsens the rating always, noise only beyond about 8 grey values: less of
it may improve a smooth picture by more than ten points, since photographs have some.

Where 7x7 pixels are equal, coefficients are zero and belong to neither side of a distribution.
Programs that keep the rounding errors of such areas, piq and the release among them, count them as
texture: their ratings of pictures with flat areas differ from those here, and from each other.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from facesr.bench import assets
from facesr.bench.contract import Metric
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._checks import some, too_small
from facesr.protocols._identity import DIGITS, identity, versions
from facesr.protocols._luma import Array
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.metrics import _blocks
from facesr.protocols.metrics._blocks import (
    FEATURES,
    SHIFTS,
    asymmetric,
    grey,
    halved,
    normalised,
    symmetric,
)
from facesr.protocols.metrics.niqe import brightness

VERSION = 1
LEAST = 14  # halved, it is as wide as the window of the statistics
_NEEDED = ("brisque", "brisque_range")


class Model(NamedTuple):
    """A regression; features are scaled to [-1, 1] between `low` and `high`.

    Args:
        low: Smallest value of each feature in training, (36,).
        high: Largest value of each, (36,).
        vectors: Support vectors, scaled, (m, 36).
        weights: Of the vectors, (m,).
        gamma: Of the kernel exp(-gamma |x - v|^2).
        rho: Subtracted at the end.
    """

    low: Array
    high: Array
    vectors: Array
    weights: Array
    gamma: float
    rho: float


def brisque(y: Array, model: Model) -> Array:
    """Rate images without a reference.

    Args:
        y: Grey values, (n, h, w), integers of 0 to 255.
        model: What turns statistics into ratings.

    Returns:
        Ratings, (n,), lower is better, about 0 to 100 but not clipped; NaN for an image of one
        grey value and for others without texture of both signs.
    """
    shares = (statistics(y) - model.low) / (model.high - model.low)
    away = (np.square(each - model.vectors).sum(axis=1) for each in 2 * shares - 1)
    return np.array([np.exp(-model.gamma * d) @ model.weights - model.rho for d in away])


def statistics(y: Array) -> Array:
    """Describe images, (n, h, w), by 36 statistics, (n, 36); see `brisque`."""
    return np.concatenate([_at_one_scale(y), _at_one_scale(halved(y))], axis=-1)


def _at_one_scale(y: Array) -> Array:
    """Return shapes, leans and variances of pixels and of products of neighbours, (n, 18)."""
    pixels, _ = normalised(y, border="constant")
    found = list(symmetric(pixels))
    for shift in SHIFTS:
        fit = asymmetric(pixels * np.roll(pixels, shift, axis=(-2, -1)))
        mean = (fit.right - fit.left) * fit.spread * fit.lean
        found += [fit.shape, mean, np.square(fit.left), np.square(fit.right)]
    return np.stack(found, axis=-1)


@dataclass(frozen=True)
class Brisque(Metric):
    """Mean over pictures of the BRISQUE of each."""

    smallest: ClassVar[float] = 0.5

    def missing(self) -> str:
        """Say how to get the published model."""
        return "; ".join(filter(None, map(assets.missing, _NEEDED)))

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        small = too_small(some(sr, "brisque"), LEAST)
        model, scaling = (_digest(name) for name in _NEEDED)
        label = identity(
            "brisque",
            f"live@{model}",
            f"range@{scaling}",
            luma="grey",
            version=versions(VERSION, _blocks.VERSION),
        )
        if why := small or self.missing():
            return absent("brisque", sr, why, better="lower", identity=label, group="realism")
        learned = published()
        values = np.concatenate([brisque(y, learned) for y in brightness(sr, "brisque", grey)])
        if lost := np.flatnonzero(np.isnan(values)).tolist():
            why = (
                f"{len(lost)} of {len(sr)} faces, such as {sr.names[lost[0]]}, are flat: brisque "
                "rates texture, of which they have none"
            )
            return absent("brisque", sr, why, better="lower", identity=label, group="realism")
        return per_picture("brisque", values, sr, better="lower", identity=label, group="realism")


def _digest(name: str) -> str:
    return assets.asset(name).sha256[:DIGITS]


def published() -> Model:
    """Read the authors' model.

    Raises:
        BenchError: If a file is absent or is another one.
    """
    return _read(assets.find("brisque"), assets.find("brisque_range"))


@cache
def _read(model: Path, ranges: Path) -> Model:
    """Read the text files of LIBSVM: a regression, and the range of each feature."""
    try:
        head, _, rows = model.read_text(encoding="ascii").partition("SV\n")
        about = dict(line.split(maxsplit=1) for line in head.splitlines())
        kind = about["svm_type"], about["kernel_type"]
        if kind != ("epsilon_svr", "rbf"):
            raise ValueError(f"it is {' '.join(kind)}")
        lines = [line.split() for line in rows.splitlines()]
        weights = np.array([float(weight) for weight, *_ in lines])
        vectors = np.zeros((int(about["total_sv"]), FEATURES))
        for vector, (_, *entries) in zip(vectors, lines, strict=True):
            for number, value in (entry.split(":") for entry in entries):
                vector[int(number) - 1] = float(value)
        gamma, rho = float(about["gamma"]), float(about["rho"])
    except (ValueError, KeyError, IndexError) as error:
        raise BenchError(f"{model} is no regression of LIBSVM ({error}); fetch it again") from None
    try:
        numbers, low, high = np.loadtxt(ranges, skiprows=2, ndmin=2).T
        if numbers.tolist() != [*range(1, FEATURES + 1)] or not (low < high).all():
            raise ValueError(f"expected {FEATURES} increasing ranges")
    except ValueError as error:
        raise BenchError(f"{ranges} is no range file of LIBSVM ({error})") from None
    return Model(low, high, vectors, weights, gamma, rho)
