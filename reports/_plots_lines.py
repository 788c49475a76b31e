"""Lines with bands, and names beside their ends: what all figures of curves are drawn with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from facesr.bench.score import Curve
from facesr.reports._figure import GREY, GRID, HALO, TEXT, Mark
from facesr.reports._figure_text import apart, breadth

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IN_COLOUR = 6
BAND = 0.18
GAP = 0.12  # inches between a panel and the names beside it


def line(axes: "Axes", mark: Mark, curve: Curve, strong: bool = True) -> None:
    """Draw a curve with its band; one that is not strong is thin, grey and without a band."""
    colour, rank = (mark.colour, 3) if strong else (GREY, 2)
    if strong:
        band: dict[str, Any] = {"color": colour, "alpha": BAND, "linewidth": 0, "zorder": rank}
        axes.fill_between(curve.x, curve.low, curve.high, **band)
    axes.plot(
        curve.x,
        curve.y,
        color=colour,
        linestyle=mark.dash if strong else "-",
        linewidth=1.4 if strong else 0.7,
        marker=mark.marker if strong else "",
        markersize=4,
        zorder=rank + 1,
        **HALO,
    )


def label_room(marks: Sequence[Mark]) -> float:
    """Return how much room the names of lines need to the right of a panel, in inches."""
    return GAP + max((breadth(mark.title, TEXT) for mark in marks), default=0.0)


def label_ends(
    axes: "Axes", ends: Sequence[tuple[Mark, float, float]], width: float, height: float
) -> None:
    """Write names beside the ends of lines, moved apart, with a hair from each end to its name.

    Args:
        axes: A panel whose limits are final.
        ends: Marks with the places where their lines end.
        width: Of the panel, in inches.
        height: Of the panel, in inches.
    """
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    step = (high - low) * 0.145 / height
    heights = apart([y for _, _, y in ends], step, low, high)
    for (mark, x, y), moved in zip(ends, heights, strict=True):
        axes.annotate(
            mark.title,
            xy=(x, y),
            xytext=(1 + GAP / width, moved),
            textcoords=("axes fraction", "data"),
            va="center",
            color=mark.colour,
            size=TEXT,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": mark.colour,
                "linewidth": 0.4,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 4,
            },
        )


def rule(axes: "Axes", axis: str = "y") -> None:
    """Draw the faint lines behind a panel."""
    axes.grid(axis="y" if axis == "y" else "x", color=GRID, linewidth=0.6)


def strongest(curves: Sequence[Curve]) -> list[bool]:
    """Tell which of several curves are drawn in colour: those that are best on average."""
    means = [
        sum(curve.y) / len(curve.y) * (-1 if curve.better == "lower" else 1) for curve in curves
    ]
    kept = sorted(range(len(curves)), key=lambda i: -means[i])[:IN_COLOUR]
    return [i in kept for i in range(len(curves))]
