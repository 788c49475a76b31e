from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from facesr.bench.faces import Faces
from facesr.protocols._luma import luma
from facesr.protocols.metrics.ssim import Ssim, ssim

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

skimage: Any = pytest.importorskip("skimage.metrics")

WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}


@pytest.mark.parametrize("size", [11, 40, 64])
def test_ssim_equals_scikit_image_in_rgb(draw: Draw, noise: Spoil, size: int) -> None:
    y = draw(3, size=size)
    x = noise(y, 25)
    pairs = zip(x / 255, y / 255, strict=True)
    theirs = [skimage.structural_similarity(b, a, channel_axis=2, **WANG) for a, b in pairs]
    ours = ssim(*(z.transpose(0, 3, 1, 2).astype(np.float64) for z in (x, y)))
    assert ours.tolist() == pytest.approx(theirs, rel=1e-9)


def test_ssim_of_y_equals_scikit_image(draw: Draw, store: Store, noise: Spoil) -> None:
    pixels = draw(3)
    sr, hr = store(noise(pixels, 25), "sr"), store(pixels, "hr")
    brightness = [luma(faces.pixels().numpy()) / 255 for faces in (sr, hr)]
    theirs = [skimage.structural_similarity(b, a, **WANG) for a, b in zip(*brightness, strict=True)]
    score = Ssim(channel="y").score(sr, hr)
    assert score.samples == pytest.approx(theirs, rel=1e-9)
    assert score.metric == "ssim[y]"


def test_equal_pictures_have_one(draw: Draw, store: Store) -> None:
    score = Ssim().score(store(draw(2), "sr"), store(draw(2), "hr"))
    assert score.samples == pytest.approx((1, 1))
    assert (score.low, score.high) == pytest.approx((1, 1))


def test_flat_pictures_have_a_number(store: Store) -> None:
    black, white = np.zeros((1, 16, 16, 3), np.uint8), np.full((1, 16, 16, 3), 255, np.uint8)
    score = Ssim().score(store(black, "sr"), store(white, "hr"))
    assert score.value == pytest.approx(0, abs=1e-3)


def test_pictures_smaller_than_the_window_leave_the_place_empty(draw: Draw, store: Store) -> None:
    faces = store(draw(2, size=16), "small")
    score = Ssim(crop=3).score(faces, faces)
    assert (score.value, score.ranked) == (None, False)
    assert score.note == "defined from 11 pixels on, these faces have 10 after cropping 3"


def test_people_who_come_often_have_one_sample_each(draw: Draw, store: Store, noise: Spoil) -> None:
    pixels = draw(4)
    sr, hr = store(noise(pixels, 25), "sr", identities=tuple("abab")), store(pixels, "hr")
    alone = Ssim().score(store(noise(pixels, 25), "alone"), hr).samples
    score = Ssim().score(sr, hr)
    assert score.samples == pytest.approx(((alone[0] + alone[2]) / 2, (alone[1] + alone[3]) / 2))
    assert score.sampling == "person"


def rounded(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return luma(pixels.transpose(0, 3, 1, 2)).round()


def test_dic_compares_negatives(draw: Draw, store: Store, noise: Spoil) -> None:
    y = draw(3)
    x = noise(y, 25)
    sr, hr = store(x, "sr"), store(y, "hr")
    negatives = [(256 - rounded(z)[:, 8:-8, 8:-8]) / 255 for z in (x, y)]
    pairs = zip(*negatives, strict=True)
    theirs = [skimage.structural_similarity(b, a, **WANG) for a, b in pairs]
    score = Ssim(convention="dic").score(sr, hr)
    assert score.samples == pytest.approx(theirs, rel=1e-9)
    assert score.metric == "ssim[dic]"
    assert score.value != pytest.approx(Ssim("y", 8).score(sr, hr).value, abs=1e-5)


def toolbox(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """MATLAB's ssim by SciPy's filter, over all axes of the array."""

    def smooth(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(image, 1.5, mode="nearest", radius=5)

    mx, my = smooth(x), smooth(y)
    vx, vy = smooth(x * x) - mx**2, smooth(y * y) - my**2
    cov = smooth(x * y) - mx * my
    value = (2 * mx * my + 6.5025) * (2 * cov + 58.5225)
    return float((value / ((mx**2 + my**2 + 6.5025) * (vx + vy + 58.5225))).mean())


@pytest.mark.parametrize("size", [8, 64, 130])
def test_matlab_repeats_the_border(draw: Draw, store: Store, noise: Spoil, size: int) -> None:
    y = draw(2, size=size)
    x = noise(y, 25)
    score = Ssim(convention="matlab").score(store(x, "sr"), store(y, "hr"))
    half_up = (np.floor(luma(z.transpose(0, 3, 1, 2)) + 0.5 + 1e-9) for z in (x, y))
    theirs = [toolbox(a, b) for a, b in zip(*half_up, strict=True)]
    assert score.samples == pytest.approx(theirs, rel=1e-9)
    assert score.metric == "ssim[matlab]"


def test_matlab_takes_colours_for_a_volume(draw: Draw, store: Store, noise: Spoil) -> None:
    y = draw(2)
    x = noise(y, 25)
    score = Ssim("rgb", convention="matlab").score(store(x, "sr"), store(y, "hr"))
    pairs = zip(x.astype(np.float64), y.astype(np.float64), strict=True)
    assert score.samples == pytest.approx([toolbox(a, b) for a, b in pairs], rel=1e-9)
    assert score.metric == "ssim[matlab,rgb]"


def test_basicsr_is_the_paper_in_colours(draw: Draw, store: Store, noise: Spoil) -> None:
    sr, hr = store(noise(draw(2), 25), "sr"), store(draw(2), "hr")
    basicsr, plain = (m.score(sr, hr) for m in (Ssim(convention="basicsr"), Ssim()))
    assert basicsr.samples == plain.samples
    assert basicsr.identity != plain.identity
