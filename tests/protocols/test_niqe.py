from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, special

from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, read_image
from facesr.protocols import _luma
from facesr.protocols._luma import luma
from facesr.protocols.metrics import _blocks
from facesr.protocols.metrics import niqe as niqe_file
from facesr.protocols.metrics._blocks import block_features
from facesr.protocols.metrics.niqe import Model, Niqe, niqe, published

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

GRID = np.arange(200, 10001) / 1000


@pytest.fixture
def weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESR_ASSETS", str(shared / "weights"))
    return shared / "weights"


def slow_fit(values: np.ndarray) -> tuple[float, float, float]:
    """Fit one asymmetric generalised Gaussian, searching every candidate shape."""
    left = np.sqrt(np.mean(values[values < 0] ** 2))
    right = np.sqrt(np.mean(values[values > 0] ** 2))
    g = left / right
    wanted = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted *= (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    moment = special.gamma(2 / GRID) ** 2 / (special.gamma(1 / GRID) * special.gamma(3 / GRID))
    shape = GRID[np.argmin(np.abs(moment - wanted))]
    factor = np.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
    return shape, left * factor, right * factor


def slow_features(image: np.ndarray, side: int) -> np.ndarray:
    """Describe the blocks of one image at one scale, one after the other."""
    steps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window = np.outer(steps, steps) / steps.sum() ** 2
    mean = ndimage.correlate(image, window, mode="nearest")
    spread = np.sqrt(np.abs(ndimage.correlate(image**2, window, mode="nearest") - mean**2))
    normal, rows = (image - mean) / (spread + 1), []
    for top in range(0, image.shape[0], side):
        for start in range(0, image.shape[1], side):
            block = normal[top : top + side, start : start + side]
            shape, left, right = slow_fit(block.ravel())
            row = [shape, (left + right) / 2]
            for shift in [(0, 1), (1, 0), (1, 1), (1, -1)]:
                product = block * np.roll(block, shift, axis=(0, 1))
                shape, left, right = slow_fit(product.ravel())
                lean = special.gamma(2 / shape) / special.gamma(1 / shape)
                row += [shape, (right - left) * lean, left, right]
            rows.append(row)
    return np.array(rows)


def test_features_equal_a_plain_loop_over_blocks(draw: Draw) -> None:
    y = luma(draw(3, size=96).transpose(0, 3, 1, 2)).round()
    ours, _ = block_features(y, 32)
    assert ours.shape == (3, 9, 36)
    for image, blocks in zip(y, ours, strict=True):
        assert np.allclose(blocks[:, :18], slow_features(image, 32), rtol=1e-7)


def test_the_second_scale_is_halved_with_a_kernel_of_sum_one_and_even_symmetry() -> None:
    from facesr.protocols.metrics._blocks import _halving

    weights = _halving(16)
    assert weights.sum(axis=1) == pytest.approx(np.ones(8))
    assert np.allclose(weights, weights[::-1, ::-1])
    # MATLAB: imresize(eye(16), [8 16]) holds these and their mirror image
    half = [-0.01171875, -0.03515625, 0.11328125, 0.43359375]
    assert weights[3, 3:11].tolist() == pytest.approx([*half, *reversed(half)])


def test_baboon_has_its_published_value(shared: Path, weights: Path) -> None:
    baboon = read_image(shared / "data" / "calibration" / "baboon.png")
    y = luma(baboon.transpose(2, 0, 1)[None]).round()
    assert niqe(y, published()).tolist() == pytest.approx([5.7296], abs=1e-4)


def test_a_score_says_everything(draw: Draw, store: Store, weights: Path) -> None:
    score = Niqe().score(store(draw(3, size=192), "big"), None)
    assert score.identity == "niqe[block=96,luma=rounded,params=live@2a7c182a,v1.1.1]"
    assert (score.metric, score.n, score.better, score.group) == ("niqe", 3, "lower", "realism")
    assert score.value == pytest.approx(np.mean(score.samples))


def test_worse_pictures_have_higher_values(
    draw: Draw, store: Store, noise: Spoil, weights: Path
) -> None:
    pixels = draw(4, size=192)
    sets = [store(noise(pixels, sigma), f"noise{sigma}") for sigma in (0, 20, 60)]
    values = [Niqe().score(faces, None).value or np.nan for faces in sets]
    assert np.diff(values).min() > 0


@pytest.mark.parametrize("size", [96, 192])
def test_flat_and_half_flat_pictures_have_a_number(size: int, weights: Path) -> None:
    random = np.random.default_rng(0)
    flat = np.full((1, size, size), 128.0)
    spike, half = flat.copy(), flat.copy()
    spike[0, 5, 5] = 235
    half[0, : size // 2] = random.integers(16, 236, (size // 2, size))
    values = niqe(np.concatenate([flat, flat - 112, spike, half]), published())
    assert np.isfinite(values).all()
    assert (values > 10).all()


def test_without_the_model_there_is_no_number(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = Niqe().score(store(draw(2, size=96), "big"), None)
    assert (score.value, score.samples, score.ranked) == (None, (), False)
    assert "needs the asset 'niqe'" in score.note


def test_another_model_file_is_refused(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    (tmp_path / "niqe").mkdir()
    np.savez(
        tmp_path / "niqe" / "niqe_pris_params.npz",
        mu_pris_param=np.zeros((1, 36)),
        cov_pris_param=np.eye(36),
    )
    with pytest.raises(BenchError, match="expected 2a7c182a"):
        Niqe().score(store(draw(2, size=96), "big"), None)


def test_small_pictures_leave_the_place_empty_and_the_way_out_is_named(
    draw: Draw, store: Store
) -> None:
    score = Niqe().score(store(draw(2), "small"), None)
    assert (score.value, score.samples, score.ranked) == (None, (), False)
    assert score.note == (
        "defined from 96 pixels on, these faces have 64; niqe[fit] is the variant for small ones"
    )


def test_people_who_come_often_have_one_sample_each(
    draw: Draw, store: Store, weights: Path
) -> None:
    sr = store(draw(4, size=96), "sr", identities=("a", "b", "a", "c"))
    alone = Niqe().score(store(draw(4, size=96), "alone"), None).samples
    score = Niqe().score(sr, None)
    assert score.samples == pytest.approx(((alone[0] + alone[2]) / 2, alone[1], alone[3]))
    assert score.sampling == "person"


@pytest.mark.parametrize("code", [niqe_file, _blocks, _luma])
def test_other_code_of_any_part_makes_another_identity(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, code: object
) -> None:
    faces = store(draw(1), "small")
    before = Niqe().score(faces, None).identity
    monkeypatch.setattr(code, "VERSION", 77)
    assert Niqe().score(faces, None).identity != before


def test_a_value_does_not_depend_on_its_batch(draw: Draw) -> None:
    y = luma(draw(5).transpose(0, 3, 1, 2)).round()
    model = Model(np.zeros(36), np.eye(36))
    assert niqe(y, model, 32)[3] == niqe(y[3:4], model, 32)[0]
