from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols._intervals import wilson
from facesr.protocols.metrics import detection
from facesr.protocols.metrics.detection import Detection, detected

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Photographs of faces that scikit-image ships, at 64 pixels."""
    data: Any = pytest.importorskip("skimage.data")
    faces = data.lfw_subset()[:30]
    grey = [Image.fromarray((f * 255).astype(np.uint8)).resize((64, 64)) for f in faces]
    return np.stack([np.asarray(image.convert("RGB")) for image in grey])


def test_photographs_are_found_and_noise_is_not(photos: Pixels, store: Store) -> None:
    noise = np.random.default_rng(0).integers(0, 256, photos.shape).astype(np.uint8)
    found, nothing = (
        Detection().score(store(p, t), None) for p, t in ((photos, "a"), (noise, "b"))
    )
    assert found.value is not None
    assert found.value > 85
    assert nothing.value == 0
    assert nothing.high == pytest.approx(100 * wilson(0, 30)[1])


def test_a_score_says_everything(photos: Pixels, store: Store) -> None:
    mixed = photos[:8].copy()
    mixed[5:] = 0
    dlib: Any = pytest.importorskip("dlib")
    score = Detection().score(store(mixed, "mixed"), None)
    assert set(score.samples) <= {0, 100}
    assert score.samples[5:] == (0, 0, 0)
    assert score.value == pytest.approx(np.mean(score.samples))
    assert (score.metric, score.unit, score.interval) == (
        "detection[hog]",
        "%",
        "Wilson over pictures, n = 8",
    )
    assert (score.group, score.better, score.n) == ("detection", "higher", 8)
    assert score.identity == (
        f"detection[hog@{detection._digest()},dlib={dlib.__version__},side=128,margin=16,"
        f"upsample=0,resize=bicubic,v2]"
    )


def test_another_release_of_dlib_makes_another_identity(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = store(draw(1), "sr")
    before = Detection().score(faces, None).identity
    monkeypatch.setattr(detection, "_release", lambda: "99.0")
    assert Detection().score(faces, None).identity != before


def test_people_who_come_often_count_once(photos: Pixels, store: Store) -> None:
    mixed = np.repeat(photos[:6], 2, axis=0)
    mixed[6:9] = 0
    people = tuple("aabbccddeeff")
    found = detected(mixed)
    score = Detection().score(store(mixed, "mixed", identities=people), None)
    assert (score.sampling, score.n) == ("person", 12)
    assert score.samples == tuple(100 * found.reshape(6, 2).mean(axis=1))
    assert score.value == pytest.approx(100 * found.mean())
    assert score.interval == "bootstrap of people, BCa, 2000"


def test_where_nobody_is_found_people_are_the_trials(store: Store) -> None:
    nothing = np.zeros((12, 64, 64, 3), np.uint8)
    score = Detection().score(store(nothing, "black", identities=tuple("aabbccddeeff")), None)
    assert (score.value, score.low) == (0, 0)
    assert score.high == pytest.approx(100 * wilson(0, 6)[1])
    assert score.interval == "Wilson over people, n = 6"


def test_faces_are_too_small_for_the_detector_unless_they_are_enlarged(photos: Pixels) -> None:
    assert not detected(photos[:5], side=64, margin=0).any()
    assert detected(photos[:5], side=64, margin=16, upsample=1).any()


def test_a_coarser_input_is_found_less_often(shared: Path) -> None:
    folder = shared / "data" / "lfw" / "lfw-deepfunneled"
    files = [sorted(person.iterdir())[0] for person in sorted(folder.iterdir())[:60]]
    crops = [Image.open(f).convert("RGB").crop((61, 61, 189, 189)) for f in files]

    def rate(side: int) -> float:
        small = [c.resize((side, side), Image.Resampling.BICUBIC) for c in crops]
        return detected(
            np.stack([np.asarray(c.resize((64, 64), Image.Resampling.BICUBIC)) for c in small])
        ).mean()

    assert rate(64) > 0.95
    assert rate(64) > rate(16) > rate(8)


def test_without_dlib_a_sentence_says_what_to_install(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "find_spec", lambda name: None)
    score = Detection().score(store(draw(2), "sr"), None)
    assert score.value is None
    assert score.note == "needs dlib: pip install dlib-bin"


@pytest.mark.parametrize("setting", [{"side": 40}, {"margin": -1}, {"upsample": -1}])
def test_settings_under_which_nothing_can_be_found_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(BadName, match=r"80 or more|neither may be negative"):
        Detection(**setting)


def test_no_face_has_no_rate(draw: Draw, store: Store) -> None:
    with pytest.raises(BadData, match="nothing holds no face"):
        Detection().score(store(draw(1)[:0].reshape(0, 64, 64, 3), "nothing"), None)


def test_other_detectors_look_for_all_sizes_by_themselves() -> None:
    with pytest.raises(BadName, match="upsample belongs to hog; mtcnn takes a larger side"):
        Detection(detector="mtcnn", upsample=1)
    with pytest.raises(BadName, match="known: hog, mtcnn, retinaface, yunet, scrfd"):
        Detection(detector="dlib")  # type: ignore[arg-type]


def test_an_absent_detector_is_a_sentence(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    score = Detection(detector="retinaface").score(store(draw(1), "sr"), None)
    assert (score.value, score.metric) == (None, "detection[retinaface]")
    assert score.note.startswith("needs the asset 'retinaface'")
