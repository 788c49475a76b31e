"""What holds for every metric: a new one fails here until it is listed in `CASES`."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench import assets, catalog
from facesr.bench.assets import Asset
from facesr.bench.contract import Metric
from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import Faces, folder, write_png
from facesr.bench.files import digest
from facesr.bench.score import Score
from facesr.datasets._render import render
from facesr.protocols import _features
from facesr.protocols._pairs import PairMetric
from facesr.protocols.features import _backbones, found, inception
from facesr.protocols.metrics import (
    _blocks,
    brisque,
    detection,
    dists,
    fd,
    identification,
    kd,
    lpips,
    niqe,
    prdc,
)
from facesr.protocols.metrics._blocks import FEATURES

Pixels = NDArray[np.uint8]
N = 8


@dataclass(frozen=True)
class Case:
    """A metric and what is known of it.

    Args:
        best: Value of a set against itself; None where there is none, because nothing is compared
            or the model depends on the faces.
        size: Of the faces.
        within: How much the order of pictures and batches may change, as a share of the value.
        noise: Deviations of noise, each no better than the one before.
        reference: How many other faces it is compared with, where those are asked for.
        settings: Of the metric.
        loose: How far from `best` a set may be, where it is unbiased and may lie beyond.
    """

    best: float | None = None
    size: int = 64
    within: float = 1e-9
    noise: tuple[float, ...] = (0, 30, 90)
    loose: float = 1e-9
    reference: int = 8
    settings: tuple[tuple[str, Any], ...] = ()


SINGLE = 1e-4  # features are single precision, and distances are differences of sums
CASES: dict[str, list[Case]] = {
    "brisque": [Case()],
    "cosine": [Case(1, settings=(("embedder", "pooled"),))],
    "detection": [Case(settings=(("detector", name),)) for name in ("hog", "mtcnn")],
    "dists": [Case(0, within=1e-4)],
    "fd": [Case(0, within=SINGLE, loose=1e-4)],
    "fid": [Case(0, within=SINGLE, loose=1e-4)],
    "identification": [
        Case(100, settings=(("embedder", "pooled"), ("gallery", "partners"))),
    ],
    "kd": [Case(0, within=SINGLE, loose=np.inf)],
    "kid": [Case(0, within=SINGLE, loose=np.inf)],
    "landmarks": [Case(0, settings=(("detector", "mtcnn"),))],
    "lpips": [Case(0, within=1e-5, settings=(("network", n),)) for n in ("alex", "squeeze")],
    "ms_ssim": [Case(1, settings=(("scales", 3),))],
    "niqe": [Case(size=96)],
    "niqe_fit": [Case(reference=48, settings=(("block", 16),))],
    "pi": [Case(size=104)],
    "prdc": [
        Case(1, settings=(("part", part),))
        for part in ("precision", "recall", "density", "coverage")
    ],
    "psnr": [
        Case(100, settings=(("convention", way),)) for way in ("facesr", "dic", "basicsr", "matlab")
    ],
    "sharpness": [Case(0)],
    "shift": [Case(0, loose=1e-3, noise=(0, 40, 300))],
    "ssim": [
        Case(1, settings=(("convention", way),)) for way in ("facesr", "dic", "basicsr", "matlab")
    ],
    "verification": [
        Case(100, settings=(("embedder", "pooled"), ("definition", "scgan"))),
        Case(settings=(("embedder", "pooled"),)),
    ],
}
EVERY = [(name, case) for name, cases in CASES.items() for case in cases]


def called(value: object) -> str:
    if isinstance(value, Case):
        return ",".join(str(v) for _, v in value.settings)
    return str(value)


every_metric = pytest.mark.parametrize(("name", "case"), EVERY, ids=called)


def test_every_metric_is_listed_here() -> None:
    assert set(CASES) == set(catalog.names("metrics")), "describe the new metric in CASES"


@pytest.fixture(autouse=True)
def _pooled(pooled: str) -> None:
    """Let an embedder be named that needs no weights."""


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Weights for every metric: random networks, models of drawn heads."""
    root, ours = tmp_path_factory.mktemp("assets"), {}

    def keep(name: str, write: Callable[[Path], object]) -> None:
        path = root / f"{name}{'.npz' if name == 'niqe' else ''}"
        write(path)
        ours[name] = Asset(name, path.name, digest(path), "", f"https://{name}", name)

    random = torch.Generator().manual_seed(0)

    def drawn(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Draw weights under which activations keep their size."""
        for key, old in state.items():
            if key.endswith(("running_var", "bn.weight")):
                state[key] = torch.rand(old.shape, generator=random) + 0.5
            elif old.dtype == torch.float32:
                size = (2 / old[0].numel()) ** 0.5 if old.ndim == 4 else 0.1
                state[key] = torch.randn(old.shape, generator=random) * size
        return state

    def positive(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=random)

    channels = {"alex": (64, 192, 384, 256, 256), "squeeze": (64, 128, 256, 384, 384, 512, 512)}
    networks = {"alex": "alexnet", "squeeze": "squeezenet1_1"}
    for net, sizes in channels.items():
        linear = {f"lin{i}.model.1.weight": positive(1, c, 1, 1) for i, c in enumerate(sizes)}
        keep(f"lpips_{net}", lambda path, state=linear: torch.save(state, path))
    for name in (*networks.values(), "vgg16"):
        network = _backbones._BUILD[name]("maximum").state_dict()  # type: ignore[index]
        keep(name, lambda path, state=network: torch.save(drawn(state), path))
    textures = {key: positive(1, 1475, 1, 1) for key in ("alpha", "beta")}
    keep("dists", lambda path: torch.save(textures, path))
    keep("inception", lambda path: torch.save(drawn(inception._Network().state_dict()), path))
    pristine = heads(96, 80, 200).transpose(0, 3, 1, 2)
    blocks = _blocks.block_features(niqe.studio(pristine), 96)[0][:, 0]
    model = {"mu_pris_param": blocks.mean(axis=0), "cov_pris_param": np.cov(blocks, rowvar=False)}
    keep("niqe", lambda path: np.savez(path, **model))
    seen = brisque.statistics(_blocks.grey(pristine))
    keep("brisque", lambda path: path.write_text(REGRESSION))
    middle, wide = seen.mean(axis=0), 6 * seen.std(axis=0) + 1e-6
    ranges = zip((middle - wide).tolist(), (middle + wide).tolist(), strict=True)
    lines = [f"{i} {low!r} {high!r}" for i, (low, high) in enumerate(ranges, 1)]
    keep("brisque_range", lambda path: path.write_text("\n".join(["x", "-1 1", *lines])))
    others = [asset for asset in assets.ASSETS if asset.name not in ours]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(root))
        patch.setattr(assets, "ASSETS", (*others, *ours.values()))
        yield root
    for kept in (
        _backbones._loaded,
        inception._network,
        lpips._linear,
        dists._weights,
        brisque._read,
    ):
        kept.cache_clear()


# the further from the middle of its ranges, the worse
REGRESSION = "\n".join(
    ["svm_type epsilon_svr", "kernel_type rbf", "gamma 0.01", "total_sv 1", "rho -100", "SV"]
    + [" ".join(["-100", *(f"{i}:0" for i in range(1, FEATURES + 1))])]
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faces")


@pytest.fixture
def faces(root: Path) -> Callable[..., Faces]:
    """Store pictures under a title, two of each person, with scores of Ma et al.; once per title."""

    def faces(title: str, pixels: Pixels) -> Faces:
        place, names = root / title, tuple(f"{i:03d}.png" for i in range(len(pixels)))
        if not place.is_dir():
            for name, image in zip(names, pixels, strict=True):
                write_png(image, place / name)
            (place / "ma.csv").write_text("".join(f"{Path(name).stem},5\n" for name in names))
        people = tuple(f"p{i // 2}" for i in range(len(names)))
        return Faces(place, names, pixels.shape[1], title, identities=people)

    return faces


@cache
def heads(size: int = 64, n: int = N, first: int = 0) -> Pixels:
    """Render pictures, two of each person."""
    return np.stack([render(0, (first + i) // 2, i % 2, size).pixels for i in range(n)])


def noisy(pixels: Pixels, deviation: float) -> Pixels:
    noise = np.random.default_rng(1).normal(0, deviation, pixels.shape)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


def built(name: str, case: Case) -> Metric:
    metric: Metric = catalog.load("metrics", name)(**dict(case.settings))
    assert not metric.missing()
    return metric


def compared(metric: Metric, case: Case, sr: Faces, faces: Callable[..., Faces]) -> Score:
    """Measure against what a metric asks for: the originals, or other faces."""
    if metric.needs == "nothing":
        return metric.score(sr, None)
    if metric.needs == "faces":
        other = heads(case.size, case.reference, 400)
        return metric.score(sr, faces(f"other-{case.size}-{case.reference}", other))
    return metric.score(sr, faces(f"hr-{case.size}", heads(case.size)))


def number(score: Score) -> float:
    assert score.value is not None, score.note
    assert isfinite(score.value)
    return score.value


def sentence(text: str) -> bool:
    """Tell words for a user from what falls out of a program."""
    return len(text.split()) > 3 and not any(
        mark in text for mark in ("Error", "Traceback", "nan", "inf ", "<", "None")
    )


def sound(measure: Callable[[], Score]) -> float | None:
    """Return a number that can be one, or None where there is a sentence instead."""
    try:
        score = measure()
    except BadData as error:
        assert sentence(str(error)), error
        return None
    if score.value is None:
        assert sentence(score.note), score
        assert not score.ranked
        assert (score.low, score.high, score.samples) == (None, None, ())
        return None
    assert all(map(isfinite, (score.value, *score.samples)))
    if score.low is not None and score.high is not None:
        assert isfinite(score.low)
        assert isfinite(score.high)
        assert score.low - 1e-9 <= score.value <= score.high + 1e-9
    elif metric_has_interval(score):
        assert sentence(score.note), score
    return score.value


def metric_has_interval(score: Score) -> bool:
    return not score.metric.startswith("kid[subsets")


@every_metric
def test_a_set_against_itself_has_the_best_value(
    name: str, case: Case, faces: Callable[..., Faces]
) -> None:
    metric, hr = built(name, case), faces(f"hr-{case.size}", heads(case.size))
    if case.best is None:
        copy = faces(f"copy-{case.size}", heads(case.size))
        again = compared(metric, case, copy, faces)
        assert number(again) == number(compared(metric, case, hr, faces))
        return
    value = number(metric.score(hr, hr))
    if np.isinf(case.loose):
        assert value <= 0
    else:
        assert value == pytest.approx(case.best, abs=case.loose)


@every_metric
def test_the_order_of_files_changes_nothing(
    name: str, case: Case, faces: Callable[..., Faces]
) -> None:
    metric, order = built(name, case), np.random.default_rng(2).permutation(N).tolist()
    sr = faces(f"noise30-{case.size}", noisy(heads(case.size), 30))
    whole = compared(metric, case, sr, faces)
    if metric.needs in ("pairs", "input"):
        mixed = metric.score(sr.take(order), faces(f"hr-{case.size}", heads(case.size)).take(order))
    else:
        mixed = compared(metric, case, sr.take(order), faces)
    assert number(mixed) == pytest.approx(number(whole), rel=case.within, abs=1e-9)
    assert mixed.n == whole.n


@every_metric
def test_batches_change_nothing_beyond_what_is_stated(
    name: str,
    case: Case,
    faces: Callable[..., Faces],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    metric = built(name, case)
    sr = faces(f"noise30-{case.size}", noisy(heads(case.size), 30))
    whole = number(compared(metric, case, sr, faces))
    for module, setting in (
        (_features, "BATCH"),
        (_features, "AT_ONCE"),
        (fd, "AT_ONCE"),
        (kd, "AT_ONCE"),
        (prdc, "AT_ONCE"),
        (niqe, "_BATCH"),
        (found, "_BATCH"),
        (detection, "_BATCH"),
        (identification, "_AT_ONCE"),
    ):
        assert hasattr(module, setting)
        monkeypatch.setattr(module, setting, 3)
    if isinstance(metric, PairMetric):
        monkeypatch.setattr(type(metric), "at_once", 3 * case.size**2)
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path))
    other = number(compared(metric, case, sr, faces))
    assert other == pytest.approx(whole, rel=case.within, abs=1e-9)


@every_metric
def test_more_noise_is_not_better(name: str, case: Case, faces: Callable[..., Faces]) -> None:
    metric, values = built(name, case), []
    for deviation in case.noise:
        sr = faces(f"noise{deviation}-{case.size}", noisy(heads(case.size), deviation))
        values.append(number(compared(metric, case, sr, faces)))
    worse = np.diff(values) * (1 if metric.better == "lower" else -1)
    assert (worse >= -1e-9).all(), values
    assert worse.sum() > 0, values


@every_metric
@pytest.mark.parametrize("fault", ["missing", "extra", "renamed", "size"])
def test_folders_that_do_not_match_are_a_sentence(
    name: str, case: Case, fault: str, faces: Callable[..., Faces], tmp_path: Path
) -> None:
    metric, hr = built(name, case), faces(f"hr-{case.size}", heads(case.size))
    shutil.copytree(hr.root, tmp_path / "sr")
    if fault == "missing":
        (tmp_path / "sr" / hr.names[3]).unlink()
    elif fault == "size":
        for path in (tmp_path / "sr").glob("*.png"):
            Image.open(path).resize((case.size + 6,) * 2).save(path)
    else:
        to = tmp_path / "sr" / "another.png"
        (shutil.copy if fault == "extra" else shutil.move)(tmp_path / "sr" / hr.names[3], to)
    ma = "".join(f"{path.stem},5\n" for path in (tmp_path / "sr").glob("*.png"))
    (tmp_path / "sr" / "ma.csv").write_text(ma)
    sr = replace(folder(tmp_path / "sr"), title="sr")
    if metric.needs == "nothing" or (metric.needs == "faces" and fault != "size"):
        return  # nothing has to match; what is measured is whatever is there
    with pytest.raises(BadData) as error:
        metric.score(sr, hr)
    assert sentence(str(error.value)), error.value


@every_metric
@pytest.mark.parametrize("fault", ["gone", "size", "cut"])
def test_a_file_that_changed_after_it_was_listed_is_named(
    name: str, case: Case, fault: str, faces: Callable[..., Faces], tmp_path: Path
) -> None:
    metric, hr = built(name, case), faces(f"hr-{case.size}", heads(case.size))
    shutil.copytree(hr.root, tmp_path / "sr")
    path = tmp_path / "sr" / hr.names[3]
    if fault == "gone":
        path.unlink()
    elif fault == "size":
        Image.open(path).resize((10, 10)).save(path)
    else:
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadImage, match=path.name):
        compared(metric, case, replace(hr, root=tmp_path / "sr"), faces)


@every_metric
@pytest.mark.parametrize("grey", [0, 128])
def test_constant_pictures_never_beat_the_originals(
    name: str, case: Case, grey: int, faces: Callable[..., Faces]
) -> None:
    metric = built(name, case)
    flat = faces(f"flat{grey}-{case.size}", np.full_like(heads(case.size), grey))
    value = sound(lambda: compared(metric, case, flat, faces))
    if value is None:
        return
    good = number(compared(metric, case, faces(f"hr-{case.size}", heads(case.size)), faces))
    assert value > good if metric.better == "lower" else value < good
    if metric.needs != "nothing":
        sound(lambda: metric.score(flat, flat))


@every_metric
@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_pictures_have_their_own_values_or_a_sentence(
    name: str, case: Case, n: int, faces: Callable[..., Faces]
) -> None:
    metric, size = built(name, case), case.size
    sr = faces(f"noise30-{size}", noisy(heads(size), 30))
    hr = faces(f"hr-{size}", heads(size))
    few = faces(f"few{n}-{size}", noisy(heads(size), 30)[:n])
    paired = metric.needs in ("pairs", "input")
    value = sound(
        lambda: (
            metric.score(few, hr.take(range(n))) if paired else compared(metric, case, few, faces)
        )
    )
    if value is None:
        return
    alone = replace(sr, identities=None)
    whole = compared(metric, case, alone, faces)
    assert whole.sampling == "picture", "a statistic of sets has no value for two pictures"
    assert value == pytest.approx(np.mean(whole.samples[:n]), rel=1e-4, abs=1e-4)


@every_metric
def test_nothing_is_a_sentence(name: str, case: Case, faces: Callable[..., Faces]) -> None:
    metric, hr = built(name, case), faces(f"hr-{case.size}", heads(case.size))
    with pytest.raises(BadData, match="holds no face"):
        metric.score(hr.take([]), hr.take([]))
    if metric.needs != "nothing":
        with pytest.raises(BadData):
            metric.score(hr, None)


@pytest.mark.parametrize("package", ["scikit-image", "own"])
def test_the_script_writes_a_table(package: str, tmp_path: Path) -> None:
    """On embedded faces; what is not installed takes a line that says so."""
    script, page = Path(__file__).with_name("exactness.py"), tmp_path / "metrics.md"
    words = [sys.executable, str(script), "--images", "4", "--data", str(tmp_path)]
    metric = "psnr" if package == "scikit-image" else "ms_ssim"
    words += ["--only", metric, "--markdown", str(page)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.read_text(encoding="utf-8") == done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"| {metric}")]
    assert len(lines) == (5 if metric == "psnr" else 2)
    for line in lines:
        assert "| 4 | " in line or "is not installed" in line
