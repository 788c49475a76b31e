"""Lines over an axis: training logs, and numbers as a function of another."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facesr.bench.score import Curve, Row
from facesr.reports._view import Look, look, ticks

WIDTH, HEIGHT = 320, 150
Points = Sequence[tuple[float, float]]
MOST_POINTS = 240
MOST_LABELS, MOST_TICKS = 6, 8
LINE_HEIGHT = 12
AXES = ("step", "iteration", "epoch")
NOT_DRAWN = ("seconds", "stage")


@dataclass(frozen=True)
class Path2D:
    """A line in a box of `WIDTH` by `HEIGHT`, y down.

    Args:
        title: What is written at its end.
        look: Colour.
        runs: Corners of the line, one run per unbroken stretch.
        band: Corners of the 95 % band as SVG writes them; empty without one.
        label: Height of its label; None if it stays grey and has none.
    """

    title: str
    look: Look
    runs: tuple[Points, ...]
    band: str
    label: float | None

    @property
    def drawn(self) -> str:
        """The line as SVG writes it."""
        return "".join(f"M{_svg(run)}" for run in self.runs)

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Every corner."""
        return [corner for run in self.runs for corner in run]


@dataclass(frozen=True)
class Chart:
    """Lines on common axes.

    Args:
        title: What is drawn.
        x_label: What runs along the bottom.
        x_ticks: Places and labels along the bottom.
        y_ticks: Places and labels along the left side.
        paths: The lines.
        note: What to know of it.
    """

    title: str
    x_label: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    paths: tuple[Path2D, ...]
    note: str


@dataclass(frozen=True)
class Training:
    """What the log of one training says.

    Args:
        method: Label of the method.
        folder: Name of its folder.
        charts: One per logged quantity that changes.
        constants: Names and values of those that do not.
    """

    method: str
    folder: Path
    charts: tuple[Chart, ...]
    constants: tuple[tuple[str, str], ...]


def trainings(folders: Mapping[str, Path], families: Mapping[str, str]) -> list[Training]:
    """Read the logs of every training in the folders of some methods.

    Args:
        folders: Folder by method label.
        families: Families by method label.
    """
    found = []
    for method, root in folders.items():
        for folder in sorted(root.glob("train-*")):
            training = _training(method, folder, look(method, families.get(method, "")))
            if training.charts:
                found.append(training)
    return found


def _training(method: str, folder: Path, style: Look) -> Training:
    """Draw every number of a training log over its steps; name those that never change."""
    lines = _read(folder / "log.csv")
    names = [name for name in (lines[0] if lines else {}) if name]
    axis = next((name for name in AXES if name in names), names[0] if names else "")
    charts, constants = [], []
    for name in (name for name in names if name not in (axis, *NOT_DRAWN)):
        runs = _runs([(_number(line[axis]), _number(line[name])) for line in lines])
        seen = {y for run in runs for _, y in run}
        if len(seen) > 1:
            charts.append(_chart(name, axis, [(name, style, _thin(runs), [])], "", doubling=False))
        elif seen:
            constants.append((name, f"{seen.pop():.6g}"))
    return Training(method, folder, tuple(charts), tuple(constants))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _runs(pairs: Sequence[tuple[float | None, float | None]]) -> list[Points]:
    """Cut a series where values are missing, so that no line is drawn across a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in pairs:
        if x is not None and y is not None:
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def curve_charts(rows: Sequence[Row], families: Mapping[str, str]) -> list[Chart]:
    """Draw the curves of one data set, one chart per metric and identity, a line per method."""
    grouped: dict[tuple[str, str], list[tuple[str, Curve]]] = {}
    for row in rows:
        if isinstance(row.score, Curve) and len(row.score.x) > 1:
            key = (row.score.metric, row.score.identity)
            grouped.setdefault(key, []).append((row.method, row.score))
    charts = []
    for (metric, _), members in grouped.items():
        first = members[0][1]
        lines = [
            (
                method,
                look(method, families.get(method, "")),
                [list(zip(curve.x, curve.y, strict=True))],
                _around(curve),
            )
            for method, curve in sorted(members, key=_best_first)
        ]
        note = (
            f"{first.better} is better; bands are 95 % intervals, {first.interval}; n {first.n:,}"
        )
        doubling = max(first.x) >= 4 * min(first.x) > 0
        charts.append(_chart(metric, first.x_label, lines, note, doubling))
    return charts


def _best_first(member: tuple[str, Curve]) -> tuple[float, str]:
    method, curve = member
    mean = sum(curve.y) / len(curve.y)
    return (-mean if curve.better == "higher" else mean, method)


def _around(curve: Curve) -> list[tuple[float, float]]:
    upper = list(zip(curve.x, curve.high, strict=True))
    return [*zip(curve.x, curve.low, strict=True), *reversed(upper)]


def _chart(
    title: str,
    x_label: str,
    lines: Sequence[tuple[str, Look, Sequence[Points], Points]],
    note: str,
    doubling: bool,
) -> Chart:
    """Place lines on common axes; `doubling` gives every doubling along x the same length."""
    everything = [point for _, _, runs, band in lines for part in (*runs, band) for point in part]
    positions = sorted({x for x, _ in everything})
    bend = math.log2 if doubling and positions[0] > 0 else float
    x_low, x_high = bend(positions[0]), bend(positions[-1])
    y_low, y_high = min(y for _, y in everything), max(y for _, y in everything)
    if y_low == y_high:
        y_low, y_high = y_low - 0.5, y_high + 0.5

    def across(x: float) -> float:
        return round((bend(x) - x_low) / (x_high - x_low or 1.0) * WIDTH, 1)

    def down(y: float) -> float:
        return round(HEIGHT - (y - y_low) / (y_high - y_low) * HEIGHT, 1)

    def place(points: Points) -> list[tuple[float, float]]:
        return [(across(x), down(y)) for x, y in points]

    placed = [tuple(place(run) for run in runs) for _, _, runs, _ in lines]
    labels: list[float | None] = [*_labels([own[-1][-1][1] for own in placed[:MOST_LABELS]])]
    labels += [None] * (len(lines) - len(labels))
    paths = tuple(
        Path2D(name, style, own, _svg(place(band)), label)
        for (name, style, _, band), own, label in zip(lines, placed, labels, strict=True)
    )
    few = positions if len(positions) <= MOST_TICKS else [positions[0], positions[-1]]
    x_ticks = tuple((across(x), f"{x:,.10g}") for x in few)
    y_ticks = tuple((down(y), text) for y, text in ticks(y_low, y_high))
    return Chart(title, x_label, x_ticks, y_ticks, paths, note)


def _labels(ends: Sequence[float]) -> list[float]:
    """Move labels apart so that none covers another, keeping their order."""
    placed: dict[int, float] = {}
    lowest = 0.0
    for i in sorted(range(len(ends)), key=lambda i: ends[i]):
        placed[i] = lowest = max(lowest, ends[i] + 3)
        lowest += LINE_HEIGHT
    over = max(0.0, lowest - LINE_HEIGHT - HEIGHT - 4)
    return [round(placed[i] - over, 1) for i in range(len(ends))]


def _svg(points: Points) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _thin(runs: Sequence[Points]) -> list[Points]:
    """Average neighbours so that a long log stays a small drawing."""
    size = math.ceil(sum(len(run) for run in runs) / MOST_POINTS)
    return [[_mean(run[i : i + size]) for i in range(0, len(run), size)] for run in runs]


def _mean(points: Points) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
