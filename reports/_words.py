"""What stands around a table in every rendering: what its marks mean, what it does not hold."""

from facesr.reports._table import Table

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
        sentences.append(f"{DAGGER} part of the pictures only, not marked.")
    if table.budgets:
        sentences.append(f"Budget: {', '.join(table.budgets)}.")
    return sentences


def remarks(table: Table) -> list[tuple[str, str]]:
    """List what is not in the table: metrics, methods and cells, with reasons."""
    lost = [(line.method, line.lost.reason) for line in table.lines if line.lost]
    return [*absent(table), *lost, *gaps(table)]


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
