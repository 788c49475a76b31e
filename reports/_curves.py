"""The figure of the critical resolution, for print and page: curves above, crossings below.

Everything shares one axis, so that a crossing lies under the place where its curve meets the level.
The same rows give the same bytes.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from facesr.bench.errors import BenchError
from facesr.bench.score import Curve, Row
from facesr.bench.store import Results, folder_name
from facesr.reports._curve_figure import save
from facesr.reports._curve_parts import (
    DASHES,
    IN_COLOUR,
    LEVEL,
    MARKERS,
    NOT_RESTORED,
    PANELS,
    PLAIN,
    REFERENCE,
    Member,
    Plot,
    colours,
)
from facesr.reports._families import families as installed_families
from facesr.reports._families import place
from facesr.reports._view import look
from facesr.reports._words import visible

FORMATS = ("png", "svg")


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
        if _parts(row.score.metric)[0] in (*PANELS, "critical_resolution"):
            grouped.setdefault((row.protocol, row.dataset), []).append(row)
    made = (_plot(where, rows, families) for where, rows in sorted(grouped.items()))
    return [plot for plot in made if plot is not None]


def write_curves(
    results: Results, out: Path, families: Mapping[str, str] | None = None
) -> list[Path]:
    """Write a PNG and an SVG for each protocol and data set that has such curves.

    Args:
        results: Rows, as `Store.results` reads them from a run folder.
        out: Folder to write to, made if absent.
        families: Families by method label; looked up among the installed methods if left out.

    Returns:
        The files; none if there are no curves.

    Raises:
        BenchError: If matplotlib is absent, or curves cannot be compared.
    """
    drawings = plots(results, installed_families(results) if families is None else families)
    if drawings and find_spec("matplotlib") is None:
        raise BenchError("figures need the package matplotlib: pip install matplotlib")
    paths = []
    for plot in drawings:
        for form in FORMATS:
            name = f"{folder_name(plot.protocol)}-{folder_name(plot.dataset)}.{form}"
            paths.append(out / name)
            save(plot, paths[-1], form)
    return paths


def _parts(metric: str) -> tuple[str, str, str]:
    """Take a column's name apart: metric, embedder, and what it is besides.

    >>> _parts("accuracy[arcface,input]"), _parts("rank1[arcface]")
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
    members: dict[str, Member] = {}
    levels: list[Curve] = []
    embedder = ""
    for row in rows:
        name, embedder, kind = _parts(row.score.metric)
        if kind == LEVEL and isinstance(row.score, Curve):
            levels.append(row.score)
            continue
        key = "" if kind == REFERENCE else row.method
        member = members.setdefault(key, _member(key, families))
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


def _member(method: str, families: Mapping[str, str]) -> Member:
    if not method:
        return Member(NOT_RESTORED, PLAIN, ".", "-")
    style = look(method, families.get(method, ""))
    marker, dash = MARKERS[style.shape], DASHES[style.shape]
    return Member(visible(method), colours()[style.family], marker, dash)


def _rank(member: Member) -> float:
    return -sum(member.curves["accuracy"].y)


def _place(method: str, families: Mapping[str, str]) -> tuple[int, str]:
    return place(method, families.get(method, ""))
