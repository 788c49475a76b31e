import math
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from facesr.protocols._intervals import bootstrap, groups, jackknife, rate, units, wilson


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
    assert np.ptp(np.array(together[:2], float)) > 3 * np.ptp(np.array(alone[:2], float))
    assert together.how == "bootstrap of people, BCa, 2000"


def test_bootstrap_covers_the_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    hits = 0
    for seed in range(150):
        low, high = bootstrap(random.exponential(size=60), seed=seed)[:2]
        assert low is not None
        assert high is not None
        hits += low <= 1 <= high
    assert 0.88 <= hits / 150 <= 1


def test_equal_values_have_an_interval_of_one_point() -> None:
    assert bootstrap([0.1] * 7)[:2] == pytest.approx((0.1, 0.1))
    assert bootstrap([0.1] * 4, ["a", "a", "b", "b"]).how == "no spread between people"


@pytest.mark.parametrize(
    ("values", "people", "note"),
    [
        ([5.0], None, "one picture only, so there is no interval"),
        ([5.0], ["a"], "one picture only, so there is no interval"),
        ([5.0, 6.0, 9.0], ["a"] * 3, "pictures of one person only, so there is no interval"),
    ],
)
def test_a_single_unit_has_no_interval(
    values: list[float], people: list[str] | None, note: str
) -> None:
    assert bootstrap(values, people) == (None, None, "", note)


def test_people_are_summarised_in_the_order_of_their_first_pictures() -> None:
    found = units([1, 2, 4, 6, 10], ["z", "b", "z", "a", "b"])
    assert (found.name, found.means.tolist()) == ("people", [2.5, 6, 6])
    assert found.mean == pytest.approx(4.6)
    assert units([1, 2], ["z", "b"]).name == units([1, 2]).name == "pictures"


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (240, 240), (397, 512)])
def test_wilson_solves_its_own_equation(hits: int, n: int) -> None:
    (low, high), z = wilson(hits, n), 1.959963984540054
    for end in (low, high):
        if 0 < end < 1:
            assert abs(hits / n - end) == pytest.approx(z * math.sqrt(end * (1 - end) / n))
    assert low <= hits / n <= high


def test_wilson_at_all_of_240_does_not_reach_up_to_certainty() -> None:
    assert wilson(240, 240) == pytest.approx((0.9842, 1), abs=1e-4)


def test_a_rate_of_single_pictures_is_bounded_by_wilson() -> None:
    found = np.arange(10) < 3
    expected = pytest.approx([100 * end for end in wilson(3, 10)])
    for people in (None, [str(i) for i in range(10)]):
        interval = rate(found, people)
        assert interval[:2] == expected
        assert interval.how == "Wilson over pictures, n = 10"


def test_a_rate_of_people_who_come_often_is_bounded_by_resampling_them() -> None:
    found = [True, True, True, False, False, False, True, False]
    people = list("aabbccdd")
    interval = rate(found, people)
    assert interval == bootstrap(100.0 * np.array(found), people)
    assert interval.how == "bootstrap of people, BCa, 2000"


@pytest.mark.parametrize(("found", "hits"), [([1, 1], 40), ([0, 0], 0), ([1, 0], 20)])
def test_where_all_people_agree_each_counts_as_one_trial(found: list[int], hits: int) -> None:
    interval = rate(found * 40, [str(i // 2) for i in range(80)])
    assert interval[:2] == pytest.approx([100 * end for end in wilson(hits, 40)])
    assert interval.how == "Wilson over people, n = 40"


@pytest.mark.parametrize(("shots", "most"), [(1, 0.99), (4, 0.995)])
@pytest.mark.parametrize("mean", [0.8, 0.95])
def test_a_rate_is_covered_as_often_as_it_says(mean: float, shots: int, most: float) -> None:
    random = np.random.default_rng(4)
    people, hits, naive = [str(i // shots) for i in range(40 * shots)], 0, 0
    for _ in range(300):
        one = random.beta(mean / 2, (1 - mean) / 2, 40)
        found = random.random(40 * shots) < np.repeat(one, shots)
        low, high = rate(found, people)[:2]
        assert low is not None
        assert high is not None
        hits += low <= 100 * mean <= high
        low, high = wilson(int(found.sum()), len(found))
        naive += low <= mean <= high
    assert 0.92 <= hits / 300 <= most
    assert shots == 1 or naive / 300 < 0.85


@pytest.mark.parametrize("n", [3, 19, 20, 21, 57, 2000])
def test_groups_cover_every_position_once(n: int) -> None:
    parts, name = groups(n)
    assert len(parts) == min(n, 20)
    assert np.concatenate(parts).tolist() == list(range(n))
    assert np.ptp([len(part) for part in parts]) <= 1
    assert name == "pictures"
    assert groups(n, [str(i) for i in range(n)]).name == "pictures"


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_in_two_groups_however_pictures_are_shuffled(seed: int) -> None:
    random = np.random.default_rng(seed)
    who = random.permutation(np.repeat(np.arange(60), random.integers(1, 9, 60)))
    people = [f"{number:02d}" for number in who]
    parts, name = groups(len(who), people)
    assert (len(parts), name) == (20, "people")
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(who)))
    members = [set(who[part].tolist()) for part in parts]
    assert sum(map(len, members)) == 60
    assert np.ptp([len(part) for part in parts]) <= np.bincount(who).max()
    again = groups(len(who), people)
    assert all(map(np.array_equal, parts, again.parts))


def test_there_are_no_more_groups_than_people() -> None:
    parts, name = groups(7, list("abacbac"))
    assert [part.tolist() for part in parts] == [[0, 2, 5], [1, 4], [3, 6]]
    assert name == "people"


@pytest.mark.parametrize(("n", "people"), [(1, None), (2, None), (5, "aaaaa"), (3, "aab")])
def test_without_two_pictures_left_there_are_no_groups(n: int, people: str | None) -> None:
    found = groups(n, people)
    assert found.parts == ()
    interval = jackknife(1.0, [], found.name)
    assert (interval.low, interval.high) == (None, None)
    assert interval.note == f"too few {found.name} to leave some out, so there is no interval"


def test_jackknife_of_a_mean_is_the_t_interval_of_group_means() -> None:
    values = np.random.default_rng(1).normal(size=400)
    without = [np.delete(values, part).mean() for part in groups(400).parts]
    means = values.reshape(20, 20).mean(axis=1)
    expected = stats.t.interval(0.95, 19, values.mean(), stats.sem(means))
    interval = jackknife(values.mean(), without)
    assert interval[:2] == pytest.approx(expected)
    assert interval.how == "jackknife, 20 groups of pictures"


def test_jackknife_over_people_covers_what_pictures_do_not() -> None:
    random = np.random.default_rng(6)
    hits = {"people": 0, "pictures": 0}
    for _ in range(200):
        who = random.permutation(np.repeat(np.arange(50), 6))
        values = random.normal(size=50)[who] + random.normal(0, 0.3, 300)
        for people in (None, [str(i) for i in who]):
            parts, name = groups(300, people)
            without = [np.delete(values, part).mean() for part in parts]
            low, high = jackknife(values.mean(), without, name)[:2]
            assert low is not None
            assert high is not None
            hits[name] += low <= 0 <= high
    assert 0.91 <= hits["people"] / 200 <= 0.99
    assert hits["pictures"] / 200 < 0.75
