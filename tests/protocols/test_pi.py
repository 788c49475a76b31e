from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols import _luma
from facesr.protocols.metrics import _blocks, niqe
from facesr.protocols.metrics import pi as module
from facesr.protocols.metrics.niqe import Niqe, published
from facesr.protocols.metrics.pi import Pi, pi, read_ma, shaved

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


@pytest.fixture
def weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESR_ASSETS", str(shared / "weights"))
    return shared / "weights"


def rated(faces: Faces, text: str) -> Faces:
    (faces.root / "ma.csv").write_text(text, encoding="utf-8")
    return faces


def test_the_index_is_half_of_what_both_scores_find_bad() -> None:
    assert pi(np.array([10.0, 5.0]), np.array([0.0, 4.0])).tolist() == [0, 4.5]


def test_the_value_is_the_challenges_formula_on_y_without_border(
    draw: Draw, store: Store, weights: Path
) -> None:
    pixels = draw(3, size=104)
    sr = rated(store(pixels, "sr"), "0001.png,6.5\n0000,3.25\n0002.png,8\n")
    score = Pi().score(sr, None)
    y = 16 + (pixels / 255) @ [65.481, 128.553, 24.966]
    natural = niqe.niqe(np.floor(y + 0.5)[:, 4:-4, 4:-4], published())
    ma = np.array([3.25, 6.5, 8])
    assert score.value == pytest.approx((natural.mean() + (10 - ma.mean())) / 2)
    assert score.samples == pytest.approx(((10 - ma + natural) / 2).tolist())
    assert shaved(pixels.transpose(0, 3, 1, 2)).shape == (3, 96, 96)


def test_a_score_says_everything(draw: Draw, store: Store, weights: Path) -> None:
    sr = rated(store(draw(1, size=104), "sr"), "0000.png,5\n")
    score = Pi().score(sr, None)
    marks = "ma=matlab,niqe=live@2a7c182a,block=96,luma=matlab,crop=4"
    assert score.identity == f"pi[{marks},v1.1.1.1]"
    assert (score.metric, score.n, score.better, score.group) == ("pi", 1, "lower", "realism")
    assert (score.low, score.high) == (None, None)
    mark = digest(sr.root / "ma.csv")[:8]
    assert f"Ma's scores are those of ma.csv@{mark}" in score.note


def test_without_mas_scores_there_is_no_number_and_no_stand_in(
    draw: Draw, store: Store, weights: Path
) -> None:
    score = Pi().score(store(draw(2, size=104), "sr"), None)
    assert (score.value, score.samples, score.ranked) == (None, (), False)
    assert score.note == (
        "needs the score of Ma et al., which only their MATLAB program computes "
        "(github.com/chaoma99/sr-metric): run quality_predict on Y of each face without 4 pixels "
        "of border and put lines name,score into ma.csv beside the faces"
    )


def test_without_the_model_of_niqe_there_is_no_number(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    sr = rated(store(draw(1, size=104), "sr"), "0000.png,5\n")
    assert Pi().score(sr, None).note.startswith("needs the asset 'niqe'")


def test_faces_that_are_too_small_after_the_border_are_a_sentence(draw: Draw, store: Store) -> None:
    score = Pi().score(store(draw(1, size=103), "sr"), None)
    assert score.note == "defined from 96 pixels on, these faces have 95 after cropping 4"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("0000.png,5\n", "1 lack a score, 0 lines have no face.*no score for 0001"),
        ("0000,5\n0001,4\n0002,3\n", "0 lack a score, 1 lines have no face.*for 0002, no face"),
        ("0000,5\n0001,nan\n", "gives nan for 0001"),
        ("0000,5\n0000.png,4\n", "has 0000 twice"),
        ("0000,5\n0001\n", "line 2 is '0001', expected name,score"),
        ("name,score\n0000,5\n", "line 1 is 'name,score', expected name,score"),
        ("0000,5,6\n", "line 1 is '0000,5,6'"),
    ],
)
def test_scores_that_do_not_fit_the_faces_are_a_sentence(
    draw: Draw, store: Store, text: str, what: str
) -> None:
    sr = rated(store(draw(2, size=16), "sr"), text)
    with pytest.raises(BadData, match=what):
        read_ma(sr.root / "ma.csv", sr)


def test_no_face_is_a_sentence(draw: Draw, store: Store) -> None:
    with pytest.raises(BadData, match="holds no face, so there is no pi"):
        Pi().score(store(draw(1, size=104), "sr").take([]), None)


def test_more_noise_is_worse_and_so_is_a_lower_score_of_ma(
    draw: Draw, store: Store, noise: Spoil, weights: Path
) -> None:
    pixels, values = draw(2, size=104), []
    for sigma in (0, 20, 60):
        sr = store(noise(pixels, sigma), f"noise{sigma}")
        values.append(Pi().score(rated(sr, "0000,5\n0001,5\n"), None).value or np.nan)
    assert np.diff(values).min() > 0
    worse = Pi().score(rated(sr, "0000,3\n0001,3\n"), None).value
    assert worse == pytest.approx(values[-1] + 1)


def test_order_and_batches_change_nothing_and_flat_pictures_have_a_number(
    draw: Draw, store: Store, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = draw(3, size=104)
    pixels[1] = 128
    sr, order = rated(store(pixels, "sr"), "0000,5\n0001,4\n0002,3\n"), [2, 0, 1]
    whole = Pi().score(sr, None).samples
    monkeypatch.setattr(niqe, "_AT_ONCE", 2 * 104**2)
    shuffled = Pi().score(sr.take(order), None).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-9)
    assert whole[1] > max(whole[0], whole[2])


@pytest.mark.parametrize("code", [module, niqe, _blocks, _luma])
def test_other_code_of_any_part_makes_another_identity(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, code: object
) -> None:
    faces = store(draw(1), "small")
    before = Pi().score(faces, None).identity
    monkeypatch.setattr(code, "VERSION", 77)
    assert Pi().score(faces, None).identity != before


def test_its_niqe_is_not_that_of_the_whole_picture(draw: Draw, store: Store, weights: Path) -> None:
    sr = rated(store(draw(1, size=104), "sr"), "0000,10\n")
    own, plain = Pi().score(sr, None).value or np.nan, Niqe().score(sr, None).value
    assert 2 * own != plain
