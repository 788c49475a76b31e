from typing import get_args

import numpy as np
import pytest

from facesr.datasets._blur import (
    Border,
    bell,
    convolve,
    defocus,
    gaussian,
    motion,
    short_gaussian,
    sinc,
)

BORDERS: tuple[Border, ...] = get_args(Border)
SYMMETRIC = [
    gaussian(1.7),
    motion(5.3, 0.7),
    defocus(2.6),
    short_gaussian(5),
    bell(21, (1.1, 2.9), 0.4),
    bell(9, (2.0, 2.0), 0.0, 0.5, "generalized"),
    bell(21, (3.0, 0.2), -2.0, 4.0, "generalized"),
    bell(15, (0.2, 1.5), 1.0, 1.7, "plateau"),
    sinc(21, np.pi / 5),
    sinc(7, np.pi),
]


def picture(size: int = 32) -> np.ndarray:
    return np.random.default_rng(3).random((size, size, 3))


def moments(kernel: np.ndarray) -> np.ndarray:
    """Covariance of a kernel in pixels, x first."""
    y, x = np.indices(kernel.shape) - len(kernel) // 2
    return np.array([[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)])


@pytest.mark.parametrize("kernel", SYMMETRIC)
def test_a_blur_sums_to_one_is_symmetric_and_leaves_a_constant_alone(kernel: np.ndarray) -> None:
    assert kernel.sum() == pytest.approx(1)
    assert kernel.shape[0] % 2 == 1
    assert np.allclose(kernel, kernel[::-1, ::-1])
    flat = np.full((20, 20, 3), 0.3)
    for border in BORDERS:
        assert np.allclose(convolve(flat, kernel, border), flat)


@pytest.mark.parametrize("border", BORDERS)
def test_filtering_is_the_sum_over_the_kernel(border: Border) -> None:
    image, kernel = picture(9), np.random.default_rng(0).random((3, 5))
    lines = {
        "symmetric": [1, 0, *range(9), 8, 7],
        "reflect": [2, 1, *range(9), 7, 6],
        "edge": [0, 0, *range(9), 8, 8],
    }
    seen = np.array(lines[border])
    expected = np.zeros_like(image)
    for y, x, i, j in np.ndindex(9, 9, 3, 5):
        expected[y, x] += kernel[i, j] * image[seen[y + 3 - i], seen[x + 4 - j]]
    assert np.allclose(convolve(image, kernel, border), expected)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_kernel_may_be_larger_than_the_image(size: int) -> None:
    image = picture(size)
    for border in BORDERS:
        blurred = convolve(image, gaussian(7), border)
        assert blurred.shape == image.shape
        assert image.min() - 1e-9 <= blurred.min() <= blurred.max() <= image.max() + 1e-9


def test_a_gaussian_has_the_variance_that_was_asked_for() -> None:
    assert np.allclose(moments(gaussian(2.0)), 4 * np.eye(2), rtol=0.05)
    assert gaussian(0).tolist() == [[1]]


def test_a_bell_has_the_moments_that_were_asked_for() -> None:
    turn = np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    expected = turn @ np.diag([3.0**2, 1.2**2]) @ turn.T
    assert np.allclose(moments(bell(41, (3.0, 1.2), 0.6)), expected, rtol=1e-3)
    assert np.allclose(bell(21, (2.0, 2.0), 1.1), bell(21, (2.0, 2.0)))
    assert np.allclose(bell(21, (3.0, 1.2), np.pi / 2), bell(21, (1.2, 3.0)))


def test_a_generalized_gaussian_is_gaussian_at_beta_1_and_flatter_above() -> None:
    plain = bell(21, (2.0, 3.0), 0.3)
    assert np.allclose(bell(21, (2.0, 3.0), 0.3, 1.0, "generalized"), plain)
    peaks = [bell(21, (2.0, 2.0), 0, beta, "generalized")[10] for beta in (0.5, 1, 4)]
    ratios = [line[11] / line[10] for line in peaks]
    assert ratios[0] < ratios[1] < ratios[2]
    assert np.log(ratios[0]) == pytest.approx(-0.5 * 0.25**0.5)


def test_a_plateau_falls_off_as_its_formula_says() -> None:
    line = bell(21, (2.0, 2.0), 0, 1.5, "plateau")[10]
    assert line[12] / line[10] == pytest.approx(1 / 2)
    assert line[14] / line[10] == pytest.approx(1 / (1 + 4**1.5))


def test_a_sinc_is_that_of_a_bessel_function() -> None:
    from scipy.special import j1

    for size, cutoff in ((7, np.pi / 3), (13, 2.2), (21, np.pi)):
        y, x = np.indices((size, size)) - size // 2
        radius = np.hypot(x, y)
        radius[size // 2, size // 2] = 1e-6
        expected = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
        assert np.allclose(sinc(size, cutoff), expected / expected.sum(), rtol=0, atol=1e-11)


def test_a_sinc_lets_low_frequencies_pass_and_stops_high_ones() -> None:
    response = np.abs(np.fft.fft2(sinc(41, np.pi / 2), (64, 64)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64))) * 2 * np.pi
    assert np.allclose(response[frequency < 1.0], 1, atol=0.1)
    assert response[frequency > 2.2].max() < 0.1


def test_a_short_gaussian_is_a_quarter_of_its_size_wide_and_lies_between_pixels_if_even() -> None:
    for size in (2, 3, 4, 5, 6):
        kernel = short_gaussian(size)
        line = kernel.sum(0)
        assert (line > 0).sum() == size
        at = np.arange(len(line)) - len(line) // 2
        middle = (line * at).sum()
        assert middle == pytest.approx(-0.5 if size % 2 == 0 else 0)
        inner = line[line > 0]
        step = (np.arange(size) - (size - 1) / 2) * 4 / size
        assert np.allclose(inner / inner.max(), np.exp(-0.5 * (step**2 - (step**2).min())))


def test_a_horizontal_move_blurs_along_the_row_only() -> None:
    kernel = motion(4, 0)
    row = len(kernel) // 2
    assert kernel[row].sum() == pytest.approx(1)
    assert moments(kernel)[0, 0] == pytest.approx(4**2 / 12, rel=0.2)
    assert np.allclose(motion(4, np.pi / 2), kernel.T)


def test_a_defocus_disc_is_flat_inside_and_empty_outside() -> None:
    kernel = defocus(3)
    assert kernel[3, 3] == kernel[3, 5] == kernel.max()
    assert kernel[0, 0] == 0
