"""Rows to tables: who stands where, which numbers may be compared, how they are rounded."""

from collections.abc import Mapping, Sequence
from statistics import median

from facesr.bench.errors import BenchError
from facesr.bench.score import Failure, Row, Score
from facesr.reports._conditions import changed_of, inputs_of, limit_of, partial_of
from facesr.reports._families import place as family_place
from facesr.reports._format import digits, half_width
from facesr.reports._ranks import Tests, standings, why_untested
from facesr.reports._table import Cell, Column, Line, Table

GROUPS = ("fidelity", "realism", "detection", "identity", "cost")
NOT_RUN = "not measured for this method"


def tables(
    rows: Sequence[Row],
    failures: Sequence[Failure] = (),
    families: Mapping[str, str] | None = None,
    tests: Tests | None = None,
) -> list[Table]:
    """Lay rows out, one table per protocol and data set, in alphabetical order.

    Args:
        rows: Numbers; curves are passed over.
        failures: Cells without numbers.
        families: Families by method label; decides the order of lines.
        tests: Where the p-values of pairs come from; paired tests of samples if left out.

    Raises:
        BenchError: If one column would hold two identities of a metric, one cell two numbers, or
            one table methods that were tested on different faces.
    """
    places = {(r.protocol, r.dataset) for r in rows} | {(f.protocol, f.dataset) for f in failures}
    return [
        _table(
            place,
            [row for row in rows if (row.protocol, row.dataset) == place],
            [f for f in failures if (f.protocol, f.dataset) == place],
            families or {},
            tests,
        )
        for place in sorted(places)
    ]


def _table(
    place: tuple[str, str],
    rows: list[Row],
    failures: list[Failure],
    families: Mapping[str, str],
    tests: Tests | None,
) -> Table:
    lost = {failure.method: failure for failure in failures}
    rows = [row for row in rows if row.method not in lost]
    scores = _by_metric(rows, place)
    _refuse_mixed_inputs(rows, place)
    conditions = {row.method: row for row in rows}
    methods = sorted(
        conditions.keys() | lost.keys(), key=lambda m: family_place(m, families.get(m, ""))
    )
    measured = {
        metric: {m: s for m, s in column.items() if s.value is not None}
        for metric, column in scores.items()
    }
    order = sorted((m for m in scores if measured[m]), key=lambda m: _group_order(scores[m]))
    built = [_column(metric, scores[metric], measured[metric], place, tests) for metric in order]
    lines = tuple(
        _line(
            method,
            families.get(method, ""),
            tuple(_cell(method, cells, lost) for _, cells in built),
            conditions.get(method),
            lost.get(method),
        )
        for method in methods
    )
    absent = tuple(
        (metric, next((s.note for s in column.values() if s.note), NOT_RUN))
        for metric, column in scores.items()
        if not measured[metric]
    )
    lacks = dict.fromkeys(filter(None, map(partial_of, conditions.values())))
    columns = tuple(column for column, _ in built)
    return Table(*place, columns, lines, absent, "; ".join(lacks))


def _refuse_mixed_inputs(rows: Sequence[Row], place: tuple[str, str]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if given := inputs_of(row):
            seen.setdefault(given, row.method)
    if len(seen) > 1:
        first, second = sorted(seen.values())[:2]
        raise BenchError(
            f"{first} and {second} were tested on different faces under the name {place[1]}, "
            f"protocol {place[0]}; run them again together, or report them from separate run "
            "folders"
        )


def _line(
    method: str, family: str, cells: tuple[Cell, ...], row: Row | None, lost: Failure | None
) -> Line:
    if row is None:
        return Line(method, family, cells, lost=_lost(lost) if lost else None)
    return Line(method, family, cells, row.budget, row.seed, changed_of(row), limit_of(row))


def _by_metric(rows: Sequence[Row], place: tuple[str, str]) -> dict[str, dict[str, Score]]:
    scores: dict[str, dict[str, Score]] = {}
    for row in rows:
        if isinstance(row.score, Score):
            column = scores.setdefault(row.score.metric, {})
            if row.method in column:
                raise BenchError(
                    f"{row.method} has two numbers for {row.score.metric} on {place[1]} under "
                    f"{place[0]}, expected one; report the runs one by one"
                )
            column[row.method] = row.score
    return scores


def _column(
    metric: str,
    given: Mapping[str, Score],
    known: Mapping[str, Score],
    place: tuple[str, str],
    tests: Tests | None,
) -> tuple[Column, dict[str, Cell]]:
    """Build a column and its cells; `known` are those of `given` that have a value."""
    identities = {score.identity: method for method, score in known.items()}
    if len(identities) > 1:
        (one, first), (two, second) = sorted(identities.items())[:2]
        raise BenchError(
            f"{metric} on {place[1]} under {place[0]} was measured in two ways: {one} for {first} "
            f"and {two} for {second}; a column takes one, so score them again the same way"
        )
    widths = [h for s in known.values() if (h := half_width(s.low, s.high)) is not None]
    shown = digits([s.value for s in known.values() if s.value is not None], widths)
    most = max(score.n for score in known.values())
    whole = {method: score for method, score in known.items() if score.n == most}
    longest = max(len(score.samples) for score in whole.values())
    testable = {m: s for m, s in whole.items() if s.sampling == "none" or len(s.samples) == longest}
    untested = why_untested(testable, tests)
    if len(testable) < 2 <= len(known):
        noun = "people" if any(s.sampling == "person" for s in known.values()) else "pictures"
        untested = f"the methods rest on different numbers of {noun}, so no paired test"
    stands = {} if untested else standings(testable, tests)
    cells = {
        method: Cell("missing", "n/a", score.note or NOT_RUN, score)
        if score.value is None
        else Cell(
            "value" if method in whole else "partly",
            shown.text(score.value),
            score.note,
            score,
            stands.get(method),
        )
        for method, score in given.items()
    }
    some = next(iter(known.values()))
    column = Column(
        metric,
        some.identity,
        some.unit,
        some.better,
        some.group,
        most,
        next((s.interval for s in known.values() if s.interval), ""),
        shown,
        shown.text(median(widths)) if widths else "",
        untested,
    )
    return column, cells


def _cell(method: str, cells: Mapping[str, Cell], lost: Mapping[str, Failure]) -> Cell:
    if method in lost:
        return _lost(lost[method])
    return cells.get(method, Cell("missing", "n/a", NOT_RUN))


def _lost(failure: Failure) -> Cell:
    if failure.kind == "skip":
        return Cell("skipped", "skip", failure.reason)
    return Cell("failed", "fail", failure.reason)


def _group_order(column: Mapping[str, Score]) -> int:
    return GROUPS.index(next(iter(column.values())).group)
