from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols import _luma
from facesr.protocols._luma import luma
from facesr.protocols.metrics.psnr import Psnr, psnr
from facesr.protocols.metrics.ssim import Ssim

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def test_psnr_equals_scikit_image(draw: Draw, noise: Spoil) -> None:
    y = draw(3)
    x = noise(y, 10)
    skimage: Any = pytest.importorskip("skimage.metrics")
    pairs = zip(x, y, strict=True)
    theirs = [skimage.peak_signal_noise_ratio(b, a, data_range=255) for a, b in pairs]
    ours = psnr(*(z.transpose(0, 3, 1, 2).astype(np.float64) for z in (x, y)))
    assert ours.tolist() == pytest.approx(theirs, rel=1e-12)


def test_luma_has_the_range_of_matlab() -> None:
    ends = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], np.uint8)[:, :, None, None]
    assert luma(ends).ravel().tolist() == pytest.approx([16, 235, 16 + 65.481])


def test_darker_and_brighter_count_alike(store: Store) -> None:
    grey = np.full((1, 16, 16, 3), 100, np.uint8)
    hr, up, down = store(grey, "hr"), store(grey + 10, "up"), store(grey - 10, "down")
    assert Psnr().score(up, hr).value == pytest.approx(20 * np.log10(25.5))
    assert Psnr().score(down, hr).value == Psnr().score(up, hr).value


def test_the_mean_is_over_decibels_of_pictures(draw: Draw, store: Store, noise: Spoil) -> None:
    pixels = draw(4)
    spoilt = np.concatenate([noise(pixels[:2], 5), noise(pixels[2:], 60)])
    score = Psnr().score(store(spoilt, "sr"), store(pixels, "hr"))
    assert score.value == pytest.approx(np.mean(score.samples))
    assert (score.metric, score.unit, score.group, score.n) == ("psnr", "dB", "fidelity", 4)
    assert score.low is not None
    assert score.high is not None
    assert score.low < np.mean(score.samples) < score.high
    assert score.interval == "bootstrap of pictures, BCa, 2000"


def test_people_are_resampled_where_they_are_known(draw: Draw, store: Store, noise: Spoil) -> None:
    pixels, people = draw(6), ("a", "a", "b", "b", "c", "c")
    sr = store(noise(pixels, 20), "sr", identities=people)
    score = Psnr().score(sr, store(pixels, "hr"))
    assert score.interval == "bootstrap of people, BCa, 2000"
    alone = Psnr().score(store(noise(pixels, 20), "alone"), store(pixels, "hr"))
    assert score.samples == pytest.approx(np.reshape(alone.samples, (3, 2)).mean(axis=1))
    assert (score.sampling, score.n, score.value) == ("person", 6, alone.value)


def test_equal_pictures_count_as_100_db_and_say_so(draw: Draw, store: Store) -> None:
    pixels = draw(3)
    changed = pixels.copy()
    changed[0, 5, 5, 0] ^= 1
    score = Psnr().score(store(changed, "sr"), store(pixels, "hr"))
    assert 85 < score.samples[0] < 100
    assert score.samples[1:] == (100, 100)
    assert score.note == "2 of 3 pictures equal their originals, counted as 100 dB"
    assert "equal=100" in score.identity


def test_crop_and_channel_change_number_and_identity(
    draw: Draw, store: Store, noise: Spoil
) -> None:
    pixels = draw(3)
    sr, hr = store(noise(pixels, 15), "sr"), store(pixels, "hr")
    scores = [Psnr(), Psnr(crop=8), Psnr(channel="y"), Psnr(channel="y", crop=8)]
    measured = [metric.score(sr, hr) for metric in scores]
    assert len({score.value for score in measured}) == 4
    assert len({score.identity for score in measured}) == 4
    assert [score.metric for score in measured] == ["psnr", "psnr", "psnr[y]", "psnr[y]"]


@pytest.mark.parametrize("metric", [Psnr, Ssim])
def test_other_brightness_makes_another_identity_where_it_is_measured(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, metric: type[Psnr] | type[Ssim]
) -> None:
    faces = store(draw(1), "sr")

    def identities() -> list[str]:
        return [m.score(faces, faces).identity for m in (metric(), metric(channel="y"))]

    before = identities()
    monkeypatch.setattr(_luma, "VERSION", 77)
    assert [a == b for a, b in zip(before, identities(), strict=True)] == [True, False]


def test_crop_leaves_the_border_out(draw: Draw, store: Store) -> None:
    pixels = draw(2)
    framed = pixels.copy()
    framed[:, :8] = framed[:, -8:] = framed[:, :, :8] = framed[:, :, -8:] = 0
    score = Psnr(crop=8).score(store(framed, "sr"), store(pixels, "hr"))
    assert score.samples == (100, 100)


def test_what_cannot_be_paired_is_refused_in_a_sentence(draw: Draw, store: Store) -> None:
    hr, short = store(draw(3), "hr"), store(draw(2), "short")
    with pytest.raises(BadData, match=r"1 originals have no partner, such as 0002$"):
        Psnr().score(short, hr)
    with pytest.raises(BadData, match=r"1 have no original, such as 0002$"):
        Psnr().score(hr, short)
    with pytest.raises(BadData, match="the order differs"):
        Psnr().score(hr.take([1, 0, 2]), hr)
    with pytest.raises(BadData, match="its reference tiny has 32x32"):
        Psnr().score(hr, store(draw(3, size=32), "tiny"))
    with pytest.raises(BadData, match="name a folder of them"):
        Psnr().score(hr, None)


def test_a_crop_that_leaves_nothing_leaves_the_place_empty(draw: Draw, store: Store) -> None:
    faces = store(draw(2), "sr")
    score = Psnr(crop=32).score(faces, faces)
    assert (score.value, score.ranked) == (None, False)
    assert score.note == "defined from 1 pixel on, these faces have 0 after cropping 32"
    with pytest.raises(BadData, match="names in"):
        Psnr(crop=32).score(faces, faces.take([0]))


def test_brightness_that_differs_by_little_keeps_its_value(draw: Draw, store: Store) -> None:
    pixels = draw(2)
    changed = pixels.copy()
    changed[0, 5, 5, 2] ^= 1
    score = Psnr(channel="y").score(store(changed, "sr"), store(pixels, "hr"))
    error = (24.966 / 255) ** 2 / 64**2
    assert score.samples == pytest.approx((10 * np.log10(255**2 / error), 100))
    assert score.samples[0] > 104
    assert score.note == "1 of 2 pictures equal their originals, counted as 100 dB"


def test_one_picture_has_a_value_and_no_interval(draw: Draw, store: Store, noise: Spoil) -> None:
    pixels = draw(1)
    score = Psnr().score(store(noise(pixels, 20), "sr"), store(pixels, "hr"))
    assert score.value == score.samples[0]
    assert (score.low, score.high) == (None, None)
    assert score.note == "one picture only, so there is no interval"


def brightness(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    r, g, b = np.moveaxis(pixels.astype(np.float64), -1, 0)
    return (65.481 * r + 128.553 * g + 24.966 * b) / 255 + 16


def test_dic_rounds_y_and_leaves_a_border_of_eight_out(
    draw: Draw, store: Store, noise: Spoil
) -> None:
    skimage: Any = pytest.importorskip("skimage.metrics")
    y = draw(3)
    x = noise(y, 10)
    score = Psnr(convention="dic").score(store(x, "sr"), store(y, "hr"))
    inner = [brightness(z).round()[:, 8:-8, 8:-8] for z in (x, y)]
    pairs = zip(*inner, strict=True)
    theirs = [skimage.peak_signal_noise_ratio(b, a, data_range=255) for a, b in pairs]
    assert score.samples == pytest.approx(theirs, rel=1e-12)
    assert score.metric == "psnr[dic]"
    assert score.identity.startswith("psnr[dic,y,crop=8,equal=100,")


def test_basicsr_takes_y_in_single_precision(draw: Draw, store: Store, noise: Spoil) -> None:
    y = draw(3)
    x = noise(y, 1)
    sr, hr = store(x, "sr"), store(y, "hr")
    score = Psnr(convention="basicsr", channel="y").score(sr, hr)
    expected = []
    for pair in zip(x, y, strict=True):
        shares = [z[..., ::-1].astype(np.float32) / 255 for z in pair]
        single = [(z @ np.array([24.966, 128.553, 65.481]) + 16) / 255 for z in shares]
        p, q = (z.astype(np.float32) * np.float32(255) for z in single)
        error = np.mean((p.astype(np.float64) - q) ** 2)
        expected.append(10 * np.log10(255**2 / error))
    assert score.samples == pytest.approx(expected, rel=1e-12)
    assert score.samples != Psnr(channel="y").score(sr, hr).samples
    assert score.metric == "psnr[basicsr,y]"
    plain = Psnr(convention="basicsr").score(sr, hr)
    assert (plain.metric, plain.samples) == ("psnr[basicsr]", Psnr().score(sr, hr).samples)


def test_matlab_rounds_y_half_up() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (4000, 3))
    some = np.indices((256, 256, 4)).reshape(3, -1).T
    ties = some[some @ (65481, 128553, 24966) % 255000 == 127500]
    assert len(ties)
    every = np.concatenate([colours, ties]).astype(np.uint8)
    found = _luma.planes(every[:, :, None, None], "y", "matlab").ravel()
    exact = [
        (Decimal(65481) * r + 128553 * g + 24966 * b) / 255000 + 16 for r, g, b in every.tolist()
    ]
    expected = [int(value.quantize(Decimal(1), ROUND_HALF_UP)) for value in exact]
    assert found.tolist() == expected


def test_conventions_agree_where_their_quirks_do_not_matter(
    draw: Draw, store: Store, noise: Spoil
) -> None:
    pixels = draw(3)
    sr, hr = store(noise(pixels, 15), "sr"), store(pixels, "hr")
    ways = [Psnr("y", 8, way) for way in ("facesr", "dic", "basicsr", "matlab")]
    values = [metric.score(sr, hr).value for metric in ways]
    assert values == pytest.approx([values[0]] * 4, abs=0.02)
    assert len(set(values[:3])) == 3
    assert values[1] == pytest.approx(values[3], rel=1e-4)


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(BadName, match="no convention named 'ours'; known: facesr, dic, basicsr"):
        Psnr(convention="ours")  # type: ignore[arg-type]
    with pytest.raises(BadName, match="no channel named 'luma'; known: rgb, y"):
        Psnr(channel="luma")  # type: ignore[arg-type]
    with pytest.raises(BadName, match="crop=-1 is negative"):
        Psnr(crop=-1)
