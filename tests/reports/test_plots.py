from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from facesr.bench.cli import main
from facesr.bench.score import Score
from facesr.bench.store import Record, Results, Store
from facesr.reports import plots
from facesr.reports._figure import FULL, file_name, save
from facesr.reports._figure_text import breadth
from facesr.reports.write import write

HOSTILE = "<script>_a%b$x^2$\\frac{1}{2}日本\u202e" + "n" * 200


def test_each_kind_that_results_allow_is_written_in_every_format(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    make.pictures(root, "lfw", ["alder", "birch"], 3)
    draw.log(root, "birch", "step,stage,g/pixel,d_hr/hinge\n1,gan,3,1\n2,gan,2,1.5\n")
    compared.rows.append(make.row("alder", draw.rate("cmc", (1.0, 5.0))))
    compared.rows.append(make.row("alder", draw.rate("roc", (0.05, 0.1))))
    paths = plots.write_plots(compared, root, tmp_path / "figures", draw.families)
    names = [
        "bars-realworld-lfw",
        "perception-distortion-realworld-lfw",
        "speed-realworld-lfw",
        "cmc[e]-realworld-lfw",
        "roc[e]-realworld-lfw",
        "training-birch-train-01234567",
        "faces-lfw",
    ]
    wanted = [f"{name}.{form}" for name in names for form in ("png", "svg", "pdf")]
    assert [path.name for path in paths] == [*wanted, "figures.md"]
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    for path in paths[:-1]:
        assert path.read_bytes().startswith(starts[path.suffix])


def test_equal_rows_give_equal_bytes_without_a_date(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    make.pictures(root, "lfw", ["alder", "birch"], 2)
    one, two = (
        [
            path.read_bytes()
            for path in plots.write_plots(compared, root, tmp_path / name, draw.families)
        ]
        for name in "ab"
    )
    assert one == two
    assert not any(b"CreationDate" in data or b"dc:date" in data for data in one)


def test_hostile_names_are_drawn_as_text(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    row = make.row(HOSTILE, make.score(), dataset=HOSTILE, protocol="<b>%_$")
    drawing = draw.made(Results([row]), tmp_path)[file_name("bars", "<b>%_$", HOSTILE)]
    said = "".join(draw.texts(drawing, tmp_path))
    assert "&lt;script&gt;_a%b$x^2$\\frac" in said
    assert "\u202e" not in said
    assert "<script>" not in draw.svg(drawing, tmp_path)
    assert all(len(path.name.encode()) < 200 for path in save(drawing, tmp_path))


def test_nothing_written_is_wider_than_the_sheet(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    metric = make.score("verification[" + "e" * 90 + "]")
    row = make.row(HOSTILE, metric, dataset=HOSTILE)
    drawing = draw.made(Results([row]), tmp_path)[file_name("bars", "realworld", HOSTILE)]
    assert all(breadth(text, 6.3) < FULL for text in draw.texts(drawing, tmp_path))


def test_figures_that_are_no_longer_made_are_removed_and_nothing_else(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    (tmp_path / "mine.png").write_bytes(b"mine")
    first = plots.write_plots(compared, tmp_path, tmp_path, draw.families, formats=("svg",))
    second = plots.write_plots(
        Results(compared.rows[:1]), tmp_path, tmp_path, draw.families, formats=("svg",)
    )
    gone = {path.name for path in first} - {path.name for path in second}
    assert "speed-realworld-lfw.svg" in gone
    assert {p.name for p in tmp_path.iterdir()} == {path.name for path in second} | {"mine.png"}


def test_without_rows_there_is_nothing(tmp_path: Path) -> None:
    assert plots.write_plots(Results(), tmp_path, tmp_path / "figures") == []
    assert not (tmp_path / "figures").exists()


def test_a_report_has_figures_only_where_they_are_wanted(compared: Results, tmp_path: Path) -> None:
    write(compared, tmp_path, tmp_path / "a", ("md",))
    assert not (tmp_path / "a" / "figures").exists()
    paths = write(compared, tmp_path, tmp_path / "b", ("md",), figures=("svg",))
    assert paths[-1] == tmp_path / "b" / "table.md"
    assert tmp_path / "b" / "figures" / "bars-realworld-lfw.svg" in paths


def test_bench_report_draws_figures_on_demand(
    compared: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "runs")
    for row in compared.rows[::2]:
        given = [r.score for r in compared.rows if r.method == row.method]
        scores = [score for score in given if isinstance(score, Score)]
        about: dict[str, Any] = {"provenance": row.provenance, "timing": row.timing}
        store.write(Record(row.method, "lfw", "realworld", "paper", {}, 0, {}, scores, [], **about))
    out = tmp_path / "out"
    assert main(["report", str(store.root), "--out", str(out), "--figures"]) == 0
    assert str(out / "figures" / "speed-realworld-lfw.pdf") in capsys.readouterr().out
    assert (out / "figures" / "figures.md").is_file()
