"""Every example of CONTRIBUTING.md is dropped into the house and used."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facesr.bench import catalog
from facesr.bench.contract import Metric, Split
from facesr.bench.faces import Faces, folder, write_png
from facesr.bench.score import Score
from facesr.bench.testing import check_method

Drop = Callable[[str, str], Path]

ROOT = Path(__file__).parents[1]
NAMED = r"`((?:methods|datasets|protocols)/[\w/]+\.py)`[^`]*```python\n(.*?)```"
EXAMPLES = dict(
    re.findall(NAMED, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
)


@pytest.fixture(autouse=True)
def _dropped(drop: Drop) -> None:
    for place, text in EXAMPLES.items():
        drop(place, text)


def pictures(root: Path, n: int = 6, size: int = 64) -> Faces:
    """Write smooth pictures, each of its own colour."""
    x = np.linspace(0, 1, size)
    for i in range(n):
        wave = np.sin(6 * (x[:, None] + (i + 1) / n * x)) * 0.4 + 0.5
        pixels = np.stack([wave, wave.T, wave * i / n], axis=2)
        write_png((pixels * 255).astype(np.uint8), root / f"{i}.png")
    return folder(root)


def test_there_is_an_example_of_each_kind() -> None:
    kinds = {place.rpartition("/")[0] for place in EXAMPLES}
    assert kinds == {"methods", "datasets", "protocols", "protocols/metrics"}
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.count("```python") == len(EXAMPLES), "name the file of each example before it"


def test_the_examples_are_listed_with_their_titles() -> None:
    titles = [catalog.describe(k, n).title for k in catalog.KINDS for n in catalog.names(k)]
    assert {"Learned", "Portraits", "Mean absolute error of pixels", "Large faces"} <= set(titles)
    assert {Path(place).stem for place in EXAMPLES} <= {
        name for kind in catalog.KINDS for name in catalog.names(kind)
    }
    assert catalog.describe("methods", "learned").budgets == ("short", "smoke")


@pytest.mark.parametrize("name", ["mine", "learned"])
def test_a_method_keeps_the_contract(name: str) -> None:
    kept = list(check_method(catalog.load("methods", name)))
    assert any("upscales (4, 3, 16, 16) to (4, 3, 64, 64)" in promise for promise in kept)
    assert any("trains" in promise for promise in kept) == (name == "learned")


def test_a_data_set_hands_out_pairs_of_both_sizes(tmp_path: Path) -> None:
    cls = catalog.load("datasets", "portraits")
    absent = cls(data=tmp_path / "nothing", cache=tmp_path / "cache").missing()
    assert "portraits/people.csv" in absent
    photos = pictures(tmp_path / "data/portraits/photos", n=80)
    lines = [f"{name},{i // 2}" for i, name in enumerate(photos.names)]
    table = "\n".join(["photo,person", *lines, "gone.png,7"]) + "\n"
    (tmp_path / "data/portraits/people.csv").write_text(table, encoding="utf-8")
    made = cls(data=tmp_path / "data", cache=tmp_path / "cache", limit=5)
    assert made.missing() == ""
    split = made.split("test")
    assert (len(split.lr), split.lr.size, split.hr.size) == (5, 16, 64)
    assert set(split.hr.identities).isdisjoint(made.split("train").hr.identities)
    assert split.paired
    assert split.lr.names == split.hr.names
    assert split.hr.fingerprint == made.split("test").hr.fingerprint


def test_a_metric_measures_what_it_says(tmp_path: Path) -> None:
    hr = pictures(tmp_path / "hr")
    for name in hr.names:
        pixels = hr.take([hr.names.index(name)]).pixels()[0].permute(1, 2, 0).numpy()
        write_png(np.where(pixels > 100, pixels - 3, pixels + 3).astype(np.uint8), tmp_path / name)
    score = catalog.load("metrics", "mae")().score(folder(tmp_path), hr)
    assert score.value == pytest.approx(3, rel=1e-5)
    assert score.identity == f"mae[ref=hr@{hr.fingerprint[:8]},v1]"
    assert (score.n, score.better) == (6, "lower")


@pytest.mark.slow
def test_a_protocol_scores_faces_with_each_of_its_metrics(tmp_path: Path) -> None:
    protocol = catalog.load("protocols", "large")()
    metrics = protocol.metrics()
    assert all(isinstance(metric, Metric) for metric in metrics)
    assert protocol.lr_size * protocol.scale == 128
    faces = pictures(tmp_path / "sr", size=128)
    split = Split(lr=pictures(tmp_path / "lr", size=32), hr=pictures(tmp_path / "hr", size=128))
    scores = list(protocol.score(faces, split))
    assert len(scores) == len(metrics)
    for score in scores:
        assert isinstance(score, Score)
        assert score.value is not None, score.note


def test_the_command_line_finds_them_too() -> None:
    def bench(*arguments: str) -> str:
        command = (sys.executable, "-m", "facesr.bench", *arguments)
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Learned" in bench("list", "methods")
    assert "mine keeps the contract" in bench("check", "mine")


@pytest.mark.parametrize("place", EXAMPLES)
def test_an_example_is_as_tidy_as_what_is_in_the_house(place: str) -> None:
    for command in (("check", "--quiet"), ("format", "--check")):
        ruff = (sys.executable, "-m", "ruff", *command, "--stdin-filename", place, "-")
        done = subprocess.run(ruff, input=EXAMPLES[place], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_examples_are_rightly_typed(tmp_path: Path) -> None:
    files = [str(tmp_path / "house/facesr" / place) for place in EXAMPLES]
    mypy = (sys.executable, "-m", "mypy", *files)
    done = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_readme_shows_the_same_method(drop: Drop) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = [block for block in blocks if "class Mine(Method)" in block]
    ours = catalog.code("facesr.methods.mine")
    drop("methods/mine.py", shown)
    assert catalog.code("facesr.methods.mine") == ours, "only layout and docstrings may differ"
