"""Rows to tables: markdown, CSV, LaTeX and the terminal.

All of them, and the HTML page, read the same `Table`, so a number cannot be rounded two ways and a
mark cannot differ.
"""

import csv
import io
from collections.abc import Sequence

from facesr.bench.score import Score
from facesr.reports._escape import bars, md, plain
from facesr.reports._latex import latex
from facesr.reports._layout import tables
from facesr.reports._table import Cell, Column, Line, Table
from facesr.reports._terminal import terminal, terminal_scores
from facesr.reports._words import DAGGER, NOTHING, explain, remarks

__all__ = [
    "Cell",
    "Column",
    "Line",
    "Table",
    "comma_separated",
    "latex",
    "markdown",
    "tables",
    "terminal",
    "terminal_scores",
]
CSV_HEADER = (
    "method",
    "dataset",
    "protocol",
    "metric",
    "identity",
    "unit",
    "better",
    "value",
    "low",
    "high",
    "n",
    "shown",
    "status",
    "group",
    "rank_best",
    "rank_worst",
    "reason",
    "interval",
    "budget",
    "seed",
    "changed",
    "limit",
    "partial",
)
MARKDOWN_COLUMNS = 7


def markdown(tables: Sequence[Table], intervals: bool = False) -> str:
    """Write tables for GitHub: the first group bold, the second underlined.

    Args:
        tables: What to write.
        intervals: Whether each number is followed by the half-width of its interval.
    """
    if not tables:
        return NOTHING + "\n"
    return "\n".join(_markdown(table, intervals) for table in tables)


def _markdown(table: Table, intervals: bool) -> str:
    lines = [f"## {md(table.title)}, protocol {md(table.protocol)}", ""]
    for chunk in table.chunks(MARKDOWN_COLUMNS) if table.columns else []:
        columns = [table.columns[i] for i in chunk]
        lines.append(bars(["method", *(md(_head(column)) for column in columns)]))
        lines.append(bars(["---", *("--:" for _ in columns)]))
        for line in table.lines:
            cells = [_md_cell(line.cells[i], intervals, table.columns[i]) for i in chunk]
            lines.append(bars([md(table.name(line)), *cells]))
        if any(column.half for column in columns) and not intervals:
            lines.append(bars(["*median half-width*", *(column.half for column in columns)]))
        lines.append("")
    if words := explain(table):
        lines += [md(" ".join(words)), ""]
    if notes := remarks(table):
        lines += [f"- {md(what)}: {md(why)}" for what, why in notes] + [""]
    return "\n".join(lines)


def _head(column: Column) -> str:
    return " ".join(part for part in (column.metric, column.scale, column.arrow) if part)


def _md_cell(cell: Cell, intervals: bool, column: Column) -> str:
    text = md(cell.text + DAGGER if cell.state == "partly" else cell.text)
    text = {1: f"**{text}**", 2: f"<ins>{text}</ins>"}.get(cell.mark, text)
    return f"{text} ± {half}" if intervals and (half := column.spread(cell)) else text


def comma_separated(tables: Sequence[Table]) -> str:
    """Write one line per method, data set and metric, numbers unrounded beside the shown text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for table in tables:
        for line in table.lines:
            for column, cell in zip(table.columns, line.cells, strict=True):
                writer.writerow(_csv_line(table, line, column.metric, column, cell))
            for metric, reason in table.absent:
                gap = line.lost or Cell("missing", "n/a", reason)
                writer.writerow(_csv_line(table, line, metric, None, gap))
            if line.lost and not table.columns and not table.absent:
                writer.writerow(_csv_line(table, line, "", None, line.lost))
    return out.getvalue()


def _csv_line(
    table: Table, line: Line, metric: str, column: Column | None, cell: Cell
) -> list[object]:
    score = cell.score or Score(metric, None, "lower", 0, "")
    known = score.value is not None
    return [
        plain(line.method),
        plain(table.dataset),
        plain(table.protocol),
        plain(metric),
        plain(column.identity if column else ""),
        plain(column.unit if column else ""),
        column.better if column else "",
        score.value,
        score.low,
        score.high,
        score.n if known else "",
        cell.text if known else "",
        cell.state,
        {1: "first", 2: "second"}.get(cell.mark, ""),
        cell.standing.best if cell.standing else "",
        cell.standing.worst if cell.standing else "",
        plain(cell.reason),
        plain(score.interval),
        line.budget,
        line.seed,
        plain(", ".join(line.changed)),
        line.limit,
        plain(table.partial),
    ]
