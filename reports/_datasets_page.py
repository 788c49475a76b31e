"""The page of a data set: what it holds, on what terms, who stands where on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from facesr.bench.score import Row
from facesr.reports._about import Paper, paper
from facesr.reports._conditions import count_of, inputs_of, licence_of, partial_of, shareable
from facesr.reports._links import dataset_page
from facesr.reports._section import Section

COUNTS = {
    "input": "test inputs",
    "reference": "reference faces",
    "train_lr": "training faces, low resolution",
    "train_hr": "training faces, high resolution",
}


@dataclass(frozen=True)
class DatasetPage:
    """The page of a data set.

    Args:
        name: Its label.
        path: Its page, seen from the top of the site.
        title: Its own spelling.
        paper: What its source says.
        counts: What and how many.
        licence: Its terms.
        shareable: Whether its pictures may be published.
        partial: What a published split had and these faces lack; empty if nothing.
        digests: Fingerprints of its parts.
        notes: What it says of itself.
        sections: Its tables, one per protocol.
    """

    name: str
    path: str
    title: str
    paper: Paper
    counts: list[tuple[str, str]]
    licence: str
    shareable: bool
    partial: str
    digests: list[tuple[str, str]]
    notes: list[str]
    sections: list[Section]


def dataset_pages(sections: Sequence[Section], rows: Sequence[Row]) -> list[DatasetPage]:
    """Gather the pages of all data sets, in the order of the tables."""
    names = dict.fromkeys(section.table.dataset for section in sections)
    return [
        _page(
            name,
            [section for section in sections if section.table.dataset == name],
            [row for row in rows if row.dataset == name],
        )
        for name in names
    ]


def _page(name: str, sections: list[Section], rows: Sequence[Row]) -> DatasetPage:
    source = paper("datasets", name)
    counts = {part: max((count_of(row, part) for row in rows), default=0) for part in COUNTS}
    licence = next((terms for row in rows if (terms := licence_of(row))), source.licence)
    inputs = dict.fromkeys(filter(None, map(inputs_of, rows)))
    return DatasetPage(
        name=name,
        path=dataset_page(name),
        title=next((s.title for s in sections if s.title), "") or source.title or name,
        paper=source,
        counts=[(COUNTS[part], f"{n:,}") for part, n in counts.items() if n],
        licence=licence,
        shareable=bool(rows) and all(shareable(row) for row in rows),
        partial="; ".join(dict.fromkeys(filter(None, map(partial_of, rows)))),
        digests=[("test inputs", digest) for digest in inputs],
        notes=list(dict.fromkeys(note for section in sections for note in section.notes)),
        sections=sections,
    )
