"""95 % intervals, each for the kind of number it is right for.

Sources: Efron, Better bootstrap confidence intervals, JASA 1987 (BCa, eqs. 2.3 and 6.6);
Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927;
Kott, The delete-a-group jackknife, Journal of Official Statistics 2001.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 2000
BCA_BELOW = 200
GROUPS = 20
_AT_ONCE = 2_000_000

Array = NDArray[np.float64]
Positions = NDArray[np.intp]


class Interval(NamedTuple):
    """Ends of an interval and how it was made, or no ends and a note that says why."""

    low: float | None
    high: float | None
    how: str
    note: str = ""


class Units(NamedTuple):
    """What can be taken for independent: pictures, or people with all their pictures.

    Args:
        sums: Sum of the values of each unit.
        counts: Pictures of each unit.
        name: `pictures` or `people`.
    """

    sums: Array
    counts: Array
    name: str

    @property
    def means(self) -> Array:
        """Mean value of each unit."""
        return self.sums / self.counts

    @property
    def mean(self) -> float:
        """Mean value of all pictures."""
        return float(self.sums.sum() / self.counts.sum())

    @property
    def agree(self) -> bool:
        """Whether all units have one mean, so that resampling them shows no spread."""
        return bool(np.allclose(self.means, self.mean, rtol=1e-12, atol=0))


class Groups(NamedTuple):
    """Positions of the pictures of each group, and what the groups are made of."""

    parts: tuple[Positions, ...]
    name: str


def units(values: ArrayLike, people: Sequence[str] | None = None) -> Units:
    """Put the pictures of each person together if anybody comes twice.

    Args:
        values: One number per picture.
        people: Who is shown on each picture; None if nobody knows.

    Returns:
        Pictures in their order, or people in the order of their first pictures.
    """
    numbers = np.asarray(values, np.float64)
    who = _numbered(people)
    if who is None:
        return Units(numbers, np.ones_like(numbers), "pictures")
    return Units(
        np.bincount(who, numbers).astype(np.float64),
        np.bincount(who).astype(np.float64),
        "people",
    )


def bootstrap(values: ArrayLike, people: Sequence[str] | None = None, seed: int = 0) -> Interval:
    """Resample pictures, or people with all their pictures, and take the mean each time.

    Args:
        values: One number per picture.
        people: Who is shown on each picture; people are resampled if anybody comes twice.
        seed: Of the resampling.

    Returns:
        BCa interval below 200 units, percentile interval from there on; a point if all are equal;
        none for a single unit.
    """
    sample = units(values, people)
    n, mean = len(sample.sums), sample.mean
    if n < 2:
        single = "one picture" if sample.name == "pictures" else "pictures of one person"
        return Interval(None, None, "", f"{single} only, so there is no interval")
    if sample.agree:
        return Interval(mean, mean, f"no spread between {sample.name}")
    means = _resampled(sample, seed)
    tails = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    kind = "percentile"
    if n < BCA_BELOW:
        tails, kind = _bca(tails, means, sample), "BCa"
    low, high = np.quantile(means, tails)
    return Interval(float(low), float(high), f"bootstrap of {sample.name}, {kind}, {RESAMPLES}")


def rate(found: ArrayLike, people: Sequence[str] | None = None) -> Interval:
    """Bound a share of pictures, in per cent.

    Args:
        found: One truth value per picture.
        people: Who is shown on each picture.

    Returns:
        Wilson's interval if each picture shows another person or nobody knows who; else the
        bootstrap over people, or, where all people have one rate and resampling shows nothing,
        Wilson's interval with as many trials as there are people.
    """
    hits = np.asarray(found, bool)
    sample = units(hits, people)
    if sample.name == "people" and not sample.agree:
        return bootstrap(100.0 * hits, people)
    n = len(sample.sums)
    low, high = wilson(sample.mean * n, n)
    return Interval(100 * low, 100 * high, f"Wilson over {sample.name}, n = {n}")


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Bound a proportion, in [0, 1]; honest at 0 and n hits too."""
    from scipy.special import ndtri

    z2 = float(ndtri((1 + LEVEL) / 2)) ** 2
    p = hits / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5 / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def groups(n: int, people: Sequence[str] | None = None) -> Groups:
    """Deal n positions into 20 groups, or fewer if there are fewer pictures or people.

    Where anybody comes twice, groups are made of whole people, those with most pictures first, each
    put into the smallest group; else of neighbours, equal to one. Groups depend on positions and
    people only, so they are the same for all methods on one data set.

    Returns:
        Positions of each group, increasing; no group if there would be one only, or if fewer than
        two pictures would be left without one.
    """
    who = _numbered(people)
    if who is None:
        parts = [part for part in np.array_split(np.arange(n), GROUPS) if len(part)]
        name = "pictures"
    else:
        parts, name = _dealt(who), "people"
    if len(parts) < 2 or n - max(map(len, parts)) < 2:
        return Groups((), name)
    return Groups(tuple(parts), name)


def jackknife(value: float, without: ArrayLike, name: str = "pictures") -> Interval:
    """Bound a statistic by its values without each group, with Student's t.

    Args:
        value: The statistic of all pictures.
        without: The statistic without each group; none if there are no groups.
        name: What groups are made of, `pictures` or `people`.
    """
    from scipy.special import stdtrit

    left = np.asarray(without, np.float64)
    g = len(left)
    if g < 2:
        note = f"too few {name} to leave some out, so there is no interval"
        return Interval(None, None, "", note)
    error = float(np.sqrt((g - 1) / g * np.square(left - left.mean()).sum()))
    half = float(stdtrit(g - 1, (1 + LEVEL) / 2)) * error
    return Interval(value - half, value + half, f"jackknife, {g} groups of {name}")


def _numbered(people: Sequence[str] | None) -> Positions | None:
    """Number people by first appearance; None if they are not known or nobody comes twice."""
    if people is None or len(set(people)) == len(people):
        return None
    first = {person: i for i, person in enumerate(dict.fromkeys(people))}
    return np.array([first[person] for person in people], np.intp)


def _dealt(who: Positions) -> list[Positions]:
    counts = np.bincount(who)
    sizes = np.zeros(min(GROUPS, len(counts)), np.intp)
    group = np.empty_like(counts)
    for person in np.argsort(-counts, kind="stable"):
        smallest = int(sizes.argmin())
        group[person] = smallest
        sizes[smallest] += counts[person]
    return [np.flatnonzero(group[who] == g) for g in range(len(sizes))]


def _resampled(sample: Units, seed: int) -> Array:
    random = np.random.default_rng(seed)
    n = len(sample.sums)
    step = max(1, _AT_ONCE // n)
    means = []
    for start in range(0, RESAMPLES, step):
        chosen = random.integers(0, n, (min(step, RESAMPLES - start), n))
        means.append(sample.sums[chosen].sum(axis=1) / sample.counts[chosen].sum(axis=1))
    return np.concatenate(means)


def _bca(tails: Array, means: Array, sample: Units) -> Array:
    from scipy.special import ndtr, ndtri

    sums, counts, mean = sample.sums, sample.counts, sample.mean
    below = ((means < mean).sum() + (means <= mean).sum()) / (2 * len(means))
    bias = ndtri(np.clip(below, 1 / len(means), 1 - 1 / len(means)))
    without = (sums.sum() - sums) / (counts.sum() - counts)
    away = without.mean() - without
    skew = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    shifted = bias + ndtri(tails)
    return np.asarray(ndtr(bias + shifted / (1 - skew * shifted)), np.float64)
