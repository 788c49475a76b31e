"""Rows to tables: markdown, CSV, LaTeX and the terminal.

All of them, and the HTML page, read the same `Table`, so a number cannot be rounded two ways and a
mark cannot differ.
"""

import csv
import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facesr.bench.score import Score
from facesr.bench.store import Results
from facesr.reports._families import families
from facesr.reports._format import digits, half_width
from facesr.reports._latex import latex
from facesr.reports._table import NOT_RUN, Cell, Column, Line, Table, tables
from facesr.reports._words import DAGGER, NOTHING, explain, remarks

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

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
)
MARKDOWN_COLUMNS = 7


def markdown(tables: Sequence[Table]) -> str:
    """Write tables for GitHub: the first group bold, the second underlined."""
    if not tables:
        return NOTHING + "\n"
    return "\n".join(_markdown(table) for table in tables)


def _markdown(table: Table) -> str:
    lines = [f"## {_md(table.dataset)}, protocol {_md(table.protocol)}", ""]
    for chunk in table.chunks(MARKDOWN_COLUMNS) if table.columns else []:
        columns = [table.columns[i] for i in chunk]
        lines.append(_bars(["method", *(_md(_head(column)) for column in columns)]))
        lines.append(_bars(["---", *("--:" for _ in columns)]))
        for line in table.lines:
            cells = [_md_cell(line.cells[i]) for i in chunk]
            lines.append(_bars([_md(table.name(line)), *cells]))
        if any(column.half for column in columns):
            lines.append(_bars(["*median half-width*", *(column.half for column in columns)]))
        lines.append("")
    lines += [_md(" ".join(explain(table))), ""]
    if notes := remarks(table):
        lines += [f"- {_md(what)}: {_md(why)}" for what, why in notes] + [""]
    return "\n".join(lines)


def _head(column: Column) -> str:
    return " ".join(part for part in (column.metric, column.scale, column.arrow) if part)


def _bars(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _md(text: str) -> str:
    r"""Escape what markdown would read as markup.

    >>> print(_md("a|b <script> x_y [1](u)"))
    a\|b &lt;script&gt; x\_y [1]\(u)
    """
    text = " ".join(text.split())
    for sign in "\\`*_|":
        text = text.replace(sign, f"\\{sign}")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("](", "]\\(")


def _md_cell(cell: Cell) -> str:
    text = cell.text + DAGGER if cell.state == "partly" else cell.text
    return {1: f"**{text}**", 2: f"<ins>{text}</ins>"}.get(cell.mark, text)


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
        _plain(line.method),
        _plain(table.dataset),
        _plain(table.protocol),
        _plain(metric),
        _plain(column.identity if column else ""),
        _plain(column.unit if column else ""),
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
        _plain(cell.reason),
        _plain(score.interval),
        line.budget,
        line.seed,
    ]


def _plain(text: str) -> str:
    """Keep a spreadsheet from running text as a formula.

    >>> _plain("=1+1"), _plain("psnr")
    ("'=1+1", 'psnr')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def terminal(results: Results) -> None:
    """Print every table, first group bold, second underlined."""
    from rich.console import Console
    from rich.text import Text

    plain = not sys.stdout.isatty()
    console = Console(width=160 if plain else None)
    shown = tables(results.rows, results.failures, families(results))
    said: set[str] = set()
    for table in shown:
        console.print(Text(f"{table.dataset}, protocol {table.protocol}", style="bold"))
        for chunk in table.chunks(_fitting(table, console.width)) if table.columns else []:
            console.print(_rich(table, chunk, plain))
            console.print()
        about = explain(table) + (["Here bold is written *, underlined +."] if plain else [])
        for sentence in [*about, *(f"{what}: {why}" for what, why in remarks(table))]:
            if sentence not in said:
                console.print(Text(sentence, style="dim"), soft_wrap=True)
                said.add(sentence)
        console.print()
    if not shown:
        console.print(NOTHING)


def terminal_scores(scores: Sequence[Score]) -> None:
    """Print the scores of one folder of images, each with its interval and identity."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False)
    for head in ("metric", "value", "95 % interval", "n", "identity"):
        shown.add_column(head, justify="left" if head in ("metric", "identity") else "right")
    for score in scores:
        head = " ".join(part for part in (score.metric, score.unit) if part)
        if score.value is None:
            shown.add_row(Text(head), "n/a", "", "", Text(score.note or NOT_RUN))
            continue
        half = half_width(score.low, score.high)
        written = digits([score.value], [half] if half else [])
        interval = ""
        if score.low is not None and score.high is not None:
            interval = f"{written.text(score.low)} to {written.text(score.high)}"
        value = " ".join(part for part in (written.text(score.value), written.factor) if part)
        shown.add_row(Text(head), value, interval, f"{score.n:,}", Text(score.identity))
    Console(width=None if sys.stdout.isatty() else 160).print(shown)


def _fitting(table: Table, width: int) -> int:
    """Return how many columns fit beside the names."""
    names = max(len(table.name(line)) for line in table.lines)
    widest = max(len(column.metric) for column in table.columns) + 4
    return max(1, (width - names) // widest)


def _rich(table: Table, chunk: Sequence[int], plain: bool) -> "RichTable":
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False)
    shown.add_column("method")
    for column in (table.columns[i] for i in chunk):
        head = f"{column.metric} {column.arrow}" + (f"\n{column.scale}" if column.scale else "")
        shown.add_column(Text(head), justify="right", no_wrap=True)
    for line in table.lines:
        cells = [_rich_cell(line.cells[i], plain) for i in chunk]
        shown.add_row(Text(table.name(line)), *cells)
    return shown


def _rich_cell(cell: Cell, plain: bool) -> "RichText":
    from rich.text import Text

    known = cell.state in ("value", "partly")
    style = {1: "bold", 2: "underline"}.get(cell.mark, "" if known else "dim")
    sign = {1: "*", 2: "+"}.get(cell.mark, " ") if plain else ""
    return Text(cell.text + (DAGGER if cell.state == "partly" else sign), style=style)
