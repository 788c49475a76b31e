"""Files that speak of the same photos in the same order, read side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import Bad

MOST_WAITING = 1_000_000


def joined(
    sources: Mapping[str, Iterator[Any]], bad: Bad, most_waiting: int = MOST_WAITING
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of each name that all files have, in the order in which they meet.

    One row of every file is taken at a time. Where the orders agree nothing is kept; where they
    do not, rows wait for their partners, so the result is the same and memory grows with how far
    the orders are apart. Names that a file lacks are reported once that file has ended.

    Args:
        sources: What to call each file, and its rows, which have a `name`.
        bad: Told of names that are not in all files, or twice in one, with the line number 0.
        most_waiting: How many rows may wait.

    Raises:
        BadData: If more rows would have to wait.
    """
    titles = tuple(sources)
    active = dict(enumerate(sources.values()))
    ended: set[int] = set()
    waiting: dict[str, list[Any]] = {}
    while active:
        step: list[tuple[int, Any]] = []
        for place, stream in list(active.items()):
            row = next(stream, None)
            if row is None:
                del active[place]
                ended.add(place)
            else:
                step.append((place, row))
        if not waiting and len(step) == len(titles) and len({row.name for _, row in step}) == 1:
            yield tuple(row for _, row in step)
            continue
        for place, row in step:
            entry = waiting.setdefault(row.name, [None] * len(titles))
            if entry[place] is not None:
                bad(0, f"{row.name} is twice in {titles[place]}; the first one counts")
                continue
            entry[place] = row
            if None not in entry:
                del waiting[row.name]
                yield tuple(entry)
        if ended:
            _give_up(waiting, ended, titles, bad)
        if len(waiting) > most_waiting:
            raise BadData(
                f"{' and '.join(titles)} are in orders too different to be joined; sort their "
                "lines by name"
            )


def _give_up(
    waiting: dict[str, list[Any]], ended: set[int], titles: tuple[str, ...], bad: Bad
) -> None:
    """Report and forget the names that wait for a file which has ended."""
    for name, entry in list(waiting.items()):
        if any(entry[place] is None for place in ended):
            del waiting[name]
            lacking = [titles[place] for place in sorted(ended) if entry[place] is None]
            bad(0, f"{name} is not in {' and '.join(lacking)}, or once less than elsewhere")


def told_of(title: str, bad: Bad) -> Bad:
    """Return a callback that puts the name of a file before every reason."""
    return lambda number, reason: bad(number, f"{title}: {reason}")
