"""Published against measured here, laid out once for all renderings."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from facesr.bench.store import Results
from facesr.reports._against import Against, admissions, against, quirks_of
from facesr.reports._escape import amps, bars, md, plain, tex, tex_name
from facesr.reports._latex import HEAD as LATEX_HEAD
from facesr.reports._published import Published, published
from facesr.reports._words import visible

COLUMNS = (
    "data set",
    "method",
    "metric",
    "published",
    "here",
    "difference",
    "in half-widths",
    "verdict",
)
NUMBERS = (3, 4, 5, 6)
PUBLISHED = COLUMNS.index("published")
ON_A_PAGE = 40  # lines of a table in LaTeX
SHOWN = ("agrees", "differs", "no interval", "other protocol", "no value")
WORDS = (
    "Published: as printed. Here: with the half-width of the 95 % interval, in the unit of the "
    "paper; difference: here minus published. Agrees: within two half-widths or the rounding of "
    "the paper, which prints no interval of its own. Bold and underlined: best and second as the "
    "paper marks or calls them, where its text still shows that."
)
CSV_HEADER = (
    "paper",
    "table",
    "part",
    "dataset",
    "title",
    "metric",
    "better",
    "published",
    "spread",
    "mark",
    "here",
    "half_width",
    "difference",
    "in_half_widths",
    "verdict",
    "why",
    "here_method",
    "here_dataset",
    "here_protocol",
    "here_column",
    "here_identity",
    "n",
    "budget",
    "seed",
)


@dataclass(frozen=True)
class Sheet:
    """The numbers of one table of one paper that have something to stand against here.

    Args:
        title: Where they are printed, such as `scgan_2022, table 5`.
        lines: The numbers, in the order of the table.
        notes: What may explain gaps, and for which lines; each once per paper.
    """

    title: str
    lines: tuple[Against, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that a rendering says.

    Args:
        found: Every published number.
        sheets: Tables of those that have something to stand against.
        summary: How many agree, differ, were not run, or cannot be measured.
        words: What the columns and marks are; empty without any table.
    """

    found: tuple[Against, ...]
    sheets: tuple[Sheet, ...]
    summary: str
    words: str


def compare(results: Results, numbers: Sequence[Published] | None = None) -> Comparison:
    """Put the published numbers beside those of a run folder.

    Args:
        results: Rows and failures.
        numbers: Published numbers; those of all papers if left out.
    """
    found = tuple(against(results, published() if numbers is None else numbers))
    sheets: list[Sheet] = []
    said: set[str] = set()
    for place in dict.fromkeys(a.published.place for a in found):
        lines = tuple(a for a in found if a.published.place == place and a.state in SHOWN)
        if lines:
            notes = [note for note in _notes(lines) if note not in said]
            said.update(notes)
            sheets.append(Sheet(place, lines, tuple(notes)))
    return Comparison(found, tuple(sheets), _summary(found), WORDS if sheets else "")


def cells(line: Against) -> tuple[str, ...]:
    """Write one line, a cell for each of `COLUMNS`."""
    record, row = line.published, line.row
    name = record.title if row is None else f"{record.title} = {row.method}"
    arrow = "↑" if record.better == "higher" else "↓"
    metric = f"{record.metric} {arrow}"
    where = f"{record.dataset}, {record.part}" if record.part else record.dataset
    return where, name, metric, record.shown, *line.shown, line.state


def markdown_sheets(comparison: Comparison) -> str:
    """Write the comparison for GitHub."""
    lines = [md(comparison.summary), ""]
    for sheet in comparison.sheets:
        lines += [f"## {md(sheet.title)}", "", bars(COLUMNS)]
        lines.append(bars(["--:" if i in NUMBERS else "---" for i in range(len(COLUMNS))]))
        lines += [
            bars(_marked(line, [md(cell) for cell in cells(line)], _MD)) for line in sheet.lines
        ]
        lines += ["", *(f"- {md(note)}" for note in sheet.notes), *([""] if sheet.notes else [])]
    return "\n".join([*lines, *([md(comparison.words), ""] if comparison.words else [])])


def latex_sheets(comparison: Comparison) -> str:
    """Write the comparison for a paper; it needs the packages booktabs and xcolor."""
    floats = [f"% {visible(comparison.summary)}"]
    for sheet in comparison.sheets:
        for start in range(0, len(sheet.lines), ON_A_PAGE):
            lines = sheet.lines[start : start + ON_A_PAGE]
            floats.append(_float(sheet.title, lines, "" if start else _aside(sheet.notes)))
    return "\n".join([LATEX_HEAD, *floats])


def _float(title: str, lines: Sequence[Against], below: str) -> str:
    shape = "".join("r" if i in NUMBERS else "l" for i in range(len(COLUMNS)))
    return "\n".join(
        [
            r"\begin{table*}[t]",
            r"\centering\footnotesize\setlength{\tabcolsep}{5pt}",
            rf"\caption{{{tex(f'{title}. {WORDS}')}}}",
            rf"\begin{{tabular}}{{@{{}}{shape}@{{}}}}",
            r"\toprule",
            amps(COLUMNS[0].capitalize(), COLUMNS[1:]),
            r"\midrule",
            *(
                _amped(_marked(line, [tex_name(cell) for cell in cells(line)], _TEX))
                for line in lines
            ),
            r"\bottomrule",
            r"\end{tabular}",
            *([below] if below else []),
            r"\end{table*}",
            "",
        ]
    )


def _aside(notes: Sequence[str]) -> str:
    said = " ".join(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes)
    return rf"\par\smallskip\parbox{{\textwidth}}{{{tex(said)}}}" if said else ""


_MD = {"best": "**{}**", "second": "<ins>{}</ins>"}
_TEX = {"best": r"\firstgroup{{{}}}", "second": r"\secondgroup{{{}}}"}


def _marked(line: Against, written: list[str], marks: dict[str, str]) -> list[str]:
    written[PUBLISHED] = marks.get(line.published.mark, "{}").format(written[PUBLISHED])
    return written


def _amped(written: Sequence[str]) -> str:
    return amps(written[0], written[1:])


def csv_sheets(comparison: Comparison) -> str:
    """Write every published number, also those that nothing stands against, unrounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for line in comparison.found:
        record, row, score = line.published, line.row, line.score
        known = score is not None and score.value is not None
        writer.writerow(
            [
                *map(plain, (record.paper, record.table, record.part, record.dataset)),
                *map(plain, (record.title, record.metric)),
                record.better,
                record.printed,
                record.spread,
                record.mark,
                line.here,
                line.half,
                line.difference,
                line.in_halves,
                line.state,
                plain("; ".join(line.why)),
                plain(row.method if row else record.method),
                plain(row.dataset if row else record.on),
                plain(row.protocol if row else record.protocol),
                plain(score.metric if score else record.column),
                plain(score.identity if score and known else ""),
                score.n if score and known else "",
                row.budget if row else "",
                row.seed if row else "",
            ]
        )
    return out.getvalue()


def html_context(comparison: Comparison) -> dict[str, object]:
    """Return what the template `published.html` reads."""
    return {
        "comparison": comparison,
        "columns": COLUMNS,
        "numbers": NUMBERS,
        "marked": PUBLISHED,
        "cells": cells,
    }


def _notes(lines: Sequence[Against]) -> list[str]:
    """Say what may explain gaps: first of single lines, then what the paper leaves open."""
    by_reason: dict[str, list[str]] = {}
    for line in lines:
        for why in line.why:
            by_reason.setdefault(why, []).append(_who(line))
    everyone = {_who(line) for line in lines}
    notes = []
    for why, whose in by_reason.items():
        names = dict.fromkeys(whose)
        notes.append(f"{'all' if set(names) == everyone else ', '.join(names)}: {why}")
    measured = [line.published for line in lines if line.difference is not None]
    for paper in dict.fromkeys(record.paper for record in measured):
        if quirks := quirks_of(paper):
            notes.append(f"measured as in {paper}: {quirks}")
        notes += [f"left open by {paper}: {said}" for said in admissions("protocols", paper)]
    for on in dict.fromkeys(record.on for record in measured):
        notes += [f"of the faces of {on}: {said}" for said in admissions("datasets", on)]
    return notes


def _who(line: Against) -> str:
    record = line.published
    return f"{record.metric} of {record.title}" + (
        f" on {record.dataset}" if record.dataset else ""
    )


def _summary(found: Sequence[Against]) -> str:
    count = Counter(line.state for line in found)
    beside = count["agrees"] + count["differs"] + count["no interval"]
    said = (
        f"Of {len(found):,} published numbers {beside:,} stand beside one measured here the same "
        f"way: {count['agrees']:,} agree, {count['differs']:,} differ, {count['no interval']:,} "
        f"without an interval here. Measured under another protocol only: "
        f"{count['other protocol']:,}; without a value: {count['no value']:,}; not run: "
        f"{count['not run']:,}; without a counterpart here: {count['not comparable']:,}."
    )
    return said if beside else f"{said} `bench run --protocol PAPER` measures as a paper did."
