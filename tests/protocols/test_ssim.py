from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

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
