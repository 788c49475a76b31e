from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._scores import per_group, per_picture
from facesr.reports import _ranks

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def mean_of(values: object, people: list[str] | None) -> Score:
    names = tuple(f"{i}.png" for i in range(np.size(np.asarray(values))))
    faces = Faces(Path("nowhere"), names, 64, "sr", tuple(people) if people else None)
    return per_picture("x", values, faces, better="lower", identity="x[v1]", group="realism")  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_and_nothing_is_averaged(
    draw: Draw, store: Store, bad: float
) -> None:
    faces = store(draw(3), "sr")
    sentence = r"x of 0001\.png is .*\(1 of 3 pictures\); nothing is averaged over what is left"
    with pytest.raises(BadData, match=sentence):
        per_picture("x", [1, bad, 2], faces, better="lower", identity="x[v1]", group="realism")


def test_people_who_come_often_have_one_sample_each() -> None:
    score = mean_of([1, 2, 4, 6, 10], ["z", "b", "z", "a", "b"])
    assert (score.sampling, score.samples) == ("person", (2.5, 6, 6))
    assert score.n == 5
    assert score.value == pytest.approx(4.6)
    assert score.interval == "bootstrap of people, BCa, 2000"


@pytest.mark.parametrize("people", [None, ["a", "b", "c"]])
def test_pictures_of_different_people_are_samples_themselves(people: list[str] | None) -> None:
    score = mean_of([1, 2, 4], people)
    assert (score.sampling, score.samples) == ("picture", (1, 2, 4))
    assert score.interval == "bootstrap of pictures, BCa, 2000"


def test_one_picture_has_a_value_and_no_interval() -> None:
    score = mean_of([3], None)
    assert (score.value, score.low, score.high, score.interval) == (3, None, None, "")
    assert score.note == "one picture only, so there is no interval"


def test_one_person_has_a_value_and_no_interval() -> None:
    score = mean_of([3, 5], ["a", "a"])
    assert (score.value, score.low, score.high, score.samples) == (4, None, None, (4,))
    assert score.note == "pictures of one person only, so there is no interval"


def test_sign_flips_of_people_keep_their_level_and_those_of_pictures_would_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_ranks, "FLIPS", 400)
    random, people = np.random.default_rng(8), [str(i // 4) for i in range(160)]
    rejected = {"person": 0, "picture": 0}
    for _ in range(300):
        shift = np.repeat(random.normal(size=40), 4)
        ours, theirs = (shift * k + random.normal(0, 0.5, 160) for k in (0, 1))
        for labels in (people, None):
            scores = {"a": mean_of(ours, labels), "b": mean_of(theirs, labels)}
            (p,) = _ranks.p_values(scores).values()
            rejected[scores["a"].sampling] += p <= 0.05
    assert rejected["person"] / 300 < 0.09
    assert rejected["picture"] / 300 > 0.2


def test_a_distance_without_groups_has_no_interval_and_no_samples() -> None:
    faces = Faces(Path("nowhere"), ("0.png", "1.png", "2.png"), 64, "sr")
    score = per_group("fd", 4.0, [], "people", faces, identity="fd[v1]", least=0, note="small")
    assert (score.value, score.low, score.high, score.samples) == (4, None, None, ())
    assert (score.sampling, score.interval, score.n) == ("none", "", 3)
    assert score.note == "small; too few people to leave some out, so there is no interval"


def test_the_interval_of_a_distance_ends_where_distances_end() -> None:
    faces = Faces(Path("nowhere"), ("0.png", "1.png", "2.png"), 64, "sr")
    score = per_group("fd", 0.1, [0.0, 0.1, 0.4], "pictures", faces, identity="fd[v1]", least=0)
    assert score.low == 0
    assert score.high is not None
    assert score.high > 0.1
