"""The one table object of a protocol and a data set: what is shown, in which digits, marked how.

Bold means *not separable from the best*, never *largest*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from facesr.bench.errors import BenchError
from facesr.bench.score import Better, Failure, Row, Score
from facesr.reports._format import Digits, digits, half_width
from facesr.reports._ranks import Standing, standings, why_untested

State = Literal["value", "partly", "missing", "skipped", "failed"]
GROUPS = ("fidelity", "realism", "detection", "identity", "cost")
FAMILIES = (
    "interpolation",
    "regression",
    "adversarial",
    "prior",
    "diffusion",
    "codebook",
    "unpaired",
)
NOT_RUN = "not measured for this method"


@dataclass(frozen=True)
class Column:
    """One metric in one identity.

    Args:
        metric: Its name.
        identity: What exactly was measured.
        unit: What the numbers count.
        better: Which way is better.
        group: Which question it answers.
        n: Largest number of pictures or people behind a number.
        interval: How the intervals were made.
        digits: How its numbers are written.
        half: Median half-width of the intervals, as text; empty without any.
        untested: Why nothing is marked; empty if it was tested.
    """

    metric: str
    identity: str
    unit: str
    better: Better
    group: str
    n: int
    interval: str
    digits: Digits
    half: str
    untested: str

    @property
    def arrow(self) -> str:
        """Which way is better, as an arrow."""
        return "↑" if self.better == "higher" else "↓"

    @property
    def scale(self) -> str:
        """Unit and power of ten, for the header."""
        return " ".join(part for part in (self.digits.factor, self.unit) if part)


@dataclass(frozen=True)
class Cell:
    """One number, or why there is none.

    Args:
        state: Whether there is a number for all pictures, for part of them, or none, and why.
        text: What is shown.
        reason: Why there is no number, or what to know of it.
        score: Where the number comes from.
        standing: What the tests say; None where there was no test.
    """

    state: State
    text: str
    reason: str = ""
    score: Score | None = None
    standing: Standing | None = None

    @property
    def mark(self) -> int:
        """1 for the first group, 2 for the second, 0 for none."""
        return self.standing.group if self.standing else 0


@dataclass(frozen=True)
class Line:
    """One method.

    Args:
        method: Its name on the board.
        family: What kind of method it is, where known.
        budget: Budget it ran at; empty if all its cells failed.
        seed: Seed of training and upscaling; None if all its cells failed.
        cells: One per column.
        lost: What stands in every cell if the method was skipped or failed as a whole.
    """

    method: str
    family: str
    budget: str
    seed: int | None
    cells: tuple[Cell, ...]
    lost: Cell | None = None


@dataclass(frozen=True)
class Table:
    """All methods on one data set under one protocol.

    Args:
        protocol: Name of the protocol.
        dataset: Name of the data set.
        columns: Metrics that were measured for at least one method, by group.
        lines: Methods, by family, then by name.
        absent: Metrics that were measured for no method, each with the reason.
    """

    protocol: str
    dataset: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    absent: tuple[tuple[str, str], ...]

    @property
    def budgets(self) -> tuple[str, ...]:
        """Budgets that occur, in alphabetical order."""
        return tuple(sorted({line.budget for line in self.lines if line.budget}))

    def name(self, line: Line) -> str:
        """Return a method's name, with its budget where the table mixes budgets."""
        return (
            f"{line.method} ({line.budget})"
            if len(self.budgets) > 1 and line.budget
            else line.method
        )

    def chunks(self, most: int) -> list[tuple[int, ...]]:
        """Split the columns into pieces of at most so many, at a change of group if possible."""
        if len(self.columns) <= most:
            return [tuple(range(len(self.columns)))]
        pieces: list[tuple[int, ...]] = []
        for group in dict.fromkeys(column.group for column in self.columns):
            own = [i for i, column in enumerate(self.columns) if column.group == group]
            parts = [tuple(own[i : i + most]) for i in range(0, len(own), most)]
            if pieces and len(pieces[-1]) + len(parts[0]) <= most:
                pieces[-1] += parts.pop(0)
            pieces += parts
        return pieces


def tables(
    rows: Sequence[Row], failures: Sequence[Failure] = (), families: Mapping[str, str] | None = None
) -> list[Table]:
    """Lay rows out, one table per protocol and data set, in alphabetical order.

    Args:
        rows: Numbers; curves are passed over.
        failures: Cells without numbers.
        families: Families by method label; decides the order of lines.

    Raises:
        BenchError: If one column would hold two identities of a metric, or one cell two numbers.
    """
    places = {(r.protocol, r.dataset) for r in rows} | {(f.protocol, f.dataset) for f in failures}
    return [
        _table(
            place,
            [row for row in rows if (row.protocol, row.dataset) == place],
            [f for f in failures if (f.protocol, f.dataset) == place],
            families or {},
        )
        for place in sorted(places)
    ]


def _table(
    place: tuple[str, str],
    rows: list[Row],
    failures: list[Failure],
    families: Mapping[str, str],
) -> Table:
    lost = {failure.method: failure for failure in failures}
    rows = [row for row in rows if row.method not in lost]
    scores = _by_metric(rows, place)
    conditions = {row.method: (row.budget, row.seed) for row in rows}
    methods = sorted(
        conditions.keys() | lost.keys(), key=lambda m: (_family_order(families.get(m, "")), m)
    )
    measured = {
        metric: {m: s for m, s in column.items() if s.value is not None}
        for metric, column in scores.items()
    }
    order = sorted((m for m in scores if measured[m]), key=lambda m: _group_order(scores[m]))
    built = [_column(metric, scores[metric], measured[metric], place) for metric in order]
    lines = tuple(
        Line(
            method,
            families.get(method, ""),
            conditions[method][0] if method in conditions else "",
            conditions[method][1] if method in conditions else None,
            tuple(_cell(method, cells, lost) for _, cells in built),
            _lost(lost[method]) if method in lost else None,
        )
        for method in methods
    )
    absent = tuple(
        (metric, next((s.note for s in column.values() if s.note), NOT_RUN))
        for metric, column in scores.items()
        if not measured[metric]
    )
    return Table(*place, tuple(column for column, _ in built), lines, absent)


def _by_metric(rows: Sequence[Row], place: tuple[str, str]) -> dict[str, dict[str, Score]]:
    scores: dict[str, dict[str, Score]] = {}
    for row in rows:
        if isinstance(row.score, Score):
            column = scores.setdefault(row.score.metric, {})
            if row.method in column:
                raise BenchError(
                    f"{row.method} has two numbers for {row.score.metric} on {place[1]} under "
                    f"{place[0]}, expected one; report the runs one by one"
                )
            column[row.method] = row.score
    return scores


def _column(
    metric: str, given: Mapping[str, Score], known: Mapping[str, Score], place: tuple[str, str]
) -> tuple[Column, dict[str, Cell]]:
    """Build a column and its cells; `known` are those of `given` that have a value."""
    identities = {score.identity: method for method, score in known.items()}
    if len(identities) > 1:
        (one, first), (two, second) = sorted(identities.items())[:2]
        raise BenchError(
            f"{metric} on {place[1]} under {place[0]} was measured in two ways: {one} for {first} "
            f"and {two} for {second}; a column takes one, so score them again the same way"
        )
    widths = [h for s in known.values() if (h := half_width(s.low, s.high)) is not None]
    shown = digits([s.value for s in known.values() if s.value is not None], widths)
    most = max(score.n for score in known.values())
    whole = {method: score for method, score in known.items() if score.n == most}
    longest = max(len(score.samples) for score in whole.values())
    testable = {m: s for m, s in whole.items() if s.sampling == "none" or len(s.samples) == longest}
    untested = why_untested(testable)
    if len(testable) < 2 <= len(known):
        untested = "the methods rest on different numbers of pictures, so no paired test"
    stands = {} if untested else standings(testable)
    cells = {
        method: Cell("missing", "n/a", score.note or NOT_RUN, score)
        if score.value is None
        else Cell(
            "value" if method in whole else "partly",
            shown.text(score.value),
            score.note,
            score,
            stands.get(method),
        )
        for method, score in given.items()
    }
    some = next(iter(known.values()))
    column = Column(
        metric,
        some.identity,
        some.unit,
        some.better,
        some.group,
        most,
        next((s.interval for s in known.values() if s.interval), ""),
        shown,
        shown.text(median(widths)) if widths else "",
        untested,
    )
    return column, cells


def _cell(method: str, cells: Mapping[str, Cell], lost: Mapping[str, Failure]) -> Cell:
    if method in lost:
        return _lost(lost[method])
    return cells.get(method, Cell("missing", "n/a", NOT_RUN))


def _lost(failure: Failure) -> Cell:
    if failure.kind == "skip":
        return Cell("skipped", "skip", failure.reason)
    return Cell("failed", "fail", failure.reason)


def _family_order(family: str) -> int:
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def _group_order(column: Mapping[str, Score]) -> int:
    return GROUPS.index(next(iter(column.values())).group)
