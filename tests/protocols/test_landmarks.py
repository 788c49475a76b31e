from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols.metrics import landmarks
from facesr.protocols.metrics.landmarks import Landmarks, error, five

Store = Callable[..., Faces]
Draw = Callable[..., np.ndarray]

TRUTH = np.array([[[20, 20], [40, 20], [30, 32], [22, 44], [38, 44]]], float)


def test_points_in_their_places_have_no_error() -> None:
    for norm in ("eyes", "box", "l1"):
        assert error(TRUTH, TRUTH, 64, norm)[0] == 0


def test_errors_are_measured_in_their_units() -> None:
    moved = TRUTH + np.array([3.0, -4.0])
    assert error(moved, TRUTH, 64, "eyes")[0] == pytest.approx(100 * 5 / 20)
    assert error(moved, TRUTH, 64, "box")[0] == pytest.approx(100 * 5 / 64)
    assert error(moved, TRUTH, 64, "l1")[0] == pytest.approx(3.5)


def test_an_undetected_face_is_as_bad_as_any() -> None:
    nowhere = np.full_like(TRUTH, np.nan)
    far = TRUTH + 50
    for norm in ("eyes", "box", "l1"):
        missed = error(nowhere, TRUTH, 64, norm)[0]
        assert missed == error(far, TRUTH, 64, norm)[0]
        assert missed > error(TRUTH + 9, TRUTH, 64, norm)[0]
    assert error(nowhere, TRUTH, 64)[0] == 100


def test_sixty_eight_points_become_five() -> None:
    every = np.zeros((1, 68, 2))
    every[0, 36:42] = [[18, 20], [20, 19], [20, 19], [22, 20], [20, 21], [20, 21]]
    every[0, 42:48] = every[0, 36:42] + [20, 0]
    every[0, [30, 48, 54]] = TRUTH[0, 2:]
    assert five(every).tolist() == TRUTH.tolist()
    assert five(TRUTH) is TRUTH


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Say what is found, by title; NaN where nothing is."""
    known: dict[str, np.ndarray] = {}

    def surest(faces: Faces, *_: object) -> np.ndarray:
        points = known[faces.title]
        rows = np.full((len(faces), 15), np.nan)
        rows[:, 5:] = points.reshape(len(faces), 10)
        return rows

    monkeypatch.setattr(landmarks, "surest", surest)
    return known


def test_who_is_not_found_is_counted_and_said(
    draw: Draw, store: Store, places: dict[str, np.ndarray]
) -> None:
    hr, sr = store(draw(4, 64), "hr"), store(draw(4, 64), "sr")
    places["hr"], places["sr"] = np.repeat(TRUTH, 4, axis=0), np.repeat(TRUTH + 2, 4, axis=0)
    places["hr"][3] = places["sr"][1] = np.nan
    score = Landmarks("mtcnn").score(sr, hr)
    each = 100 * np.hypot(2, 2) / 20
    assert score.samples == pytest.approx((each, 100, each))
    assert (score.n, score.metric, score.unit) == (3, "landmarks[mtcnn]", "%")
    assert score.note == (
        f"no face is found on 1 of 3, each counted as one distance of the eyes, {each:.3g} on the "
        "others; 1 originals show no face to the detector, left out"
    )


def test_a_data_set_may_say_where_the_points_belong(
    draw: Draw, store: Store, places: dict[str, np.ndarray]
) -> None:
    truth = np.repeat(TRUTH, 2, axis=0)
    hr = store(draw(2, 64), "hr", landmarks=truth.astype(np.float32))
    places["hr"] = truth + 1
    score = Landmarks("mtcnn", truth="annotated", norm="l1").score(hr, hr)
    assert (score.value, score.unit, score.metric) == (1, "px", "landmarks[annotated,l1,mtcnn]")
    for change, reason in ((None, "has no landmarks"), (truth[:, :3], "has 3 landmarks")):
        other = replace(hr, landmarks=change)
        absent = Landmarks("mtcnn", truth="annotated").score(other, other)
        assert absent.value is None
        assert reason in absent.note


def test_a_set_without_any_face_is_a_sentence(
    draw: Draw, store: Store, places: dict[str, np.ndarray]
) -> None:
    hr = store(draw(2, 64), "hr")
    places["hr"] = np.full((2, 5, 2), np.nan)
    score = Landmarks("mtcnn").score(hr, hr)
    assert (score.value, score.note) == (None, "mtcnn finds no face on any original of hr")


def test_an_absent_detector_is_a_sentence(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    hr = store(draw(2, 64), "hr")
    assert Landmarks().score(hr, hr).note.startswith("needs the asset 'retinaface'")


@pytest.mark.parametrize("setting", ["detector", "truth", "norm"])
def test_wrong_settings_are_sentences(setting: str) -> None:
    with pytest.raises(BadName, match=f"no {setting} named 'x'; known: "):
        Landmarks(**{setting: "x"})  # type: ignore[arg-type]
