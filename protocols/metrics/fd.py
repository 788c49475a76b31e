"""Frechet distance between two sets of faces, on features of a network that sees faces.

Formula: Dowson & Landau, The Frechet distance between multivariate normal distributions, Journal
of Multivariate Analysis 1982; used on features as in Heusel et al., GANs trained by a two
time-scale update rule converge to a local Nash equilibrium, NeurIPS 2017, eq. 6.
Its bias depends on the method (Chong & Forsyth, Effectively unbiased FID, CVPR 2020), so it is
ranked only where both sets hold six pictures per feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._cache import stored
from facesr.protocols._checks import given, same_size, too_few
from facesr.protocols._features import Extractor, extractor_named, features, folder
from facesr.protocols._identity import identity, versions
from facesr.protocols._intervals import Positions, groups
from facesr.protocols._scores import absent, per_group

VERSION = 2
PER_FEATURE = 6
LEAST = 3

Array = NDArray[np.float64]


def frechet_distance(x: Array, y: Array) -> float:
    """Compare the Gaussians fitted to two sets of features.

    Args:
        x: Features, (n, d), n > 1.
        y: Features, (m, d), m > 1.

    Returns:
        |mx - my|^2 + tr(Cx + Cy - 2 (Cx Cy)^(1/2)), covariances with n - 1; 0 or more.
    """
    return _distances(x, gaussian(y), [])[0]


class Gaussian(NamedTuple):
    """Mean (d,), trace and symmetric square root (d, d) of a covariance."""

    mean: Array
    trace: float
    root: Array


def gaussian(y: Array) -> Gaussian:
    """Fit a Gaussian to features, (m, d)."""
    mean = y.mean(axis=0)
    away = y - mean
    covariance = away.T @ away / (len(y) - 1)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return Gaussian(mean, float(np.trace(covariance)), root)


def frechet_score(
    metric: str, label: str, extractor: Extractor, sr: Faces, reference: Faces | None
) -> Score:
    """Measure faces with a network; see `Metric.score`.

    Args:
        metric: Column name.
        label: Metric identity, complete.
        extractor: The network.
        sr: What is measured.
        reference: Real faces.
    """
    real = same_size(sr, given(reference, metric), metric)
    if why := extractor.missing() or too_few(sr, real, LEAST):
        return absent(metric, sr, why, better="lower", identity=label, group="realism")
    parts, name = groups(len(sr), sr.identities)
    value, without = _distances(features(sr, extractor), _fitted(real, extractor), parts)
    least = PER_FEATURE * extractor.dim
    ranked = min(len(sr), len(real)) >= least
    note = (
        f"{len(sr)} faces against {len(real)}: below {least} ({PER_FEATURE} per feature) its bias "
        f"depends on the method, so it is not ranked"
    )
    return per_group(
        metric,
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
class Fd(Metric):
    """Frechet distance; not the FID, which is this distance on Inception features.

    Args:
        features: The network: `onet`.
    """

    needs: ClassVar[Needs] = "faces"

    features: str = "onet"

    def missing(self) -> str:
        """Say which package is absent."""
        return extractor_named(self.features).missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        extractor = extractor_named(self.features)
        version = versions(VERSION, extractor.version)
        label = identity("fd", extractor.label, version=version, reference=reference)
        return frechet_score(f"fd[{self.features}]", label, extractor, sr, reference)


def _fitted(real: Faces, extractor: Extractor) -> Gaussian:
    """Fit the reference once: its root needs an eigendecomposition, which is slow for 2,048."""

    def compute() -> Array:
        fit = gaussian(features(real, extractor))
        return np.vstack([fit.mean, np.full_like(fit.mean, fit.trace), fit.root])

    packed = stored(folder(extractor), f"{real.fingerprint}.gaussian-v{VERSION}", compute)
    return Gaussian(packed[0], float(packed[1, 0]), packed[2:])


def _distances(x: Array, fit: Gaussian, parts: Sequence[Positions]) -> tuple[float, list[float]]:
    """Return the distance of all features, and without each part."""
    x = x - fit.mean
    w = x @ fit.root
    squares = np.square(x).sum(axis=1)
    sums = _Sums(w)

    def distance(out: Positions) -> float:
        n = len(x) - len(out)
        mean = (x.sum(axis=0) - x[out].sum(axis=0)) / n
        apart = float(mean @ mean)
        trace = (float(squares.sum() - squares[out].sum()) - n * apart) / (n - 1)
        return max(0.0, apart + trace + fit.trace - 2 * sums.singular(out))

    return distance(np.empty(0, np.intp)), [distance(part) for part in parts]


class _Sums:
    """Products of features, from which any subset's singular values follow."""

    def __init__(self, w: Array) -> None:
        self.w = w
        self.tall = len(w) > w.shape[1]
        self.products = w.T @ w if self.tall else w @ w.T

    def singular(self, out: Positions) -> float:
        """Sum the singular values of centred w / sqrt(n - 1) without some rows.

        With Cy = R^2 these are the square roots of the eigenvalues of R Cx R, so their sum is
        tr((Cx Cy)^(1/2)); no general matrix root, no imaginary part, any n.
        """
        n = len(self.w) - len(out)
        if self.tall:
            mean = (self.w.sum(axis=0) - self.w[out].sum(axis=0)) / n
            small = self.products - self.w[out].T @ self.w[out] - n * np.outer(mean, mean)
        else:
            keep = np.delete(np.arange(len(self.w)), out)
            small = self.products[np.ix_(keep, keep)]
            means = small.mean(axis=0)
            small = small - means - means[:, None] + means.mean()
        eigenvalues = np.linalg.eigvalsh(small / (n - 1))
        return float(np.sqrt(eigenvalues.clip(0)).sum())
