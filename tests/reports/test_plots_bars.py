from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from facesr.bench.score import Curve
from facesr.bench.store import Results
from facesr.reports._layout import tables
from facesr.reports._plots_bars import from_zero


def test_bars_start_at_zero_only_where_zero_means_something(make: SimpleNamespace) -> None:
    def fair(metric: str, values: tuple[float, float], **given: Any) -> bool:
        rows = [
            make.row(m, make.score(metric, v, **given)) for m, v in zip("ab", values, strict=True)
        ]
        (table,) = tables(rows)
        return from_zero(table.columns[0], [line.cells[0] for line in table.lines])

    assert fair("kd", (4.0, 17.0), better="lower")
    assert fair("detected", (31.0, 64.0), unit="%")
    assert not fair("psnr", (4.0, 17.0))
    assert not fair("detected", (97.0, 98.0), unit="%")


def test_a_method_that_failed_keeps_its_line_in_the_bars(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    said = draw.texts(draw.made(compared, tmp_path)["bars-realworld-lfw"], tmp_path)
    assert said.count("cedar") == 1
    assert said.count("fail") == 2


def test_intervals_are_drawn_wherever_there_are_any(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    bare = Results(
        [
            replace(r, score=replace(r.score, low=None, high=None))
            for r in compared.rows
            if not isinstance(r.score, Curve)
        ]
    )
    for name in ("bars-realworld-lfw", "perception-distortion-realworld-lfw"):
        with_, without = (
            draw.svg(draw.made(r, tmp_path)[name], tmp_path) for r in (compared, bare)
        )
        assert with_.count("stroke-opacity") >= without.count("stroke-opacity") + 4
    assert "Without intervals." in draw.made(bare, tmp_path)["bars-realworld-lfw"].caption


def test_an_open_end_of_an_interval_reaches_the_edge(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    open_ = make.score("critical_resolution", 30.0, low=25.0, high=None, better="lower")
    both = make.score("critical_resolution", 20.0, low=18.0, high=22.0, better="lower")
    results = Results([make.row("alder", open_), make.row("birch", both)])
    axes = draw.made(results, tmp_path)["bars-realworld-lfw"].paint().axes[0]
    bars = [line.get_xdata() for line in axes.lines if line.get_alpha() == 0.5]
    assert [np.asarray(bar).tolist() for bar in bars] == [[25.0, axes.get_xlim()[1]], [18.0, 22.0]]
