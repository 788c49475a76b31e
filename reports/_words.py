"""What stands around a table in every rendering: what its marks mean, what it does not hold."""

import unicodedata

from facesr.reports._table import Line, Table

NOTHING = "No rows: nothing was scored in this run folder."
DAGGER = "\N{DAGGER}"


def explain(table: Table) -> list[str]:
    """Say in sentences what the marks, numbers and intervals of a table are."""
    sentences = []
    if any(not column.untested for column in table.columns):
        sentences.append(
            "Bold: not separable from the best (paired tests, Holm's correction over all pairs of "
            "a column, 5 %). Underlined: second group, by the same rule after removing the first."
        )
    if ties := _ties(table):
        sentences.append(f"Differences below these count as ties: {ties}.")
    for column in table.columns:
        if column.untested:
            sentences.append(f"{column.metric} is not marked: {column.untested}.")
    counts = {column.n for column in table.columns}
    if counts:
        parts = [f"{c.metric} {c.n:,}" for c in table.columns]
        sentences.append(
            f"n = {counts.pop():,}." if len(counts) == 1 else f"n: {', '.join(parts)}."
        )
    kinds: dict[str, list[str]] = {}
    for column in table.columns:
        if column.half:
            kinds.setdefault(column.interval or "no stated way", []).append(column.metric)
    if kinds:
        ways = [kind if len(kinds) == 1 else f"{', '.join(m)}: {kind}" for kind, m in kinds.items()]
        sentences.append(f"95 % intervals: {'; '.join(ways)}.")
    if any(cell.state == "partly" for line in table.lines for cell in line.cells):
        sentences.append(f"{DAGGER} part of the pictures or people only, not marked.")
    if table.terms:
        sentences.append(f"Budget: {'; '.join(table.terms)}.")
    if table.partial:
        sentences.append(f"Partial: {table.partial}.")
    return sentences + [first_look(limit) for limit in table.limits]


def _ties(table: Table) -> str:
    """List the smallest differences that are called real, of the columns that are tested."""
    found = []
    for i, column in enumerate(table.columns):
        scores = [line.cells[i].score for line in table.lines]
        smallest = max((score.smallest for score in scores if score), default=0.0)
        if smallest and not column.untested:
            found.append(f"{column.metric} {smallest:g}{f' {column.unit}' if column.unit else ''}")
    return ", ".join(found)


def first_look(limit: int, dataset: str = "") -> str:
    """Say what numbers from part of a data set are not."""
    of = f" of {dataset}" if dataset else ""
    return (
        f"A first look: at most {limit:,} faces per half{of} were used; these numbers are not "
        "those of the data set."
    )


def remarks(table: Table) -> list[tuple[str, str]]:
    """List what is not in the table: metrics, methods and cells, with reasons."""
    return [*absent(table), *lost(table), *gaps(table)]


def lost(table: Table) -> list[tuple[str, str]]:
    """List the methods that were skipped or failed, with reasons."""
    return [(_fate(line), line.lost.reason) for line in table.lines if line.lost]


def absent(table: Table) -> list[tuple[str, str]]:
    """List the metrics that nobody has, those with one reason together."""
    by_reason: dict[str, list[str]] = {}
    for metric, reason in table.absent:
        by_reason.setdefault(reason, []).append(metric)
    return [(", ".join(metrics), reason) for reason, metrics in by_reason.items()]


def gaps(table: Table) -> list[tuple[str, str]]:
    """List single cells without a number, with reasons."""
    return [
        (f"{table.columns[i].metric} of {line.method}", cell.reason)
        for line in table.lines
        for i, cell in enumerate(line.cells)
        if cell.state == "missing"
    ]


def visible(text: str, keep: str = "") -> str:
    r"""Spell out characters that cannot be seen: they could steer a terminal or hide in a name.

    Args:
        text: Any text, such as a name that came from a folder.
        keep: Characters that stay as they are.

    >>> visible("a\x1b[2Jb"), visible("face, 64 px"), visible("a\n", keep="\n")
    ('a\\x1b[2Jb', 'face, 64 px', 'a\n')
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign in keep or not _unseen(sign) else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def _unseen(sign: str) -> bool:
    """Tell controls, direction marks, lone surrogates, line and paragraph separators."""
    category = unicodedata.category(sign)
    return category.startswith("C") or category in ("Zl", "Zp")


def _fate(line: Line) -> str:
    return f"{line.method} {'skipped' if line.lost and line.lost.state == 'skipped' else 'failed'}"
