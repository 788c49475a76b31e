"""Tables and scores on a terminal; without one, marks are signs and long lines stay whole."""

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facesr.bench.score import Score
from facesr.bench.store import Results
from facesr.reports._families import families
from facesr.reports._format import digits, half_width
from facesr.reports._layout import NOT_RUN, tables
from facesr.reports._sheets import COLUMNS, NUMBERS, PUBLISHED, Comparison, Sheet, cells
from facesr.reports._table import Cell, Line, Table
from facesr.reports._words import DAGGER, NOTHING, absent, explain, gaps, lost, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

WIDTH = 160
HEADS = ("metric", "value", "95 % interval", "n")


def terminal(results: Results) -> None:
    """Print every table, first group bold, second underlined."""
    console, plain = _console(), not sys.stdout.isatty()
    shown = tables(results.rows, results.failures, families(results))
    said: set[str] = set()
    for table in shown:
        console.print(_text(f"{table.title}, protocol {table.protocol}", "bold"))
        for chunk in table.chunks(_fitting(table, console.width)) if table.columns else []:
            console.print(_rich(table, chunk, plain))
            console.print()
        marked = any(cell.mark for line in table.lines for cell in line.cells)
        signs = ["Here bold is written *, underlined +."] if plain and marked else []
        about = [*explain(table), *signs, *_sentences([*absent(table), *gaps(table)])]
        once = [sentence for sentence in about if sentence not in said]
        for sentence in [*once, *_sentences(lost(table))]:
            _print(console, sentence, "dim")
        said.update(once)
        console.print()
    if not shown:
        console.print(NOTHING)


def terminal_scores(scores: Sequence[Score]) -> None:
    """Print the scores of one folder of images, what each is written below it."""
    console = _console()
    cells = [HEADS, *(_score_cells(score) for score in scores)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADS))]
    for line, score in zip(cells, [None, *scores], strict=True):
        numbers = [part.rjust(width) for part, width in zip(line[1:], widths[1:], strict=True)]
        text = "  ".join([line[0].ljust(widths[0]), *numbers]).rstrip()
        _print(console, text, "bold" if score is None else "")
        for below in _below(score) if score else []:
            _print(console, below, "dim", "  ")


def _console() -> "Console":
    """Take the width of the terminal, or of COLUMNS; wide where there is neither."""
    from rich.console import Console

    return Console(width=None if _measured() else WIDTH, highlight=False)


def _measured() -> bool:
    """Tell whether somebody said how wide lines may be."""
    return sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()


def _print(console: "Console", text: str, style: str, before: str = "") -> None:
    """Print a paragraph, folded where the width is known."""
    seen = visible(text)
    width = max(1, console.width - len(before))
    for line in folded(seen, width) if _measured() else [seen]:
        console.print(_text(before).append(_text(line, style)), soft_wrap=True)


def folded(text: str, width: int) -> list[str]:
    """Fold text after a space or a comma; what is longer than a line is cut.

    >>> folded("what it is: fid[size=64,n=1,000]", 12)
    ['what it is:', 'fid[size=64,', 'n=1,000]']
    """
    lines = [""]
    for piece in re.split(r"(?<= )|(?<=,)(?=[^\d\s])", text):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        line = lines.pop() + piece
        while len(line.rstrip()) > width:
            lines.append(line[:width])
            line = line[width:]
        lines.append(line)
    return [line.rstrip() for line in lines]


def _text(text: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(visible(text), style=style)


def _sentences(items: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{what}: {why}" for what, why in items]


def _score_cells(score: Score) -> tuple[str, ...]:
    head = visible(" ".join(part for part in (score.metric, score.unit) if part))
    if score.value is None:
        return head, "n/a", "", ""
    half = half_width(score.low, score.high)
    written = digits([score.value], [half] if half else [])
    value = " ".join(part for part in (written.text(score.value), written.factor) if part)
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f"{written.text(score.low)} to {written.text(score.high)}"
    return head, value, interval, f"{score.n:,}"


def _below(score: Score) -> list[str]:
    if score.value is None:
        return [score.note or NOT_RUN]
    way = f"interval: {score.interval}" if score.interval else ""
    return [part for part in (score.identity, way, score.note) if part]


def _fitting(table: Table, width: int) -> int:
    """Return how many columns fit beside the names."""
    bare = max(len(visible(line.method)) for line in table.lines)
    whole = max(len(visible(table.name(line))) for line in table.lines)
    names = max(bare, min(whole, width // 3))  # terms behind a name may fold
    widest = max(len(column.metric) for column in table.columns) + 4
    return max(1, (width - names) // widest)


def _rich(table: Table, chunk: Sequence[int], plain: bool) -> "RichTable":
    from rich.table import Table as RichTable

    shown = RichTable(box=None, pad_edge=False)
    shown.add_column("method")
    for column in (table.columns[i] for i in chunk):
        head = _text(f"{column.metric} {column.arrow}")
        if column.scale:
            head.append("\n").append(_text(column.scale))
        shown.add_column(head, justify="right", no_wrap=True)
    for line in table.lines:
        cells = [_rich_cell(line.cells[i], plain) for i in chunk]
        shown.add_row(_name(table, line), *cells)
    return shown


def _name(table: Table, line: Line) -> "Text":
    name, terms = _text(line.method), table.apart(line)
    return name.append(" ").append(_text(f"({terms})", "dim")) if terms else name


def _rich_cell(cell: Cell, plain: bool) -> "Text":
    known = cell.state in ("value", "partly")
    style = {1: "bold", 2: "underline"}.get(cell.mark, "" if known else "dim")
    sign = {1: "*", 2: "+"}.get(cell.mark, " ") if plain else ""
    return _text(cell.text + (DAGGER if cell.state == "partly" else sign), style)


def terminal_sheets(comparison: Comparison) -> None:
    """Print published numbers beside those measured here."""
    console, plain = _console(), not sys.stdout.isatty()
    _print(console, comparison.summary, "")
    for sheet in comparison.sheets:
        console.print()
        console.print(_text(sheet.title, "bold"))
        console.print(_rich_sheet(sheet, plain))
        for note in sheet.notes:
            _print(console, note, "dim")
    if comparison.words:
        signs = " Here bold is written *, underlined +." if plain else ""
        console.print()
        _print(console, comparison.words + signs, "dim")


def _rich_sheet(sheet: Sheet, plain: bool) -> "RichTable":
    from rich.table import Table as RichTable

    shown = RichTable(box=None, pad_edge=False)
    for i, name in enumerate(COLUMNS):
        shown.add_column(_text(name), justify="right" if i in NUMBERS else "left")
    for line in sheet.lines:
        written = [_text(cell) for cell in cells(line)]
        style, sign = {"best": ("bold", "*"), "second": ("underline", "+")}.get(
            line.published.mark, ("", " ")
        )
        written[PUBLISHED].stylize(style)
        written[PUBLISHED].append(sign if plain else "")
        shown.add_row(*written)
    return shown
