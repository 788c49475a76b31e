from itertools import combinations

import numpy as np
import pytest

from facesr.protocols._intervals import wilson
from facesr.protocols.metrics import _rates
from facesr.protocols.metrics._rates import equal_errors, interval, passed, passed_at, right
from facesr.protocols.metrics._trials import Trials

PEOPLE, SHOTS = 30, 2


def design(people: int = PEOPLE) -> Trials:
    """Two pairs of each person, one pair of any two."""
    own = [(2 * p, 2 * p + 1) for p in range(people)] * 2
    others = [(2 * a, 2 * b) for a, b in combinations(range(people), 2)]
    pairs = np.array(own + others)
    same = np.arange(len(pairs)) < len(own)
    who = np.arange(2 * people) // 2
    return Trials(pairs[:, 0], pairs[:, 1], same, np.zeros(len(pairs), np.intp), who, "drawn@0")


def similar(made: Trials, random: np.random.Generator) -> np.ndarray:
    """Draw similarities to which each person contributes, as some are easy and some are not."""
    effect = random.normal(0, 0.5, made.people)
    left, right_ = effect[made.who[made.left]], effect[made.who[made.right]]
    mean = np.where(made.same, 1.5 + left, (left + right_) / 2)
    return mean + random.normal(0, 0.6, len(made.same))


def test_pairs_of_both_kinds_weigh_alike() -> None:
    made = design(4)
    accepted = made.same.copy()
    accepted[0] = False
    value = float(_rates.value_of(right(accepted, made), made))
    assert value == pytest.approx((7 / 8 + 1) / 2)


def test_equal_errors_are_where_both_rates_meet() -> None:
    random = np.random.default_rng(0)
    made = design()
    for _ in range(20):
        scores = similar(made, random)
        value = float(_rates.value_of(equal_errors(scores, made), made))
        limits = np.quantile(scores, np.linspace(0, 1, 20_001))
        missed = (scores[made.same] < limits[:, None]).mean(axis=1)
        false = (scores[~made.same] >= limits[:, None]).mean(axis=1)
        at = np.abs(missed - false).argmin()
        assert value == pytest.approx((missed[at] + false[at]) / 2, abs=0.02)


def test_equal_errors_are_0_if_all_are_told_apart_and_half_if_nothing_is_known() -> None:
    made = design()
    apart = np.where(made.same, 1.0, 0.0)
    assert _rates.value_of(equal_errors(apart, made), made) == 0
    assert _rates.value_of(equal_errors(np.zeros_like(apart), made), made) == 0.5
    assert _rates.value_of(equal_errors(-apart, made), made) == 1


def test_the_roc_is_that_of_scikit_learns_definition() -> None:
    made = design()
    scores = similar(made, np.random.default_rng(1))
    rates = np.array([0.01, 0.1, 0.5])
    found = _rates.value_of(passed_at(scores, made, rates), made)
    for rate, value in zip(rates, found, strict=True):
        limits = np.r_[np.inf, np.unique(scores)]
        false = np.array([(scores[~made.same] >= limit).mean() for limit in limits])
        limit = limits[false <= rate].min()
        assert value == (scores[made.same] >= limit).mean()


def test_a_person_drawn_twice_counts_twice_with_oneself_and_with_others() -> None:
    made = design(6)
    weights = np.concatenate(list(_rates.resampled(made, 50)))
    own = weights[:, :6]
    assert (own.sum(axis=1) == 6).all()
    for k, (a, b) in enumerate(combinations(range(6), 2)):
        assert np.array_equal(weights[:, 12 + k], own[:, a] * own[:, b])


def test_one_resampling_does_not_depend_on_how_much_is_done_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = design(8)
    scores = similar(made, np.random.default_rng(2))
    whole = interval(right(scores > 0.7, made), made, 300)
    monkeypatch.setattr(_rates, "_AT_ONCE", 500)
    assert interval(right(scores > 0.7, made), made, 300) == whole


def test_all_right_still_has_an_interval() -> None:
    made = design()
    bounds = interval(right(made.same, made), made, 100)
    assert bounds.low == pytest.approx(100 * wilson(PEOPLE, PEOPLE)[0])
    assert bounds.high == pytest.approx(100)
    assert bounds.how == f"Wilson over people, n = {PEOPLE}"


@pytest.mark.parametrize("what", ["accuracy", "tar", "eer"])
def test_intervals_cover_the_truth(what: str) -> None:
    made, random = design(), np.random.default_rng(0)

    def rate(scores: np.ndarray) -> _rates.Rate:
        accepted = scores >= 0.75
        if what == "eer":
            return equal_errors(scores, made)
        return right(accepted, made) if what == "accuracy" else passed(accepted, made.same)

    values = [_rates.value_of(rate(similar(made, random)), made) for _ in range(1500)]
    truth = 100 * float(np.mean(values))
    found = []
    for seed in range(150):
        bounds = interval(rate(similar(made, random)), made, 200, seed)
        assert bounds.low is not None
        assert bounds.high is not None
        found.append(bounds.low <= truth <= bounds.high)
    assert 0.88 <= np.mean(found) <= 0.99


def test_pairs_taken_for_independent_would_cover_too_little() -> None:
    made, random = design(), np.random.default_rng(0)
    truth = np.mean([(similar(made, random) >= 0.75)[~made.same].mean() for _ in range(1500)])
    found = []
    for _ in range(300):
        hits = (similar(made, random) >= 0.75)[~made.same]
        low, high = wilson(int(hits.sum()), len(hits))
        found.append(low <= truth <= high)
    assert np.mean(found) < 0.88
