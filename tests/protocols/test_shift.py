import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import fourier_shift

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols._luma import luma
from facesr.protocols.metrics.shift import Shift, displacement

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]
Draw = Callable[..., Pixels]
Store = Callable[..., Faces]
Spoil = Callable[[Pixels, float], Pixels]


def brightness(pixels: Pixels) -> Array:
    return luma(pixels.transpose(0, 3, 1, 2))


def moved(pixels: Pixels, away: Array) -> Pixels:
    """Move each picture by its (down, right), exactly but for rounding."""
    spectra = np.fft.fft2(pixels.astype(np.float64), axes=(1, 2))
    found = [
        np.fft.ifft2(fourier_shift(spectrum, (*by, 0)), axes=(0, 1)).real
        for spectrum, by in zip(spectra, away, strict=True)
    ]
    return np.stack(found).clip(0, 255).round().astype(np.uint8)


def resized(pixels: Pixels, size: int, how: Image.Resampling) -> Pixels:
    return np.stack([np.array(Image.fromarray(p).resize((size, size), how)) for p in pixels])


def middle(pixels: Pixels) -> Pixels:
    return pixels[:, 16:-16, 16:-16]


def somewhere(n: int, furthest: float) -> Array:
    return np.random.default_rng(0).uniform(-furthest, furthest, (n, 2))


@pytest.mark.parametrize("small", [16, 32])
def test_moved_pictures_without_detail_are_placed_to_a_twentieth_of_a_pixel(
    draw: Draw, small: int
) -> None:
    lr = resized(draw(20, size=96), small * 96 // 64, Image.Resampling.BICUBIC)
    sr, away = resized(lr, 96, Image.Resampling.BICUBIC), somewhere(20, 3)
    edge = small // 4
    inner = lr[:, edge:-edge, edge:-edge]
    found = displacement(brightness(middle(moved(sr, away))), brightness(inner))
    assert np.abs(found - away).max() < 0.05


@pytest.mark.parametrize(
    ("small", "how", "single", "all_together"),
    [
        (16, Image.Resampling.LANCZOS, 0.08, 0.03),
        (16, Image.Resampling.BICUBIC, 0.15, 0.05),
        (16, Image.Resampling.BOX, 0.3, 0.12),
        (32, Image.Resampling.BICUBIC, 0.03, 0.01),
    ],
)
def test_moved_sharp_faces_are_placed_as_well_as_their_input_allows(
    draw: Draw, small: int, how: Image.Resampling, single: float, all_together: float
) -> None:
    hr, away = draw(30, size=96), somewhere(30, 2)
    lr = resized(middle(hr), small, how)
    error = displacement(brightness(middle(moved(hr, away))), brightness(lr)) - away
    assert np.abs(error).max() < single
    assert np.sqrt(np.square(error).mean()) < all_together


def test_the_start_finds_displacements_of_many_pixels(draw: Draw) -> None:
    hr = draw(6, size=96)
    away = np.array([[9.3, 0], [-8.4, 2.2], [0, 10.6], [4.7, -9.5], [-6, -6], [7.5, 7.5]])
    lr = resized(middle(hr), 32, Image.Resampling.BICUBIC)
    found = displacement(brightness(middle(moved(hr, away))), brightness(lr))
    assert np.abs(found - away).max() < 0.5


def test_gain_and_offset_do_not_move_a_face(draw: Draw) -> None:
    hr = draw(5)
    lr = resized(hr, 16, Image.Resampling.BICUBIC)
    there = displacement(brightness(hr), brightness(lr))
    paler = displacement(0.5 * brightness(hr) + 60, brightness(lr))
    assert paler == pytest.approx(there, abs=1e-3)


def test_a_grid_fixed_at_the_corner_lies_one_pixel_and_a_half_away_and_says_so(
    draw: Draw, store: Store
) -> None:
    lr = resized(draw(12), 16, Image.Resampling.BICUBIC)
    spline = [np.stack([zoomed(p[..., c]) for c in range(3)], axis=-1) for p in lr]
    sr = np.stack(spline).clip(0, 255).round().astype(np.uint8)
    score = Shift().score(store(sr, "sr"), store(lr, "lr"))
    assert score.value == pytest.approx(np.hypot(1.5, 1.5), abs=0.1)
    assert (score.metric, score.unit, score.better) == ("shift", "px", "lower")
    where = r"on average -1\.[45]\d px down and -1\.[45]\d px to the right of the input"
    assert re.fullmatch(where, score.note)


def zoomed(image: NDArray[np.uint8]) -> Array:
    from scipy.ndimage import map_coordinates

    at = np.arange(64) / 4
    rows, columns = np.meshgrid(at, at, indexing="ij")
    return map_coordinates(image.astype(np.float64), [rows, columns], order=3, mode="nearest")


def test_aligned_outputs_have_the_floor_and_further_is_worse(draw: Draw, store: Store) -> None:
    lr = resized(draw(8), 16, Image.Resampling.BICUBIC)
    sr, inputs = resized(lr, 64, Image.Resampling.BICUBIC), store(lr, "lr")
    values = []
    for by in (0, 0.25, 0.5, 1, 2):
        there = moved(sr, np.full((8, 2), by / np.sqrt(2)))
        values.append(Shift().score(store(there, f"{by}"), inputs).value)
    assert values == sorted(values)  # type: ignore[type-var]
    assert values[0] is not None
    assert values[0] < 0.02


def test_batches_and_order_change_nothing(
    draw: Draw, store: Store, noise: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = draw(5)
    sr = store(noise(pixels, 20), "sr")
    lr = store(resized(pixels, 16, Image.Resampling.BOX), "lr")
    whole = Shift().score(sr, lr).samples
    order = [3, 0, 4, 2, 1]
    monkeypatch.setattr(Shift, "at_once", 2 * 64 * 64)
    shuffled = Shift().score(sr.take(order), lr.take(order)).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-9)


def test_flat_and_striped_pictures_are_a_sentence(draw: Draw, store: Store) -> None:
    pixels = draw(3)
    lr = store(resized(pixels, 16, Image.Resampling.BOX), "lr")
    pixels[1] = 100
    score = Shift().score(store(pixels, "flat"), lr)
    assert (score.value, score.ranked) == (None, False)
    assert score.note.startswith("1 of 3 faces, such as 0001.png, cannot be registered with their")
    stripes = np.broadcast_to(100 + 50 * np.sin(np.arange(64) / 5), (1, 64, 64))
    assert np.isnan(displacement(stripes, stripes)).all()
    for flat in (np.zeros((1, 64, 64)), np.full((1, 64, 64), np.nan)):
        assert np.isnan(displacement(brightness(draw(1)), flat)).all()
        assert np.isnan(displacement(flat, brightness(draw(1)))).all()


def test_negatives_match_nowhere(draw: Draw) -> None:
    y = brightness(draw(1))
    found = displacement(255 - y, y)
    assert np.isnan(found).all() or np.abs(found).max() > 4


def test_what_cannot_be_paired_is_refused_in_a_sentence(draw: Draw, store: Store) -> None:
    sr, lr = store(draw(2), "sr"), store(draw(2, size=16), "lr")
    with pytest.raises(BadData, match="which is no multiple of the 24x24 of odd"):
        Shift().score(sr, store(draw(2, size=24), "odd"))
    with pytest.raises(BadData, match="1 have no original, such as 0001"):
        Shift().score(sr, lr.take([0]))
    with pytest.raises(BadData, match="shift compares outputs with their inputs; name a folder"):
        Shift().score(sr, None)
    tiny = store(draw(1, size=8), "tiny")
    assert Shift().score(tiny, tiny).note == "defined from 16 pixels on, these faces have 8"


def test_one_picture_has_a_value_and_no_interval(draw: Draw, store: Store) -> None:
    lr = resized(draw(1), 16, Image.Resampling.BICUBIC)
    score = Shift().score(store(draw(1), "sr"), store(lr, "lr"))
    assert score.value is not None
    assert (score.low, score.n) == (None, 1)
