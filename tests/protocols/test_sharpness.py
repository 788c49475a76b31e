from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import laplace

from facesr.bench.faces import Faces
from facesr.protocols._luma import luma
from facesr.protocols.metrics.sharpness import Sharpness, sharpness

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def test_sharpness_equals_the_laplacian_of_scipy(draw: Draw, noise: Spoil) -> None:
    x, y = (luma(z.transpose(0, 3, 1, 2)) for z in (noise(draw(3), 20), draw(3)))
    edges = [np.array([laplace(image)[1:-1, 1:-1].var() for image in z]) for z in (x, y)]
    assert sharpness(x, y) == pytest.approx(np.log2(edges[0] / edges[1]), rel=1e-9)


def test_twice_the_contrast_is_four_times_the_variance(draw: Draw) -> None:
    y = luma(draw(2).transpose(0, 3, 1, 2))
    assert sharpness(2 * y, y) == pytest.approx([2, 2])


def test_blur_and_noise_both_count_and_the_note_tells_them_apart(
    draw: Draw, store: Store, blur: Spoil, noise: Spoil
) -> None:
    pixels = draw(4)
    hr = store(pixels, "hr")
    soft = [Sharpness().score(store(blur(pixels, s), f"b{s}"), hr) for s in (0.5, 1, 2)]
    values = [score.value for score in soft]
    assert 0 < values[0] < values[1] < values[2]  # type: ignore[operator]
    assert {score.note for score in soft} == {"4 of 4 are softer than their originals"}
    noisy = Sharpness().score(store(noise(pixels, 20), "noisy"), hr)
    assert (noisy.note, noisy.better) == ("", "lower")


def test_flat_pictures_are_a_sentence(draw: Draw, store: Store) -> None:
    pixels = draw(3)
    hr = store(pixels, "hr")
    pixels[2] = (200, 13, 77)
    score = Sharpness().score(store(pixels, "flat"), hr)
    assert (score.value, score.ranked) == (None, False)
    assert score.note == (
        "1 of 3 faces, such as 0002.png, have no edge, or their originals have none"
    )
    assert Sharpness().score(hr, store(pixels, "flat")).note == score.note


def test_a_value_that_is_no_number_stays_none(draw: Draw) -> None:
    y = luma(draw(2).transpose(0, 3, 1, 2))
    x = y.copy()
    x[0, 9, 9] = np.nan
    assert np.isnan(sharpness(x, y)).tolist() == [True, False]
