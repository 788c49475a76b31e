"""Frechet distance between two sets of faces, on features of a network that sees faces.

Formula: Dowson & Landau, The Frechet distance between multivariate normal distributions, Journal
of Multivariate Analysis 1982; used on features as in Heusel et al., GANs trained by a two
time-scale update rule converge to a local Nash equilibrium, NeurIPS 2017, eq. 6. Moments of blocks
are merged as in Chan, Golub & LeVeque, Algorithms for computing the sample variance, The American
Statistician 1983, eq. 2.1.
Its bias depends on the method (Chong & Forsyth, Effectively unbiased FID, CVPR 2020), so it is
ranked only where both sets hold six pictures per feature.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._cache import Rows, stored
from facesr.protocols._features import AT_ONCE, Distance, Extractor, Named, features, folder, rows
from facesr.protocols._intervals import Positions, groups
from facesr.protocols._scores import per_group

VERSION = 2
PER_FEATURE = 6

Array = NDArray[np.float64]


def frechet_distance(x: Rows | Array, y: Rows | Array) -> float:
    """Compare the Gaussians fitted to two sets of features.

    Args:
        x: Features, (n, d), n > 1.
        y: Features, (m, d), m > 1.

    Returns:
        |mx - my|^2 + tr(Cx + Cy - 2 (Cx Cy)^(1/2)), covariances with n - 1; 0 or more.
    """
    return _distances(x, gaussian(y), [])[0]


def frechet_between(mean: Array, covariance: Array, other: "Gaussian") -> float:
    """Compare a Gaussian with another, given by its moments as other programs publish them.

    Args:
        mean: (d,).
        covariance: (d, d), positive semidefinite.
        other: The other, such as `from_moments(mean, covariance)`.

    Returns:
        As `frechet_distance`.
    """
    from scipy.linalg import bandwidth
    from scipy.linalg.lapack import dsygst

    if other.factor.shape == covariance.shape and bandwidth(other.factor)[1] == 0:
        inner = dsygst(covariance.T, other.factor, itype=2, lower=1)[0]  # a quarter of the work
    else:
        inner = other.factor.T @ covariance @ other.factor
    return _distance(mean - other.mean, float(np.trace(covariance)), inner, other)


class Gaussian(NamedTuple):
    """Mean (d,), trace of a covariance and a factor (d, r); factor @ factor.T is the covariance."""

    mean: Array
    trace: float
    factor: Array


def gaussian(y: Rows | Array) -> Gaussian:
    """Fit a Gaussian to features, (m, d)."""
    m, d = y.shape
    if m > d:
        fit = _moments(y, np.arange(m))
        return from_moments(fit.mean, fit.scatter / (m - 1))
    every = rows(y, slice(None))
    mean = every.mean(axis=0)
    factor = (every - mean).T / np.sqrt(m - 1)
    return Gaussian(mean, float(np.square(factor).sum()), factor)


def from_moments(mean: Array, covariance: Array) -> Gaussian:
    """Take moments, (d,) and (d, d), positive semidefinite."""
    from scipy.linalg.lapack import dpotrf, dpstrf

    factor, failed = dpotrf(covariance, lower=1, clean=1)
    if failed:  # singular, which pivots can show
        lower, pivots, rank, _ = dpstrf(covariance, lower=1)
        factor = np.empty((len(mean), rank))
        factor[pivots - 1] = np.tril(lower)[:, :rank]
    return Gaussian(mean, float(np.trace(covariance)), factor)


@dataclass(frozen=True)
class Frechet(Distance):
    """How the Frechet distance is computed and summarised."""

    code: ClassVar[int] = VERSION

    def measured(self, sr: Faces, real: Faces, label: str) -> Score:
        """See `Distance.measured`."""
        extractor = self.extractor
        parts, name = groups(len(sr), sr.identities)
        value, without = _distances(features(sr, extractor), _fitted(real, extractor), parts)
        least = PER_FEATURE * extractor.dim
        ranked = min(len(sr), len(real)) >= least
        note = (
            f"{len(sr)} faces against {len(real)}: below {least} ({PER_FEATURE} per feature) its "
            f"bias depends on the method, so it is not ranked"
        )
        return per_group(
            self.column,
            value,
            without,
            name,
            sr,
            identity=label,
            least=0.0,
            note="" if ranked else note,
            ranked=ranked,
        )


@dataclass(frozen=True)
class Fd(Named, Frechet):
    """Frechet distance; the FID is this distance on Inception features.

    Args:
        features: The network, see `Named`.
    """

    smallest: ClassVar[float] = 0.02


def _fitted(real: Faces, extractor: Extractor) -> Gaussian:
    """Fit the reference once, for all methods."""

    def compute() -> Array:
        fit = gaussian(features(real, extractor))
        return np.vstack([fit.mean, np.full_like(fit.mean, fit.trace), fit.factor.T])

    packed = stored(folder(extractor), f"{real.fingerprint}.factor-v{VERSION}", compute)
    return Gaussian(packed[0], float(packed[1, 0]), packed[2:].T)


def _distances(
    x: Rows | Array, fit: Gaussian, parts: Sequence[Positions]
) -> tuple[float, list[float]]:
    """Return the distance of all features, and without each part.

    With Cy = F F', the eigenvalues of Cx Cy are those of F' Cx F, symmetric: no general matrix
    root, no imaginary part, any n.
    """
    every = np.arange(len(x))
    if len(x) <= fit.factor.shape[1]:
        return _few(rows(x, every), fit, parts)
    whole = _moments(x, every, fit.factor)

    def distance(some: _Moments) -> float:
        free = some.n - 1
        return _distance(some.mean - fit.mean, some.spread / free, some.scatter / free, fit)

    # moments of the parts are not kept: twenty matrices of 2,048 would be the largest thing around
    return distance(whole), [distance(whole.without(_moments(x, p, fit.factor))) for p in parts]


def _few(x: Array, fit: Gaussian, parts: Sequence[Positions]) -> tuple[float, list[float]]:
    """As `_distances`, by products of pictures, which are fewer than directions."""
    x = x - fit.mean
    w = x @ fit.factor
    squares, products = np.square(x).sum(axis=1), w @ w.T

    def distance(out: Positions) -> float:
        keep = np.delete(np.arange(len(x)), out)
        n, mean = len(keep), x[keep].mean(axis=0)
        inner = products[np.ix_(keep, keep)]
        means = inner.mean(axis=0)
        inner = (inner - means - means[:, None] + means.mean()) / (n - 1)
        return _distance(mean, float(squares[keep].sum() - n * mean @ mean) / (n - 1), inner, fit)

    return distance(np.empty(0, np.intp)), [distance(part) for part in parts]


def _distance(apart: Array, trace: float, inner: Array, fit: Gaussian) -> float:
    # of a symmetric matrix it reads the lower triangle
    eigenvalues = torch.linalg.eigvalsh(torch.from_numpy(inner))
    root = float(eigenvalues.clamp(min=0).sqrt().sum())
    return max(0.0, float(apart @ apart) + trace + fit.trace - 2 * root)


class _Moments(NamedTuple):
    """Count, mean (d,), sum of squared distances from it, sum of their products (r, r)."""

    n: int
    mean: Array
    spread: float
    scatter: Array
    factor: Array | None  # of the directions in which products are taken; None for the features

    def merged(self, other: "_Moments") -> "_Moments":
        n = self.n + other.n
        spread, scatter = self._between(other.mean - self.mean, self.n * other.n / n)
        return _Moments(
            n,
            self.mean + (other.mean - self.mean) * (other.n / n),
            self.spread + other.spread + spread,
            self.scatter + other.scatter + scatter,
            self.factor,
        )

    def without(self, part: "_Moments") -> "_Moments":
        n = self.n - part.n
        mean = self.mean + (self.mean - part.mean) * (part.n / n)
        spread, scatter = self._between(part.mean - mean, part.n * n / self.n)
        return _Moments(
            n,
            mean,
            self.spread - part.spread - spread,
            self.scatter - part.scatter - scatter,
            self.factor,
        )

    def _between(self, apart: Array, weight: float) -> tuple[float, Array]:
        seen = apart if self.factor is None else apart @ self.factor
        return weight * float(apart @ apart), weight * np.outer(seen, seen)


def _moments(x: Rows | Array, chosen: Positions, factor: Array | None = None) -> _Moments:
    """Gather moments of chosen rows, a few at a time."""

    def blocks() -> Iterator[_Moments]:
        for start in range(0, len(chosen), AT_ONCE):
            block = rows(x, chosen[start : start + AT_ONCE])
            mean = block.mean(axis=0)
            away = block - mean
            seen = away if factor is None else away @ factor
            yield _Moments(len(block), mean, float(np.square(away).sum()), seen.T @ seen, factor)

    found = blocks()
    total = next(found)
    for block in found:
        total = total.merged(block)
    return total
