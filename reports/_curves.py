"""The figure of the critical resolution, for print and page: curves above, crossings below.

Everything shares one axis, so that a crossing lies under the place where its curve meets the level.
The same rows give the same bytes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench.errors import BenchError
from facesr.bench.files import write_whole
from facesr.bench.score import Curve, Row, Score
from facesr.bench.store import Results, folder_name
from facesr.reports._families import families as installed_families
from facesr.reports._families import place
from facesr.reports._view import look
from facesr.reports._words import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REFERENCE, LEVEL = "input", "level"  # how columns call the reduced faces, and what is to be kept
NOT_RESTORED = "input, not restored"
IN_COLOUR = 6
FORMATS = ("png", "svg")
WIDTH, PANEL, ROW = 3.3, 1.7, 0.18  # inches: of a panel, and of one line below them
_LEFT, _TOP, _FOOT, _GAP, _LETTER = 0.68, 0.46, 0.84, 0.08, 0.062
_PANELS = {"cosine": "matching score\n(mean cosine)", "accuracy": "verification\naccuracy"}
_MARKERS = {"circle": "o", "square": "s", "diamond": "D", "up": "^", "down": "v", "plus": "P"}
_DASHES: Mapping[str, Any] = {
    "circle": "-",
    "square": (0, (6, 2)),
    "diamond": (0, (2, 2)),
    "up": (0, (6, 2, 2, 2)),
    "down": (0, (1, 2)),
    "plus": (0, (8, 3, 2, 3)),
}
_INK, _SOFT, _PLAIN, _GREY, _PAPER = "#1d1b20", "#5b5762", "#87838f", "#b9b6ae", "#ffffff"
_TEXT = 8.0
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": _TEXT,
    "axes.edgecolor": _SOFT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "facesr",
}


@dataclass
class Member:
    """What one method, or the reduced faces themselves, has to show.

    Args:
        title: What is written beside it.
        colour: As everywhere in a report.
        marker: As everywhere in a report.
        dash: Follows from the marker.
        strong: Whether it is drawn in colour and labelled.
        curves: By metric.
        critical: Where its accuracy crosses the level.
    """

    title: str
    colour: str
    marker: str
    dash: Any
    strong: bool = True
    curves: dict[str, Curve] = field(default_factory=dict)
    critical: Score | None = None


@dataclass
class Plot:
    """One protocol on one data set.

    Args:
        protocol: Label of the protocol.
        dataset: Label of the data set.
        embedder: Who recognises faces.
        members: The reduced faces first, then methods, best first.
        level: The accuracy that is to be kept.
    """

    protocol: str
    dataset: str
    embedder: str
    members: list[Member]
    level: Curve

    @property
    def side(self) -> tuple[float, float]:
        """The least and the largest resolution."""
        return self.level.x[0], self.level.x[-1]


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
        if _parts(row.score.metric)[0] in (*_PANELS, "critical_resolution"):
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
            _save(plot, paths[-1], form)
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
    drawn = [key for key, member in members.items() if member.curves.keys() >= _PANELS.keys()]
    if not levels or not drawn:
        return None
    order = sorted(drawn, key=lambda key: (key != "", _rank(members[key]), _place(key, families)))
    for key in order[IN_COLOUR + ("" in drawn) :]:
        members[key].strong = False
    return Plot(*where, embedder, [members[key] for key in order], levels[0])


def _member(method: str, families: Mapping[str, str]) -> Member:
    if not method:
        return Member(NOT_RESTORED, _PLAIN, ".", "-")
    style = look(method, families.get(method, ""))
    marker, dash = _MARKERS[style.shape], _DASHES[style.shape]
    return Member(visible(method), _colours()[style.family], marker, dash)


def _rank(member: Member) -> float:
    return -sum(member.curves["accuracy"].y)


def _place(method: str, families: Mapping[str, str]) -> tuple[int, str]:
    return place(method, families.get(method, ""))


@cache
def _colours() -> dict[str, str]:
    """Read the colours of families where the page has them, so that there is one list."""
    css = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([a-z]+): light-dark\((#[0-9a-f]{6}),", css))


def _save(plot: Plot, path: Path, form: str) -> None:
    from matplotlib import rc_context

    nothing: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    with rc_context(_STYLE):
        drawn = _figure(plot)
        write_whole(
            path,
            lambda file: drawn.savefig(file, format=form, dpi=200, metadata=nothing[form]),
        )


def _figure(plot: Plot) -> "Figure":
    from matplotlib.figure import Figure

    names = max(len(_crossing(member, plot)) for member in plot.members)
    width = _LEFT + WIDTH + 0.2 + names * _LETTER
    talls = (ROW * len(plot.members) + 0.1, PANEL, PANEL)
    height = _TOP + sum(talls) + _GAP * len(talls) + _FOOT
    drawn = Figure(figsize=(width, height), facecolor=_PAPER)
    bottom, panels = _FOOT, []
    for tall in talls:
        box = (_LEFT / width, bottom / height, WIDTH / width, tall / height)
        panels.append(drawn.add_axes(box))
        _axis(panels[-1], plot, numbered=len(panels) == 1)
        bottom += tall + _GAP
    _forest(panels[0], plot)
    _lines(panels[1], plot, "accuracy")
    _level(panels[1], plot)
    _lines(panels[2], plot, "cosine")
    for text, down, size, colour in (
        (f"Identity over the resolution of the input: {plot.dataset}", 0.1, 9, _INK),
        (f"recognised by {plot.embedder}; {plot.level.n:,} faces", 0.27, 7, _SOFT),
        (_caption(plot), height - _FOOT + 0.42, 6.3, _SOFT),
    ):
        text = visible(text, keep="\n")
        drawn.text(0.1 / width, 1 - down / height, text, va="top", size=size, color=colour)
    return drawn


def _caption(plot: Plot) -> str:
    said = [
        f"Dotted level: {plot.level.y[0]:.3f}, {plot.level.note}. Below: where it is crossed.",
        f"Bands and bars: 95 %, {plot.level.interval}.",
    ]
    if not all(member.strong for member in plot.members):
        said.append(f"In colour: the {IN_COLOUR} methods of highest mean accuracy.")
    return "\n".join(said)


def _axis(axes: "Axes", plot: Plot, numbered: bool) -> None:
    from matplotlib.ticker import NullLocator

    low, high = plot.side
    ticks = plot.members[0].curves["accuracy"].x
    axes.set_xscale("log", base=2)
    axes.set_xlim(low / 1.07, high * 1.07)
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks] if numbered else [""] * len(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(length=2.5 if numbered else 0, width=0.6)
    axes.grid(axis="x", color="#eceae5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_label_coords(-0.115, 0.5)
    if numbered:
        axes.set_xlabel(plot.level.x_label, color=_INK, labelpad=2)


def _lines(axes: "Axes", plot: Plot, metric: str) -> None:
    axes.set_ylabel(f"{_PANELS[metric]} \N{RIGHTWARDS ARROW}", color=_INK, size=7.5)
    axes.grid(axis="y", color="#eceae5", linewidth=0.6)
    for member in reversed(plot.members):
        curve, colour = member.curves[metric], member.colour if member.strong else _GREY
        rank = 3 if member.strong else 2
        if member.strong:
            axes.fill_between(
                curve.x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0, zorder=rank
            )
        axes.plot(
            curve.x,
            curve.y,
            color=colour,
            linestyle=member.dash,
            linewidth=1.4 if member.strong else 0.7,
            marker=member.marker if member.strong else "",
            markersize=4,
            markeredgecolor=_PAPER,
            markeredgewidth=0.6,
            zorder=rank + 1,
        )
    _labels(axes, [member for member in plot.members if member.strong], metric)


def _labels(axes: "Axes", members: Sequence[Member], metric: str) -> None:
    """Write names beside the ends of lines, moved apart, with a hair from each end to its name."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    step = (high - low) * 0.155 / PANEL
    ends = [member.curves[metric].y[-1] for member in members]
    heights = apart(ends, step, low, high)
    right = axes.get_xlim()[1]
    for member, end, height in zip(members, ends, heights, strict=True):
        axes.annotate(
            member.title,
            xy=(member.curves[metric].x[-1], end),
            xytext=(right * 1.09, height),
            va="center",
            color=member.colour,
            size=7.5,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": member.colour,
                "linewidth": 0.4,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 4,
            },
        )


def apart(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Move heights to at least `step` from each other, keeping their order and inside a range.

    >>> apart([0.9, 0.91, 0.2], 0.1, 0.0, 1.0)
    [0.9, 1.0, 0.2]
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], -i))
    placed = dict.fromkeys(order, low)
    floor = low
    for i in order:
        placed[i] = max(wanted[i], floor)
        floor = placed[i] + step
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - step
    return [round(placed[i], 9) for i in range(len(wanted))]


def _level(axes: "Axes", plot: Plot) -> None:
    axes.axhline(plot.level.y[0], color=_INK, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=2)
    at = (0.01, plot.level.y[0])
    axes.annotate(
        "level", at, xycoords=("axes fraction", "data"), va="bottom", color=_INK, size=6.5
    )


def _forest(axes: "Axes", plot: Plot) -> None:
    """Draw where each curve crosses the level; what lies outside is an arrow, never left out."""
    axes.set_ylim(len(plot.members) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("critical\nresolution \N{LEFTWARDS ARROW}", color=_INK, size=7.5)
    low, high = axes.get_xlim()
    for row, member in enumerate(plot.members):
        colour, beyond = member.colour if member.strong else _SOFT, _outside(member, plot)
        note: dict[str, Any] = {"va": "center", "color": colour, "annotation_clip": False}
        axes.annotate(_crossing(member, plot), (high * 1.09, row), size=7, **note)
        if (score := member.critical) is None:
            continue
        ends = (
            score.low or (high if beyond == ">" else low),
            score.high or (low if beyond == "<" else high),
        )
        axes.plot(ends, [row, row], color=colour, linewidth=3, alpha=0.42, solid_capstyle="butt")
        for sign, end, there in (("<", low, score.low), (">", high, score.high)):
            if there is None and beyond in ("", sign):
                axes.plot(end, row, marker=sign, color=colour, clip_on=False, markersize=4)
        if score.value is not None:
            mark: dict[str, Any] = {"marker": member.marker, "color": colour, "markersize": 4.5}
            axes.plot(score.value, row, markeredgecolor=_PAPER, markeredgewidth=0.6, **mark)


def _crossing(member: Member, plot: Plot) -> str:
    """Write a name and its number, or on which side of all resolutions it lies."""
    if member.critical is None:
        return f"{member.title}  not measured"
    if member.critical.value is not None:
        return f"{member.title}  {member.critical.value:.1f} px"
    beyond = _outside(member, plot)
    return f"{member.title}  {beyond} {plot.side[beyond == '>']:g} px"


def _outside(member: Member, plot: Plot) -> str:
    """Say on which side of all resolutions a crossing lies; empty if it lies between them."""
    if member.critical is None or member.critical.value is not None:
        return ""
    return ">" if member.curves["accuracy"].y[-1] < plot.level.y[0] else "<"
