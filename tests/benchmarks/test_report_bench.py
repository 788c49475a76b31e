"""A board of 30 methods, 8 data sets and 15 metrics: laying it out and each of its renderings.

    pytest tests/benchmarks/test_report_bench.py --benchmark-enable

Each is expected to take less than 5 s on one core, which is printed and not enforced. The paired
tests take most of the time of laying out; they rest on `FACESR_BENCH_FACES` pictures, 1,000 if it
is not set. As part of the tests it runs on a small board.
"""

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench.score import Group, Row, Score
from facesr.bench.store import Results
from facesr.reports._sheets import compare, csv_sheets, latex_sheets, markdown_sheets
from facesr.reports._table import Table
from facesr.reports.table import comma_separated, latex, markdown, tables, terminal
from facesr.reports.write import write, write_published

GROUPS: tuple[Group, ...] = ("fidelity", "realism", "detection", "identity", "cost")


def board(methods: int, datasets: int, metrics: int, n: int) -> Results:
    """Numbers that differ by more than their intervals for some pairs of methods only."""
    random = np.random.default_rng(0)
    rows = []
    for d in range(datasets):
        for k in range(metrics):
            hard = random.normal(size=n)
            for m in range(methods):
                samples = 20 + 0.05 * m + hard + 0.1 * random.normal(size=n)
                half = 1.96 * float(samples.std()) / n**0.5
                value = float(samples.mean())
                score = Score(
                    f"metric-{k}",
                    value,
                    "higher" if k % 2 else "lower",
                    n,
                    f"metric-{k}@v1",
                    value - half,
                    value + half,
                    group=GROUPS[k * len(GROUPS) // metrics],
                    interval="normal",
                    sampling="picture",
                    samples=tuple(samples.tolist()),
                )
                rows.append(
                    Row(f"method-{m:02}", f"set-{d}", "realworld", score, "paper", {}, 0, {}, {})
                )
    return Results(rows)


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> Results:
    if not request.config.getoption("benchmark_enable"):
        return board(4, 2, 5, 20)
    return board(30, 8, 15, int(os.environ.get("FACESR_BENCH_FACES", "1000")))


@pytest.fixture(scope="module")
def made(results: Results) -> list[Table]:
    return tables(results.rows)


def test_laying_out(benchmark: Any, results: Results) -> None:
    made = benchmark.pedantic(tables, (results.rows,), rounds=1)
    assert any(cell.mark for table in made for line in table.lines for cell in line.cells)


@pytest.mark.parametrize("render", [markdown, latex, comma_separated])
def test_text(benchmark: Any, made: list[Table], render: Callable[[list[Table]], str]) -> None:
    assert benchmark(render, made).count("method-") >= len(made) * len(made[0].lines)


def test_terminal(benchmark: Any, results: Results) -> None:
    with redirect_stdout(StringIO()) as out:
        benchmark.pedantic(terminal, (results,), rounds=1)
    assert "method-00" in out.getvalue()


def test_html(benchmark: Any, results: Results, tmp_path: Path) -> None:
    given = (results, tmp_path, tmp_path / "out", ("html",))
    [*_, path] = benchmark.pedantic(write, given, rounds=1)
    assert "method-00" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("render", [markdown_sheets, latex_sheets, csv_sheets])
def test_published(benchmark: Any, results: Results, render: Callable[[Any], str]) -> None:
    assert benchmark(lambda: render(compare(results)))


def test_published_html(benchmark: Any, results: Results, tmp_path: Path) -> None:
    [path] = benchmark(write_published, results, tmp_path, ("html",))
    assert path.is_file()
