from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facesr.bench.errors import BenchError
from facesr.bench.score import Curve, Row, Score
from facesr.bench.store import Results
from facesr.reports import _curves
from facesr.reports import plots as all_plots
from facesr.reports._curves import drawings, plots
from facesr.reports._figure import FORMATS, Absent, Drawing, save
from facesr.reports._figure_text import apart

FAMILIES = {"bicubic": "interpolation", "lrgan": "unpaired"}
SIDES = (8.0, 16.0, 32.0, 64.0)


def curve(metric: str, *y: float, **changes: Any) -> Curve:
    low, high = (tuple(value + shift for value in y) for shift in (-0.05, 0.05))
    made = Curve(metric, SIDES[: len(y)], y, low, high, "input resolution, px", "higher", 150, "")
    identity = f"{metric.partition('[')[0]}[e@1,v1]"
    return replace(made, identity=identity, interval="bootstrap of people", **changes)


def row(method: str, score: Score | Curve, **changes: Any) -> Row:
    made = Row(method, "lfw", "critical_resolution", score, "paper", {}, 0, {}, {})
    return replace(made, **changes)


def cell(method: str, top: float = 0.98, critical: float | None = 20.0, **ends: Any) -> list[Row]:
    level = curve("accuracy[e,level]", 0.94, 0.94, x=(8.0, 64.0), note="95% of 0.99")
    crossing = Score(
        "critical_resolution[e]", critical, "lower", 150, "critical_resolution[e@1,v1]"
    )
    inputs = Score("critical_resolution[e,input]", 30.0, "lower", 150, "c", low=28.0, high=33.0)
    scores: list[Score | Curve] = [
        level,
        curve("accuracy[e]", 0.5, 0.7, 0.9, top),
        curve("cosine[e]", 0.1, 0.3, 0.5, 0.6),
        curve("rank1[e]", 0.1, 0.6, 0.9, 1.0),
        curve("accuracy[e,input]", 0.5, 0.6, 0.9, 0.99),
        curve("cosine[e,input]", 0.1, 0.2, 0.5, 0.6),
        replace(crossing, **ends),
        inputs,
    ]
    return [row(method, score) for score in scores]


def write_curves(results: Results, out: Path, families: dict[str, str]) -> list[Path]:
    found = [item for item in drawings(results, families) if isinstance(item, Drawing)]
    return [path for drawing in found for path in save(drawing, out, FORMATS)]


def words(path: Path) -> str:
    return path.with_suffix(".svg").read_text(encoding="utf-8")


def test_every_format_is_written_per_data_set(tmp_path: Path) -> None:
    rows = [*cell("bicubic"), *(replace(r, dataset="folder:mine") for r in cell("lrgan"))]
    paths = write_curves(Results(rows), tmp_path, FAMILIES)
    assert [path.name for path in paths] == [
        "critical_resolution-folder-mine.png",
        "critical_resolution-folder-mine.svg",
        "critical_resolution-folder-mine.pdf",
        "critical_resolution-lfw.png",
        "critical_resolution-lfw.svg",
        "critical_resolution-lfw.pdf",
    ]
    with Image.open(paths[0]) as image:
        assert image.width > 900


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    rows = [*cell("bicubic"), *cell("lrgan", 0.97)]
    first, second = (
        [path.read_bytes() for path in write_curves(Results(rows), tmp_path / name, FAMILIES)]
        for name in ("a", "b")
    )
    assert first == second


def test_methods_are_named_beside_their_lines_and_their_numbers(tmp_path: Path) -> None:
    rows = [*cell("bicubic"), *cell("lrgan", 0.97, 24.35, low=22.0, high=27.0)]
    svg = words(write_curves(Results(rows), tmp_path, FAMILIES)[0])
    for text in ("bicubic  20.0 px", "lrgan  24.4 px", "input, not restored  30.0 px"):
        assert svg.count(text) == 1
    assert svg.count(">lrgan<") == 2
    assert "95% of 0.99" in svg
    assert "bootstrap of people" in svg


def test_colours_are_those_of_the_page() -> None:
    (plot,) = plots(Results([*cell("bicubic"), *cell("lrgan")]), FAMILIES)
    css = (Path(_curves.__file__).parent / "templates" / "style.css").read_text()
    for member in plot.members[1:]:
        assert f"--{FAMILIES[member.title]}: light-dark({member.colour}," in css


def test_what_lies_outside_is_drawn_and_named(tmp_path: Path) -> None:
    rows = [
        *cell("bicubic", 0.9, None, low=50.0),
        *cell("lrgan", 0.99, None, high=12.0),
        *cell("wide", 0.97, 20.0, low=None, high=25.0),
    ]
    svg = words(write_curves(Results(rows), tmp_path, FAMILIES)[0])
    assert "bicubic  &gt; 64 px" in svg
    assert "lrgan  &lt; 8 px" in svg
    assert "wide  20.0 px" in svg


def test_the_reduced_faces_come_first_then_the_most_accurate() -> None:
    rows = [*cell("bicubic", 0.95), *cell("lrgan", 0.97), *cell("other", 0.99)]
    (plot,) = plots(Results(rows), FAMILIES)
    assert [m.title for m in plot.members] == ["input, not restored", "other", "lrgan", "bicubic"]


def test_more_than_six_methods_stay_grey_and_it_is_said(tmp_path: Path) -> None:
    rows = [r for i in range(8) for r in cell(f"m{i}", 0.9 + i / 100)]
    (plot,) = plots(Results(rows), {})
    assert [m.title for m in plot.members if not m.strong] == ["m1", "m0"]
    svg = words(write_curves(Results(rows), tmp_path, {})[0])
    assert "In colour: the 6 methods of highest mean accuracy." in svg
    assert ">m0<" not in svg
    assert "m0  20.0 px" in svg


def test_other_rows_make_no_figure(tmp_path: Path) -> None:
    plain = Score("psnr", 25.0, "higher", 9, "psnr[v1]")
    missing = Score("critical_resolution[e]", None, "lower", 9, "c", note="needs onnxruntime")
    assert write_curves(Results([row("a", plain), row("a", missing)]), tmp_path, {}) == []
    assert list(tmp_path.iterdir()) == []
    (absent,) = drawings(Results([row("a", plain)]), {})
    assert isinstance(absent, Absent)
    assert absent.reason == "no curve of this kind was measured"


def test_curves_measured_in_different_ways_are_refused(tmp_path: Path) -> None:
    other = [
        replace(r, score=replace(r.score, identity=r.score.identity.replace("e@1", "e@2")))
        for r in cell("lrgan")
    ]
    with pytest.raises(BenchError, match="measured in different ways"):
        write_curves(Results([*cell("bicubic"), *other]), tmp_path, FAMILIES)


def test_without_matplotlib_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_plots, "find_spec", lambda _: None)
    with pytest.raises(BenchError, match="figures need the package matplotlib"):
        all_plots.write_plots(Results(cell("bicubic")), tmp_path, tmp_path, FAMILIES)


def test_names_are_text_and_never_formulas(tmp_path: Path) -> None:
    svg = words(write_curves(Results(cell("a$b$\u202e")), tmp_path, {})[0])
    assert "a$b$\\u202e" in svg


def test_labels_keep_their_distance_and_stay_inside() -> None:
    placed = apart([0.99, 0.985, 0.98, 0.2], 0.05, 0.0, 1.0)
    ordered = sorted(placed)
    assert all(b - a >= 0.05 - 1e-9 for a, b in pairwise(ordered))
    assert [placed.index(x) for x in sorted(placed)] == [3, 2, 1, 0]
