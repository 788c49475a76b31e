import json

import numpy as np
import pytest

from facesr.datasets import _degrade as degrade


def picture(size: int = 32) -> np.ndarray:
    rng = np.random.default_rng(3)
    smooth = degrade.convolve(rng.random((size, size, 3)), degrade.gaussian(1.5))
    return np.clip((smooth - 0.5) * 3 + 0.5, 0, 1)


BLURS = [degrade.gaussian(1.7), degrade.motion(5.3, 0.7), degrade.defocus(2.6)]


@pytest.mark.parametrize("kernel", BLURS)
def test_a_blur_sums_to_one_is_symmetric_and_leaves_a_constant_alone(kernel: np.ndarray) -> None:
    assert kernel.sum() == pytest.approx(1)
    assert np.allclose(kernel, kernel[::-1, ::-1])
    flat = np.full((20, 20, 3), 0.3)
    assert np.allclose(degrade.convolve(flat, kernel), flat)


def test_filtering_is_the_sum_over_the_kernel() -> None:
    image, kernel = picture(9), np.random.default_rng(0).random((3, 5))
    padded = np.pad(image, ((1, 1), (2, 2), (0, 0)), mode="symmetric")
    expected = sum(
        kernel[2 - i, 4 - j] * padded[i : i + 9, j : j + 9] for i in range(3) for j in range(5)
    )
    assert np.allclose(degrade.convolve(image, kernel), expected)


def test_a_gaussian_has_the_variance_that_was_asked_for() -> None:
    kernel = degrade.gaussian(2.0)
    at = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel.sum(0) * at**2).sum() == pytest.approx(4, rel=0.05)
    assert degrade.gaussian(0).tolist() == [[1]]


def test_a_horizontal_move_blurs_along_the_row_only() -> None:
    kernel = degrade.motion(4, 0)
    row = len(kernel) // 2
    assert kernel[row].sum() == pytest.approx(1)
    at = np.arange(len(kernel)) - row
    assert (kernel[row] * at**2).sum() == pytest.approx(4**2 / 12, rel=0.2)
    assert np.allclose(degrade.motion(4, np.pi / 2), kernel.T)


def test_a_defocus_disc_is_flat_inside_and_empty_outside() -> None:
    kernel = degrade.defocus(3)
    assert kernel[3, 3] == kernel[3, 5] == kernel.max()
    assert kernel[0, 0] == 0


def test_area_shrinking_averages_blocks() -> None:
    image = picture(32)
    expected = image.reshape(8, 4, 8, 4, 3).mean((1, 3))
    assert np.allclose(degrade.resize(image, 8, "area"), expected)
    board = (np.indices((32, 32)).sum(0) % 2)[..., None] * np.ones(3)
    assert np.allclose(degrade.resize(board, 16, "area"), 0.5)


def test_area_shrinking_by_a_fraction_weights_by_overlap() -> None:
    ramp = np.arange(5.0)[None, :, None] * np.ones((5, 1, 3))
    expected = [(0 + 1 + 0.5 * 2) / 2.5, (0.5 * 2 + 3 + 4) / 2.5]
    assert np.allclose(degrade.resize(ramp, 2, "area")[0, :, 0], expected)


@pytest.mark.parametrize("size", [8, 13])
def test_bicubic_and_bilinear_shrinking_do_as_pillow_does(size: int) -> None:
    from PIL import Image

    image = picture(32)
    for kernel, theirs in (
        ("bicubic", Image.Resampling.BICUBIC),
        ("bilinear", Image.Resampling.BILINEAR),
    ):
        channel = Image.fromarray(image[..., 0].astype(np.float32))
        expected = np.asarray(channel.resize((size, size), theirs))
        assert np.allclose(degrade.resize(image, size, kernel)[..., 0], expected, atol=1e-5)


@pytest.mark.parametrize("kernel", ["area", "bilinear", "bicubic"])
def test_resizing_keeps_a_constant_and_a_size(kernel: str) -> None:
    flat = np.full((25, 25, 3), 0.7)
    assert np.allclose(degrade.resize(flat, 16, kernel), 0.7)
    assert np.allclose(degrade.resize(flat, 64, kernel), 0.7)
    image = picture()
    assert np.allclose(degrade.resize(image, 32, kernel), image)


def test_noise_has_the_variance_of_its_model() -> None:
    flat = np.full((400, 400, 3), 0.25)
    noisy = degrade.add_noise(flat, np.random.default_rng(0), read=0.02, shot=0.004)
    assert (noisy - flat).var() == pytest.approx(0.02**2 + 0.004 * 0.25, rel=0.01)
    assert noisy.mean() == pytest.approx(0.25, abs=1e-3)


def test_colour_changes_follow_their_formulas() -> None:
    image = picture()
    assert np.allclose(degrade.tint(image, (1.2, 1, 0.8)), image * (1.2, 1, 0.8))
    assert np.allclose(degrade.adjust(image), image)
    assert np.allclose(degrade.adjust(image, brightness=0.5), image / 2)
    grey = degrade.adjust(image, saturation=0)
    assert np.allclose(grey, (image @ (0.299, 0.587, 0.114))[..., None])
    assert np.allclose(degrade.adjust(image, contrast=0).std((0, 1)), 0)


def test_jpeg_loses_more_at_lower_quality() -> None:
    image = picture(64)
    errors = [np.abs(degrade.jpeg(image, q) - image).mean() for q in (95, 70, 30)]
    assert 0 < errors[0] < errors[1] < errors[2] < 0.1


def test_bytes_and_floats_round_trip() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(degrade.as_bytes(degrade.as_float(values)), values)
    assert degrade.as_bytes(np.array([-0.2, 1.4])).tolist() == [0, 255]


def test_a_generator_depends_on_seed_and_key_alone() -> None:
    draws = [degrade.generator(s, k).random() for s, k in ((0, "a"), (0, "b"), (1, "a"), (0, "a"))]
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3


def test_the_wild_chain_is_repeated_by_its_parameters() -> None:
    image = degrade.as_bytes(picture(64))
    low, params = degrade.in_the_wild(image, degrade.generator(0, "x.png"), 16)
    assert low.shape == (16, 16, 3)
    assert low.dtype == np.uint8
    exported = json.loads(json.dumps(params))
    assert np.array_equal(degrade.apply_wild(image, exported, 16), low)
    assert np.array_equal(
        degrade.in_the_wild(degrade.as_float(image), degrade.generator(0, "x.png"), 16)[0], low
    )
    other, _ = degrade.in_the_wild(image, degrade.generator(0, "y.png"), 16)
    assert not np.array_equal(other, low)


def test_the_wild_chain_draws_every_blur_and_stays_near_the_picture() -> None:
    image = picture(64)
    clean = degrade.resize(image, 16, "area")
    seen, errors = set(), []
    for i in range(60):
        low, params = degrade.in_the_wild(image, degrade.generator(0, i), 16)
        seen.add(params["blur"])
        errors.append(np.abs(degrade.as_float(low) - clean).mean())
    assert seen == {"gaussian", "defocus", "motion", "none"}
    assert 0.02 < np.mean(errors) < 0.2
