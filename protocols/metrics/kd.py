"""Kernel distance between two sets of faces, on features of a network that sees faces.

Formula: Gretton et al., A kernel two-sample test, JMLR 2012, eq. 3 (unbiased MMD^2); kernel as in
Binkowski et al., Demystifying MMD GANs, ICLR 2018. All pairs of both sets enter, not random
subsets, so it is exact, has no seed and no smallest size. Unbiased, hence it ranks realism.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._cache import Rows, stored
from facesr.protocols._features import AT_ONCE, Distance, Named, features, folder, rows
from facesr.protocols._intervals import Positions, groups
from facesr.protocols._scores import per_group

VERSION = 2
TIMES = 1000

Array = NDArray[np.float64]


def kernel_distance(x: Rows | Array, y: Rows | Array) -> float:
    """Estimate the squared maximum mean discrepancy without bias.

    Args:
        x: Features, (n, d), n > 1.
        y: Features, (m, d), m > 1.

    Returns:
        MMD^2 for the kernel (x.y / d + 1)^3; may be slightly below 0.
    """
    return _distances(x, y, spread(y), [])[0]


def subset_distances(x: Rows | Array, y: Rows | Array, subsets: int, size: int, seed: int) -> Array:
    """Estimate the distance from random subsets, drawn as torch-fidelity draws them.

    Args:
        x: Features, (n, d).
        y: Features, (m, d).
        subsets: How many.
        size: Rows of each subset of either set, without repetition.
        seed: Of NumPy's legacy generator.

    Returns:
        One `kernel_distance` per subset, (subsets,).
    """
    random = np.random.RandomState(seed)

    def drawn(z: Rows | Array) -> Array:
        return rows(z, random.choice(len(z), size, replace=False))

    return np.array([kernel_distance(drawn(x), drawn(y)) for _ in range(subsets)])


def kernel(x: Array, y: Array) -> Array:
    """Compare features, (n, d) and (m, d), by (x.y / d + 1)^3: (n, m)."""
    base = x @ y.T / x.shape[1] + 1
    return base * base * base


def spread(y: Rows | Array) -> float:
    """Average the kernel over all pairs of different rows of (m, d)."""
    m = len(y)
    return float(_inside(y, [np.arange(m)]).sum() / (m * (m - 1)))


@dataclass(frozen=True)
class Kernel(Distance):
    """How the kernel distance is computed and summarised."""

    code: ClassVar[int] = VERSION

    def measured(self, sr: Faces, real: Faces, label: str) -> Score:
        """See `Distance.measured`."""
        extractor = self.extractor
        x, y = features(sr, extractor), features(real, extractor)
        # the same for every method, and slow for large reference sets
        within = stored(
            folder(extractor),
            f"{real.fingerprint}.spread-v{VERSION}",
            lambda: np.array([spread(y)]),
        )
        parts, name = groups(len(sr), sr.identities)
        value, without = _distances(x, y, float(within[0]), parts)
        value, without = value * TIMES, [part * TIMES for part in without]
        return per_group(self.column, value, without, name, sr, identity=label, unit=f"x{TIMES}")


@dataclass(frozen=True)
class Kd(Named, Kernel):
    """Kernel distance; the KID is this distance on Inception features.

    Args:
        features: The network, see `Named`.
    """

    smallest: ClassVar[float] = 0.2


def _distances(
    x: Rows | Array, y: Rows | Array, within: float, parts: Sequence[Positions]
) -> tuple[float, list[float]]:
    """Return the distance of all x, and without each part, from kernel sums between parts."""
    whole = parts or [np.arange(len(x))]
    ours, theirs = _inside(x, whole), _across(x, y, whole)

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


def _inside(x: Rows | Array, parts: Sequence[Positions]) -> Array:
    """Sum the kernel over pairs of different rows, one of each part: (parts, parts)."""
    total = np.zeros((len(parts), len(parts)))
    for start, a, left in _blocks(x, parts):
        own = kernel(a, a)
        np.fill_diagonal(own, 0)
        total += left.T @ own @ left
        for _, b, right in _blocks(x, parts, start + len(a)):
            sums = left.T @ kernel(a, b) @ right
            total += sums + sums.T
    return total


def _across(x: Rows | Array, y: Rows | Array, parts: Sequence[Positions]) -> Array:
    """Sum the kernel over all pairs of a row of each part and any row of y: (parts,)."""
    total = np.zeros(len(parts))
    for _, a, member in _blocks(x, parts):
        for _, b, _ in _blocks(y, [np.arange(len(y))]):
            total += kernel(a, b).sum(axis=1) @ member
    return total


def _blocks(
    x: Rows | Array, parts: Sequence[Positions], start: int = 0
) -> Iterator[tuple[int, Array, Array]]:
    """Yield rows in the order of parts: where they start, (b, d), and to which part each belongs.

    Membership is (b, parts), ones and zeros.
    """
    order, part = np.concatenate(parts), np.repeat(np.arange(len(parts)), [*map(len, parts)])
    for i in range(start, len(order), AT_ONCE):
        member = np.eye(len(parts))[part[i : i + AT_ONCE]]
        yield i, rows(x, order[i : i + AT_ONCE]), member
