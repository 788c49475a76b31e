from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, special
from scipy.io import savemat

from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.faces import Faces, read_image
from facesr.protocols import _luma
from facesr.protocols._luma import luma
from facesr.protocols.metrics import _blocks
from facesr.protocols.metrics import niqe as niqe_file
from facesr.protocols.metrics._blocks import block_features, grey, normalised
from facesr.protocols.metrics.niqe import Model, Niqe, niqe, published, studio

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


def textured_photos(shared: Path, n: int, size: int) -> NDArray[np.uint8]:
    """Enlarge LFW faces, (n, 3, size, size), to pictures in which rounding errors decide nothing.

    No grey value is half-way between two integers, and no 7x7 pixels are equal.
    """
    found: list[NDArray[np.uint8]] = []
    for path in sorted((shared / "data" / "lfw").rglob("*.jpg"))[::31]:
        face = Image.open(path).crop((61, 61, 189, 189))
        rgb = np.array(face.resize((size, size), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
        rgb[2][np.tensordot([299, 587, 114], rgb.astype(int), 1) % 1000 == 500] ^= 1
        planes = np.concatenate([grey(rgb[None]), studio(rgb[None])])
        if (normalised(planes)[0] != 0).all():
            found.append(rgb)
        if len(found) == n:
            break
    assert len(found) == n
    return np.stack(found)


@pytest.mark.parametrize("size", [96, 200])
def test_twenty_photos_have_the_values_of_pyiqa(
    shared: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    theirs: Any = pytest.importorskip("pyiqa.archs.niqe_arch")
    tools: Any = pytest.importorskip("pyiqa.archs.func_util")
    steps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window = torch.from_numpy(np.outer(steps, steps) / steps.sum() ** 2)
    model, rgb = published(), textured_photos(shared, 20, size)
    names = {"mu_prisparam": model.mean[None], "cov_prisparam": model.covariance}
    savemat(tmp_path / "model.mat", names)
    images = torch.from_numpy(rgb).double() / 255
    for convert, space in ((grey, "yiq"), (studio, "ycbcr")):
        network = theirs.NIQE(color_space=space, pretrained_model_path=tmp_path / "model.mat")
        ours = niqe(convert(rgb), model).tolist()
        as_it_comes = [network(image[None]).item() for image in images]
        with monkeypatch.context() as patch:  # its window is rounded to single precision
            patch.setattr(tools, "fspecial", lambda *_: window[None, None])
            exactly = [network(image[None]).item() for image in images]
        assert ours == pytest.approx(exactly, abs=1e-5)
        assert ours == pytest.approx(as_it_comes, abs=2e-2)


def test_grey_is_another_column_and_another_identity(
    draw: Draw, store: Store, weights: Path
) -> None:
    faces = store(draw(1, size=96), "big")
    plain, other = Niqe().score(faces, None), Niqe("grey").score(faces, None)
    assert (plain.metric, other.metric) == ("niqe", "niqe[grey]")
    assert "luma=grey" in other.identity
    assert plain.value != other.value
    with pytest.raises(BadName, match="no luma named 'hsv'; known: rounded, grey"):
        Niqe("hsv")  # type: ignore[arg-type]


def test_grey_is_rounded_half_up() -> None:
    pixels = np.array([[0, 0, 250], [4, 0, 2], [5, 5, 45], [255, 255, 255]], np.uint8)
    # 28.5, 1.424, 9.56, 255
    assert grey(pixels.T[None, :, :, None]).ravel().tolist() == [29, 1, 10, 255]


def test_order_and_batches_change_nothing(
    draw: Draw, store: Store, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, order = store(draw(4, size=96), "sr"), [2, 0, 3, 1]
    whole = Niqe().score(faces, None).samples
    monkeypatch.setattr(niqe_file, "_AT_ONCE", 3 * 96**2)
    shuffled = Niqe().score(faces.take(order), None).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-9)


def test_one_picture_has_a_value_without_an_interval_and_none_is_a_sentence(
    draw: Draw, store: Store, weights: Path
) -> None:
    one = Niqe().score(store(draw(1, size=96), "one"), None)
    assert one.value is not None
    assert (one.low, one.high) == (None, None)
    with pytest.raises(BadData, match="holds no face, so there is no niqe"):
        Niqe().score(store(draw(1, size=96), "none").take([]), None)


def test_a_model_that_is_no_number_is_a_sentence(
    draw: Draw, store: Store, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Model(np.full(36, np.nan), np.eye(36))
    monkeypatch.setattr(niqe_file, "published", lambda: broken)
    with pytest.raises(BadData, match=r"niqe of 0000.png is nan"):
        Niqe().score(store(draw(1, size=96), "sr"), None)


def test_a_picture_with_nan_has_the_value_nan(draw: Draw) -> None:
    y = luma(draw(2, size=96).transpose(0, 3, 1, 2)).round()
    y[1, 40, 40] = np.nan
    assert np.isnan(niqe(y, Model(np.zeros(36), np.eye(36)))).tolist() == [False, True]
