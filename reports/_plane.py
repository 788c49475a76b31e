"""Fidelity against realism: the two that pull apart, with intervals both ways."""

from dataclasses import dataclass

from facesr.reports._table import Column, Table
from facesr.reports._view import HEADLINES, Dot, forest


@dataclass(frozen=True)
class Mark:
    """A method in the plane, in percent from the worse to the better end of both axes.

    Args:
        across: Its fidelity.
        up: Its realism.
        best: Whether nobody is better at one without being worse at the other.
    """

    across: Dot
    up: Dot
    best: bool


@dataclass(frozen=True)
class Plane:
    """All methods that have both numbers.

    Args:
        across: Metric of fidelity.
        up: Metric of realism.
        across_ticks: Places in percent and labels.
        up_ticks: Places in percent and labels.
        marks: The methods.
    """

    across: Column
    up: Column
    across_ticks: tuple[tuple[float, str], ...]
    up_ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]

    @property
    def front(self) -> list[Mark]:
        """The methods that nobody surpasses, from the most realistic to the most faithful."""
        return sorted((m for m in self.marks if m.best), key=lambda m: m.across.at)


def plane(table: Table) -> Plane | None:
    """Place the methods of a table; None without a metric of fidelity and one of realism."""
    chosen = [_chosen(table, group) for group in ("fidelity", "realism")]
    if chosen[0] is None or chosen[1] is None:
        return None
    across, up = (forest(table, index) for index in chosen if index is not None)
    heights = {dot.line.method: dot for dot in up.dots}
    pairs = [(d, heights[d.line.method]) for d in across.dots if d.line.method in heights]
    places = [(a.at, b.at) for a, b in pairs]
    marks = tuple(
        Mark(a, b, not any(x >= a.at and y >= b.at and (x, y) != (a.at, b.at) for x, y in places))
        for a, b in pairs
    )
    if len(marks) < 2:
        return None
    return Plane(across.column, up.column, across.ticks, up.ticks, marks)


def _chosen(table: Table, group: str) -> int | None:
    own = [i for i, column in enumerate(table.columns) if column.group == group]
    names = [table.columns[i].metric.partition("@")[0] for i in own]
    for wanted in HEADLINES:
        if wanted in names:
            return own[names.index(wanted)]
    tested = [i for i in own if not table.columns[i].untested]
    return next(iter(tested + own), None)
