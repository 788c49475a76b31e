"""Methods as points of a plane: crosses of intervals, who is beaten by nobody, names beside."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from facesr.bench.score import Better, Score
from facesr.reports._figure import (
    COLUMN,
    FULL,
    GREY,
    GRID,
    HALO,
    LINE,
    MARGIN,
    SMALL,
    TEXT,
    Mark,
    Sheet,
)
from facesr.reports._figure_text import breadth, drawable, fitted
from facesr.reports._table import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]
CROWD = 14  # points, beyond which not every name finds a place
_HEIGHT, _LEFT, _AXIS = 2.4, 0.5, 0.38
_TALL, _NEAR = 0.11, 0.06  # inches: of a name, and between a point and its name


@dataclass(frozen=True)
class Axis:
    """What runs along one side of a plane.

    Args:
        label: Its name, with a unit.
        better: Which way is better.
        log: Whether every factor has the same length.
        below: A second line.
    """

    label: str
    better: Better
    log: bool = False
    below: str = ""

    def text(self, room: float) -> str:
        """Return the label, with an arrow to the better end: to the right, or up."""
        arrow = ", better \N{RIGHTWARDS ARROW}"
        first = fitted(self.label, TEXT, room - breadth(arrow, TEXT)) + arrow
        return f"{first}\n{fitted(self.below, TEXT, room)}" if self.below else first


@dataclass(frozen=True)
class Point:
    """A method: its place, and the ends of its intervals where there are any."""

    mark: Mark
    x: float
    y: float
    across: tuple[float, float] | None
    up: tuple[float, float] | None


@dataclass(frozen=True)
class Plane:
    """One panel."""

    x: Axis
    y: Axis
    points: Sequence[Point]


def axis_of(column: Column) -> Axis:
    """Return the axis of a metric."""
    scale = f" ({column.scale})" if column.scale else ""
    return Axis(f"{column.metric}{scale}", column.better)


def ends_of(score: Score, column: Column) -> tuple[float, float] | None:
    """Return an interval as it is drawn; None where there is none."""
    if score.low is None or score.high is None:
        return None
    factor = 10.0**column.digits.power
    return score.low * factor, score.high * factor


def words(planes: Sequence[Plane]) -> str:
    """Say how planes are read."""
    said = "Right and up are better. Line: methods that none beats in both."
    if any(len(plane.points) > CROWD for plane in planes):
        said += " Names are left out where they would cover others."
    return said


def front(plane: Plane) -> list[Point]:
    """Return the points that none beats in both, from the worse to the better end of `x`."""
    across = 1 if plane.x.better == "higher" else -1
    up = 1 if plane.y.better == "higher" else -1
    best = [
        p
        for p in plane.points
        if not any(
            (q.x - p.x) * across >= 0 and (q.y - p.y) * up >= 0 and (q.x, q.y) != (p.x, p.y)
            for q in plane.points
        )
    ]
    return sorted(best, key=lambda p: (p.x * across, -p.y * up))


def paint(title: str, below: str, said: Sequence[str], planes: Sequence[Plane]) -> "Figure":
    """Draw planes side by side: one in one column's width, more in that of two."""
    width = COLUMN if len(planes) == 1 else FULL
    low = _AXIS + LINE * any(plane.x.below for plane in planes)
    sheet = Sheet(width, _HEIGHT + low, title, below, said)
    step = (width - MARGIN) / len(planes)
    for i, plane in enumerate(planes):
        wide = step - _LEFT - MARGIN / 2
        axes = sheet.axes(_LEFT + i * step, 0, wide, _HEIGHT)
        _panel(axes, plane, wide)
    return sheet.figure


def _panel(axes: "Axes", plane: Plane, wide: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(*_limits(plane.x, [v for p in plane.points for v in (p.x, *(p.across or ()))]))
    axes.set_ylim(*_limits(plane.y, [v for p in plane.points for v in (p.y, *(p.up or ()))]))
    if plane.x.log:
        _log_ticks(axes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_xlabel(drawable(plane.x.text(wide)), labelpad=2)
    axes.set_ylabel(drawable(plane.y.text(_HEIGHT)), labelpad=2)
    best = front(plane)
    stairs: dict[str, Any] = {
        "drawstyle": "steps-pre",
        "color": GREY,
        "linewidth": 0.8,
        "zorder": 2,
    }
    axes.plot([p.x for p in best], [p.y for p in best], **stairs)
    for p in plane.points:
        thick: dict[str, Any] = {
            "color": p.mark.colour,
            "linewidth": 2.2,
            "alpha": 0.42,
            "zorder": 3,
        }
        for xs, ys in ((p.across, (p.y, p.y)), ((p.x, p.x), p.up)):
            if xs and ys:
                axes.plot(xs, ys, solid_capstyle="butt", **thick)
        mark: dict[str, Any] = {"marker": p.mark.marker, "markersize": 4.5, "color": p.mark.colour}
        axes.plot(p.x, p.y, zorder=4, **mark, **HALO)
    _label(axes, plane, best, wide)


def _limits(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """Return the two ends of an axis, the better one last."""
    low, high = min(values), max(values)
    if axis.log:
        room = max((high / low) ** 0.12, 1.15)
        low, high = low / room, high * room
    else:
        room = (high - low) * 0.12 or abs(high) * 0.1 or 0.5
        low, high = low - room, high + room
    return (low, high) if axis.better == "higher" else (high, low)


def _log_ticks(axes: "Axes") -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    low, high = sorted(axes.get_xlim())
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [v for d in decades for s in steps if low <= (v := s * 10.0**d) <= high]
        if len(ticks) >= 3:
            break
    axes.set_xticks(ticks, [f"{tick:,.6g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _label(axes: "Axes", plane: Plane, best: Sequence[Point], wide: float) -> None:
    """Write names beside points; a hair leads to one that had to move."""
    to_axes = axes.transData + axes.transAxes.inverted()

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = to_axes.transform((x, y))
        return float(across) * wide, float(up) * _HEIGHT

    points = sorted(plane.points, key=lambda p: (p not in best, *place(p.x, -p.y)))
    lines = [((p.x, p.up[0]), (p.x, p.up[1])) for p in points if p.up]
    lines += [((p.across[0], p.y), (p.across[1], p.y)) for p in points if p.across]
    for p, q in pairwise(best):
        lines += [((p.x, p.y), (p.x, q.y)), ((p.x, q.y), (q.x, q.y))]
    places = [place(p.x, p.y) for p in points]
    sizes = [breadth(p.mark.title, SMALL) for p in points]
    spared = [_box([place(*end) for end in line], 0.01) for line in lines]
    for point, (x, y), box in zip(points, places, _boxes(places, sizes, spared, wide), strict=True):
        if box is None:
            continue
        left, bottom, right, top = box
        at = (left / wide, (bottom + top) / 2 / _HEIGHT)
        text: dict[str, Any] = {"va": "center_baseline", "size": SMALL, "zorder": 5}
        title, colour = point.mark.title, point.mark.colour
        axes.text(*at, title, transform=axes.transAxes, color=colour, **text)
        end = (min(max(x, left), right), min(max(y, bottom), top))
        if math.dist(end, (x, y)) > 2.2 * _NEAR:
            hair: dict[str, Any] = {"linewidth": 0.4, "transform": axes.transAxes}
            xs, ys = (x / wide, end[0] / wide), (y / _HEIGHT, end[1] / _HEIGHT)
            axes.plot(xs, ys, color=colour, **hair)


def _boxes(
    places: Sequence[tuple[float, float]],
    sizes: Sequence[float],
    spared: Sequence[Box],
    wide: float,
) -> Iterator[Box | None]:
    """Yield a place for each name that covers no point and no name; first come, first served.

    Lines are spared where a near place allows it. Among many points, a name that finds no place
    near its point is left out.
    """
    crowded = len(places) > CROWD
    taken = [_box([at], 0.035) for at in places]
    for (x, y), size in zip(places, sizes, strict=True):
        found = [at for at in _around(x, y, size, crowded) if _free(at, size, taken, wide)]
        clear = [at for at in found[:8] if _free(at, size, spared, wide)]
        corner = next(iter(clear or found), None)
        if corner is None and not crowded:
            corner = (min(x + _NEAR, wide - size), y - _TALL / 2)
        box = corner and (*corner, corner[0] + size, corner[1] + _TALL)
        if box:
            taken.append(box)
        yield box


def _box(corners: Sequence[tuple[float, float]], room: float) -> Box:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs) - room, min(ys) - room, max(xs) + room, max(ys) + room


def _around(x: float, y: float, size: float, crowded: bool) -> Iterator[tuple[float, float]]:
    """Yield left lower corners for a name around a point, near ones first."""
    for far in (1, 2, 3.5) if crowded else (1, 2.5, 4, 6, 8, 11):
        near = _NEAR * far
        rise = 0.0 if far == 1 else near
        for dy in (rise, -rise) if rise else (0.0,):
            yield x + _NEAR, y + dy - _TALL / 2
            yield x - _NEAR - size, y + dy - _TALL / 2
        yield x - size / 2, y + near
        yield x - size / 2, y - near - _TALL


def _free(place: tuple[float, float], size: float, taken: Sequence[Box], wide: float) -> bool:
    left, bottom = place
    right, top = left + size, bottom + _TALL
    inside = left >= 0.02 and right <= wide and bottom >= 0.02 and top <= _HEIGHT
    return inside and not any(
        left < b[2] and right > b[0] and bottom < b[3] and top > b[1] for b in taken
    )
