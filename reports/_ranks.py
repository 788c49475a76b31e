"""Which methods can be told apart: paired tests, Holm's correction, groups and rank intervals.

Sources: permutation p-values that are never zero, Phipson and Smyth 2010 (arXiv:1603.05766);
correction for many pairs, Holm 1979; rank intervals from the same pairs, Mogstad, Romano, Shaikh
and Wilhelm, "Inference for ranks".
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from facesr.bench.score import Score
from facesr.reports._format import half_width

LEVEL = 0.05
NORMAL_95 = 1.959963984540054
FLIPS = 20_000
_AT_ONCE = 2_000
_MOST_KEPT = 50_000_000  # bytes of tosses
Pair = tuple[str, str]
Tests = Callable[[Mapping[str, Score]], Mapping[Pair, float]]
Array = NDArray[np.float64]
Bits = NDArray[np.int8]


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


@dataclass(frozen=True)
class Comparison:
    """What the test of two methods in one column says.

    Args:
        p: P-value, adjusted for the number of pairs.
        lead: By how much the first is better than the second, negative if it is worse.
        tied: Whether the difference is below the smallest that the metric calls real.
    """

    p: float
    lead: float
    tied: bool

    @property
    def real(self) -> bool:
        """Whether the two can be told apart."""
        return self.p <= LEVEL and not self.tied


def standings(scores: Mapping[str, Score], tests: Tests | None = None) -> dict[str, Standing]:
    """Test every pair of methods in one column and derive who can be told apart.

    A difference below the smallest that the metric calls real is a tie, however significant.

    Args:
        scores: Comparable scores of at least two methods: see `why_untested`.
        tests: Where p-values come from; `p_values` if left out. A pair without one is a tie.

    Returns:
        One standing per method.
    """
    beaten: dict[str, set[str]] = {name: set() for name in scores}
    for (a, b), found in compared(scores, tests).items():
        if found.real:
            better, worse = (a, b) if found.lead > 0 else (b, a)
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


def compared(scores: Mapping[str, Score], tests: Tests | None = None) -> dict[Pair, Comparison]:
    """Test every pair of methods in one column; each pair once, in alphabetical order.

    Args:
        scores: As in `standings`.
        tests: As in `standings`.
    """
    return _compared(tuple(sorted(scores.items())), tests or p_values)


@lru_cache(maxsize=256)  # marks and matrix ask for the same tests
def _compared(members: tuple[tuple[str, Score], ...], tests: Tests) -> dict[Pair, Comparison]:
    scores = dict(members)
    heights = {name: _height(score) for name, score in members}
    return {
        (a, b): Comparison(p, heights[a] - heights[b], _tied(scores[a], scores[b]))
        for (a, b), p in holm(tests(scores)).items()
    }


def why_untested(scores: Mapping[str, Score], tests: Tests | None = None) -> str:
    """Say why the scores of a column cannot be tested against each other; empty if they can.

    Args:
        scores: Of one column.
        tests: Where p-values come from, as in `standings`.
    """
    unranked = [s for s in scores.values() if not s.ranked]
    if unranked:
        return unranked[0].note or "differences of this metric are not ranked"
    if len(scores) < 2:
        return "one method only, nothing to compare"
    if tests is not None:
        return "" if tests(scores) else "no test and no intervals"
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
        return jackknife(scores)
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
    total = values.sum(axis=0)
    # rounding in the sums must not turn a tie into a difference
    room = 1e-9 * np.abs(values).sum(axis=0).max()
    flips = max(FLIPS, math.ceil(2 * len(pairs) / LEVEL))
    reached = np.zeros((len(names), len(names)), np.int64)
    for heads in _heads(len(values), flips):
        signs = heads.astype(np.float64) * 2 - 1
        sums = np.ascontiguousarray((signs @ values).T)
        for i in range(len(names) - 1):
            gaps = np.abs(sums[i + 1 :] - sums[i])
            least = np.abs(total[i + 1 :] - total[i]) - room
            reached[i, i + 1 :] += (gaps >= least[:, None]).sum(axis=1)
    return {(names[i], names[j]): float((reached[i, j] + 1) / (flips + 1)) for i, j in pairs}


def _heads(n: int, flips: int) -> Iterable[Bits]:
    return _kept(n, flips) if n * flips <= _MOST_KEPT else _drawn(n, flips)


@lru_cache(maxsize=1)  # columns of one length, one after the other, see the same flips
def _kept(n: int, flips: int) -> list[Bits]:
    return list(_drawn(n, flips))


def _drawn(n: int, flips: int) -> Iterator[Bits]:
    """Toss coins for n pictures or people, a block at a time, always the same."""
    random = np.random.default_rng(0)
    for start in range(0, flips, _AT_ONCE):
        yield random.integers(0, 2, (min(_AT_ONCE, flips - start), n), np.int8)


def jackknife(scores: Mapping[str, Score]) -> dict[Pair, float]:
    """Test differences of statistics by leaving out one group of pictures at a time.

    The standard error comes from the paired differences of the leave-group-out estimates; the
    difference over it is compared with Student's t with one degree of freedom less than groups.

    Args:
        scores: Scores with one leave-group-out estimate per group, in one order.
    """
    from scipy.special import stdtr

    pairs = list(combinations(range(len(scores)), 2))
    left, right = np.array(pairs).T
    heights = np.array([_height(score) for score in scores.values()])
    groups = np.array([score.samples for score in scores.values()], np.float64)
    count = groups.shape[1]
    gaps = groups[left] - groups[right]
    gaps -= gaps.mean(axis=1, keepdims=True)
    error = np.sqrt((count - 1) / count * (gaps**2).sum(axis=1))
    lead = np.abs(heights[left] - heights[right])
    exact = error == 0
    p = 2 * stdtr(count - 1, -lead / np.where(exact, 1.0, error))
    p = np.where(exact, np.where(lead == 0, 1.0, 0.0), p)
    names = list(scores)
    return {(names[i], names[j]): float(value) for (i, j), value in zip(pairs, p, strict=True)}


def by_intervals(a: Score, b: Score) -> float | None:
    """Test a difference by the intervals alone, where no pictures are shared; None without any.

    The two are taken as normal and independent, with the half-widths as 1.96 standard errors.
    """
    one, other = half_width(a.low, a.high), half_width(b.low, b.high)
    if one is None or other is None or a.value is None or b.value is None:
        return None
    error = math.hypot(one, other) / NORMAL_95
    if error == 0:
        return 1.0 if a.value == b.value else 0.0
    return math.erfc(abs(a.value - b.value) / error / math.sqrt(2))


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


def _height(score: Score) -> float:
    """Return how good a score is: what is tested, so that higher is better."""
    if score.sampling == "jackknife" or not score.samples:
        assert score.value is not None
        level = score.value
    else:
        level = math.fsum(score.samples) / len(score.samples)
    return level if score.better == "higher" else -level
