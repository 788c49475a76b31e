"""95 % intervals, each for the kind of number it is right for.

Sources: Efron, Better bootstrap confidence intervals, JASA 1987 (BCa, eqs. 2.3 and 6.6);
Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927;
Kott, The delete-a-group jackknife, Journal of Official Statistics 2001.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 2000
BCA_BELOW = 200
GROUPS = 20
_AT_ONCE = 2_000_000


class Interval(NamedTuple):
    """Ends of an interval and how it was made."""

    low: float
    high: float
    how: str


def bootstrap(values: ArrayLike, people: Sequence[str] | None = None, seed: int = 0) -> Interval:
    """Resample pictures, or people with all their pictures, and take the mean each time.

    Args:
        values: One number per picture.
        people: Who is shown on each picture; people are resampled if anybody comes twice.
        seed: Of the resampling.

    Returns:
        BCa interval below 200 units, percentile interval from there on; a point if all are equal.
    """
    sums, counts, unit = _units(np.asarray(values, np.float64), people)
    n = len(sums)
    mean = float(sums.sum() / counts.sum())
    if np.allclose(sums / counts, mean, rtol=1e-12, atol=0):
        return Interval(mean, mean, f"no spread between {unit}")
    means = _resampled(sums, counts, seed)
    tails = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    kind = "percentile"
    if n < BCA_BELOW:
        tails, kind = _bca(tails, means, mean, sums, counts), "BCa"
    low, high = np.quantile(means, tails)
    return Interval(float(low), float(high), f"bootstrap of {unit}, {kind}, {RESAMPLES}")


def wilson(hits: int, n: int) -> Interval:
    """Bound a proportion, in [0, 1]; honest at 0 and n hits too."""
    from scipy.special import ndtri

    z2 = float(ndtri((1 + LEVEL) / 2)) ** 2
    p = hits / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5 / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half), "Wilson")


def groups(n: int) -> list[slice]:
    """Cut n positions into 20 groups of neighbours, equal to one; fewer if n is below 20.

    Groups depend on positions only, so they are the same for all methods on one data set, and
    neighbours, who are often one person, stay together.
    """
    edges = np.linspace(0, n, min(GROUPS, n) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def jackknife(value: float, parts: ArrayLike) -> Interval:
    """Bound a statistic by its values without each group, with Student's t.

    Args:
        value: The statistic of all pictures.
        parts: The statistic without each group of pictures.
    """
    from scipy.special import stdtrit

    left = np.asarray(parts, np.float64)
    g = len(left)
    error = float(np.sqrt((g - 1) / g * np.square(left - left.mean()).sum()))
    half = float(stdtrit(g - 1, (1 + LEVEL) / 2)) * error
    return Interval(value - half, value + half, f"jackknife, {g} groups")


def _units(
    values: NDArray[np.float64], people: Sequence[str] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    if people is None or len(set(people)) == len(people):
        return values, np.ones_like(values), "pictures"
    _, who = np.unique(np.asarray(people), return_inverse=True)
    return (
        np.bincount(who, values).astype(np.float64),
        np.bincount(who).astype(np.float64),
        "people",
    )


def _resampled(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(sums))
    means = []
    for start in range(0, RESAMPLES, step):
        size = (min(step, RESAMPLES - start), len(sums))
        chosen = random.integers(0, len(sums), size)
        means.append(sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1))
    return np.concatenate(means)


def _bca(
    tails: NDArray[np.float64],
    means: NDArray[np.float64],
    mean: float,
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    from scipy.special import ndtr, ndtri

    below = ((means < mean).sum() + (means <= mean).sum()) / (2 * len(means))
    bias = ndtri(np.clip(below, 1 / len(means), 1 - 1 / len(means)))
    without = (sums.sum() - sums) / (counts.sum() - counts)
    away = without.mean() - without
    skew = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    shifted = bias + ndtri(tails)
    return np.asarray(ndtr(bias + shifted / (1 - skew * shifted)), np.float64)
