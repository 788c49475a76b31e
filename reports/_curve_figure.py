"""Drawing the figure of the critical resolution: curves above, crossings below, on one axis."""

from functools import partial
from typing import TYPE_CHECKING, Any

from facesr.reports._curve_parts import PANELS, Member, Plot
from facesr.reports._figure import HALO, INK, INKS, MARGIN, SMALL, SOFT, Sheet, svg
from facesr.reports._figure_text import breadth
from facesr.reports._plots_lines import label_ends, line, rule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["INKS", "PANEL", "ROW", "WIDTH", "drawn", "paint"]

WIDTH, PANEL, ROW = 3.3, 1.7, 0.18  # inches: of a panel, and of one line below them
_LEFT, _GAP, _AXIS = 0.72, 0.08, 0.36


def paint(plot: Plot) -> "Figure":
    """Draw the matching score, the accuracy, and where it crosses the level."""
    names = max(breadth(_crossing(member, plot), SMALL) for member in plot.members)
    width = _LEFT + WIDTH + 0.2 + names + MARGIN
    low = ROW * len(plot.members) + 0.1
    title = f"Identity over the resolution of the input: {plot.dataset}"
    below = f"recognised by {plot.embedder}; {plot.level.n:,} faces"
    sheet = Sheet(width, 2 * (PANEL + _GAP) + low + _AXIS, title, below, plot.caption)
    cosine, accuracy, forest = (
        sheet.axes(_LEFT, top, WIDTH, tall)
        for top, tall in ((0, PANEL), (PANEL + _GAP, PANEL), (2 * (PANEL + _GAP), low))
    )
    for axes in (cosine, accuracy, forest):
        _axis(axes, plot, numbered=axes is forest)
    _forest(forest, plot)
    _lines(accuracy, plot, "accuracy")
    _level(accuracy, plot)
    _lines(cosine, plot, "cosine")
    return sheet.figure


def drawn(plot: Plot) -> str:
    """Return the figure as SVG."""
    return svg(partial(paint, plot))


def _axis(axes: "Axes", plot: Plot, numbered: bool) -> None:
    from matplotlib.ticker import NullLocator

    low, high = plot.side
    ticks = plot.members[0].curves["accuracy"].x
    axes.set_xscale("log", base=2)
    axes.set_xlim(low / 1.07, high * 1.07)
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks] if numbered else [""] * len(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    rule(axes, "x")
    axes.yaxis.set_label_coords(-0.115, 0.5)
    if numbered:
        axes.set_xlabel(plot.level.x_label, labelpad=2)
    else:
        axes.tick_params(axis="x", length=0)


def _lines(axes: "Axes", plot: Plot, metric: str) -> None:
    axes.set_ylabel(f"{PANELS[metric]} \N{RIGHTWARDS ARROW}")
    rule(axes)
    for member in reversed(plot.members):
        line(axes, member.mark, member.curves[metric], member.strong)
    strong = [member for member in plot.members if member.strong]
    ends = [(m.mark, m.curves[metric].x[-1], m.curves[metric].y[-1]) for m in strong]
    label_ends(axes, ends, WIDTH, PANEL)


def _level(axes: "Axes", plot: Plot) -> None:
    axes.axhline(plot.level.y[0], color=INK, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=2)
    at = (0.01, plot.level.y[0])
    axes.annotate("level", at, xycoords=("axes fraction", "data"), va="bottom", color=INK, size=6.5)


def _forest(axes: "Axes", plot: Plot) -> None:
    """Draw where each curve crosses the level; what lies outside is an arrow, never left out."""
    axes.set_ylim(len(plot.members) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("critical\nresolution \N{LEFTWARDS ARROW}")
    low, high = axes.get_xlim()
    for row, member in enumerate(plot.members):
        colour, beyond = member.mark.colour if member.strong else SOFT, _outside(member, plot)
        note: dict[str, Any] = {"va": "center", "color": colour, "annotation_clip": False}
        axes.annotate(_crossing(member, plot), (high * 1.09, row), size=SMALL, **note)
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
            mark: dict[str, Any] = {"marker": member.mark.marker, "color": colour}
            axes.plot(score.value, row, markersize=4.5, **mark, **HALO)


def _crossing(member: Member, plot: Plot) -> str:
    """Write a name and its number, or on which side of all resolutions it lies."""
    title = member.mark.title
    if member.critical is None:
        return f"{title}  not measured"
    if member.critical.value is not None:
        return f"{title}  {member.critical.value:.1f} px"
    beyond = _outside(member, plot)
    return f"{title}  {beyond} {plot.side[beyond == '>']:g} px"


def _outside(member: Member, plot: Plot) -> str:
    """Say on which side of all resolutions a crossing lies; empty if it lies between them."""
    if member.critical is None or member.critical.value is not None:
        return ""
    return ">" if member.curves["accuracy"].y[-1] < plot.level.y[0] else "<"
