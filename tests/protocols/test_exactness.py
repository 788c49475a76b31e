"""What holds for every metric: a new one fails here until it is listed in `controls.CASES`."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from facesr.bench import catalog
from facesr.bench.contract import Metric
from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import Faces, folder, write_png
from facesr.bench.score import Score
from facesr.protocols import _features

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.protocols import controls  # pyright: ignore[reportMissingImports]
    from tests.protocols.controls import (  # pyright: ignore[reportMissingImports]
        CASES,
        Case,
        N,
        Pixels,
        heads,
        noisy,
        number,
        sentence,
        sound,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    import controls
    from controls import CASES, Case, N, Pixels, heads, noisy, number, sentence, sound

EVERY = [(name, case) for name, cases in CASES.items() for case in cases]


def called(value: Case | str) -> str:
    if isinstance(value, str):
        return value
    return ",".join(str(setting) for _, setting in value.settings)


every_metric = pytest.mark.parametrize(("name", "case"), EVERY, ids=called)


@pytest.fixture(scope="module", autouse=True)
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with controls.weights(tmp_path_factory.mktemp("assets")):
        yield


def test_every_metric_is_listed_here() -> None:
    assert set(CASES) == set(catalog.names("metrics")), "describe the new metric in CASES"


@pytest.fixture(autouse=True)
def _pooled(pooled: str) -> None:
    """Let an embedder be named that needs no weights."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faces")


@pytest.fixture
def faces(root: Path) -> Callable[..., Faces]:
    """Store pictures under a title, two of each person, with Ma's scores; once per title."""

    def faces(title: str, pixels: Pixels) -> Faces:
        place, names = root / title, tuple(f"{i:03d}.png" for i in range(len(pixels)))
        if not place.is_dir():
            for name, image in zip(names, pixels, strict=True):
                write_png(image, place / name)
            (place / "ma.csv").write_text("".join(f"{Path(name).stem},5\n" for name in names))
        people = tuple(f"p{i // 2}" for i in range(len(names)))
        return Faces(place, names, pixels.shape[1], title, identities=people)

    return faces


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
    for place, module in list(sys.modules.items()):
        for setting in {"BATCH", "_BATCH", "AT_ONCE", "_AT_ONCE"} & set(vars(module or object)):
            if place.startswith("facesr.protocols"):
                monkeypatch.setattr(module, setting, 3)
    assert _features.BATCH == _features.AT_ONCE == 3
    if hasattr(type(metric), "at_once"):
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
    alone, others = (replace(f, identities=None) for f in (sr, hr))
    whole = metric.score(alone, others) if paired else compared(metric, case, alone, faces)
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


def test_the_script_writes_a_table(tmp_path: Path) -> None:
    """On embedded faces; what is not installed takes a line that says so."""
    script, page = Path(__file__).with_name("exactness.py"), tmp_path / "metrics.md"
    words = [sys.executable, str(script), "--images", "4", "--data", str(tmp_path)]
    words += ["--only", "ssim", "--markdown", str(page)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.read_text(encoding="utf-8") == done.stdout
    lines = [line for line in done.stdout.splitlines() if "ssim" in line.partition(" | ")[0]]
    assert len(lines) == 8
    for line in lines:
        measured = "| 4 | " in line and "e-" in line
        assert measured or ("piq" in line and "piq is not installed" in line)
