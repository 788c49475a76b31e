from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from facesr.bench.store import Results
from facesr.reports import _plots_plane
from facesr.reports._figure import Mark
from facesr.reports._figure_text import breadth
from facesr.reports._plots_plane import Axis, Plane, Point, front


def test_a_plane_needs_both_kinds_of_metric(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    assert "perception-distortion" not in draw.reasons(compared, tmp_path)
    for metric, reason in (("psnr", "no psnr or lpips"), ("kd[onet]", "no kid or kd")):
        rest = Results([row for row in compared.rows if row.score.metric != metric])
        assert draw.reasons(rest, tmp_path)["perception-distortion"].startswith(reason)


def test_the_front_is_what_none_beats_in_both() -> None:
    mark = Mark("m", "#000000", "o", "-")
    places = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (1.5, 4.0), (2.0, 3.0)]
    points = [Point(mark, x, y, None, None) for x, y in places]
    plane = Plane(Axis("x", "higher"), Axis("y", "lower"), points)
    assert [(p.x, p.y) for p in front(plane)] == [(1.0, 1.0), (3.0, 2.0)]


def test_names_in_a_plane_cover_neither_each_other_nor_points(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    mark = Mark("a_longish_name", "#000000", "o", "-")
    close = [Point(mark, 1 + 0.02 * i, 1 + 0.01 * (i % 3), None, None) for i in range(6)]
    far = [Point(mark, 2.0, 2.0, None, None)]
    taken: list[tuple[float, float, float, float]] = []
    sheet = _plots_plane.paint(
        "t", "", [], [Plane(Axis("x", "higher"), Axis("y", "higher"), [*close, *far])]
    )
    (axes,) = sheet.axes
    wide, tall = (float(v) / sheet.dpi for v in np.asarray(axes.bbox.size))
    for text in axes.texts:
        x, y = (float(v) for v in text.get_position())
        left, middle = x * wide, y * tall
        taken.append((left, middle - 0.05, left + breadth(mark.title, 7), middle + 0.05))
    assert len(taken) == 7
    to_axes = axes.transData + axes.transAxes.inverted()
    for x, y in to_axes.transform([(p.x, p.y) for p in [*close, *far]]):
        taken.append((x * wide, y * tall, x * wide, y * tall))
    for a, b in combinations(taken, 2):
        assert a[2] <= b[0] + 1e-6 or b[2] <= a[0] + 1e-6 or a[3] <= b[1] or b[3] <= a[1]


def test_speeds_compare_only_on_one_machine(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    drawing = draw.made(compared, tmp_path)["speed-realworld-lfw"]
    assert "on cpu x86_64, 2 threads" in draw.texts(drawing, tmp_path)
    moved = [
        replace(r, provenance=r.provenance | {"threads": 1}) if r.method == "birch" else r
        for r in compared.rows
    ]
    assert draw.reasons(Results(moved), tmp_path)["speed"] == "no two methods ran on one machine"
    third = [replace(row, method="elm") for row in compared.rows if row.method == "alder"]
    drawing = draw.made(Results([*moved, *third]), tmp_path)["speed-realworld-lfw"]
    assert "Not here, as they ran elsewhere: birch." in drawing.caption
    untimed = [replace(row, timing={}) for row in compared.rows]
    assert draw.reasons(Results(untimed), tmp_path)["speed"] == "no speed was recorded"
