from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate
from scipy.special import gamma

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.errors import BadData, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols.metrics import _blocks, niqe
from facesr.protocols.metrics import brisque as module
from facesr.protocols.metrics._blocks import grey, halved, normalised
from facesr.protocols.metrics.brisque import Brisque, brisque, published, statistics

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

LISTED = {asset.name: asset.sha256 for asset in assets.ASSETS}
LOW = np.linspace(-0.2, 0.3, 36)
HIGH = LOW + np.linspace(0.5, 3, 36)
GRID = np.arange(200, 10001) / 1000


def write_model(path: Path, weights: NDArray[np.float64], vectors: NDArray[np.float64]) -> None:
    """Write a regression as LIBSVM does, zeros left out, with the line ends of the release."""
    lines = ["svm_type epsilon_svr", "kernel_type rbf", "gamma 0.05", "nr_class 2"]
    lines += [f"total_sv {len(weights)}", "rho -153.591", "probA 5.71401", "SV"]
    for weight, vector in zip(weights, vectors, strict=True):
        entries = [f"{i}:{float(v)!r}" for i, v in enumerate(vector, 1) if v]
        lines.append(" ".join([repr(float(weight)), *entries]) + " ")
    path.write_bytes("\r\n".join([*lines, ""]).encode())


def write_ranges(path: Path, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    pairs = enumerate(zip(low.tolist(), high.tolist(), strict=True), 1)
    lines = ["x", "-1 1", *(f"{i} {a!r} {b!r}" for i, (a, b) in pairs)]
    path.write_bytes("\r\n".join([*lines, ""]).encode())


def random_regression() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(0)
    vectors = random.uniform(-1, 1, (50, 36))
    vectors[random.random(vectors.shape) < 0.1] = 0
    return random.uniform(-100, 100, 50), vectors


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A random regression in the places and the layout of the published one."""
    write_model(tmp_path / "allmodel", *random_regression())
    write_ranges(tmp_path / "allrange", LOW, HIGH)
    ours = tuple(
        Asset(name, file, digest(tmp_path / file), "", f"https://{name}", "brisque")
        for name, file in (("brisque", "allmodel"), ("brisque_range", "allrange"))
    )
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    monkeypatch.setattr(assets, "ASSETS", ours)
    yield tmp_path
    module._read.cache_clear()


def textured(draw: Draw, n: int, size: int = 64) -> NDArray[np.uint8]:
    """Draw heads, (n, 3, size, size), without half-way greys and without flat areas."""
    noise = np.random.default_rng(3).normal(0, 6, (n, size, size, 3))
    rgb = (draw(n, size=size) * 0.8 + 25 + noise).clip(0, 255).astype(np.uint8)
    rgb = rgb.transpose(0, 3, 1, 2)
    sums = np.einsum("nchw,c->nhw", rgb.astype(int), [299, 587, 114])
    rgb[:, 2][sums % 1000 == 500] ^= 1
    assert (normalised(grey(rgb), "constant")[0] != 0).all()
    return rgb


def slow_statistics(image: NDArray[np.float64]) -> list[float]:
    """Equations 1 to 15 of the paper at one scale, searching every candidate shape."""
    steps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window = np.outer(steps, steps) / steps.sum() ** 2
    mean = correlate(image, window, mode="constant")
    spread = np.sqrt(np.abs(correlate(image**2, window, mode="constant") - mean**2))
    pixels = (image - mean) / (spread + 1)
    moment = gamma(1 / GRID) * gamma(3 / GRID) / gamma(2 / GRID) ** 2
    rho = np.mean(pixels**2) / np.mean(np.abs(pixels)) ** 2
    row = [float(GRID[np.argmin(np.abs(moment - rho))]), float(np.mean(pixels**2))]
    for shift in [(0, 1), (1, 0), (1, 1), (-1, 1)]:
        product = pixels * np.roll(pixels, shift, axis=(0, 1))
        left = np.sqrt(np.mean(product[product < 0] ** 2))
        right = np.sqrt(np.mean(product[product > 0] ** 2))
        g = left / right
        wanted = np.mean(np.abs(product)) ** 2 / np.mean(product**2)
        wanted *= (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
        shape = GRID[np.argmin(np.abs(1 / moment - wanted))]
        scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
        lean = (right - left) * gamma(2 / shape) / gamma(1 / shape) * scale
        row += [float(v) for v in (shape, lean, left**2, right**2)]
    return row


@pytest.mark.parametrize("size", [14, 64, 65])
def test_statistics_equal_a_plain_reading_of_the_paper(draw: Draw, size: int) -> None:
    y = grey(textured(draw, 3, size))
    small = halved(y)
    assert small.shape[1:] == ((size + 1) // 2,) * 2
    for ours, first, second in zip(statistics(y), y, small, strict=True):
        expected = slow_statistics(first) + slow_statistics(second)
        assert ours.tolist() == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_ratings_are_the_sum_of_kernels_less_rho(folder: Path, draw: Draw) -> None:
    y = grey(textured(draw, 2))
    weights, vectors = random_regression()
    for ours, features in zip(brisque(y, published()), statistics(y), strict=True):
        scaled = -1 + 2 * (features - LOW) / (HIGH - LOW)
        total = 153.591
        for weight, vector in zip(weights, vectors, strict=True):
            total += weight * np.exp(-0.05 * ((scaled - vector) ** 2).sum())
        assert ours == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_brisque_equals_piq(
    folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    pytest.importorskip("piq")
    theirs: Any = import_module("piq.brisque")
    at_0, at_1 = (
        theirs._scale_features(torch.full((1, 36), v, dtype=torch.float64))[0].numpy()
        for v in (0.0, 1.0)
    )
    low = (-1 - at_0) / (at_1 - at_0)
    weights, vectors = (torch.from_numpy(array) for array in random_regression())
    model = published()._replace(low=low, high=low + 2 / (at_1 - at_0))
    monkeypatch.setattr(theirs, "load_url", lambda *_, **__: (weights, vectors.clone()))
    rgb = textured(draw, 6, size)
    expected = theirs.brisque(torch.from_numpy(rgb).double(), data_range=255, reduction="none")
    assert brisque(grey(rgb), model).tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_score_says_everything(folder: Path, draw: Draw, store: Store) -> None:
    score = Brisque().score(store(draw(3), "sr"), None)
    first, second = (digest(folder / name)[:8] for name in ("allmodel", "allrange"))
    assert score.identity == f"brisque[live@{first},range@{second},luma=grey,v1.1]"
    assert (score.metric, score.n, score.better, score.group) == ("brisque", 3, "lower", "realism")
    assert (score.sampling, len(score.samples)) == ("picture", 3)
    assert score.value == pytest.approx(np.mean(score.samples))


def test_order_and_batches_change_nothing(
    folder: Path, draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, order = store(draw(5), "sr"), [3, 0, 4, 2, 1]
    whole = Brisque().score(faces, None).samples
    monkeypatch.setattr(niqe, "_AT_ONCE", 2 * 64**2)
    shuffled = Brisque().score(faces.take(order), None).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-9)


def test_noise_moves_the_statistics_ever_further_from_those_of_the_clean_picture(
    draw: Draw, noise: Spoil
) -> None:
    pixels = textured(draw, 4).transpose(0, 2, 3, 1)
    clean = statistics(grey(pixels.transpose(0, 3, 1, 2)))
    away = [
        np.abs(statistics(grey(noise(pixels, sigma).transpose(0, 3, 1, 2))) - clean).mean()
        for sigma in (0, 3, 10, 30, 60)
    ]
    assert away[0] == 0
    assert np.diff(away).min() > 0


def test_flat_pictures_leave_the_place_empty_and_one_is_named(
    folder: Path, draw: Draw, store: Store
) -> None:
    pixels = draw(4)
    pixels[1], pixels[3] = 0, 77
    score = Brisque().score(store(pixels, "sr"), None)
    assert (score.value, score.samples, score.ranked) == (None, (), False)
    assert score.note == (
        "2 of 4 faces, such as 0001.png, are flat: brisque rates texture, of which they have none"
    )


def test_one_picture_has_a_value_without_an_interval_and_none_is_a_sentence(
    folder: Path, draw: Draw, store: Store
) -> None:
    pixels = draw(2)
    one = Brisque().score(store(pixels[:1], "one"), None)
    two = Brisque().score(store(pixels, "two"), None)
    assert one.value == two.samples[0]
    assert (one.low, one.high) == (None, None)
    with pytest.raises(BadData, match="holds no face, so there is no brisque"):
        Brisque().score(store(pixels, "none").take([]), None)


def test_a_picture_with_nan_has_the_value_nan(folder: Path, draw: Draw) -> None:
    y = grey(textured(draw, 2))
    y[1, 30, 30] = np.nan
    assert np.isnan(brisque(y, published())).tolist() == [False, True]


def test_small_pictures_leave_the_place_empty(folder: Path, draw: Draw, store: Store) -> None:
    score = Brisque().score(store(draw(2, size=13), "small"), None)
    assert score.note == "defined from 14 pixels on, these faces have 13"


def test_people_who_come_often_have_one_sample_each(folder: Path, draw: Draw, store: Store) -> None:
    pixels = draw(3)
    alone = Brisque().score(store(pixels, "alone"), None).samples
    score = Brisque().score(store(pixels, "sr", identities=("a", "b", "a")), None)
    assert score.samples == pytest.approx(((alone[0] + alone[2]) / 2, alone[1]))
    assert score.sampling == "person"


def test_without_the_model_there_is_no_number(
    folder: Path, draw: Draw, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "allrange").unlink()
    score = Brisque().score(store(draw(1), "sr"), None)
    assert (score.value, score.ranked) == (None, False)
    assert score.note.startswith("needs the asset 'brisque_range'")


def test_another_model_is_refused(folder: Path, draw: Draw, store: Store) -> None:
    write_model(folder / "allmodel", np.ones(1), np.ones((1, 36)))
    with pytest.raises(BenchError, match="allmodel"):
        Brisque().score(store(draw(1), "sr"), None)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("epsilon_svr", "c_svc", "it is c_svc rbf"),
        ("total_sv 50", "total_sv 49", "longer"),
        ("rho", "row", "'rho'"),
        ("SV\r\n", "SV\r\n1 37:0.5\r\n", ""),
    ],
)
def test_a_damaged_model_is_a_sentence(folder: Path, old: str, new: str, what: str) -> None:
    path = folder / "allmodel"
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    with pytest.raises(BenchError, match=rf"allmodel is no regression of LIBSVM \(.*{what}"):
        module._read(path, folder / "allrange")


def test_damaged_ranges_are_a_sentence(folder: Path) -> None:
    write_ranges(folder / "allrange", LOW, LOW)
    with pytest.raises(BenchError, match="expected 36 increasing ranges"):
        module._read(folder / "allmodel", folder / "allrange")


@pytest.mark.parametrize("code", [module, _blocks])
def test_other_code_of_any_part_makes_another_identity(
    folder: Path, draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, code: object
) -> None:
    faces = store(draw(1), "sr")
    before = Brisque().score(faces, None).identity
    monkeypatch.setattr(code, "VERSION", 77)
    assert Brisque().score(faces, None).identity != before


@pytest.mark.parametrize(
    ("name", "start"), [("brisque", "8b04d604"), ("brisque_range", "e47d753d")]
)
def test_the_published_files_are_listed(name: str, start: str) -> None:
    if name not in LISTED:
        pytest.skip("this version lists no model of BRISQUE")
    assert LISTED[name].startswith(start)
