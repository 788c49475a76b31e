"""Recognition as a function of input resolution, and the resolution where it gives way.

One picture of each person is the gallery, others are probes. Originals stay in the gallery; probes
come at one resolution after the other. People are dealt into folds, and pairs are made inside a
fold, as in Huang, Ramesh, Berg & Learned-Miller, Labeled Faces in the Wild, UMass 07-49, 2007. The
threshold of a fold comes from original pictures of the people in all other folds, so that neither a
method nor a resolution can move it.

Everything is resampled by person: pairs that share somebody are no independent evidence. A pair of
two people counts as often as both do, multiplied (Snijders & Borgatti, Non-parametric standard
errors and tests for network statistics, Connections 1999). Thresholds are set anew in each
resample, because other people would have led to others; all methods see the same resamples.

The critical resolution is where the accuracies, made monotone by least squares (Ayer, Brunk, Ewing,
Reid & Silverman, An empirical distribution function for sampling with incomplete information,
Annals of Mathematical Statistics 1955) and joined by lines over log2 of the resolution, cross a
level. No curve is assumed, so what lies between two resolutions is never more than interpolated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facesr.protocols._intervals import LEVEL, RESAMPLES, groups, wilson

VERSION = 1  # goes up when the same cosines lead to other numbers
FOLDS = 10
LEAST_PEOPLE = 4 * FOLDS  # with fewer, resamples come without any pair of two people
MOST_PROBES = 10

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
Bounds = tuple[float, float]

_AT_ONCE = 1_000_000
_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True, eq=False)
class Design:
    """Who is compared with whom.

    Args:
        gallery: Position of one picture of each person, (p,).
        probes: Positions of others of their pictures, (n,).
        who: Person on each probe, (n,), an index into `gallery`.
        left: Probe of each pair, (m,), an index into `probes`.
        right: Person in the gallery of each pair, (m,).
        fold: Fold of each pair, (m,).
    """

    gallery: Positions
    probes: Positions
    who: Positions
    left: Positions
    right: Positions
    fold: Positions

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.gallery)

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether a pair shows one person, (m,)."""
        return self.who[self.left] == self.right


class Numbers(NamedTuple):
    """Three numbers, each once per row of weights.

    Args:
        accuracy: Mean of the shares of genuine pairs accepted and of impostor pairs rejected.
        cosine: Mean cosine of genuine pairs.
        rank1: Share of probes that are nearest to their own person.
    """

    accuracy: Array
    cosine: Array
    rank1: Array


def design(names: Sequence[str], identities: Sequence[str], most: int = MOST_PROBES) -> Design:
    """Choose gallery and probes among people with two or more pictures, and make all pairs.

    The gallery holds the first picture of each person by name. People stand in the order of their
    labels, so that the order of the pictures decides nothing.

    Args:
        names: Names of the pictures.
        identities: Who is shown on each.
        most: Probes of one person at most, the next ones by name.
    """
    pictures: dict[str, list[int]] = {}
    for i in sorted(range(len(names)), key=names.__getitem__):
        pictures.setdefault(identities[i], []).append(i)
    several = [places[: most + 1] for _, places in sorted(pictures.items()) if len(places) > 1]
    people = np.arange(len(several))
    who = np.repeat(people, [len(places) - 1 for places in several])
    pairs = np.argwhere(who[:, None] % FOLDS == people % FOLDS)
    return Design(
        gallery=np.array([places[0] for places in several], np.intp),
        probes=np.array([i for places in several for i in places[1:]], np.intp),
        who=who,
        left=pairs[:, 0],
        right=pairs[:, 1],
        fold=pairs[:, 1] % FOLDS,
    )


def resampled(people: int, seed: int = 0, resamples: int = RESAMPLES) -> Array:
    """Draw how often each person comes in each resample.

    Returns:
        Counts, (1 + resamples, people); the first row is the sample itself.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(people, np.full(people, 1 / people), resamples)
    return np.concatenate([np.ones((1, people)), drawn.astype(np.float64)])


def left_out(people: int) -> Array:
    """Leave groups of people out, one after the other.

    Returns:
        Zeros and ones, (groups, people).
    """
    parts = groups(people).parts
    left = np.ones((len(parts), people))
    for row, part in zip(left, parts, strict=True):
        row[part] = 0
    return left


def thresholds(originals: Array, setting: Design, drawn: Array) -> Array:
    """Set the threshold of each fold on the pairs of originals in all others.

    It is where normal distributions with the means and deviations of both kinds of pairs would have
    equal errors. The cosine with most right decisions is no better, but rests on the few pairs
    near it: on 60 people of LFW it makes the intervals of all accuracies a third wider.

    Args:
        originals: Cosines of original probes with the gallery, (n, p).
        setting: Who is compared with whom.
        drawn: How often people come, (b, p).

    Returns:
        The cosines from which on a pair is accepted, (b, FOLDS).
    """
    scores, same = originals[setting.left, setting.right], setting.same
    inside = setting.fold[:, None] == np.arange(FOLDS)
    genuine, impostor = (
        _moments(scores, inside & kind[:, None], setting, drawn) for kind in (same, ~same)
    )
    spread = genuine.deviation + impostor.deviation
    share = np.where(spread > 0, impostor.deviation, 0.5) / np.where(spread > 0, spread, 1.0)
    return impostor.mean + share * (genuine.mean - impostor.mean)


def numbers(found: Array, setting: Design, drawn: Array, frozen: Array) -> Numbers:
    """Measure recognition with people weighted.

    Args:
        found: Cosines of probes at one resolution with the gallery, (n, p).
        setting: Who is compared with whom.
        drawn: How often people come, (b, p), as `resampled` or `left_out` gives it.
        frozen: Thresholds, (b, FOLDS).
    """
    own = found[np.arange(len(setting.who)), setting.who]
    probes, same = drawn[:, setting.who], setting.same
    scores = found[setting.left, setting.right]
    accuracy = np.empty(len(drawn))
    for rows in _blocks(len(drawn), len(scores)):
        counts = _counts(setting, drawn[rows])
        right = counts * ((scores >= frozen[rows][:, setting.fold]) == same)
        kinds = (same, ~same)
        accuracy[rows] = sum(right @ kind / (counts @ kind) for kind in kinds) / len(kinds)
    total = probes.sum(axis=1)
    return Numbers(accuracy, probes @ own / total, probes @ (own >= found.max(axis=1)) / total)


def bounds(values: Array, people: int = 0) -> Bounds:
    """Bound a number by its resamples: a percentile interval.

    Args:
        values: The number, then its resamples, (b,).
        people: Of a share, how many people it rests on: where all of them agree, resampling shows
            no spread, and Wilson's interval with as many trials takes its place.
    """
    value, others = float(values[0]), values[1:]
    if people and np.ptp(others) < 1e-12:
        return wilson(value * people, people)
    low, high = np.quantile(others, _TAILS)
    return float(low), float(high)


def monotone(values: Array) -> Array:
    """Return the nearest curves, in least squares, that never fall from left to right.

    Args:
        values: Curves, (..., m).
    """
    m = values.shape[-1]
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), values.cumsum(axis=-1)], axis=-1)
    fitted = np.full(values.shape, -np.inf)
    for start in range(m):
        # the least of all means that begin here and end at i or later
        means = (sums[..., start + 1 :] - sums[..., start, None]) / np.arange(1, m - start + 1)
        least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        fitted[..., start:] = np.maximum(fitted[..., start:], least)
    return fitted


def crossing(sides: Sequence[float], values: Array, target: Array) -> Array:
    """Find from which resolution on curves reach a level and keep it.

    Args:
        sides: Resolutions in pixels, increasing, (m,).
        values: Curves over them, (b, m).
        target: The level of each curve, (b,).

    Returns:
        Resolutions in pixels, (b,); minus infinity where a curve never falls below its level, plus
        infinity where it never reaches it.
    """
    curve, log = monotone(values), np.log2(np.asarray(sides, np.float64))
    below = (curve < target[:, None] - 1e-12).sum(axis=1)
    right = np.clip(below, 1, len(log) - 1)
    rows = np.arange(len(curve))
    before, after = curve[rows, right - 1], curve[rows, right]
    rise = np.where(after > before, after - before, 1.0)
    share = np.clip((target - before) / rise, 0, 1)
    found = np.exp2(log[right - 1] + share * (log[right] - log[right - 1]))
    return np.where(below == 0, -np.inf, np.where(below == len(log), np.inf, found))


def crossing_bounds(values: Array) -> Bounds:
    """Bound a crossing by its resamples; an infinite end says that the interval is open there.

    Args:
        values: Crossings, (b,), the first one that of the sample.
    """
    low, high = np.quantile(values[1:], _TAILS, method="inverted_cdf")
    return float(low), float(high)


class _Moments(NamedTuple):
    mean: Array
    deviation: Array


def _moments(scores: Array, inside: NDArray[np.bool_], setting: Design, drawn: Array) -> _Moments:
    """Describe the scores of all folds but one; each (b, FOLDS)."""
    powers = np.concatenate([scores[:, None] ** k * inside for k in range(3)], axis=1)
    rows = _blocks(len(drawn), len(scores))
    sums = np.concatenate([_counts(setting, drawn[part]) @ powers for part in rows])
    others = sums.reshape(len(drawn), 3, FOLDS) @ (1 - np.eye(FOLDS))
    count, first, second = others.transpose(1, 0, 2)
    mean = first / count
    return _Moments(mean, np.sqrt(np.maximum(second / count - mean**2, 0)))


def _counts(setting: Design, drawn: Array) -> Array:
    """Return how often each pair comes, (b, m)."""
    left, right = drawn[:, setting.who[setting.left]], drawn[:, setting.right]
    return left * np.where(setting.same, 1.0, right)


def _blocks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _AT_ONCE // width)
    return (slice(start, start + step) for start in range(0, rows, step))
