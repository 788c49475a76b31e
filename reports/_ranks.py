"""Which methods can be told apart: paired tests, Holm's correction, groups and rank intervals.

Sources: permutation p-values that are never zero, Phipson and Smyth 2010 (arXiv:1603.05766);
correction for many pairs, Holm 1979; rank intervals from the same pairs, Mogstad, Romano, Shaikh
and Wilhelm, "Inference for ranks".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from facesr.bench.score import Score

LEVEL = 0.05
FLIPS = 20_000
_AT_ONCE = 2_000
Pair = tuple[str, str]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Where a method stands in one column.

    Args:
        best: Best rank that the tests allow, 1 + how many are significantly better.
        worst: Worst rank that the tests allow, count - how many are significantly worse.
        group: 1 if nobody is significantly better, 2 if only methods of group 1 are, else 0.
    """

    best: int
    worst: int
    group: int


def standings(scores: Mapping[str, Score]) -> dict[str, Standing]:
    """Test every pair of methods in one column and derive who can be told apart.

    A difference below the smallest that the metric calls real is a tie, however significant.

    Args:
        scores: Comparable scores of at least two methods: see `why_untested`.

    Returns:
        One standing per method.
    """
    adjusted = holm(p_values(scores))
    beaten: dict[str, set[str]] = {name: set() for name in scores}
    for (a, b), p in adjusted.items():
        if p <= LEVEL and not _tied(scores[a], scores[b]):
            better, worse = (a, b) if _lead(scores[a], scores[b]) > 0 else (b, a)
            beaten[worse].add(better)
    first = {name for name in scores if not beaten[name]}
    second = {name for name in scores if name not in first and beaten[name] <= first}
    return {
        name: Standing(
            best=1 + len(beaten[name]),
            worst=len(scores) - sum(name in by for by in beaten.values()),
            group=1 if name in first else 2 if name in second else 0,
        )
        for name in scores
    }


def why_untested(scores: Mapping[str, Score]) -> str:
    """Say why the scores of a column cannot be tested against each other; empty if they can."""
    unranked = [s for s in scores.values() if not s.ranked]
    if unranked:
        return unranked[0].note or "differences of this metric are not ranked"
    if len(scores) < 2:
        return "one method only, nothing to compare"
    kinds = {s.sampling for s in scores.values()}
    if kinds & {"none"} or any(len(s.samples) < 2 for s in scores.values()):
        return "no values per picture, person or group, so no paired test"
    if len(kinds) > 1:
        return "sampled in different ways, so no paired test"
    return ""


def p_values(scores: Mapping[str, Score]) -> dict[Pair, float]:
    """Test every pair of methods, unadjusted and two-sided, from paired samples.

    Args:
        scores: Scores with samples of one kind, one length and one order.

    Returns:
        A p-value per pair, names in the order of `scores`.
    """
    if all(s.sampling == "jackknife" for s in scores.values()):
        return {(a, b): jackknife(scores[a], scores[b]) for a, b in combinations(scores, 2)}
    return sign_flips({name: s.samples for name, s in scores.items()})


def sign_flips(samples: Mapping[str, Sequence[float]]) -> dict[Pair, float]:
    """Test mean paired differences by flipping the signs of whole pictures or people at random.

    All pairs see the same flips. `p = (b + 1) / (B + 1)` is never zero; B is 20,000, or more where
    that many pairs could never pass Holm's correction. The seed is fixed.

    Args:
        samples: Values per picture or person, in one order.
    """
    names = list(samples)
    pairs = list(combinations(range(len(names)), 2))
    values = np.array([samples[name] for name in names], np.float64).T
    values = values - values.mean(axis=1, keepdims=True)
    left, right = np.array(pairs).T
    observed = np.abs(values.sum(axis=0)[left] - values.sum(axis=0)[right])
    # rounding in the sums must not turn a tie into a difference
    observed = observed - 1e-9 * np.abs(values).sum(axis=0).max()
    flips = max(FLIPS, math.ceil(2 * len(pairs) / LEVEL))
    random = np.random.default_rng(0)
    reached = np.zeros(len(pairs), np.int64)
    for start in range(0, flips, _AT_ONCE):
        count = min(_AT_ONCE, flips - start)
        signs = random.integers(0, 2, (count, len(values)), np.int8).astype(np.float64) * 2 - 1
        sums = signs @ values
        reached += (np.abs(sums[:, left] - sums[:, right]) >= observed).sum(axis=0)
    p = (reached + 1) / (flips + 1)
    return {(names[i], names[j]): float(value) for (i, j), value in zip(pairs, p, strict=True)}


def jackknife(a: Score, b: Score) -> float:
    """Test the difference of two statistics by leaving out one group of pictures at a time.

    The standard error comes from the paired differences of the leave-group-out estimates; the
    difference over it is compared with Student's t with one degree of freedom less than groups.
    """
    difference = _lead(a, b)
    groups = np.array(a.samples, np.float64) - np.array(b.samples, np.float64)
    count = len(groups)
    error = math.sqrt((count - 1) / count * float(((groups - groups.mean()) ** 2).sum()))
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(count - 1, -abs(difference) / error))


def holm(p: Mapping[Pair, float]) -> dict[Pair, float]:
    """Adjust p-values for their number.

    >>> holm({("a", "b"): 0.125, ("a", "c"): 0.5, ("b", "c"): 0.25})
    {('a', 'b'): 0.375, ('b', 'c'): 0.5, ('a', 'c'): 0.5}
    """
    adjusted: dict[Pair, float] = {}
    largest = 0.0
    for i, pair in enumerate(sorted(p, key=lambda pair: p[pair])):
        largest = max(largest, min(1.0, (len(p) - i) * p[pair]))
        adjusted[pair] = largest
    return adjusted


def _tied(a: Score, b: Score) -> bool:
    """Tell whether a difference is too small to be called real."""
    assert a.value is not None
    assert b.value is not None
    return abs(a.value - b.value) < max(a.smallest, b.smallest)


def _lead(a: Score, b: Score) -> float:
    """Return by how much `a` is better than `b`."""
    if a.sampling == "jackknife":
        assert a.value is not None
        assert b.value is not None
        gap = a.value - b.value
    else:
        gap = math.fsum(x - y for x, y in zip(a.samples, b.samples, strict=True)) / len(a.samples)
    return gap if a.better == "higher" else -gap
