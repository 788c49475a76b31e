"""One self-contained HTML page of a run: no network, no server, nothing beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesr.bench.files import digest_of, write_text
from facesr.bench.score import Curve, Row, Score
from facesr.bench.store import Results, Store
from facesr.reports._families import families as installed_families
from facesr.reports._lines import Chart, Training, curve_charts, trainings
from facesr.reports._pictures import Gallery, Picture, gallery, samples
from facesr.reports._provenance import Fact, Origin, origins, shared
from facesr.reports._table import FAMILIES, Line, Table, tables
from facesr.reports._view import Forest, Look, Spot, cards, forest, headline, look, spots
from facesr.reports._words import NOTHING, absent, explain, gaps
from facesr.reports.table import comma_separated

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


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
        gallery: Pictures; None where the run folder holds none.
        charts: Numbers as a function of another.
        words: What marks, numbers and intervals are.
        pictures: How many pictures the numbers rest on; 0 where no number says so.
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
    charts: list[Chart]
    words: list[str]
    pictures: int
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
class Page:
    """Everything the template reads.

    Args:
        sections: One per protocol and data set.
        trainings: Logs, each with its last sample grid if there is one.
        shared: What is the same for all cells.
        origins: Conditions of each cell that are not.
        families: Families that occur, in order.
        looks: Colour and shape by method.
        warnings: What these numbers are not.
        digest: SHA-256 of all rows without timings.
        csv: All numbers.
        nothing: What is said in place of an empty page.
    """

    sections: list[Section]
    trainings: list[tuple[Training, Picture | None]]
    shared: list[Fact]
    origins: list[Origin]
    families: list[str]
    looks: dict[str, Look]
    warnings: list[tuple[str, str]]
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


def write_site(
    results: Results, root: Path, out: Path, families: Mapping[str, str] | None = None
) -> Path:
    """Write `out/index.html`.

    The same results and run folder give the same bytes.

    Args:
        results: Rows and failures.
        root: Run folder; its pictures and training logs are shown.
        out: Folder to write to.
        families: Families by method label; looked up among the installed methods if left out.

    Returns:
        The page.

    Raises:
        BenchError: If one column would hold two identities of a metric.
    """
    known = dict(installed_families(results) if families is None else families)
    boards = tables(results.rows, results.failures, known)
    return write_page(boards, results, root, out, known)


def write_page(
    boards: Sequence[Table],
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str],
) -> Path:
    """Write `out/index.html` from tables that are there already; else as `write_site`."""
    page = _page(boards, results, root, families)
    path = out / "index.html"
    write_text(path, _environment().get_template("page.html").render(page=page))
    return path


def _page(
    boards: Sequence[Table], results: Results, root: Path, families: Mapping[str, str]
) -> Page:
    lines = {line.method: line for board in boards for line in board.lines}
    ordered = sorted(lines.values(), key=_order)
    looks = {line.method: look(line.method, line.family) for line in ordered}
    store = Store(root)
    folders = {method: store.method(method) for method in looks}
    return Page(
        sections=[_section(board, i, results, root, families) for i, board in enumerate(boards)],
        trainings=[(t, samples(t.folder)) for t in trainings(folders, families)],
        shared=shared(results.rows),
        origins=origins(results.rows),
        families=[f for f in (*FAMILIES, "none") if f in {x.family for x in looks.values()}],
        looks=looks,
        warnings=_warnings(results.rows),
        digest=_digest(results.rows),
        csv=comma_separated(boards),
        nothing="" if boards else NOTHING,
    )


def _section(
    table: Table, index: int, results: Results, root: Path, families: Mapping[str, str]
) -> Section:
    rows = [r for r in results.rows if (r.protocol, r.dataset) == (table.protocol, table.dataset)]
    every = range(len(table.columns))
    notes = [str(note) for row in rows for note in row.provenance.get("notes", ())]
    title = next(
        (str(row.provenance["dataset"]) for row in rows if "dataset" in row.provenance), ""
    )
    return Section(
        anchor=f"set-{index + 1}",
        table=table,
        lines=spots(table),
        cards=cards(table),
        forests=[forest(table, i) for i in every],
        headline=headline(table, every) if table.columns else 0,
        gallery=gallery(root, table.dataset, [line.method for line in table.lines]),
        charts=curve_charts(rows, families),
        words=explain(table),
        pictures=max((r.score.n for r in rows if _by_picture(r.score)), default=0),
        absent=absent(table),
        gaps=gaps(table),
        title="" if title == table.dataset else title,
        notes=list(dict.fromkeys(notes)),
    )


def _by_picture(score: Score | Curve) -> bool:
    return isinstance(score, Score) and score.sampling in ("picture", "jackknife")


def _order(line: Line) -> tuple[int, str]:
    place = FAMILIES.index(line.family) if line.family in FAMILIES else len(FAMILIES)
    return place, line.method


def _warnings(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Say plainly what numbers of a rehearsal are not."""
    found = []
    budgets = {row.budget for row in rows}
    if "smoke" in budgets:
        found.append(
            (
                "Rehearsal",
                "Methods that learn were trained at the budget smoke: a few steps, to show that "
                "everything runs. These numbers say nothing about how good a method is.",
            )
        )
    if "short" in budgets:
        found.append(
            (
                "Short training",
                "Methods were trained at the budget short, less than their papers ask for. These "
                "numbers are not those of the papers.",
            )
        )
    embedded = {row.dataset for row in rows if row.dataset.partition("[")[0] == "embedded"}
    if embedded:
        found.append(
            (
                "Embedded faces",
                "The data set embedded comes with the software and is small; its reference faces "
                "are rendered, not photographed. Its numbers compare with no paper's.",
            )
        )
    return found


def _digest(rows: Sequence[Row]) -> str:
    from dataclasses import asdict

    return digest_of([asdict(row) | {"timing": None} for row in rows])


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _asset
    return environment


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
