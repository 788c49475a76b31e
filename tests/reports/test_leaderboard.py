import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench import conformance
from facesr.bench.cli import main
from facesr.bench.errors import BadName, BenchError
from facesr.bench.score import Score
from facesr.bench.store import Record, Store
from facesr.reports import leaderboard
from facesr.reports._layout import tables


def record(make: Any, method: str, *scores: Score) -> Record:
    row = make.row(method, scores[0], provenance={"data": {"input": "faces"}, "shareable": True})
    conditions = (row.budget, row.settings, row.seed, {"key": 1})
    return Record(
        method, "lfw", "realworld", *conditions, list(scores), [], row.provenance, row.timing
    )


@pytest.fixture
def run(make: Any) -> list[Record]:
    pairs = zip(("alder", "birch"), make.paired([26.0, 25.95]), strict=True)
    return [record(make, method, score) for method, score in pairs]


def marks(folder: Path) -> dict[str, int]:
    rows = leaderboard.results(folder).rows
    (table,) = tables(rows, tests=leaderboard.RecordedTests(folder))
    return {line.method: line.cells[0].mark for line in table.lines}


def test_a_row_is_a_small_file_without_values_of_pictures(
    run: list[Record], tmp_path: Path
) -> None:
    paths = leaderboard.submit(run, tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in paths] == [
        "rows/realworld/lfw/alder.json",
        "rows/realworld/lfw/birch.json",
        "tests/realworld/lfw.json",
    ]
    row = json.loads(paths[0].read_text())
    assert row["state"] == "claimed"
    assert len(row["values"]) == 64
    assert "samples" not in row["scores"][0]
    assert paths[0].stat().st_size < 8_000


def test_marks_are_those_of_the_paired_test_though_the_intervals_overlap(
    run: list[Record], tmp_path: Path
) -> None:
    leaderboard.submit(run, tmp_path)
    assert marks(tmp_path) == {"alder": 1, "birch": 2}
    (tmp_path / "tests" / "realworld" / "lfw.json").unlink()
    assert marks(tmp_path) == {"alder": 1, "birch": 1}  # intervals alone cannot tell


def test_rows_of_different_runs_are_compared_by_intervals(make: Any, tmp_path: Path) -> None:
    near, far = (make.score(value=v, sampling="picture", samples=(v,) * 4) for v in (26.0, 20.0))
    leaderboard.submit([record(make, "alder", near)], tmp_path)
    leaderboard.submit([record(make, "birch", far)], tmp_path)
    assert marks(tmp_path) == {"alder": 1, "birch": 2}


def test_a_new_row_voids_the_tests_of_the_old_one(
    make: Any, run: list[Record], tmp_path: Path
) -> None:
    leaderboard.submit(run, tmp_path)
    path = tmp_path / "tests" / "realworld" / "lfw.json"
    assert len(json.loads(path.read_text())["tests"]) == 1
    changed = replace(run[0].scores[0], value=26.5)
    leaderboard.submit([replace(run[0], scores=[changed])], tmp_path)
    assert json.loads(path.read_text())["tests"] == []


def test_withdrawn_rows_stay_in_the_folder_and_leave_the_board(
    run: list[Record], tmp_path: Path
) -> None:
    leaderboard.submit(run[:1], tmp_path)
    leaderboard.submit(run[1:], tmp_path, "withdrawn")
    assert {row.method for row in leaderboard.results(tmp_path).rows} == {"alder"}
    assert len(leaderboard.entries(tmp_path)) == 2


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(BadName, match="no state named 'best'; known: claimed, checked"):
        leaderboard.known_state("best")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.update(state="best"), "is no row of a leaderboard"),
        (lambda v: v["scores"][0].update(value="high"), "is no row of a leaderboard: scores.0"),
        (lambda v: v.update(schema=9), "has schema 9, expected 1; submit it again"),
        (lambda v: v.update(method="cedar"), "a row lies where its names say"),
    ],
)
def test_a_row_that_is_none_is_named(
    run: list[Record], tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    path = leaderboard.submit(run, tmp_path)[0]
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(BenchError, match=said):
        leaderboard.entries(tmp_path)


def test_damaged_tests_are_named(run: list[Record], tmp_path: Path) -> None:
    path = leaderboard.submit(run, tmp_path)[-1]
    path.write_text('{"tests": [{"p": "?"}]}')
    with pytest.raises(BenchError, match=r"lfw\.json holds no tests"):
        leaderboard.RecordedTests(tmp_path)


def test_building_twice_gives_the_same_bytes_anywhere(run: list[Record], tmp_path: Path) -> None:
    made = []
    for name in ("here", "there"):
        leaderboard.submit(run, tmp_path / name)
        paths = leaderboard.build(tmp_path / name)
        assert {p.name for p in paths} >= {"table.md", "table.csv", "table.tex", "index.html"}
        made.append(leaderboard._contents(tmp_path / name))
    assert made[0] == made[1]


def test_a_stale_board_ends_with_1(
    run: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaderboard.submit(run, tmp_path)
    assert main(["leaderboard", "build", "--folder", str(tmp_path), "--check"]) == 1
    assert main(["leaderboard", "build", "--folder", str(tmp_path)]) == 0
    assert main(["leaderboard", "build", "--folder", str(tmp_path), "--check"]) == 0
    leaderboard.submit(run[:1], tmp_path, "checked")
    table = tmp_path / "board" / "table.md"
    table.write_text(table.read_text().replace("26", "27"))
    capsys.readouterr()
    assert main(["leaderboard", "build", "--folder", str(tmp_path), "--check"]) == 1
    assert "table.md" in capsys.readouterr().err


def test_a_run_is_compared_with_a_leaderboard(
    run: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = Store(tmp_path / "runs"), tmp_path / "board"
    leaderboard.submit(run, folder)
    for each in run:
        store.write(each)
    assert main(["compare", str(folder), str(store.root)]) == 0
    assert "2 numbers: 2 same." in capsys.readouterr().out
    value = replace(run[0].scores[0], value=20.0, low=19.9, high=20.1)
    store.write(replace(run[0], scores=[value]))
    assert main(["compare", str(folder), str(store.root)]) == 1
    assert "1 worse" in capsys.readouterr().out


def test_what_breaks_a_rule_is_not_submitted(
    make: Any,
    run: list[Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, folder = Store(tmp_path / "runs"), tmp_path / "board"
    for each in run:
        store.write(each)
    command = ["leaderboard", "submit", str(store.root), "--folder", str(folder)]
    assert main(command) == 1
    assert "rules are broken, so nothing of" in capsys.readouterr().err
    assert not folder.exists()
    monkeypatch.setattr(conformance, "objections", lambda _: [])
    assert main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
