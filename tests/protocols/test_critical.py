import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from facesr.protocols import _critical
from facesr.protocols._critical import (
    FOLDS,
    Design,
    Numbers,
    bounds,
    crossing,
    crossing_bounds,
    design,
    left_out,
    monotone,
    numbers,
    resampled,
    thresholds,
)
from facesr.protocols._intervals import wilson

Array = NDArray[np.float64]
SIDES = (8, 12, 16, 24, 32, 48, 64)
NOISE = (2.2, 1.5, 1.05, 0.71, 0.58, 0.51, 0.49)  # how far a face is from its person, by side
ORIGINAL = 0.41


def people(count: int, shots: int) -> tuple[list[str], list[str]]:
    names = [f"{who:04d}-{shot}" for who in range(count) for shot in range(shots)]
    return names, [name[:4] for name in names]


def world(count: int, shots: int, random: np.random.Generator) -> tuple[Design, Array, list[Array]]:
    """Features of people, some easier than others, on originals and at each resolution.

    Returns:
        Who is compared with whom; cosines of originals; cosines by resolution.
    """
    setting = design(*people(count, shots))
    who = np.repeat(np.arange(count), shots)
    centres = random.normal(size=(count, 24))[who]
    hard = random.gamma(6, 1 / 6, size=count)[who, None]
    near, far = (hard * random.normal(size=centres.shape) for _ in range(2))
    original = centres + ORIGINAL * near
    faces = [original, *(original + math.sqrt(s * s - ORIGINAL**2) * far for s in NOISE)]
    unit = [face / np.linalg.norm(face, axis=1, keepdims=True) for face in faces]
    gallery = unit[0][setting.gallery]
    cosines = [face[setting.probes] @ gallery.T for face in unit]
    return setting, cosines[0], cosines[1:]


def measured(count: int, shots: int, random: np.random.Generator, resamples: int) -> list[Numbers]:
    setting, originals, found = world(count, shots, random)
    drawn = resampled(count, 0, resamples)
    frozen = thresholds(originals, setting, drawn)
    return [numbers(cosines, setting, drawn, frozen) for cosines in (originals, *found)]


def test_the_first_picture_by_name_is_the_gallery_and_single_pictures_are_left_out() -> None:
    names = ["c2", "a1", "b1", "c1", "a3", "a2"]
    found = design(names, ["c", "a", "b", "c", "a", "a"])
    assert [names[i] for i in found.gallery] == ["a1", "c1"]
    assert [names[i] for i in found.probes] == ["a2", "a3", "c2"]
    assert found.who.tolist() == [0, 0, 1]
    assert [names[i] for i in design(names, list("cabcaa"), most=1).probes] == ["a2", "c2"]


def test_the_order_of_pictures_decides_nothing() -> None:
    names, identities = people(30, 3)
    order = np.random.default_rng(0).permutation(len(names))
    one = design(names, identities)
    other = design([names[i] for i in order], [identities[i] for i in order])
    assert [names[i] for i in one.probes] == [names[order[i]] for i in other.probes]
    assert [names[i] for i in one.gallery] == [names[order[i]] for i in other.gallery]
    np.testing.assert_array_equal(one.fold, other.fold)


def test_pairs_stay_inside_a_fold() -> None:
    found = design(*people(40, 3))
    assert len(found.left) == 40 * 2 * 4  # each probe with the four people of its fold
    assert found.same.sum() == 80
    fold = {person: {int(found.fold[found.right == person][0])} for person in range(40)}
    for left, right, number in zip(found.left, found.right, found.fold, strict=True):
        assert fold[int(found.who[left])] == fold[int(right)] == {number}


def test_normal_pairs_of_both_kinds_have_equal_errors_at_the_threshold() -> None:
    setting, originals, _ = world(40, 3, np.random.default_rng(1))
    frozen = thresholds(originals, setting, np.ones((1, 40)))[0]
    scores = originals[setting.left, setting.right]
    for fold in range(FOLDS):
        others = setting.fold != fold
        accept, reject = scores[others & setting.same], scores[others & ~setting.same]
        missed = norm.cdf(frozen[fold], accept.mean(), accept.std())
        passed = norm.sf(frozen[fold], reject.mean(), reject.std())
        assert missed == pytest.approx(passed, rel=1e-9)


def test_a_person_drawn_twice_counts_as_two_for_the_threshold() -> None:
    setting, originals, _ = world(40, 3, np.random.default_rng(1))
    drawn = np.ones((1, 40))
    drawn[0, 4] = 2
    frozen = thresholds(originals, setting, drawn)[0]
    scores, who = originals[setting.left, setting.right], setting.who[setting.left]
    twice = 1 + ((who == 4) | (setting.right == 4))
    others = setting.fold != 0
    kinds = [others & setting.same, others & ~setting.same]
    counted = [np.repeat(scores[kind], twice[kind]) for kind in kinds]
    (mean, spread), (low, wide) = [(each.mean(), each.std()) for each in counted]
    assert frozen[0] == pytest.approx((mean * wide + low * spread) / (wide + spread), rel=1e-9)


def test_people_do_not_move_the_threshold_that_is_used_on_them() -> None:
    setting, originals, _ = world(40, 3, np.random.default_rng(1))
    before = thresholds(originals, setting, np.ones((1, 40)))[0]
    inside = setting.who % FOLDS == 3
    turned = np.where(inside[:, None], -originals, originals)
    after = thresholds(turned, setting, np.ones((1, 40)))[0]
    assert after[3] == before[3]
    assert (after != before).any()


def test_numbers_are_those_of_counting_pair_by_pair() -> None:
    setting, originals, found = world(30, 4, np.random.default_rng(2))
    drawn = resampled(30, 5, 7)
    frozen = thresholds(originals, setting, drawn)
    got = numbers(found[2], setting, drawn, frozen)
    for row, times in enumerate(drawn):
        right, every = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
        first = cosine = total = 0.0
        for probe, person in enumerate(setting.who):
            line = found[2][probe]
            first += times[person] * (line.argmax() == person)
            cosine += times[person] * line[person]
            total += times[person]
            for other in range(30):
                if other % FOLDS == person % FOLDS:
                    same = bool(other == person)
                    count = times[person] * (1 if same else times[other])
                    every[same] += count
                    accepted = line[other] >= frozen[row, other % FOLDS]
                    right[same] += count * (accepted == same)
        accuracy = (right[True] / every[True] + right[False] / every[False]) / 2
        assert got.accuracy[row] == pytest.approx(accuracy, rel=1e-12)
        assert got.cosine[row] == pytest.approx(cosine / total, rel=1e-12)
        assert got.rank1[row] == pytest.approx(first / total, rel=1e-12)


def test_blocks_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured(30, 3, np.random.default_rng(3), 40)[3]
    monkeypatch.setattr(_critical, "_AT_ONCE", 300)
    parts = measured(30, 3, np.random.default_rng(3), 40)[3]
    np.testing.assert_array_equal(whole.accuracy, parts.accuracy)


def test_a_perfect_and_a_blind_recogniser() -> None:
    setting = design(*people(20, 3))
    exact = np.equal(setting.who[:, None], np.arange(20)) * 1.0
    drawn = resampled(20, 0, 50)
    frozen = thresholds(exact, setting, drawn)
    np.testing.assert_array_equal(frozen, 0.5)
    perfect = numbers(exact, setting, drawn, frozen)
    assert set(perfect.accuracy) == set(perfect.rank1) == set(perfect.cosine) == {1.0}
    blind = numbers(np.zeros_like(exact), setting, drawn, frozen)
    assert set(blind.accuracy) == {0.5}


def test_leaving_groups_out_leaves_everybody_out_once() -> None:
    left = left_out(45)
    assert left.shape == (20, 45)
    np.testing.assert_array_equal((1 - left).sum(axis=0), 1)


def test_monotone_curves_are_those_of_scipy() -> None:
    curves = np.random.default_rng(0).normal(size=(50, 7)).cumsum(axis=1)
    wanted = [isotonic_regression(curve).x for curve in curves]
    np.testing.assert_allclose(monotone(curves), wanted, atol=1e-12)


def at(values: list[float], target: float, sides: tuple[int, ...] = (8, 16, 32, 64)) -> float:
    return float(crossing(sides, np.array([values]), np.array([target]))[0])


@pytest.mark.parametrize(
    ("values", "target", "wanted"),
    [
        ([0.5, 0.7, 0.9, 1.0], 0.8, math.sqrt(16 * 32)),  # half-way in log2
        ([0.5, 0.7, 0.9, 1.0], 0.5 + 0.2 / 3, 8 * 2 ** (1 / 3)),
        ([0.5, 0.7, 0.9, 1.0], 0.7, 16),
        ([0.5, 0.9, 0.9, 0.9], 0.9, 16),  # where it is reached first
        ([0.5, 0.8, 0.6, 1.0], 0.7, 16),  # a dip is averaged with what is before it
        ([0.5, 0.9, 0.9, 0.9], 0.95, math.inf),
        ([0.5, 0.9, 0.9, 0.9], 0.4, -math.inf),
        ([0.5, 0.9, 0.9, 0.9], 0.5, -math.inf),
    ],
)
def test_crossings_in_closed_form(values: list[float], target: float, wanted: float) -> None:
    assert at(values, target) == pytest.approx(wanted)


def test_a_higher_level_is_never_crossed_earlier() -> None:
    curve = np.random.default_rng(4).uniform(size=7)
    found = [
        float(crossing(SIDES, curve[None], np.array([level]))[0])
        for level in np.linspace(0, 1, 101)
    ]
    assert all(one <= other for one, other in pairwise(found))
    assert (found[0], found[-1]) == (-math.inf, math.inf)


def test_what_is_beyond_all_resolutions_opens_the_interval() -> None:
    inside = np.linspace(10, 20, 1000)
    ends = crossing_bounds(np.concatenate([[15.0], inside]))
    assert ends == pytest.approx((10.25, 19.75), abs=0.02)
    beyond = np.concatenate([[15.0], inside, np.full(100, np.inf)])
    assert crossing_bounds(beyond)[1] == math.inf
    assert 10 < crossing_bounds(beyond)[0] < 11
    assert crossing_bounds(np.concatenate([[15.0], inside, [-np.inf]]))[0] > 10


def test_where_all_people_agree_the_interval_is_wilsons() -> None:
    assert bounds(np.ones(100), 30) == wilson(30, 30)
    assert bounds(np.ones(100)) == (1.0, 1.0)


def test_intervals_cover_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    full, *truth = measured(1500, 3, random, 0)
    level = 0.95 * full.accuracy
    true = crossing(SIDES, np.array([[each.accuracy[0] for each in truth]]), level)[0]
    assert 16 < true < 32
    runs = 100
    points, cosines, crossed = np.zeros(len(SIDES)), np.zeros(len(SIDES)), 0
    for _ in range(runs):
        full, *found = measured(50, 3, random, 300)
        for i, (one, sure) in enumerate(zip(found, truth, strict=True)):
            low, high = bounds(one.accuracy, 50)
            points[i] += low <= sure.accuracy[0] <= high
            low, high = bounds(one.cosine)
            cosines[i] += low <= sure.cosine[0] <= high
        values = np.stack([one.accuracy for one in found], axis=1)
        low, high = crossing_bounds(crossing(SIDES, values, 0.95 * full.accuracy))
        crossed += low <= true <= high
    assert (points >= 0.88 * runs).all(), points / runs
    assert (cosines >= 0.85 * runs).all(), cosines / runs
    assert crossed >= 0.88 * runs
