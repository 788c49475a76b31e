from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols import _luma
from facesr.protocols.metrics import _blocks, niqe, niqe_fit
from facesr.protocols.metrics._blocks import block_features
from facesr.protocols.metrics.niqe import studio
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
        f"niqe[block=32,luma=rounded,params=fit,sharp=0.75,ref=real@{real.fingerprint[:8]},v2.1.1.1]"
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
        "fits its model to at least 180 sharp blocks of 32 pixels; real has 22, take more "
        "reference faces"
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


def test_it_is_defined_at_64_pixels_where_niqe_is_not_and_cannot_be_taken_for_it(
    draw: Draw, store: Store
) -> None:
    sr, real = store(draw(2), "sr"), store(draw(150, seed=1), "real")
    fitted, published = NiqeFit().score(sr, real), niqe.Niqe().score(sr, None)
    assert fitted.value is not None
    assert published.value is None
    assert fitted.metric != published.metric
    assert "params=fit" in fitted.identity
    assert "params=live@" in published.identity


def test_the_model_is_mean_and_covariance_of_all_sharp_blocks_in_any_batches(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path))
    monkeypatch.setattr(niqe, "_AT_ONCE", 7 * 64**2)
    pixels = draw(30)
    pixels[7:14] = 90  # a whole batch without a block
    blocks = sharp_blocks(studio(pixels.transpose(0, 3, 1, 2)), 16)
    count, model = niqe_fit._fitted(store(pixels, "real"), 16)
    assert count == len(blocks)
    assert np.allclose(model.mean, blocks.mean(axis=0), rtol=1e-12)
    assert np.allclose(model.covariance, np.cov(blocks, rowvar=False), rtol=1e-9, atol=1e-15)


def test_a_model_of_few_blocks_is_said_to_raise_values_by_about_what_it_does() -> None:
    random = np.random.default_rng(0)
    for count in (180, 400):
        ratios = []
        for _ in range(40):
            sample = random.normal(size=(count, 36))
            away = random.normal(size=36) * 5
            inverse = np.linalg.pinv(np.cov(sample, rowvar=False))
            ratios.append(np.sqrt(away @ inverse @ away) / np.linalg.norm(away))
        said = float(niqe_fit._note(count).split("about ")[1].split("%")[0])
        assert 100 * (np.mean(ratios) - 1) == pytest.approx(said, abs=2)
    assert niqe_fit._note(niqe_fit.MANY_BLOCKS) == ""


def test_a_number_on_few_blocks_carries_the_note(draw: Draw, store: Store) -> None:
    score = NiqeFit().score(store(draw(2), "sr"), store(draw(150, seed=1), "real"))
    assert "blocks, which raises all values by about" in score.note


def test_one_picture_two_pictures_and_none(draw: Draw, store: Store) -> None:
    real, pixels = store(draw(150, seed=1), "real"), draw(2)
    one = NiqeFit().score(store(pixels[:1], "one"), real)
    two = NiqeFit().score(store(pixels, "two"), real)
    assert one.value == two.samples[0]
    assert (one.low, one.high, one.interval) == (None, None, one.interval)
    with pytest.raises(BadData, match="holds no face"):
        NiqeFit().score(store(pixels[:0], "none"), real)


def test_order_and_batches_change_nothing(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sr, real = store(draw(5), "sr"), store(draw(150, seed=1), "real")
    whole, order = NiqeFit().score(sr, real).samples, [3, 0, 4, 2, 1]
    monkeypatch.setattr(niqe, "_AT_ONCE", 2 * 64**2)
    shuffled = NiqeFit().score(sr.take(order), real).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-9)
