"""One data set under one protocol, ready to be written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facesr.bench.score import Curve, Row, Score
from facesr.bench.store import Results
from facesr.reports._conditions import count_of
from facesr.reports._extremes import Captions, Ends, captions, ends, values
from facesr.reports._inline import Figure, in_figure
from facesr.reports._lines import Chart, curve_charts
from facesr.reports._links import anchor
from facesr.reports._matrix import Ranking, rankings
from facesr.reports._notices import private
from facesr.reports._pictures import Album, Gallery, gallery
from facesr.reports._plane import Plane, plane
from facesr.reports._ranks import Tests
from facesr.reports._table import Line, Table
from facesr.reports._view import Forest, Spot, cards, forest, headline, spots
from facesr.reports._words import absent, explain, gaps

COUNTED = {"input": "test inputs", "reference": "reference faces"}


@dataclass(frozen=True)
class Section:
    """One data set under one protocol, ready to be written down.

    Args:
        anchor: Its name on any page.
        table: The numbers.
        lines: Every method with its cells.
        cards: One headline metric per question.
        forest: The first metric to look at, with its axis; None without any number.
        plane: Fidelity against realism; None unless both were measured.
        rankings: The tests of every column that is tested.
        gallery: Pictures; None where the run folder holds none or they are left out.
        captions: Numbers of the faces in the gallery, where they are known.
        ends: The best and the worst pictures, where numbers by picture are known.
        private: Why its pictures are not for others; empty if they are or if there are none.
        figure: Critical resolution; None where it was not measured.
        charts: Other numbers as a function of another.
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
    forest: Forest | None
    plane: Plane | None
    rankings: list[Ranking]
    gallery: Gallery | None
    captions: Captions
    ends: list[Ends]
    private: str
    figure: Figure | None
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

    @property
    def ranked_first(self) -> Ranking | None:
        """The ranking that is shown first: of the headline metric, if it is tested."""
        wanted = self.forest.column.metric if self.forest else ""
        own = [r for r in self.rankings if r.column.metric == wanted]
        return next(iter(own + self.rankings), None)


def section(
    table: Table,
    results: Results,
    root: Path,
    families: Mapping[str, str],
    pictures: bool,
    album: Album,
    figure: Figure | None,
    tests: Tests | None = None,
) -> Section:
    """Gather what there is to say of one data set under one protocol.

    Args:
        table: Its numbers.
        results: Rows of the run.
        root: Run folder.
        families: Families by method label.
        pictures: Whether to show pictures that may not be published.
        album: Takes the pictures in.
        figure: Critical resolution.
        tests: Where p-values of pairs come from, as in `tables`.
    """
    rows = [r for r in results.rows if (r.protocol, r.dataset) == (table.protocol, table.dataset)]
    every = range(len(table.columns))
    notes = [str(note) for row in rows for note in row.provenance.get("notes", ())]
    names = (str(row.provenance["dataset"]) for row in rows if "dataset" in row.provenance)
    title = next(names, "")
    secret = private(results.rows, table.dataset)
    open_ = pictures or not secret
    methods = [line.method for line in table.lines]
    shown = gallery(root, table.dataset, methods, album if open_ else Album())
    known = values(root, table) if shown and open_ else {}
    others = [r for r in rows if not (figure and in_figure(r.score.metric))]
    return Section(
        anchor=anchor(table.protocol, table.dataset),
        table=table,
        lines=spots(table),
        cards=cards(table),
        forest=forest(table, headline(table, every)) if table.columns else None,
        plane=plane(table),
        rankings=rankings(table, tests),
        gallery=shown if open_ else None,
        captions=captions(known, table, shown) if shown else Captions({}, {}, {}),
        ends=ends(root, table, known, album),
        private=secret if shown else "",
        figure=figure,
        charts=curve_charts(others, families),
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
