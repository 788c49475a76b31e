"""Perception against distortion: realism over fidelity, which pull apart.

Blau and Michaeli, The Perception-Distortion Tradeoff, CVPR 2018.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from facesr.reports._figure import Absent, Drawing, Mark, file_name
from facesr.reports._plots_plane import Plane, Point, axis_of, ends_of, paint, words
from facesr.reports._table import Column, Table

FIDELITY, REALISM = ("psnr", "lpips"), ("kid", "kd")


def drawings(boards: Sequence[Table], known: Mapping[str, Mark]) -> Iterator[Drawing | Absent]:
    """Yield one figure per table that has a metric of each kind, and why not for others."""
    for table in boards:
        of = f"{table.protocol} on {table.dataset}"
        up = column_named(table, REALISM)
        across = [i for name in FIDELITY if (i := column_named(table, (name,))) is not None]
        planes = [
            plane
            for i in across
            if up is not None and len((plane := _plane(table, i, up, known)).points) > 1
        ]
        if not across:
            yield Absent("perception-distortion", of, "no psnr or lpips: no originals, or no asset")
        elif up is None:
            yield Absent("perception-distortion", of, "no kid or kd was measured")
        elif not planes:
            yield Absent("perception-distortion", of, "fewer than two methods have both numbers")
        else:
            title = f"Perception and distortion on {table.title}"
            said = _caption([table.columns[i] for i in (*across, up)], planes)
            yield Drawing(
                file_name("perception-distortion", table.protocol, table.dataset),
                f"{title}, {table.protocol}. {said}",
                partial(paint, title, table.protocol, [said], planes),
            )


def column_named(table: Table, names: Sequence[str]) -> int | None:
    """Return the first column of a metric, variants included; the first name that there is."""
    for name in names:
        for i, column in enumerate(table.columns):
            if column.metric.partition("[")[0].partition("@")[0] == name:
                return i
    return None


def _plane(table: Table, across: int, up: int, known: Mapping[str, Mark]) -> Plane:
    x, y = table.columns[across], table.columns[up]
    points = []
    for line in table.lines:
        a, b = line.cells[across].score, line.cells[up].score
        if a and b and a.value is not None and b.value is not None:
            place = (a.value * 10.0**x.digits.power, b.value * 10.0**y.digits.power)
            points.append(Point(known[line.method], *place, ends_of(a, x), ends_of(b, y)))
    return Plane(axis_of(x), axis_of(y), points)


def _caption(columns: Sequence[Column], planes: Sequence[Plane]) -> str:
    ways = "; ".join(dict.fromkeys(column.interval for column in columns if column.half))
    counts = ", ".join(f"{column.metric} {column.n:,}" for column in columns)
    crosses = f"Crosses: 95 % intervals ({ways}). " if ways else "Without intervals. "
    return f"n: {counts}. {crosses}{words(planes)}"
