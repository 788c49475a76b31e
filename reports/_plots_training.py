"""Training curves: what each network was minimised on, generators and discriminators apart."""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from facesr.bench.store import Results, Store
from facesr.reports._figure import (
    FULL,
    GRID,
    MARGIN,
    SMALL,
    SOFT,
    TEXT,
    TINY,
    Absent,
    Drawing,
    Mark,
    Sheet,
    file_name,
)
from facesr.reports._figure_text import fitted
from facesr.reports._format import MINUS
from facesr.reports._plots_lines import BAND

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG, STEP, STAGE = "log.csv", "step", "stage"
POINTS = 160
_NOT_LOSSES = re.compile(r"seconds|learning_rate(/|$)")
_DISCRIMINATOR = re.compile(r"(?:^|_)(?:d|dis|discriminator|critic)(?:[_/]|$)")
_ACROSS, _TALL, _HEAD, _AXIS, _LEFT, _GAP, _PART = 4, 0.85, 0.17, 0.22, 0.36, 0.1, 0.2


Bin = Sequence[tuple[float, float]]  # steps and values


@dataclass(frozen=True)
class Loss:
    """One logged number over the steps at which it was logged.

    Args:
        name: Of its column.
        runs: Bins of steps and values, cut where the number was not logged, so that no line is
            drawn across a gap.
    """

    name: str
    runs: Sequence[Sequence[Bin]]


@dataclass(frozen=True)
class History:
    """One training.

    Args:
        method: Label of the method.
        losses: In the order of the log.
        stages: Name and first step of each stage.
        binned: How many logged steps one point stands for, at most.
    """

    method: str
    losses: Sequence[Loss]
    stages: Sequence[tuple[str, float]]
    binned: int

    @property
    def parts(self) -> dict[str, list[Loss]]:
        """Losses by what they train, without empty parts."""
        split: dict[str, list[Loss]] = {"Generators": [], "Discriminators": []}
        for loss in self.losses:
            split["Discriminators" if discriminates(loss.name) else "Generators"].append(loss)
        return {name: losses for name, losses in split.items() if losses}


def drawings(results: Results, root: Path, known: Mapping[str, Mark]) -> Iterator[Drawing | Absent]:
    """Yield one figure per training of the methods of a run, and why not for those without."""
    store = Store(root)
    own = {row.method for row in results.rows}
    methods = [method for method in known if method in own]
    for method in methods:
        for folder in sorted(store.method(method).glob("train-*")):
            history = read(method, folder / LOG)
            if history is None:
                yield Absent(
                    "training", f"{method}, {folder.name}", "it has no log with losses in it"
                )
                continue
            colour = known[method].colour
            title, said = f"Training of {method}", [_caption(history)]
            yield Drawing(
                file_name("training", method, folder.name),
                f"{title}. {said[0]}",
                partial(_paint, history, title, folder.name, said, colour),
            )
    if not any(any(store.method(method).glob("train-*")) for method in methods):
        yield Absent("training", "", "the folder holds no training")


def discriminates(name: str) -> bool:
    """Tell by its name whether a loss is one of a discriminator.

    >>> [discriminates(name) for name in ("d_hr/hinge", "style_d/r1", "h2l+l2h/low_gan", "d_loss")]
    [True, True, False, True]
    """
    return bool(_DISCRIMINATOR.search(name.partition("/")[0]))


def read(method: str, path: Path) -> History | None:
    """Read a log; None where there is none, or no loss in it."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    steps = [_number(line.get(STEP)) for line in lines]
    kept = [(step, line) for step, line in zip(steps, lines, strict=True) if step is not None]
    names = [str(name) for name in (lines[0] if lines else {}) if name]
    losses, binned = [], 1
    for name in names:
        if name in (STEP, STAGE) or _NOT_LOSSES.match(name):
            continue
        runs = _runs([(step, _number(line.get(name))) for step, line in kept])
        if (count := sum(map(len, runs))) > 1:
            size = math.ceil(count / POINTS)
            binned = max(binned, size)
            cut = [[run[i : i + size] for i in range(0, len(run), size)] for run in runs]
            losses.append(Loss(name, cut))
    if not losses:
        return None
    stages: dict[str, float] = {}
    for step, line in kept:
        stages.setdefault(str(line.get(STAGE) or ""), step)
    return History(method, losses, list(stages.items()), binned)


def _runs(pairs: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for step, value in pairs:
        if value is not None:
            runs[-1].append((step, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _caption(history: History) -> str:
    said = "Over the steps in which each number was logged. One run, so no intervals."
    if history.binned > 1:
        said += f" Lines: means of up to {history.binned} logged steps; bands: their range."
    named = [name for name, _ in history.stages if name]
    if len(named) > 1:
        said += f" Dotted: a stage begins ({', '.join(named)})."
    return said


def _paint(history: History, title: str, folder: str, said: Sequence[str], colour: str) -> "Figure":
    block = _HEAD + _TALL + _AXIS
    deep = [-(-len(losses) // _ACROSS) for losses in history.parts.values()]
    sheet = Sheet(FULL, sum(_PART + rows * block for rows in deep), title, folder, said)
    step, top = (FULL - 2 * MARGIN) / _ACROSS, 0.0
    for (part, losses), rows in zip(history.parts.items(), deep, strict=True):
        sheet.write(part, MARGIN, top, TEXT, weight="bold", color=SOFT)
        top += _PART
        for i, loss in enumerate(losses):
            row, across = divmod(i, _ACROSS)
            left, under = MARGIN + _LEFT + across * step, top + row * block
            room = step - _LEFT - _GAP
            sheet.write(fitted(loss.name, SMALL, room), left, under, SMALL)
            axes = sheet.axes(left, under + _HEAD, room, _TALL)
            _panel(axes, loss, history, colour)
        top += rows * block
    return sheet.figure


def _panel(axes: "Axes", loss: Loss, history: History, colour: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for run in loss.runs:
        steps = [fmean(step for step, _ in part) for part in run]
        values = [[value for _, value in part] for part in run]
        ends = ([min(part) for part in values], [max(part) for part in values])
        axes.fill_between(steps, *ends, color=colour, alpha=BAND, linewidth=0)
        axes.plot(steps, [fmean(part) for part in values], color=colour, linewidth=1.0)
    first, last = loss.runs[0][0][0][0], loss.runs[-1][-1][-1][0]
    for _, start in history.stages[1:]:
        if first < start < last:
            axes.axvline(start, color=SOFT, linewidth=0.5, linestyle=(0, (1, 2)))
    axes.set_xlim(first, last)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.tick_params(labelsize=TINY, pad=1.5)


def _tick(value: float, _: float) -> str:
    return f"{value:.3g}".replace("-", MINUS)
