"""Every metric of a table, one panel each: bars or dots with their 95 % intervals."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from facesr.reports._figure import (
    FULL,
    HALO,
    INK,
    MARGIN,
    SMALL,
    SOFT,
    TEXT,
    TINY,
    Absent,
    Drawing,
    Mark,
    Sheet,
    file_name,
)
from facesr.reports._figure_text import breadth, fitted
from facesr.reports._plots_lines import rule
from facesr.reports._table import Cell, Column, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, MOST_ACROSS = 0.16, 4  # inches of a method; panels side by side
_HEAD, _DETAIL, _AXIS, _GAP, _LEAST = 0.18, 0.13, 0.24, 0.12, 1.1
_SPREAD = 0.25  # of the largest value: what numbers must spread for bars from zero to tell


def drawings(boards: Sequence[Table], known: Mapping[str, Mark]) -> Iterator[Drawing | Absent]:
    """Yield one figure per table."""
    for table in boards:
        of = f"{table.protocol} on {table.dataset}"
        if not table.columns:
            yield Absent("bars", of, "nothing was measured")
            continue
        said = _caption(table)
        yield Drawing(
            file_name("bars", table.protocol, table.dataset),
            f"{_title(table)}. {' '.join(said)}",
            partial(_paint, table, said, known),
        )


def from_zero(column: Column, cells: Sequence[Cell]) -> bool:
    """Tell whether bars are fair: zero must mean something, and bars must still tell apart."""
    ends = _ends(cells)
    spread = max(ends) - min(ends)
    return (column.better == "lower" or column.unit == "%") and spread >= _SPREAD * max(
        map(abs, ends)
    )


def _title(table: Table) -> str:
    return f"{table.protocol} on {table.title}"


def _caption(table: Table) -> list[str]:
    counts = sorted({column.n for column in table.columns})
    n = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    ways = list(dict.fromkeys(column.interval for column in table.columns if column.half))
    said = [f"n = {n}."]
    if ways:
        said.append(f"Thick lines: 95 % intervals ({'; '.join(ways)}).")
    else:
        said.append("Without intervals.")
    said.append("Arrows point to better. Bars start at zero; dots stand on axes that do not.")
    if any(not column.untested for column in table.columns):
        said.append("Bold: not separable from the best.")
    if any(cell.state == "partly" for line in table.lines for cell in line.cells):
        said.append("Hollow: part of the pictures or people only.")
    if table.terms:
        said.append(f"Budget: {'; '.join(table.terms)}.")
    return [" ".join(said)]


def _paint(table: Table, said: Sequence[str], known: Mapping[str, Mark]) -> "Figure":
    own = [known[line.method] for line in table.lines]
    names = max(breadth(mark.title, TEXT) for mark in own) + 0.08
    across = min(MOST_ACROSS, len(table.columns))
    while across > 1 and (FULL - MARGIN - across * names / 4 - names) / across < _LEAST:
        across -= 1
    deep = -(-len(table.columns) // across)
    across = -(-len(table.columns) // deep)
    tall = ROW * len(table.lines)
    head = _HEAD + _DETAIL * any("[" in column.metric for column in table.columns)
    block = head + tall + _AXIS + _GAP
    sheet = Sheet(FULL, block * deep - _GAP, _title(table), "", said)
    step = (FULL - 2 * MARGIN - names) / across
    for i, column in enumerate(table.columns):
        row, place = divmod(i, across)
        left, top = MARGIN + names + place * step, row * block + head
        cells = [(known[line.method], line.cells[i]) for line in table.lines]
        values = max(breadth(cell.text, SMALL, "bold") for _, cell in cells) + 0.1
        axes = sheet.axes(left, top, step - values - _GAP, tall)
        _panel(axes, column, cells)
        _heading(sheet, column, left, top - head, step - 0.04)
        if place == 0:
            _names(sheet, own, left - 0.08, top)
        for k, (_, cell) in enumerate(cells):
            bold = "bold" if cell.mark == 1 else "normal"
            given = {"ha": "right", "va": "center_baseline", "weight": bold}
            shade = INK if cell.state in ("value", "partly") else SOFT
            middle = top + ROW * (k + 0.5)
            sheet.write(cell.text, left + step - _GAP, middle, SMALL, color=shade, **given)
    return sheet.figure


def _heading(sheet: Sheet, column: Column, left: float, top: float, room: float) -> None:
    """Write what a panel shows: the metric, its unit, which way is better, then its details."""
    name, _, detail = column.metric.partition("[")
    arrow = "\N{RIGHTWARDS ARROW}" if column.better == "higher" else "\N{LEFTWARDS ARROW}"
    scale = f", {column.scale} {arrow}" if column.scale else f" {arrow}"
    name = fitted(name, TEXT, room - breadth(scale, TEXT))
    sheet.write(f"{name}{scale}", left, top, TEXT)
    if detail:
        detail = fitted(detail.removesuffix("]"), TINY, room)
        sheet.write(detail, left, top + _DETAIL, TINY, color=SOFT)


def _names(sheet: Sheet, own: Sequence[Mark], right: float, top: float) -> None:
    for k, mark in enumerate(own):
        middle = top + ROW * (k + 0.5)
        given = {"ha": "right", "va": "center_baseline", "color": mark.colour}
        sheet.write(mark.title, right, middle, TEXT, **given)


def _panel(axes: "Axes", column: Column, cells: Sequence[tuple[Mark, Cell]]) -> None:
    from matplotlib.ticker import MaxNLocator

    factor = 10.0**column.digits.power
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    rule(axes, "x")
    found = [cell for _, cell in cells if cell.score and cell.score.value is not None]
    ends = [end * factor for end in _ends(found)]
    zero = from_zero(column, found)
    if zero:
        ends.append(0.0)
    low, high = min(ends), max(ends)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    axes.set_xlim(low - (room if low else 0), high + (room if high else 0))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(axis="x", labelsize=6.3, pad=1.5)
    if zero:
        axes.axvline(0, color=SOFT, linewidth=0.6, zorder=3)
    for row, (mark, cell) in enumerate(cells):
        score = cell.score
        if score is None or score.value is None:
            continue
        value, partly = score.value * factor, cell.state == "partly"
        if zero:
            axes.barh(row, value, 0.62, color=mark.colour, alpha=0.22, linewidth=0, zorder=2)
        if score.low is not None or score.high is not None:  # an open end reaches the edge
            left, right = axes.get_xlim()
            left = left if score.low is None else score.low * factor
            right = right if score.high is None else score.high * factor
            thick: dict[str, Any] = {"linewidth": 2.6, "alpha": 0.5, "solid_capstyle": "butt"}
            axes.plot([left, right], [row, row], color=mark.colour, zorder=4, **thick)
        face = {"markerfacecolor": "white", "markeredgecolor": mark.colour} if partly else HALO
        axes.plot(value, row, marker=mark.marker, markersize=4, color=mark.colour, zorder=5, **face)


def _ends(cells: Sequence[Cell]) -> list[float]:
    scores = [cell.score for cell in cells if cell.score]
    return [x for score in scores for x in (score.value, score.low, score.high) if x is not None]
