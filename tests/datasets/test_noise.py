import numpy as np
import pytest

from facesr.datasets._noise import gaussian_noise, jpeg, poisson_noise, sensor_noise

FLAT = np.full((300, 300, 3), 0.25)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_sensor_noise_has_the_variance_of_its_model() -> None:
    noisy = sensor_noise(FLAT, rng(), read=0.02, shot=0.004)
    assert (noisy - FLAT).var() == pytest.approx(0.02**2 + 0.004 * 0.25, rel=0.01)
    assert noisy.mean() == pytest.approx(0.25, abs=1e-3)


def test_gaussian_noise_has_its_deviation_in_each_channel_alone() -> None:
    noise = gaussian_noise(FLAT, rng(), 25 / 255) - FLAT
    assert np.allclose(noise.std((0, 1)) * 255, 25, rtol=0.02)
    assert np.allclose(np.corrcoef(noise.reshape(-1, 3).T), np.eye(3), atol=0.02)
    assert abs(noise.mean()) < 1e-3


def test_grey_noise_is_the_same_in_all_channels() -> None:
    for noisy in (
        gaussian_noise(FLAT, rng(), 0.1, grey=True),
        poisson_noise(FLAT, rng(), 1.0, grey=True),
    ):
        noise = noisy - FLAT
        assert np.allclose(noise[..., 0], noise[..., 1])
        assert np.allclose(noise[..., 0], noise[..., 2])
        assert noise.std() > 0.05


def test_poisson_noise_has_the_variance_of_counting() -> None:
    # two values are counted in two levels, so one of brightness 64/255 has that over two
    image = np.full((300, 300, 3), 64 / 255)
    image[150:] = 192 / 255
    for scale in (0.05, 1.0, 3.0):
        noise = poisson_noise(image, rng(), scale) - image
        assert noise[:150].var() == pytest.approx(scale**2 * 64 / 255 / 2, rel=0.02)
        assert noise[150:].var() == pytest.approx(scale**2 * 192 / 255 / 2, rel=0.02)
        assert abs(noise.mean()) < 0.01 * scale


def test_more_values_are_counted_in_more_levels() -> None:
    image = FLAT.copy()
    image[:100] = np.linspace(0, 1, 100)[:, None, None]  # about 100 values: 128 levels
    noise = (poisson_noise(image, rng(), 1.0) - image)[100:]
    at_8_bits = round(0.25 * 255) / 255
    assert noise.var() == pytest.approx(at_8_bits / 128, rel=0.03)


def test_grey_poisson_noise_counts_the_luma() -> None:
    image = np.zeros((300, 300, 3))
    image[..., 0] = 1
    noise = poisson_noise(image, rng(), 1.0, grey=True) - image
    assert noise.var() == pytest.approx(0.299, rel=0.02)


def test_jpeg_loses_more_at_lower_quality() -> None:
    image = np.random.default_rng(3).random((64, 64, 3)) * 0.3 + 0.3
    errors = [np.abs(jpeg(image, q) - image).mean() for q in (95, 70, 30)]
    assert 0 < errors[0] < errors[1] < errors[2] < 0.1


def test_jpeg_halves_the_resolution_of_colour_if_asked_or_below_quality_90() -> None:
    stripes = np.full((16, 16, 3), 0.5)
    stripes[:, ::2, 0] = 0.9
    full, half = (np.abs(jpeg(stripes, 95, s) - stripes).mean() for s in (0, 2))
    assert full < half / 5
    assert np.array_equal(jpeg(stripes, 95), jpeg(stripes, 95, 0))
    assert np.array_equal(jpeg(stripes, 89), jpeg(stripes, 89, 2))


def test_jpeg_takes_a_single_pixel() -> None:
    assert np.allclose(jpeg(np.full((1, 1, 3), 0.5), 90), 0.5, atol=0.01)
