import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from facesr.bench.score import Score
from facesr.reports._ranks import (
    FLIPS,
    holm,
    jackknife,
    p_values,
    sign_flips,
    standings,
    why_untested,
)


def named(scores: list[Score]) -> dict[str, Score]:
    return dict(zip("abcdefgh", scores, strict=False))


def test_holm_by_hand() -> None:
    raw = {("a", "b"): 0.01, ("a", "c"): 0.04, ("b", "c"): 0.03}
    expected = {("a", "b"): 0.03, ("b", "c"): 0.06, ("a", "c"): 0.06}
    assert holm(raw) == pytest.approx(expected)


def test_holm_never_exceeds_one() -> None:
    assert max(holm({("a", "b"): 0.6, ("a", "c"): 0.9, ("b", "c"): 0.7}).values()) == 1.0


def test_sign_flips_agree_with_every_flip_written_out() -> None:
    a, b = [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0], [2.0, 1.5, 3.0, 1.0, 4.5, 7.0, 2.5, 5.0]
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    every = [
        abs(sum(s * g for s, g in zip(signs, gaps, strict=True)))
        for signs in itertools.product((-1, 1), repeat=8)
    ]
    exact = sum(total >= abs(sum(gaps)) - 1e-9 for total in every) / len(every)
    assert sign_flips({"a": a, "b": b})["a", "b"] == pytest.approx(exact, abs=0.01)


def test_a_permutation_p_is_never_zero() -> None:
    certain = sign_flips({"a": [1.0] * 400, "b": [0.0] * 400})["a", "b"]
    assert certain == 1 / (FLIPS + 1)


def test_rounding_does_not_turn_a_tie_into_a_difference() -> None:
    assert sign_flips({"a": [0.1, 0.2, -0.3], "b": [0.0, 0.0, 0.0]})["a", "b"] == 1.0


def test_the_order_of_methods_does_not_change_a_p(make: Any) -> None:
    first, second, third = (s.samples for s in make.paired([1.0, 1.001, 1.002]))
    forward = sign_flips({"a": first, "b": second, "c": third})
    backward = sign_flips({"c": third, "b": second, "a": first})
    assert forward["a", "b"] == backward["b", "a"]


def test_more_flips_are_made_where_many_pairs_could_never_pass() -> None:
    many = {str(i): [float(i)] * 20 for i in range(46)}
    p = sign_flips(many)
    assert holm(p)["0", "45"] <= 0.05


def test_equal_samples_cannot_be_told_apart(make: Any) -> None:
    one = make.paired([1.0])[0]
    assert p_values({"a": one, "b": one}) == {("a", "b"): 1.0}
    stands = standings({"a": one, "b": one})
    assert [(s.best, s.worst, s.group) for s in stands.values()] == [(1, 2, 1)] * 2


def test_false_alarms_stay_near_five_per_cent() -> None:
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(100):
        a, b = random.normal(size=(2, 25))
        alarms += sign_flips({"a": a.tolist(), "b": b.tolist()})["a", "b"] <= 0.05
    assert alarms <= 12


def test_the_jackknife_of_a_mean_is_the_paired_t_test(make: Any) -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(0.3, 1, 20), random.normal(0, 1, 20)

    def left_out(x: np.ndarray) -> Score:
        leave = tuple(float((x.sum() - value) / 19) for value in x)
        return make.score(value=float(x.mean()), sampling="jackknife", samples=leave)

    expected = stats.ttest_rel(a, b).pvalue
    assert jackknife({"a": left_out(a), "b": left_out(b)})["a", "b"] == pytest.approx(expected)


def test_groups_and_rank_intervals_by_hand(make: Any) -> None:
    # a and b share the lead, c is behind both, d behind all
    stands = standings(named(make.paired([26.0, 26.0001, 25.0, 24.0])))
    assert {name: (s.best, s.worst, s.group) for name, s in stands.items()} == {
        "a": (1, 2, 1),
        "b": (1, 2, 1),
        "c": (3, 3, 2),
        "d": (4, 4, 0),
    }


def test_lower_wins_where_lower_is_better(make: Any) -> None:
    stands = standings(named(make.paired([26.0, 25.0], better="lower")))
    assert (stands["a"].group, stands["b"].group) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ranked": False, "note": "small set"}, "small set"),
        ({"sampling": "none", "samples": ()}, "no values per picture"),
        ({"sampling": "jackknife"}, "different ways"),
    ],
)
def test_a_column_that_cannot_be_tested_says_why(
    make: Any, changes: dict[str, Any], words: str
) -> None:
    first, second = make.paired([1.0, 2.0])
    assert words in why_untested({"a": first, "b": replace(second, **changes)})


def test_one_method_alone_is_not_tested(make: Any) -> None:
    assert "one method" in why_untested({"a": make.paired([1.0])[0]})


def test_a_difference_without_spread_is_told_apart_by_groups(make: Any) -> None:
    def flat(value: float) -> Score:
        return make.score(value=value, sampling="jackknife", samples=(value,) * 20)

    p = jackknife({"a": flat(1.0), "b": flat(1.0), "c": flat(2.0)})
    assert p == {("a", "b"): 1.0, ("a", "c"): 0.0, ("b", "c"): 0.0}


def test_a_significant_difference_below_the_smallest_that_counts_is_a_tie(make: Any) -> None:
    scores = named(make.paired([1.0, 1.2]))
    assert {standing.group for standing in standings(scores).values()} == {1, 2}
    small = {name: replace(score, smallest=0.5) for name, score in scores.items()}
    assert {standing.group for standing in standings(small).values()} == {1}
