"""Who can be told from whom: rank intervals and every pair of methods, one metric at a time."""

import json
from dataclasses import dataclass
from typing import Any

from facesr.reports._format import MINUS
from facesr.reports._ranks import LEVEL, Comparison, Tests, compared, why_untested
from facesr.reports._table import Cell, Column, Line, Table

SPELLED = 8  # up to so many methods a cell holds the difference, beyond that a sign
SIGNS = {"better": "+", "worse": MINUS, "tied": "=", "alike": "\N{MIDDLE DOT}"}


@dataclass(frozen=True)
class Duel:
    """A method against another.

    Args:
        kind: `better`, `worse`, `tied` (too small to matter) or `alike` (not separable).
        text: The difference, better is positive.
        p: The adjusted p-value.
    """

    kind: str
    text: str
    p: str

    @property
    def sign(self) -> str:
        """The kind, as a sign."""
        return SIGNS[self.kind]


@dataclass(frozen=True)
class Place:
    """A method in a ranking.

    Args:
        line: The method.
        cell: Its number.
        duels: Against every method of the ranking, itself left out as None.
    """

    line: Line
    cell: Cell
    duels: tuple[Duel | None, ...]

    @property
    def ranks(self) -> str:
        """The ranks that the tests allow, such as `1 to 3`."""
        standing = self.cell.standing
        assert standing is not None
        alone = standing.best == standing.worst
        return f"{standing.best}" if alone else f"{standing.best} to {standing.worst}"

    def count(self, *kinds: str) -> int:
        """Return how many duels ended so."""
        return sum(duel is not None and duel.kind in kinds for duel in self.duels)


@dataclass(frozen=True)
class Ranking:
    """The tests of one column.

    Args:
        column: The metric.
        places: Methods, best number first.
        smallest: The smallest difference worth calling real, as text; empty without one.
    """

    column: Column
    places: tuple[Place, ...]
    smallest: str

    @property
    def spelled(self) -> bool:
        """Whether there is room for differences."""
        return len(self.places) <= SPELLED

    def data(self) -> dict[str, Any]:
        """Return what the page needs to draw it: texts, and the upper half of the pairs."""
        half = [
            duel
            for i, place in enumerate(self.places)
            for duel in place.duels[i + 1 :]
            if duel is not None
        ]
        return {
            "metric": self.column.metric,
            "title": heading(self.column),
            "smallest": self.smallest,
            "methods": [place.line.method for place in self.places],
            "values": [place.cell.text for place in self.places],
            "best": [place.cell.standing.best for place in self.places if place.cell.standing],
            "worst": [place.cell.standing.worst for place in self.places if place.cell.standing],
            "kinds": "".join(duel.kind[0] for duel in half),
            "texts": [duel.text for duel in half],
            "p": [duel.p for duel in half],
        }


def rankings(table: Table, tests: Tests | None = None) -> list[Ranking]:
    """Rank the methods of every column that is tested, with every pair.

    Args:
        table: The numbers.
        tests: Where p-values come from, as in `standings`.
    """
    found = (_ranking(table, i, tests) for i, c in enumerate(table.columns) if not c.untested)
    return [ranking for ranking in found if ranking]


def heading(column: Column) -> str:
    """Name a metric with its unit and direction."""
    return " ".join(part for part in (column.metric, column.scale, column.arrow) if part)


def in_script(value: Any) -> str:
    r"""Write data so that it can stand in a page: nothing in it ends the element around it.

    >>> in_script({"a": "</script>&\u2028"})
    '{"a":"\\u003c/script\\u003e\\u0026\\u2028"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _ranking(table: Table, index: int, how: Tests | None) -> Ranking | None:
    column = table.columns[index]
    members = [(line, line.cells[index]) for line in table.lines if line.cells[index].standing]
    scores = {line.method: cell.score for line, cell in members if cell.score}
    if why_untested(scores, how):
        return None
    tests = compared(scores, how)
    better = -1 if column.better == "higher" else 1
    members.sort(key=lambda member: better * (scores[member[0].method].value or 0.0))
    names = [line.method for line, _ in members]
    duels = {
        pair: duel
        for (a, b), found in tests.items()
        for pair, duel in zip(((a, b), (b, a)), _duels(found, column), strict=True)
    }
    unknown = Duel("alike", "", "unknown")  # nobody tested the two
    places = tuple(
        Place(
            line,
            cell,
            tuple(
                None if name == line.method else duels.get((line.method, name), unknown)
                for name in names
            ),
        )
        for line, cell in members
    )
    smallest = max(score.smallest for score in scores.values())
    shown = f"{smallest * 10.0**column.digits.power:g} {column.scale}".rstrip()
    return Ranking(column, places, shown if smallest else "")


def _duels(found: Comparison, column: Column) -> tuple[Duel, Duel]:
    """Say how the first of a pair does against the second, and the second against the first."""
    text, p = column.digits.text(abs(found.lead)), _p(found.p)
    signed = [f"{sign}{text}" if text.strip("0.") else text for sign in ("+", MINUS)]
    kinds = ["better", "worse"] if found.real else ["tied" if found.p <= LEVEL else "alike"] * 2
    first, second = (Duel(kind, text, p) for kind, text in zip(kinds, signed, strict=True))
    return (first, second) if found.lead > 0 else (second, first)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
