"""The figure of the critical resolution, for print and page: curves above, crossings below.

Everything shares one axis, so that a crossing lies under the place where its curve meets the level.
The same rows give the same bytes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from facesr.bench.errors import BenchError
from facesr.bench.score import Curve, Row
from facesr.bench.store import Results
from facesr.reports._curve_figure import paint
from facesr.reports._curve_parts import (
    LEVEL,
    NOT_RESTORED,
    PANELS,
    PLAIN,
    REFERENCE,
    Member,
    Plot,
)
from facesr.reports._families import place
from facesr.reports._figure import NONE, Absent, Drawing, Mark, file_name, marks
from facesr.reports._plots_lines import IN_COLOUR


def plots(results: Results, families: Mapping[str, str]) -> list[Plot]:
    """Gather the curves of critical resolution from rows, in alphabetical order.

    Args:
        results: Rows of any protocols.
        families: Families by method label.

    Raises:
        BenchError: If curves would stand in one figure that cannot be compared.
    """
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in results.rows:
        if parts(row.score.metric)[0] in (*PANELS, "critical_resolution"):
            grouped.setdefault((row.protocol, row.dataset), []).append(row)
    made = (_plot(where, rows, families) for where, rows in sorted(grouped.items()))
    return [plot for plot in made if plot is not None]


def drawings(results: Results, families: Mapping[str, str]) -> Iterator[Drawing | Absent]:
    """Yield a figure for each protocol and data set that has such curves, or why there is none.

    Args:
        results: Rows of any protocols.
        families: Families by method label.

    Raises:
        BenchError: If curves cannot be compared.
    """
    drawn = plots(results, families)
    if not drawn:
        yield Absent("critical resolution", "", NONE)
    for plot in drawn:
        caption = f"Critical resolution on {plot.dataset}. {' '.join(plot.caption)}"
        yield Drawing(file_name(plot.protocol, plot.dataset), caption, partial(paint, plot))


def parts(metric: str) -> tuple[str, str, str]:
    """Take a column's name apart: metric, embedder, and what it is besides.

    >>> parts("accuracy[arcface,input]"), parts("rank1[arcface]")
    (('accuracy', 'arcface', 'input'), ('rank1', 'arcface', ''))
    """
    name, _, rest = metric.partition("[")
    found = re.fullmatch(rf"(.*?)(?:,({REFERENCE}|{LEVEL}))?\]", rest)
    return (name, found[1], found[2] or "") if found else (name, "", "")


def _plot(where: tuple[str, str], rows: Sequence[Row], families: Mapping[str, str]) -> Plot | None:
    ways = {row.score.identity.partition("[")[2] for row in rows if isinstance(row.score, Curve)}
    if len(ways) > 1:
        raise BenchError(
            f"curves of {where[0]} on {where[1]} were measured in different ways and cannot stand "
            f"in one figure: {'; '.join(sorted(ways))}; score them again in one run"
        )
    known = marks({row.method: families.get(row.method, "") for row in rows})
    members: dict[str, Member] = {}
    levels: list[Curve] = []
    embedder = ""
    for row in rows:
        name, embedder, kind = parts(row.score.metric)
        if kind == LEVEL and isinstance(row.score, Curve):
            levels.append(row.score)
            continue
        key = "" if kind == REFERENCE else row.method
        member = members.setdefault(key, _member(key, known))
        if isinstance(row.score, Curve):
            member.curves[name] = row.score
        elif name == "critical_resolution":
            member.critical = row.score
    drawn = [key for key, member in members.items() if member.curves.keys() >= PANELS.keys()]
    if not levels or not drawn:
        return None
    order = sorted(drawn, key=lambda key: (key != "", _rank(members[key]), _place(key, families)))
    for key in order[IN_COLOUR + ("" in drawn) :]:
        members[key].strong = False
    return Plot(*where, embedder, [members[key] for key in order], levels[0])


def _member(method: str, known: Mapping[str, Mark]) -> Member:
    return Member(known[method] if method else Mark(NOT_RESTORED, PLAIN, ".", "-"))


def _rank(member: Member) -> float:
    return -sum(member.curves["accuracy"].y)


def _place(method: str, families: Mapping[str, str]) -> tuple[int, str]:
    return place(method, families.get(method, ""))
