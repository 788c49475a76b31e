"""Progress with an estimated end: bars in a terminal or notebook, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")
QUIET_SECONDS = 2.0
LINE_SECONDS = 10.0


class Advance(Protocol):
    """Report that `n` more units are done."""

    def __call__(self, n: int = 1, text: str = "") -> None:
        """Report, with a few words such as the current losses."""


@contextmanager
def progress(label: str, total: int, unit: str = "images", done: int = 0) -> Iterator[Advance]:
    """Show how far a long piece of work is; nothing is shown if it ends within two seconds.

    Args:
        label: What is being done, such as `upscaling with lrgan`.
        total: How many units there are.
        unit: What is counted.
        done: How many were done before, in an interrupted run.

    Yields:
        A function to call after each unit.
    """
    shown = _bar(label, total, unit, done) if _animated() else _lines(label, total, unit, done)
    with shown as advance:
        yield advance


def track(items: Iterable[T], label: str, total: int, unit: str = "images") -> Iterator[T]:
    """Pass items through, showing progress."""
    with progress(label, total, unit) as advance:
        for item in items:
            yield item
            advance()


def _animated() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


@contextmanager
def _lines(label: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    start = last = time.monotonic()
    first, count, shown = done, done, False

    def advance(n: int = 1, text: str = "") -> None:
        nonlocal count, last, shown
        count += n
        now = time.monotonic()
        if now - last < (LINE_SECONDS if shown else QUIET_SECONDS):
            return
        last, shown = now, True
        speed = (count - first) / (now - start)
        left = (total - count) / speed if speed else 0.0
        parts = [f"{count}/{total} {unit}", f"{speed:.1f} {unit}/s", f"{_clock(left)} left", text]
        sys.stderr.write(f"{label}: {', '.join(p for p in parts if p)}\n")
        sys.stderr.flush()

    yield advance
    if shown:
        sys.stderr.write(f"{label}: {count}/{total} {unit} in {_clock(time.monotonic() - start)}\n")


@contextmanager
def _bar(label: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=24),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[speed]}"),
        bars.TimeRemainingColumn(),
        bars.TextColumn("[dim]{task.fields[text]}"),
    )
    start = time.monotonic()
    first, count = done, done
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(label, total=total, completed=done, speed="", text="", visible=False)

        def advance(n: int = 1, text: str = "") -> None:
            nonlocal count
            count += n
            elapsed = time.monotonic() - start
            speed = f"{(count - first) / max(elapsed, 1e-9):.1f} {unit}/s"
            shown.update(task, advance=n, speed=speed, text=text, visible=elapsed > QUIET_SECONDS)

        yield advance


def _clock(seconds: float) -> str:
    """Write a duration as people say it.

    >>> _clock(7), _clock(75), _clock(3700)
    ('7 s', '1 min 15 s', '1 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
