"""Recognition as curves: CMC and ROC, methods on common axes in one column's width."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from facesr.bench.score import Curve, Row
from facesr.bench.store import Results
from facesr.reports._figure import COLUMN, MARGIN, NONE, Absent, Drawing, Mark, Sheet, file_name
from facesr.reports._plots_lines import label_ends, label_room, line, rule, strongest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RULE_OF_30 = 30  # false matches that must stand behind a rate (Doddington's rule)
LAST_RANK = 50
_HEIGHT, _LEFT, _AXIS, _LEAST = 1.8, 0.5, 0.36, 1.6
_SLACK = 1e-6  # 0.003 * 10000 is a little less than 30


@dataclass(frozen=True)
class Kind:
    """A kind of curve.

    Args:
        name: What metrics and files call it.
        what: What it is, for titles.
        up: What runs upwards.
        across: What runs along the bottom.
        cut: Keeps the part of a curve that may be shown.
        why: Why nothing may be left of one.
        note: What was left out, for the caption.
    """

    name: str
    what: str
    up: str
    across: str
    cut: Callable[[Curve], Curve]
    why: str
    note: str


def cmc(results: Results, known: Mapping[str, Mark]) -> Iterator[Drawing | Absent]:
    """Yield one figure of the ranks 1 to 50 per protocol, data set and metric."""
    yield from _drawings(
        Kind(
            "cmc",
            "Identification",
            "rank-k identification rate, %",
            "rank k",
            lambda curve: _kept(curve, lambda rank: rank <= LAST_RANK),
            f"fewer than two ranks up to {LAST_RANK} were measured",
            "",
        ),
        results,
        known,
    )


def roc(results: Results, known: Mapping[str, Mark]) -> Iterator[Drawing | Absent]:
    """Yield one figure of verification per protocol, data set and metric."""
    few = f"{RULE_OF_30} false matches"
    yield from _drawings(
        Kind(
            "roc",
            "Verification",
            "true match rate, %",
            "false match rate",
            lambda curve: _kept(curve, lambda x: x * strangers(curve) >= RULE_OF_30 - _SLACK),
            f"fewer than two rates have {few} behind them, the least that a rate may rest on",
            f"Rates with fewer than {few} behind them are not drawn.",
        ),
        results,
        known,
    )


def strangers(curve: Curve) -> int:
    """Return how many pairs of two people a curve rests on, as its note says; else all its pairs.

    >>> strangers(Curve("roc", (), (), (), (), "", "higher", 9, "", note="2 of one, 1,007 of two"))
    1007
    """
    found = re.search(r"([\d,]+) of two\b", curve.note)
    return int(found[1].replace(",", "")) if found else curve.n


def _kept(curve: Curve, wanted: Callable[[float], bool]) -> Curve:
    kept = [i for i, x in enumerate(curve.x) if x > 0 and wanted(x)]
    x, y, low, high = (
        tuple(values[i] for i in kept) for values in (curve.x, curve.y, curve.low, curve.high)
    )
    return replace(curve, x=x, y=y, low=low, high=high)


def _drawings(
    kind: Kind, results: Results, known: Mapping[str, Mark]
) -> Iterator[Drawing | Absent]:
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for row in results.rows:
        if isinstance(row.score, Curve) and row.score.metric.partition("[")[0] == kind.name:
            grouped.setdefault((row.protocol, row.dataset, row.score.metric), []).append(row)
    if not grouped:
        yield Absent(kind.name, "", NONE)
    for (protocol, dataset, metric), rows in sorted(grouped.items()):
        of = f"{metric}, {protocol} on {dataset}"
        curves = {
            row.method: kind.cut(row.score)
            for row in sorted(rows, key=lambda row: list(known).index(row.method))
            if isinstance(row.score, Curve)
        }
        shown = {method: curve for method, curve in curves.items() if len(curve.x) > 1}
        if len({curve.identity for curve in curves.values()}) > 1:
            yield Absent(
                kind.name, of, "methods were measured in different ways, so they do not compare"
            )
        elif not shown:
            yield Absent(kind.name, of, kind.why)
        else:
            said = _caption(kind, list(shown.values()))
            title = _title(kind, dataset, next(iter(shown.values())))
            members = [(known[method], curve) for method, curve in shown.items()]
            yield Drawing(
                file_name(metric, protocol, dataset),
                f"{title}. {' '.join(said)}",
                partial(_paint, kind, title, metric, said, members),
            )


def _title(kind: Kind, dataset: str, curve: Curve) -> str:
    people = re.search(r"gallery of ([\d,]+)", curve.note)
    return f"{kind.what} on {dataset}" + (f", gallery of {people[1]}" if people else "")


def _caption(kind: Kind, curves: Sequence[Curve]) -> list[str]:
    first, counts = curves[0], sorted({curve.n for curve in curves})
    n = f"n = {counts[0]:,}" if len(counts) == 1 else f"n = {counts[0]:,} to {counts[-1]:,}"
    said = [f"{n}{f' ({first.note})' if first.note else ''}. Bands: 95 %, {first.interval}."]
    if kind.note:
        said.append(kind.note)
    if not all(strong := strongest(curves)):
        said.append(f"In colour: the {sum(strong)} methods that are best on average.")
    return said


def _paint(
    kind: Kind, title: str, metric: str, said: Sequence[str], members: Sequence[tuple[Mark, Curve]]
) -> "Figure":
    curves = [curve for _, curve in members]
    strong = strongest(curves)
    named = [member for member, yes in zip(members, strong, strict=True) if yes]
    room = label_room([mark for mark, _ in named])
    width = max(COLUMN, _LEFT + _LEAST + room + MARGIN)
    wide = width - _LEFT - room - MARGIN
    sheet = Sheet(width, _HEIGHT + _AXIS, title, metric, said)
    axes = sheet.axes(_LEFT, 0, wide, _HEIGHT)
    _axis(axes, [x for curve in curves for x in curve.x])
    axes.set_xlabel(kind.across, labelpad=2)
    axes.set_ylabel(f"{kind.up} \N{RIGHTWARDS ARROW}", labelpad=2)
    for (mark, curve), yes in reversed(list(zip(members, strong, strict=True))):
        line(axes, mark, curve, yes)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -2.0), min(high, 102.0))
    label_ends(axes, [(mark, curve.x[-1], curve.y[-1]) for mark, curve in named], wide, _HEIGHT)
    return sheet.figure


def _axis(axes: "Axes", places: Sequence[float]) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    low, high = min(places), max(places)
    room = (high / low) ** 0.03
    axes.set_xlim(low / room, high * room)
    ticks = sorted(set(places)) if len(set(places)) <= 8 else [low, (low * high) ** 0.5, high]
    axes.set_xticks(ticks, [f"{x:.3g}" for x in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    rule(axes)
