"""Preparing one half of a data set: records in, a prepared folder out, in constant memory.

Records are gone through several times instead of being kept: once to rank them by seeded draws,
then in the authors' order for those whose turn it is. What is accepted are the first faces by rank
that can be used, whatever the number of processes and however often the work was interrupted.
"""

import gc
import multiprocessing
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.progress import Advance, progress
from facesr.datasets._cut import Cutter, Read, Result
from facesr.datasets._record import Dropped, Made, Record, draw
from facesr.datasets._writer import Writer, locked

_STEP = 32  # photographs per piece of work; decides where shards end
_SEARCHED = 8  # the same, where a detector looks at each, which takes long
_MANY = 512  # faces from which a piece of work has enough of them
_CHUNK = 2**15  # candidates that are kept in memory where only some faces are wanted
_FEW = 200  # records for which starting processes takes longer than it saves

Records = Callable[[], Iterable[Record]]
Step = list[list[Record]]
Cut = Callable[[Iterable[Step]], Iterator[tuple[Step, list[Result]]]]


@dataclass(frozen=True)
class Pick:
    """Faces of one source.

    Args:
        records: Goes through the candidates in the authors' order, the same each time.
        cutter: Makes crops of them.
        n: How many faces are wanted; None for all that can be used. Of a photograph in which every
            face is meant, the last ones may be left out.
    """

    records: Records
    cutter: Cutter
    n: int | None = None


def fill(
    folder: Path,
    title: str,
    picks: Sequence[Pick],
    seed: int,
    about: Mapping[str, Any],
    workers: int = 0,
) -> None:
    """Prepare a folder, going on where an interrupted call stopped.

    Args:
        folder: Final place; its name has to determine its content.
        title: What the faces are, such as `celeba/train/hr`.
        picks: Where they come from; all crops have one size.
        seed: Decides which candidates come first.
        about: What the manifest says besides.
        workers: Processes; 0 for one per core.

    Raises:
        BadData: If there is no face, no room, or the folder cannot be written.
    """
    with locked(folder):
        if folder.exists():
            return
        pace = f"{_STEP},{_SEARCHED},{_MANY},{_CHUNK}"
        writer = Writer(folder, picks[0].cutter.size, resume=True, pace=pace)
        for at, pick in enumerate(picks):
            if at >= (writer.position or {"pick": 0})["pick"]:
                _Filling(writer, pick, at, seed, workers).run(f"preparing {title}")
        writer.close({"title": title, **about}, {"pick": len(picks)})


class _Filling:
    """One source on its way into a folder."""

    def __init__(self, writer: Writer, pick: Pick, at: int, seed: int, workers: int) -> None:
        self._writer = writer
        self._pick = pick
        self._ranks = ranks(pick.records(), seed)
        self._workers = workers
        start = {"pick": at, "first": 0, "last": 0, "step": 0, "kept": 0, "tried": 0}
        position = writer.position
        self._place = dict(position) if position and position["pick"] == at else start

    def run(self, label: str) -> None:
        total, n, place = len(self._ranks), self._pick.n, self._place
        most = total if n is None else min(n, total)
        if n is not None:  # else many may be left out; a full disk is met with nothing lost
            _check_room(self._writer, most - place["kept"])
        with (
            _worked(self._pick.cutter, self._workers, most) as cut,
            progress(label, total, "candidates", place["tried"])
            if n is None
            else progress(label, most, "faces", place["kept"]) as advance,
        ):
            if n is None:
                self._stretch(cut, (record for _, record in self._between(0, total)), advance)
                return
            while place["kept"] < n and place["first"] < total:
                end = min(total, (place["first"] // _CHUNK + 1) * _CHUNK)
                self._chunk(cut, list(self._between(place["first"], end)), end, advance)

    def _chunk(self, cut: Cut, chunk: list[tuple[int, Record]], end: int, advance: Advance) -> None:
        """Go through candidates by rank until there are enough faces.

        As many are tried at once as faces are missing, so a face is never made in vain, unless a
        photograph holds several.
        """
        place, n = self._place, self._pick.n
        assert n is not None
        while place["kept"] < n and place["first"] < end:
            if not place["step"]:
                place["last"] = min(end, place["first"] + n - place["kept"])
            turn = [one for one in chunk if place["first"] <= one[0] < place["last"]]
            if any(record.which == "every" for _, record in turn):
                turn.sort(key=lambda one: one[0])  # the faces left out are those that come last
            self._stretch(cut, (record for _, record in turn), advance)
            place |= {"first": place["last"], "step": 0}

    def _between(self, low: int, high: int) -> Iterator[tuple[int, Record]]:
        """Go through the candidates with a rank from `low` up to `high`, in the authors' order."""
        at = -1
        for at, record in enumerate(self._pick.records()):
            if at < len(self._ranks) and low <= (rank := int(self._ranks[at])) < high:
                yield rank, record
        if at + 1 != len(self._ranks):
            raise BadData(
                f"{self._pick.cutter.root} changed while it was read: it had {len(self._ranks)} "
                f"candidates, then {at + 1}; run the same command again when nothing writes there"
            )

    def _stretch(self, cut: Cut, records: Iterable[Record], advance: Advance) -> None:
        """Take the faces of candidates, writing down after each step where one may go on."""
        place, n = self._place, self._pick.n
        most = _STEP if self._pick.cutter.search is None else min(_STEP, _SEARCHED)
        for step, results in cut(islice(_steps(records, most), place["step"], None)):
            before = place["kept"]
            for result in results:
                if place["kept"] == n:
                    return
                place["kept"] += self._store(result)
            tried = sum(len(photo) for photo in step)
            place |= {"step": place["step"] + 1, "tried": place["tried"] + tried}
            self._writer.mark(dict(place))
            if n is None:
                advance(tried, f"{self._writer.faces} faces")
            else:
                advance(place["kept"] - before, f"{place['tried']} candidates tried")

    def _store(self, result: Result) -> bool:
        if isinstance(result, Made):
            if self._writer.add(result):
                return True
            result = Dropped(result.name, "duplicate name")
        if isinstance(result, Read):
            self._writer.photo(result.photo, result.content, result.length)
        else:
            self._writer.drop(result)
        return False


def ranks(records: Iterable[Record], seed: int) -> NDArray[np.int64]:
    """Rank records in a seeded order, keeping one number of each.

    Returns:
        The rank of each record, (n,), 0 first.
    """
    draws = np.fromiter((draw(seed, "order", record.name) for record in records), np.float64)
    order = np.empty(len(draws), np.int64)
    order[np.argsort(draws, kind="stable")] = np.arange(len(draws))
    return order


def in_order(names: Sequence[str], seed: int) -> list[int]:
    """Return positions of names, ending left out, in the seeded order of `ranks`."""
    draws = [draw(seed, "order", name.removesuffix(".png")) for name in names]
    return np.argsort(draws, kind="stable").tolist()


def _steps(records: Iterable[Record], most: int) -> Iterator[Step]:
    """Group candidates by photograph, and photographs into pieces of work."""
    step: Step = []
    for _, group in groupby(records, key=lambda record: record.photo):
        while photo := list(islice(group, _MANY)):
            step.append(photo)
            if len(step) == most or sum(map(len, step)) >= _MANY:
                yield step
                step = []
    if step:
        yield step


@contextmanager
def _worked(cutter: Cutter, workers: int, records: int) -> Iterator[Cut]:
    """Give what cuts the faces of steps, in order; with processes, a few steps are under way."""
    count = workers or _wished() or _cores()
    if count == 1 or records < (_FEW if cutter.search is None else min(_FEW, _SEARCHED)):
        yield lambda steps: ((step, cutter.cut(step)) for step in steps)
        return
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(count, context, _start, (cutter,))
    try:
        yield lambda steps: _windowed(pool, steps, 2 * count)
    finally:
        pool.shutdown(cancel_futures=True)


def _wished() -> int:
    said = os.environ.get("FACESR_WORKERS", "") or "0"
    if not said.isdecimal():
        raise BadData(f"FACESR_WORKERS is {said!r}, expected a number of processes, or 0")
    return int(said)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _windowed(
    pool: ProcessPoolExecutor, steps: Iterable[Step], ahead: int
) -> Iterator[tuple[Step, list[Result]]]:
    waiting: deque[tuple[Step, Future[list[Result]]]] = deque()
    try:
        for step in steps:
            waiting.append((step, pool.submit(_cut, step)))
            if len(waiting) >= ahead:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    except BrokenProcessPool:
        raise BadData(
            "a process that prepares faces was killed, perhaps for want of memory; the same "
            "command goes on from there, with fewer processes if FACESR_WORKERS says so"
        ) from None


_cutter: Cutter | None = None


def _start(cutter: Cutter) -> None:
    global _cutter
    import torch

    gc.freeze()  # what the parent holds is not gone through, so its memory stays shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    Thread(target=_follow, daemon=True).start()
    torch.set_num_threads(1)  # after a fork, torch must not use the threads of the parent
    _cutter = cutter


def _follow() -> None:
    """End with the parent: a killed one leaves no process behind that holds its lock."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cut(step: Step) -> list[Result]:
    assert _cutter is not None
    return _cutter.cut(step)


def _check_room(writer: Writer, faces: int) -> None:
    need = faces * 3 * writer.size**2
    free = shutil.disk_usage(writer.folder.parent).free
    if need > free:
        raise BadData(
            f"{writer.folder} needs about {need / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are "
            "free; free some, or name another folder in FACESR_CACHE"
        )
