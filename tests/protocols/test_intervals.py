import math
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from facesr.protocols._intervals import bootstrap, groups, jackknife, wilson


@pytest.mark.parametrize(("n", "kind"), [(30, "BCa"), (199, "BCa"), (200, "percentile")])
def test_bootstrap_equals_scipy_with_the_same_resamples(
    n: int, kind: Literal["BCa", "percentile"]
) -> None:
    values = np.random.default_rng(3).gamma(2, size=n)
    resamples = np.random.default_rng(5)
    theirs = stats.bootstrap(
        [values], np.mean, n_resamples=2000, method=kind, random_state=resamples
    ).confidence_interval
    ours = bootstrap(values, seed=5)
    assert ours.how == f"bootstrap of pictures, {kind}, 2000"
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_bootstrap_of_one_picture_each_ignores_who_is_shown() -> None:
    values = [1.0, 4.0, 2.0, 8.0]
    assert bootstrap(values, ["a", "b", "c", "d"]) == bootstrap(values)


def test_people_who_come_often_widen_the_interval() -> None:
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=40), 25) + random.normal(0, 0.05, 1000)
    people = [str(i) for i in np.repeat(np.arange(40), 25)]
    alone, together = bootstrap(values), bootstrap(values, people)
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert together.how == "bootstrap of people, BCa, 2000"


def test_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    hits = 0
    for seed in range(150):
        interval = bootstrap(random.exponential(size=60), seed=seed)
        hits += interval.low <= 1 <= interval.high
    assert 0.88 <= hits / 150 <= 1


def test_equal_values_have_an_interval_of_one_point() -> None:
    assert bootstrap([0.1] * 7)[:2] == pytest.approx((0.1, 0.1))
    assert bootstrap([5.0])[:2] == (5.0, 5.0)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (240, 240), (397, 512)])
def test_wilson_solves_its_own_equation(hits: int, n: int) -> None:
    interval, z = wilson(hits, n), 1.959963984540054
    for end in (interval.low, interval.high):
        if 0 < end < 1:
            assert abs(hits / n - end) == pytest.approx(z * math.sqrt(end * (1 - end) / n))
    assert interval.low <= hits / n <= interval.high


def test_wilson_at_all_of_240_does_not_reach_up_to_certainty() -> None:
    assert wilson(240, 240).low == pytest.approx(0.9842, abs=1e-4)
    assert wilson(240, 240).high == 1


@pytest.mark.parametrize("n", [3, 19, 20, 21, 57, 2000])
def test_groups_cover_every_position_once(n: int) -> None:
    parts = groups(n)
    assert len(parts) == min(n, 20)
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    sizes = {part.stop - part.start for part in parts}
    assert max(sizes) - min(sizes) <= 1


def test_jackknife_of_a_mean_is_the_t_interval_of_group_means() -> None:
    values = np.random.default_rng(1).normal(size=400)
    without = [np.delete(values, range(400)[part]).mean() for part in groups(400)]
    means = values.reshape(20, 20).mean(axis=1)
    expected = stats.t.interval(0.95, 19, values.mean(), stats.sem(means))
    interval = jackknife(values.mean(), without)
    assert interval[:2] == pytest.approx(expected)
    assert interval.how == "jackknife, 20 groups"
