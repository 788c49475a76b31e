"""Annotation files read row by row, with what cannot be read counted as well."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from facesr.datasets._record import Record

T = TypeVar("T")


def annotated(
    path: Path, parse: Callable[[Path, Callable[[int, str], None]], Iterator[T]]
) -> Iterator[T | Record]:
    """Yield the rows of an annotation file, and a record for each line that cannot be read."""
    flaws: list[Record] = []

    def bad(line: int, reason: str) -> None:
        name = f"{path.name}:{line}"
        flaws.append(Record(photo="", name=name, flaw=f"unreadable line: {reason}"))

    for row in parse(path, bad):
        yield from flaws
        flaws.clear()
        yield row
    yield from flaws
