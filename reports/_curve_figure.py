"""Drawing the figure of the critical resolution: curves above, crossings below, on one axis."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench.files import write_whole
from facesr.reports._curve_parts import IN_COLOUR, PANELS, Member, Plot
from facesr.reports._words import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, PANEL, ROW = 3.3, 1.7, 0.18  # inches: of a panel, and of one line below them
_LEFT, _TOP, _FOOT, _GAP, _LETTER = 0.68, 0.46, 0.84, 0.08, 0.062
_INK, _SOFT, _GREY, _PAPER = "#1d1b20", "#5b5762", "#b9b6ae", "#ffffff"
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


def save(plot: Plot, path: Path, form: str) -> None:
    """Write a figure as `png` or `svg`; the same plot gives the same bytes."""
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
    axes.set_ylabel(f"{PANELS[metric]} \N{RIGHTWARDS ARROW}", color=_INK, size=7.5)
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
