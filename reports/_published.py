"""The numbers that the five papers print, as data: one CSV file per paper in `published/`."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args

from facesr.bench.errors import BenchError
from facesr.bench.score import Better

FOLDER = Path(__file__).parent / "published"
HEADER = (
    "table",
    "part",
    "dataset",
    "title",
    "metric",
    "better",
    "value",
    "spread",
    "mark",
    "seen",
    "method",
    "protocol",
    "on",
    "column",
    "times",
)

Mark = Literal["", "best", "second", "third"]
Seen = Literal["", "print", "prose"]
RANKS: tuple[Mark, ...] = ("best", "second", "third")


@dataclass(frozen=True)
class Published:
    """One number as a paper prints it, and what of ours measures the same.

    Args:
        paper: Name of the paper, which is that of its protocol.
        table: Number of the table; `text` and the section where it is in the running text.
        part: Rows that the table sets apart; empty if it does not.
        dataset: What the paper calls the test; empty if the number is of none.
        title: What the paper calls the method.
        metric: What the paper calls the metric.
        better: Which way is better.
        printed: The number, as printed.
        spread: What is printed behind a plus-minus sign; None without one.
        mark: How the paper marks it, where that is known.
        seen: Whether a mark is seen in `print`, or follows from what the `prose` calls best.
        method: Label of the method here; empty if there is none, `*` for any.
        protocol: Label of the protocol that measures the same; empty if none does.
        on: Label of the data set that stands for the test; empty as `protocol`.
        column: Name of the column that measures the same; empty as `protocol`.
        times: From the printed unit to that of the column.
    """

    paper: str
    table: str
    part: str
    dataset: str
    title: str
    metric: str
    better: Better
    printed: str
    spread: float | None
    mark: Mark
    seen: Seen
    method: str
    protocol: str
    on: str
    column: str
    times: float

    @property
    def value(self) -> float:
        """The number."""
        return float(self.printed)

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit."""
        return 0.5 * 10.0 ** -len(self.printed.partition(".")[2])

    @property
    def place(self) -> str:
        """Where it is printed, such as `scgan_2022, table 5`."""
        where = self.table if self.table.startswith("text") else f"table {self.table}"
        return f"{self.paper}, {where}"

    @property
    def shown(self) -> str:
        """The number with its spread, as printed."""
        return self.printed if self.spread is None else f"{self.printed}±{self.spread:.2f}"


def papers() -> list[str]:
    """List the papers, by year."""
    names = [path.stem for path in FOLDER.glob("*.csv")]
    return sorted(names, key=lambda name: (name.rpartition("_")[2], name))


def published() -> tuple[Published, ...]:
    """Read every number of every paper, in the order of the papers and of their tables."""
    return tuple(record for paper in papers() for record in of_paper(paper))


@cache
def of_paper(paper: str) -> tuple[Published, ...]:
    """Read the numbers of one paper.

    Raises:
        BenchError: If its file is not what this module describes.
    """
    return tuple(read(FOLDER / f"{paper}.csv"))


def read(path: Path) -> Iterator[Published]:
    """Read a file of published numbers; lines that start with `#` are remarks.

    Raises:
        BenchError: If a line is not what this module describes, named by its number.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    skipped = sum(line.startswith("#") for line in lines)
    reader = csv.reader(line for line in lines if not line.startswith("#"))
    if tuple(next(reader, ())) != HEADER:
        raise BenchError(f"{path} has other columns than {', '.join(HEADER)}")
    for cells in reader:
        try:
            yield _record(path.stem, cells)
        except ValueError as error:
            line = skipped + reader.line_num
            raise BenchError(f"{path} line {line} is no published number: {error}") from None


def _record(paper: str, cells: Sequence[str]) -> Published:
    given = dict(zip(HEADER, cells, strict=True))
    if given["better"] not in get_args(Better):
        raise ValueError(f"better is {given['better']!r}; write {' or '.join(get_args(Better))}")
    if given["mark"] not in get_args(Mark) or given["seen"] not in get_args(Seen):
        raise ValueError(f"no mark {given['mark']!r} seen in {given['seen']!r}")
    if bool(given["mark"]) != bool(given["seen"]):
        raise ValueError("a mark and where it is seen are given together")
    if len({bool(given[name]) for name in ("protocol", "on", "column")}) > 1:
        raise ValueError("protocol, on and column are given together")
    float(given["value"])
    return Published(
        paper,
        given["table"],
        given["part"],
        given["dataset"],
        given["title"],
        given["metric"],
        cast(Better, given["better"]),
        given["value"],
        float(given["spread"]) if given["spread"] else None,
        cast(Mark, given["mark"]),
        cast(Seen, given["seen"]),
        given["method"],
        given["protocol"],
        given["on"],
        given["column"],
        float(given["times"] or 1),
    )


def ranked(records: Sequence[Published]) -> dict[Published, Mark]:
    """Rank what stands in one column of a table, by the values alone; ties share a place.

    Args:
        records: Numbers of one table, data set and metric.
    """
    values = sorted({r.value for r in records}, reverse=records[0].better == "higher")
    places = dict(zip(values, RANKS, strict=False))
    return {record: places.get(record.value, "") for record in records}
