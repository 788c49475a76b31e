"""Rates of decisions on pairs of pictures, with intervals that know that pairs share people.

Two pairs with a person in common are no independent evidence. People are resampled, each with all
pictures; a pair of one person counts as often as that person was drawn, a pair of two people as
often as both were, the product (Snijders & Borgatti, Non-parametric standard errors and tests for
network statistics, Connections 1999; for recognition Bolle, Ratha & Pankanti, Error analysis of
pattern recognition systems, CVIU 2004).
"""

from collections.abc import Callable, Iterator

import numpy as np

from facesr.protocols._intervals import LEVEL, RESAMPLES, Interval, wilson
from facesr.protocols.metrics._trials import Array, Trials, Truths

VERSION = 1
RULE_OF_30 = 30
_AT_ONCE = 4_000_000

Rate = Callable[[Array], Array]


def right(accepted: Truths, made: Trials) -> Rate:
    """Return the accuracy as a function of weights.

    Args:
        accepted: Which pairs count as one person, (m,).
        made: The pairs.

    Returns:
        Turns weights of pairs, (b, m), into shares of right decisions, (b,): the mean of those on
        pairs of one and of two people, which is the accuracy where there are as many of each.
    """
    decided = (accepted == made.same).astype(np.float64)

    def rate(weights: Array) -> Array:
        kinds = [weights * kind for kind in (made.same, ~made.same)]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.mean([kind @ decided / kind.sum(axis=1) for kind in kinds], axis=0)

    return rate


def passed(accepted: Truths, kind: Truths) -> Rate:
    """Return the share of pairs of a kind that count as one person, as a function of weights."""
    hits = (accepted & kind).astype(np.float64)
    count = kind.astype(np.float64)

    def rate(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ hits) / (weights @ count)

    return rate


def equal_errors(scores: Array, made: Trials) -> Rate:
    """Return the rate at which as many pairs of one person fail as pairs of two pass.

    Between two similarities the two rates are taken to change linearly.
    """
    order = np.argsort(scores, kind="stable")
    same, ranked = made.same[order], scores[order]
    last = np.r_[ranked[1:] > ranked[:-1], True]

    def rate(weights: Array) -> Array:
        sorted_ = weights[:, order]
        missed, kept = (np.cumsum(sorted_ * kind, axis=1) for kind in (same, ~same))
        with np.errstate(invalid="ignore", divide="ignore"):
            false_reject = _from_zero(missed[:, last] / missed[:, -1:])
            false_accept = 1 - _from_zero(kept[:, last] / kept[:, -1:])
        gap = false_reject - false_accept
        at = (gap >= 0).argmax(axis=1)[:, None]
        before, after = (np.take_along_axis(gap, k, 1) for k in (at - 1, at))
        share = -before / (after - before)
        low, high = (np.take_along_axis(false_reject, k, 1) for k in (at - 1, at))
        return (low + share * (high - low))[:, 0]

    return rate


def passed_at(scores: Array, made: Trials, rates: Array) -> Callable[[Array], Array]:
    """Return the share of pairs of one person that pass where these shares of strangers do.

    Args:
        scores: Similarities, (m,).
        made: The pairs.
        rates: Shares of pairs of two people, (k,).

    Returns:
        Turns weights (b, m) into (b, k).
    """
    order = np.argsort(-scores, kind="stable")
    same, ranked = made.same[order], scores[order]
    last = np.flatnonzero(np.r_[ranked[1:] < ranked[:-1], True])

    def rate(weights: Array) -> Array:
        sorted_ = weights[:, order]
        taken, false = (np.cumsum(sorted_ * kind, axis=1) for kind in (same, ~same))
        with np.errstate(invalid="ignore", divide="ignore"):
            taken, false = (_from_zero(x[:, last] / x[:, -1:]) for x in (taken, false))
        at = np.stack([(false <= r + 1e-12).sum(axis=1) - 1 for r in rates], axis=1)
        return np.take_along_axis(taken, at, axis=1)

    return rate


def value_of(rate: Rate, made: Trials) -> Array:
    """Return a rate where every pair counts once."""
    return rate(np.ones((1, len(made.same))))[0]


def interval(rate: Rate, made: Trials, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Bound a rate in [0, 1] by resampling people.

    Where all resamples agree because every decision is right, or wrong, Wilson's interval with as
    many trials as there are people stands in.

    Args:
        rate: See `right`, `passed` and `equal_errors`.
        made: The pairs.
        resamples: How many.
        seed: Of the resampling.

    Returns:
        Ends in per cent.
    """
    value = float(value_of(rate, made))
    found = np.concatenate([rate(weights) for weights in resampled(made, resamples, seed)])
    found = found[np.isfinite(found)]  # without a pair of one kind there is no rate
    if np.ptp(found) == 0:
        people = len(np.unique(made.who[np.r_[made.left, made.right]]))
        low, high = wilson(value * people, people)
        return Interval(100 * low, 100 * high, f"Wilson over people, n = {people}")
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    how = f"bootstrap of people, percentile, {resamples}"
    return Interval(100 * float(low), 100 * float(high), how)


def resampled(made: Trials, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Yield how often each pair counts when people are drawn with replacement, (b, m) at a time."""
    random = np.random.default_rng(seed)
    known, place = np.unique(made.who[np.stack([made.left, made.right])], return_inverse=True)
    first, second = place.reshape(2, -1)
    step = max(1, _AT_ONCE // len(first))
    shares = np.full(len(known), 1 / len(known))
    for start in range(0, resamples, step):
        times = random.multinomial(len(known), shares, min(step, resamples - start)).astype(float)
        yield times[:, first] * np.where(made.same, 1.0, times[:, second])


def _from_zero(rates: Array) -> Array:
    return np.concatenate([np.zeros((len(rates), 1)), rates], axis=1)
