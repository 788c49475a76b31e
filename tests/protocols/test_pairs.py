from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols._pairs import PairMetric, PlaneMetric
from facesr.protocols.metrics.ms_ssim import MsSsim
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.sharpness import Sharpness
from facesr.protocols.metrics.ssim import Ssim

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

PLANES: list[PlaneMetric] = [
    Psnr(),
    Psnr(channel="y"),
    Psnr(convention="dic"),
    Psnr(convention="basicsr", channel="y"),
    Psnr(convention="matlab"),
    Ssim(),
    Ssim(convention="dic"),
    Ssim(convention="matlab"),
    Ssim(convention="matlab", channel="rgb"),
    MsSsim(scales=3),
    MsSsim(scales=2, channel="y"),
]
EVERY: list[PairMetric] = [*PLANES, Sharpness()]


def name(metric: PairMetric) -> str:
    return metric.column


@pytest.mark.parametrize("metric", EVERY, ids=name)
def test_equal_sets_have_the_best_value(metric: PairMetric, draw: Draw, store: Store) -> None:
    score = metric.score(store(draw(3), "sr"), store(draw(3), "hr"))
    best = {"psnr": 100, "sharpness": 0}.get(metric.column.partition("[")[0], 1)
    assert score.samples == (best, best, best)


@pytest.mark.parametrize("metric", EVERY, ids=name)
def test_more_noise_is_worse(metric: PairMetric, draw: Draw, store: Store, noise: Spoil) -> None:
    pixels = draw(4)
    hr = store(pixels, "hr")
    values = [
        metric.score(store(noise(pixels, sigma), f"{sigma}"), hr).value
        for sigma in (2, 5, 10, 20, 40, 80)
    ]
    assert all(v is not None for v in values)
    assert values == sorted(values, reverse=metric.better == "higher")  # type: ignore[type-var]
    assert len(set(values)) == 6


@pytest.mark.parametrize("metric", EVERY, ids=name)
def test_batches_and_order_change_nothing(
    metric: PairMetric,
    draw: Draw,
    store: Store,
    noise: Spoil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = draw(5)
    sr, hr = store(noise(pixels, 25), "sr"), store(pixels, "hr")
    whole = metric.score(sr, hr).samples
    order = [3, 0, 4, 2, 1]
    monkeypatch.setattr(type(metric), "at_once", 2 * 64 * 64)
    shuffled = metric.score(sr.take(order), hr.take(order)).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-12)


@pytest.mark.parametrize("metric", PLANES, ids=name)
def test_a_value_that_is_no_number_stays_none(metric: PlaneMetric, draw: Draw) -> None:
    y = draw(2).transpose(0, 3, 1, 2).astype(np.float64)
    x = y + 5
    x[1, 0, 30, 30] = np.nan
    values = metric.measure(x, y)
    assert np.isfinite(values[0])
    assert np.isnan(values[1])


def test_a_picture_without_a_number_stops_the_mean(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ssim, "measure", lambda *_: np.array([0.5, np.nan]))
    faces = store(draw(2), "sr")
    with pytest.raises(BadData, match=r"ssim of 0001\.png is nan \(1 of 2 pictures\)"):
        Ssim().score(faces, faces)


@pytest.mark.parametrize("metric", PLANES, ids=name)
def test_flat_pictures_have_a_finite_number(metric: PlaneMetric, store: Store) -> None:
    black, white = np.zeros((1, 64, 64, 3), np.uint8), np.full((1, 64, 64, 3), 255, np.uint8)
    score = metric.score(store(black, "sr"), store(white, "hr"))
    assert score.value is not None
    assert score.value < 10 if "psnr" in metric.column else score.value < 0.5


@pytest.mark.parametrize("metric", EVERY, ids=name)
def test_the_identity_tells_every_metric_apart(
    metric: PairMetric, draw: Draw, store: Store
) -> None:
    faces = store(draw(1), "sr")
    same = [m for m in EVERY if m.label(faces) == metric.label(faces)]
    assert same == [metric]
    assert [m for m in EVERY if m.column == metric.column] == [metric]


def test_identities_of_defaults_are_those_of_the_first_release(draw: Draw, store: Store) -> None:
    faces = store(draw(1), "sr")
    mark = f"ref=sr@{faces.fingerprint[:8]}"
    labels = [m.score(faces, faces).identity for m in (Psnr(), Psnr("y", 8), Ssim(), Ssim("y"))]
    assert labels == [
        f"psnr[rgb,crop=0,equal=100,{mark},v2]",
        f"psnr[y,crop=8,equal=100,{mark},v2.1]",
        f"ssim[rgb,crop=0,{mark},v1]",
        f"ssim[y,crop=0,{mark},v1.1]",
    ]
