"""What the site of a run says, ready to be written down."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from facesr.bench.files import digest_of
from facesr.bench.score import Row
from facesr.bench.store import Results, Store
from facesr.reports._datasets_page import DatasetPage, dataset_pages
from facesr.reports._families import FAMILIES, place
from facesr.reports._inline import figures
from facesr.reports._lines import trainings
from facesr.reports._methods_page import Lesson, MethodPage, lesson, method_pages
from facesr.reports._notices import Notice, keep_private, rehearsal
from facesr.reports._pictures import Album
from facesr.reports._provenance import Fact, Origin, origins, shared
from facesr.reports._ranks import Tests
from facesr.reports._section import Section, section
from facesr.reports._table import Table
from facesr.reports._view import Look, look
from facesr.reports._words import NOTHING


@dataclass(frozen=True)
class Page:
    """Everything the templates read.

    Args:
        sections: One per protocol and data set.
        methods: One page per method, in the order of the tables.
        datasets: One page per data set.
        shared: What is the same for all cells.
        origins: Conditions of each cell that are not.
        families: Families that occur, in order.
        looks: Colour and shape by method.
        warnings: What these numbers are not, and whether the site is for others.
        private: Whether it shows pictures that are not.
        digest: SHA-256 of all rows without timings.
        album: Its pictures.
        nothing: What is said in place of an empty site.
    """

    sections: list[Section]
    methods: list[MethodPage]
    datasets: list[DatasetPage]
    shared: list[Fact]
    origins: list[Origin]
    families: list[str]
    looks: dict[str, Look]
    warnings: list[Notice]
    private: bool
    digest: str
    album: Album
    nothing: str

    @property
    def protocols(self) -> list[str]:
        """Every protocol."""
        return list(dict.fromkeys(section.table.protocol for section in self.sections))

    @property
    def metrics(self) -> list[str]:
        """Every metric that was measured."""
        columns = [column.metric for s in self.sections for column in s.table.columns]
        return list(dict.fromkeys(columns))

    @property
    def groups(self) -> list[str]:
        """Every group of columns."""
        groups = [column.group for s in self.sections for column in s.table.columns]
        return list(dict.fromkeys(groups))

    @property
    def budgets(self) -> list[str]:
        """Every budget."""
        found = {line.budget for s in self.sections for line in s.table.lines if line.budget}
        return sorted(found)

    @property
    def galleries(self) -> list[Section]:
        """Sections with pictures, one per data set."""
        found = {s.table.dataset: s for s in reversed(self.sections) if s.gallery}
        return [s for s in self.sections if found.get(s.table.dataset) is s]

    @property
    def coverage(self) -> str:
        """The share of cells that hold a number, in percent."""
        states = [
            cell.state
            for section in self.sections
            for line in section.table.lines
            for cell in (line.cells or [line.lost])
            if cell
        ]
        done = sum(state in ("value", "partly") for state in states)
        return f"{100 * done / len(states):.4g}" if states else "0"


def gather(
    boards: Sequence[Table],
    results: Results,
    root: Path,
    families: Mapping[str, str],
    pictures: bool,
    tests: Tests | None = None,
) -> Page:
    """Gather everything that the site of a run says; arguments as of `write_site`."""
    lines = {line.method: line for board in boards for line in board.lines}
    ordered = sorted(lines.values(), key=lambda line: place(line.method, line.family))
    looks = {line.method: look(line.method, line.family) for line in ordered}
    album = Album()
    drawn = {(f.protocol, f.dataset): f for f in figures(results, families)}
    sections = [
        section(
            board,
            results,
            root,
            families,
            pictures,
            album,
            drawn.get((board.protocol, board.dataset)),
            tests,
        )
        for board in boards
    ]
    store = Store(root)
    learned = trainings({method: store.method(method) for method in looks}, families)
    lessons = [lesson(t, results.rows, pictures, album) for t in learned]
    cells = origins(results.rows)
    return Page(
        sections=sections,
        methods=method_pages(looks, sections, lessons, cells, results.rows),
        datasets=dataset_pages(sections, results.rows),
        shared=shared(results.rows),
        origins=cells,
        families=[f for f in (*FAMILIES, "none") if f in {x.family for x in looks.values()}],
        looks=looks,
        warnings=keep_private(_secrets(sections, lessons)) + rehearsal(results.rows),
        private=any(_secrets(sections, lessons)),
        digest=_digest(results.rows),
        album=album,
        nothing="" if boards else NOTHING,
    )


def _secrets(sections: Sequence[Section], lessons: Sequence[Lesson]) -> list[str]:
    return [s.private for s in sections if s.gallery] + [x.private for x in lessons if x.grid]


def _digest(rows: Sequence[Row]) -> str:
    return digest_of([vars(row) | {"timing": None, "score": _packed(row)} for row in rows])


def _packed(row: Row) -> dict[str, Any]:
    """Return a score with one digest instead of thousands of values."""
    score = vars(row.score)
    values = [*score.get("samples", ()), *score.get("pictures", ())]
    digest = sha256(array("d", values).tobytes()).hexdigest()
    return score | {"samples": digest, "pictures": None}
