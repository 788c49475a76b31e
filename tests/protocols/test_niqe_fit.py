from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols import _luma
from facesr.protocols.metrics import _blocks, niqe, niqe_fit
from facesr.protocols.metrics._blocks import block_features
from facesr.protocols.metrics.niqe_fit import NiqeFit, sharp_blocks

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def test_every_degradation_raises_the_value(
    draw: Draw, store: Store, blur: Spoil, noise: Spoil
) -> None:
    real, pixels = store(draw(150, seed=1), "real"), draw(20)
    for name, spoil, steps in (("blur", blur, (0, 0.7, 1.5)), ("noise", noise, (0, 15, 40))):
        sets = [store(spoil(pixels, step), f"{name}{step}") for step in steps]
        values = [NiqeFit().score(faces, real).value or np.nan for faces in sets]
        assert np.diff(values).min() > 0
        assert values[-1] > 1.5 * values[0]


def test_a_score_names_its_block_and_its_reference(draw: Draw, store: Store) -> None:
    sr, real = store(draw(5), "sr"), store(draw(150, seed=1), "real")
    score = NiqeFit().score(sr, real)
    assert score.metric == "niqe[fit]"
    assert score.identity == (
        f"niqe[block=32,luma=rounded,params=fit,sharp=0.75,ref=real@{real.fingerprint[:8]},v1.1.1.1]"
    )
    assert (score.n, score.sampling, len(score.samples)) == (5, "picture", 5)
    assert NiqeFit(block=16).score(sr, real).value != score.value


def test_a_flat_picture_is_rated_and_rated_badly(draw: Draw, store: Store) -> None:
    pixels, real = draw(3), store(draw(150, seed=1), "real")
    pixels[1] = 77
    score = NiqeFit().score(store(pixels, "sr"), real)
    assert score.samples[1] > 2 * max(score.samples[0], score.samples[2])


def test_only_sharp_blocks_make_the_model() -> None:
    y = np.random.default_rng(0).normal(128, 30, (4, 64, 64))
    y[:, 32:] = 128 + (y[:, 32:] - 128) * 0.6
    blocks, _ = block_features(y, 32)
    assert np.array_equal(sharp_blocks(y, 32), blocks[:, :2].reshape(8, 36))
    assert len(sharp_blocks(np.full((4, 64, 64), 99.0), 32)) == 0


def test_too_few_reference_faces_leave_the_place_empty(draw: Draw, store: Store) -> None:
    score = NiqeFit().score(store(draw(3), "sr"), store(draw(10, seed=1), "real"))
    assert score.value is None
    assert score.note == (
        "fits its model to at least 72 sharp blocks of 32 pixels; real has fewer, take "
        "more reference faces"
    )


def test_people_who_come_often_have_one_sample_each(draw: Draw, store: Store) -> None:
    real, pixels = store(draw(150, seed=1), "real"), draw(4)
    alone = NiqeFit().score(store(pixels, "alone"), real).samples
    score = NiqeFit().score(store(pixels, "sr", identities=("a", "b", "a", "c")), real)
    assert score.samples == pytest.approx(((alone[0] + alone[2]) / 2, alone[1], alone[3]))
    assert score.sampling == "person"


@pytest.mark.parametrize("code", [niqe_fit, niqe, _blocks, _luma])
def test_other_code_of_any_part_makes_another_identity_and_another_model(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, code: object
) -> None:
    sr, real, folders = store(draw(3), "sr"), store(draw(10, seed=1), "real"), set()

    def computed(folder: str, key: str, compute: Callable[[], NDArray[np.float64]]) -> object:
        folders.add(folder)
        return compute()

    monkeypatch.setattr(niqe_fit, "stored", computed)
    before = NiqeFit().score(sr, real).identity
    monkeypatch.setattr(code, "VERSION", 77)
    assert NiqeFit().score(sr, real).identity != before
    assert len(folders) == 2


def test_faces_smaller_than_a_block_leave_the_place_empty(draw: Draw, store: Store) -> None:
    faces = store(draw(3), "sr")
    score = NiqeFit(block=80).score(faces, faces)
    assert score.value is None
    assert score.note == "defined from 80 pixels on, these faces have 64; set a smaller block"


def test_sides_that_cannot_be_blocks_are_refused() -> None:
    with pytest.raises(BadName, match="block=33 cannot be used"):
        NiqeFit(block=33)
