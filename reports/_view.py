"""Where things go on the page: positions in percent, so that the page itself computes nothing."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from facesr.reports._families import FAMILIES
from facesr.reports._format import half_width
from facesr.reports._table import Cell, Column, Line, Table

SHAPES = ("circle", "square", "diamond", "up", "down", "plus")
QUESTIONS = {
    "fidelity": "Close to the original?",
    "realism": "Does it look real?",
    "detection": "Is it still a face?",
    "identity": "Is it the same person?",
}
HEADLINES = ("kd[onet]", "kid", "lpips", "psnr")
ON_A_CARD = 5


@dataclass(frozen=True)
class Look:
    """Colour and shape of a method, the same on every page and whoever else is shown.

    Args:
        family: Its family if it is one of ours, else `none`; decides the colour.
        shape: Follows from its name alone.
    """

    family: str
    shape: str


@dataclass(frozen=True)
class Dot:
    """A number on a scale where right is better.

    Args:
        line: The method.
        cell: The number.
        at: Place of the value, in percent.
        low: Left end of the interval, in percent.
        high: Right end of the interval, in percent.
    """

    line: Line
    cell: Cell
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Spot:
    """One cell of the table on the page.

    Args:
        column: Its metric.
        cell: Its text and mark.
        dot: Its place in the column; None without a number.
        half: Half-width of its interval, as text; empty without one.
        edge: Whether a group of columns begins here.
    """

    column: Column
    cell: Cell
    dot: Dot | None
    half: str
    edge: bool


@dataclass(frozen=True)
class Forest:
    """One metric of all methods, best first.

    Args:
        column: The metric.
        dots: One per method with a number.
        ticks: Places in percent and their labels.
        verdict: Who leads, in a sentence.
    """

    column: Column
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, str], ...]
    verdict: str

    @property
    def question(self) -> str:
        """What the metric is about."""
        return QUESTIONS.get(self.column.group, "What does it cost?")


def look(method: str, family: str) -> Look:
    """Choose the colour by family and the shape by name."""
    shape = SHAPES[hashlib.sha256(method.encode()).digest()[0] % len(SHAPES)]
    return Look(family if family in FAMILIES else "none", shape)


def forest(table: Table, index: int) -> Forest:
    """Place the numbers of one column, with the whole range in view."""
    column = table.columns[index]
    cells = [(line, line.cells[index]) for line in table.lines]
    known = [(line, cell) for line, cell in cells if cell.score and cell.score.value is not None]
    worst, best = _range(column, [cell for _, cell in known])
    dots = [_dot(line, cell, worst, best) for line, cell in known]
    dots.sort(key=lambda dot: -dot.at)
    inner = ticks(min(worst, best), max(worst, best))
    places = tuple((_percent(value, worst, best), text) for value, text in inner)
    return Forest(column, tuple(dots), places, _verdict(column, dots))


def spots(table: Table) -> list[tuple[Line, list[Spot]]]:
    """Place every number of a table in the strip under itself, line by line."""
    columns = [_strips(table, i) for i in range(len(table.columns))]
    return [
        (line, [_spot(table, line, i, columns[i][place]) for i in range(len(columns))])
        for place, line in enumerate(table.lines)
    ]


def _spot(table: Table, line: Line, index: int, dot: Dot | None) -> Spot:
    column, cell = table.columns[index], line.cells[index]
    wide = half_width(cell.score.low, cell.score.high) if cell.score else None
    half = "" if wide is None else column.digits.text(wide)
    edge = index == 0 or table.columns[index - 1].group != column.group
    return Spot(column, cell, dot, half, edge)


def _strips(table: Table, index: int) -> list[Dot | None]:
    """Place the numbers of one column.

    At its worse end the scale leaves interpolation out where enough others remain: it would
    squeeze them all.
    """
    column = table.columns[index]
    cells = [(line, line.cells[index]) for line in table.lines]
    known = [(line, cell) for line, cell in cells if cell.score and cell.score.value is not None]
    learned = [cell for line, cell in known if line.family != "interpolation"]
    worst, best = _range(column, [cell for _, cell in known])
    if len(learned) > 2:
        worst, _ = _range(column, learned)
    return [_dot(*pair, worst, best) if pair in known else None for pair in cells]


def cards(table: Table) -> list[Forest]:
    """Answer each question that the table can answer by its headline metric."""
    answers = []
    for group in QUESTIONS:
        own = [i for i, column in enumerate(table.columns) if column.group == group]
        if own:
            answers.append(forest(table, headline(table, own)))
    return answers


def headline(table: Table, among: Sequence[int]) -> int:
    """Choose the metric that stands for several: a preferred one, else the first tested one."""
    for wanted in HEADLINES:
        for index in among:
            if table.columns[index].metric.partition("@")[0] == wanted:
                return index
    return next((i for i in among if not table.columns[i].untested), among[0])


def _range(column: Column, cells: Sequence[Cell]) -> tuple[float, float]:
    """Return the worst and the best end of a scale that holds values and intervals."""
    ends: list[float] = []
    for cell in cells:
        if cell.score is not None:
            ends += [
                x for x in (cell.score.value, cell.score.low, cell.score.high) if x is not None
            ]
    low, high = min(ends), max(ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    room = (high - low) * 0.04
    low, high = low - room, high + room
    return (low, high) if column.better == "higher" else (high, low)


def _dot(line: Line, cell: Cell, worst: float, best: float) -> Dot:
    score = cell.score
    assert score is not None
    assert score.value is not None
    low = score.value if score.low is None else score.low
    high = score.value if score.high is None else score.high
    ends = sorted((_percent(low, worst, best), _percent(high, worst, best)))
    return Dot(line, cell, _percent(score.value, worst, best), *ends)


def _percent(value: float, worst: float, best: float) -> float:
    return round(min(100.0, max(0.0, 100 * (value - worst) / (best - worst))), 2)


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round numbers within a range, each with its label.

    >>> ticks(0.01, 0.093)
    [(0.02, '0.02'), (0.04, '0.04'), (0.06, '0.06'), (0.08, '0.08')]
    """
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
    decimals = max(0, -math.floor(math.log10(step)) + (round(step / power, 1) == 2.5))
    first = math.ceil(low / step - 1e-9)
    values = [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]
    return [(v, f"{v:.{decimals}f}".replace("-", "\N{MINUS SIGN}")) for v in values]


def _verdict(column: Column, dots: Sequence[Dot]) -> str:
    if column.untested:
        return f"No places given: {column.untested}."
    tested = [dot for dot in dots if dot.cell.standing]
    first = [dot.line.method for dot in tested if dot.cell.mark == 1]
    if len(first) == len(tested):
        return f"The {len(tested)} methods cannot be told apart."
    if len(first) == 1:
        return f"{first[0]} leads alone."
    return f"First place is shared by {len(first)} of {len(tested)} methods."
