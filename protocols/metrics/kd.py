"""Kernel distance between two sets of faces, on features of a network that sees faces.

Formula: Gretton et al., A kernel two-sample test, JMLR 2012, eq. 3 (unbiased MMD^2); kernel as in
Binkowski et al., Demystifying MMD GANs, ICLR 2018. All pairs of both sets enter, not random
subsets, so it is exact, has no seed and no smallest size. Unbiased, hence it ranks realism.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

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
TIMES = 1000
LEAST = 3
_ROWS = 1024

Array = NDArray[np.float64]


def kernel_distance(x: Array, y: Array) -> float:
    """Estimate the squared maximum mean discrepancy without bias.

    Args:
        x: Features, (n, d), n > 1.
        y: Features, (m, d), m > 1.

    Returns:
        MMD^2 for the kernel (x.y / d + 1)^3; may be slightly below 0.
    """
    return _distances(x, y, spread(y), [])[0]


def kernel(x: Array, y: Array) -> Array:
    """Compare features, (n, d) and (m, d), by (x.y / d + 1)^3: (n, m)."""
    base = x @ y.T / x.shape[1] + 1
    return base * base * base


def spread(y: Array) -> float:
    """Average the kernel over all pairs of different rows of (m, d)."""
    return float(_sums(y, y).sum() - _own(y).sum()) / (len(y) * (len(y) - 1))


def kernel_score(
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
    x, y = features(sr, extractor), features(real, extractor)
    # the same for every method, and slow for large reference sets
    within = stored(
        folder(extractor), f"{real.fingerprint}.spread-v{VERSION}", lambda: np.array([spread(y)])
    )
    parts, name = groups(len(sr), sr.identities)
    value, without = _distances(x, y, float(within[0]), parts)
    value, without = value * TIMES, [part * TIMES for part in without]
    return per_group(metric, value, without, name, sr, identity=label, unit=f"x{TIMES}")


@dataclass(frozen=True)
class Kd(Metric):
    """Kernel distance; not the KID, which is this distance on Inception features.

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
        label = identity("kd", extractor.label, version=version, reference=reference)
        return kernel_score(f"kd[{self.features}]", label, extractor, sr, reference)


def _sums(x: Array, y: Array) -> Array:
    """Sum the kernel over all rows of x, a few at a time: (m,)."""
    total = np.zeros(len(y))
    for start in range(0, len(x), _ROWS):
        total += kernel(x[start : start + _ROWS], y).sum(axis=0)
    return total


def _own(x: Array) -> Array:
    return (np.square(x).sum(axis=1) / x.shape[1] + 1) ** 3


def _distances(
    x: Array, y: Array, within: float, parts: Sequence[Positions]
) -> tuple[float, list[float]]:
    """Return the distance of all x, and without each part, from kernel sums between parts."""
    blocks = [x[part] for part in parts] or [x]
    x = np.concatenate(blocks)
    edges = np.cumsum([0, *map(len, blocks[:-1])])
    ours = np.array([np.add.reduceat(_sums(block, x), edges) for block in blocks])
    ours[np.diag_indices(len(blocks))] -= [_own(block).sum() for block in blocks]
    theirs = np.array([_sums(block, y).sum() for block in blocks])

    def distance(n: int, inside: float, across: float) -> float:
        return float(inside / (n * (n - 1)) + within - 2 * across / (n * len(y)))

    value = distance(len(x), ours.sum(), theirs.sum())
    without = [
        distance(
            len(x) - len(part),
            ours.sum() - 2 * ours[g].sum() + ours[g, g],
            theirs.sum() - theirs[g],
        )
        for g, part in enumerate(parts)
    ]
    return value, without
