"""The one table object of a protocol and a data set: what is shown, in which digits, marked how.

Bold means *not separable from the best*, never *largest*.
"""

from dataclasses import dataclass
from typing import Literal

from facesr.bench.score import Better, Score
from facesr.reports._format import Digits, half_width
from facesr.reports._ranks import Standing

State = Literal["value", "partly", "missing", "skipped", "failed"]


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

    def spread(self, cell: "Cell") -> str:
        """Return the half-width of a cell's interval, as text; empty without one."""
        half = half_width(cell.score.low, cell.score.high) if cell.score else None
        return "" if half is None else self.digits.text(half)


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
        cells: One per column.
        budget: Budget it ran at; empty if all its cells failed.
        seed: Seed of training and upscaling; None if all its cells failed.
        changed: Settings that were set by hand and are not the budget's.
        limit: At most so many faces per half of the data set were used; None without a limit.
        lost: What stands in every cell if the method was skipped or failed as a whole.
    """

    method: str
    family: str
    cells: tuple[Cell, ...]
    budget: str = ""
    seed: int | None = None
    changed: tuple[str, ...] = ()
    limit: int | None = None
    lost: Cell | None = None

    @property
    def terms(self) -> str:
        """Its budget and what was changed, such as `short, changed: steps, width`."""
        return f"{self.budget}, changed: {', '.join(self.changed)}" if self.changed else self.budget


@dataclass(frozen=True)
class Table:
    """All methods on one data set under one protocol.

    Args:
        protocol: Name of the protocol.
        dataset: Name of the data set.
        columns: Metrics that were measured for at least one method, by group.
        lines: Methods, by family, then by name.
        absent: Metrics that were measured for no method, each with the reason.
        partial: What the published split had and these faces lack; empty if nothing.
    """

    protocol: str
    dataset: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    absent: tuple[tuple[str, str], ...]
    partial: str = ""

    @property
    def title(self) -> str:
        """The data set, marked if it is part of a published split only."""
        return f"{self.dataset} (partial)" if self.partial else self.dataset

    @property
    def terms(self) -> tuple[str, ...]:
        """Budgets that occur, each with what was changed, in alphabetical order."""
        return tuple(sorted({line.terms for line in self.lines if line.terms}))

    @property
    def limits(self) -> tuple[int, ...]:
        """Limits that occur, increasing."""
        return tuple(sorted({line.limit for line in self.lines if line.limit is not None}))

    def apart(self, line: Line) -> str:
        """Return the terms of a method where the table mixes terms; else nothing."""
        return line.terms if len(self.terms) > 1 else ""

    def name(self, line: Line) -> str:
        """Return a method's name, with its terms where the table mixes terms."""
        terms = self.apart(line)
        return f"{line.method} ({terms})" if terms else line.method

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
