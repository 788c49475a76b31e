"""What the page of a run says, ready to be written down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from facesr.bench.files import digest_of
from facesr.bench.score import Curve, Row, Score
from facesr.bench.store import Results, Store
from facesr.reports._conditions import count_of
from facesr.reports._families import FAMILIES, place
from facesr.reports._lines import Chart, Training, curve_charts, trainings
from facesr.reports._notices import (
    Notice,
    keep_private,
    private,
    private_training,
    rehearsal,
)
from facesr.reports._pictures import Gallery, Picture, gallery, samples
from facesr.reports._provenance import Fact, Origin, origins, shared
from facesr.reports._table import Line, Table
from facesr.reports._view import Forest, Look, Spot, cards, forest, headline, look, spots
from facesr.reports._words import NOTHING, absent, explain, gaps
from facesr.reports.table import comma_separated

COUNTED = {"input": "test inputs", "reference": "reference faces"}


@dataclass(frozen=True)
class Section:
    """One data set under one protocol, ready to be written down.

    Args:
        anchor: Its place on the page.
        table: The numbers.
        lines: Every method with its cells.
        cards: One headline metric per question.
        forests: Every metric with its axis.
        headline: Which of them is shown first.
        gallery: Pictures; None where the run folder holds none or they are left out.
        private: Why its pictures are not for others; empty if they are or if there are none.
        charts: Numbers as a function of another.
        words: What marks, numbers and intervals are.
        extent: How many faces the numbers rest on; empty where nothing says so.
        absent: Metrics that nobody has, with reasons.
        gaps: Cells without a number, with reasons.
        title: What the data set calls itself, where that is not its label.
        notes: What the data set says of itself.
    """

    anchor: str
    table: Table
    lines: list[tuple[Line, list[Spot]]]
    cards: list[Forest]
    forests: list[Forest]
    headline: int
    gallery: Gallery | None
    private: str
    charts: list[Chart]
    words: list[str]
    extent: str
    absent: list[tuple[str, str]]
    gaps: list[tuple[str, str]]
    title: str
    notes: list[str]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Column groups and how many columns each has."""
        names = [column.group for column in self.table.columns]
        return [(name, names.count(name)) for name in dict.fromkeys(names)]


@dataclass(frozen=True)
class Lesson:
    """One training.

    Args:
        training: Its log.
        grid: Its last samples; None where there are none or they are left out.
        private: Why its samples are not for others; empty if they are or if there are none.
    """

    training: Training
    grid: Picture | None
    private: str


@dataclass(frozen=True)
class Page:
    """Everything the template reads.

    Args:
        sections: One per protocol and data set.
        trainings: Logs and samples.
        shared: What is the same for all cells.
        origins: Conditions of each cell that are not.
        families: Families that occur, in order.
        looks: Colour and shape by method.
        warnings: What these numbers are not, and whether the page is for others.
        private: Whether it shows pictures that are not.
        digest: SHA-256 of all rows without timings.
        csv: All numbers.
        nothing: What is said in place of an empty page.
    """

    sections: list[Section]
    trainings: list[Lesson]
    shared: list[Fact]
    origins: list[Origin]
    families: list[str]
    looks: dict[str, Look]
    warnings: list[Notice]
    private: bool
    digest: str
    csv: str
    nothing: str

    @property
    def methods(self) -> list[str]:
        """Every method, in the order of the tables."""
        return list(self.looks)

    @property
    def datasets(self) -> list[str]:
        """Every data set."""
        return list(dict.fromkeys(section.table.dataset for section in self.sections))

    @property
    def protocols(self) -> list[str]:
        """Every protocol."""
        return list(dict.fromkeys(section.table.protocol for section in self.sections))

    @property
    def metrics(self) -> list[str]:
        """Every metric that was measured."""
        columns = [column.metric for s in self.sections for column in s.table.columns]
        return list(dict.fromkeys(columns))


def gather(
    boards: Sequence[Table],
    results: Results,
    root: Path,
    families: Mapping[str, str],
    pictures: bool,
) -> Page:
    """Gather everything that the page of a run says; arguments as of `write_site`."""
    lines = {line.method: line for board in boards for line in board.lines}
    ordered = sorted(lines.values(), key=lambda line: place(line.method, line.family))
    looks = {line.method: look(line.method, line.family) for line in ordered}
    store = Store(root)
    folders = {method: store.method(method) for method in looks}
    sections = [_section(b, i, results, root, families, pictures) for i, b in enumerate(boards)]
    lessons = [_lesson(t, results.rows, pictures) for t in trainings(folders, families)]
    secrets = [s.private for s in sections if s.gallery] + [x.private for x in lessons if x.grid]
    return Page(
        sections=sections,
        trainings=lessons,
        shared=shared(results.rows),
        origins=origins(results.rows),
        families=[f for f in (*FAMILIES, "none") if f in {x.family for x in looks.values()}],
        looks=looks,
        warnings=keep_private(secrets) + rehearsal(results.rows),
        private=any(secrets),
        digest=_digest(results.rows),
        csv=comma_separated(boards),
        nothing="" if boards else NOTHING,
    )


def _section(
    table: Table,
    index: int,
    results: Results,
    root: Path,
    families: Mapping[str, str],
    pictures: bool,
) -> Section:
    rows = [r for r in results.rows if (r.protocol, r.dataset) == (table.protocol, table.dataset)]
    every = range(len(table.columns))
    notes = [str(note) for row in rows for note in row.provenance.get("notes", ())]
    title = next(
        (str(row.provenance["dataset"]) for row in rows if "dataset" in row.provenance), ""
    )
    shown = gallery(root, table.dataset, [line.method for line in table.lines])
    secret = private(results.rows, table.dataset) if shown else ""
    return Section(
        anchor=f"set-{index + 1}",
        table=table,
        lines=spots(table),
        cards=cards(table),
        forests=[forest(table, i) for i in every],
        headline=headline(table, every) if table.columns else 0,
        gallery=shown if pictures or not secret else None,
        private=secret,
        charts=curve_charts(rows, families),
        words=explain(table),
        extent=_extent(rows),
        absent=absent(table),
        gaps=gaps(table),
        title="" if title == table.dataset else title,
        notes=list(dict.fromkeys(notes)),
    )


def _extent(rows: Sequence[Row]) -> str:
    """Say how many faces numbers rest on, as recorded, else by the numbers themselves."""
    given = {part: max((count_of(row, part) for row in rows), default=0) for part in COUNTED}
    if any(given.values()):
        return ", ".join(f"{n:,} {COUNTED[part]}" for part, n in given.items() if n)
    n = max((row.score.n for row in rows if _by_picture(row.score)), default=0)
    return f"{n:,} pictures" if n else ""


def _by_picture(score: Score | Curve) -> bool:
    return isinstance(score, Score) and score.sampling in ("picture", "jackknife")


def _lesson(training: Training, rows: Sequence[Row], pictures: bool) -> Lesson:
    grid = samples(training.folder)
    secret = private_training(rows, training.method, training.folder) if grid else ""
    return Lesson(training, grid if pictures or not secret else None, secret)


def _digest(rows: Sequence[Row]) -> str:
    return digest_of([asdict(row) | {"timing": None} for row in rows])
