import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.errors import BadData
from facesr.datasets import _fill, _writer
from facesr.datasets._align import Frame
from facesr.datasets._cut import Cutter, Result, Rule
from facesr.datasets._fill import Pick, fill, in_order, ranks
from facesr.datasets._prepared import manifest, read
from facesr.datasets._record import Record, draw
from facesr.datasets._search import Search

PHOTOS = 7
FORK: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for i in range(PHOTOS):
        pixels = np.random.default_rng(i).integers(0, 256, (20 + i, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let shards, chunks and steps end after few faces, and processes start for few."""
    monkeypatch.setattr(_writer, "room", lambda size: 13)
    monkeypatch.setattr(_fill, "_CHUNK", 48)
    monkeypatch.setattr(_fill, "_STEP", 4)
    monkeypatch.setattr(_fill, "_FEW", 0)


def record(i: int, **changes: Any) -> Record:
    """Return one of many faces: photographs come again and again, now adjacent, now not."""
    return Record(f"{(i // 3) % PHOTOS}.png", f"f{i}", (0.0, 0.0, 16.0, 16.0), **changes)


def listed(n: int, **changes: Any) -> Callable[[], Iterator[Record]]:
    return lambda: (record(i, **changes) for i in range(n))


def cutter(root: Path, search: Search | None = None) -> Cutter:
    return Cutter(root, Frame("whole"), Rule(), 8, search)


def content(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def made(folder: Path, picks: Sequence[Pick], workers: int = 1) -> dict[str, str]:
    fill(folder, "toy/train/hr", picks, 0, {"seed": 0}, workers)
    return content(folder)


def drops(folder: Path) -> dict[str, int]:
    counted: dict[str, int] = manifest(folder)["drops"]
    return counted


@pytest.mark.parametrize("n", [None, 100])
def test_any_number_of_processes_makes_the_same_bytes(
    root: Path, tmp_path: Path, n: int | None
) -> None:
    def records() -> Iterator[Record]:
        return (record(i, flaw="odd" if i % 5 == 0 else "") for i in range(200))

    picks = [Pick(records, cutter(root), n), Pick(listed(250), cutter(root), n)]
    folders = [made(tmp_path / f"{workers}", picks, workers) for workers in (1, 2, 3)]
    assert folders[0] == folders[1] == folders[2]
    assert len(read(tmp_path / "1", "")) == (200 if n else 250)
    assert len(folders[0]) > 8


class Slow(Cutter):
    def cut(self, photos: Sequence[Sequence[Record]]) -> list[Result]:
        time.sleep(0.006)
        return super().cut(photos)


def children(pid: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def gone(pids: Sequence[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@linux
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("n", [None, 120])
def test_work_killed_at_random_moments_ends_in_the_same_bytes_and_leaves_no_process(
    root: Path, tmp_path: Path, n: int | None, workers: int
) -> None:
    def records() -> Iterator[Record]:
        return (record(i, flaw="odd" if i % 3 == 0 else "") for i in range(330))

    picks = [Pick(records, Slow(root, Frame("whole"), Rule(), 8), n)] * 2
    picks[1] = Pick(lambda: (record(i) for i in range(400, 500)), picks[0].cutter, n)
    whole = made(tmp_path / "whole", picks)
    moments, kills = random.Random(workers), 0
    for kills in range(200):
        process = FORK.Process(target=made, args=(tmp_path / "killed", picks, workers))
        process.start()
        process.join(moments.uniform(0.02, 0.1) * (1 + kills / 3))  # longer, so that it ends
        if process.exitcode is not None:
            assert process.exitcode == 0
            break
        below = children(process.pid)
        process.kill()
        process.join()
        assert gone(below)
    assert kills
    assert content(tmp_path / "killed") == whole


def test_the_first_n_by_rank_that_can_be_used_are_taken(root: Path, tmp_path: Path) -> None:
    luck = random.Random(0)
    folders = count()
    for total in (1, 30, 170):
        for share in (0.0, 0.3, 0.9):
            flawed = {i for i in range(total) if luck.random() < share}
            twice = {i for i in range(1, total) if luck.random() < 0.05}

            def records(total: int = total, bad: Any = flawed, twice: Any = twice) -> Any:
                for i in range(total):
                    yield record(i, flaw="odd" if i in bad else "")
                    if i in twice:
                        yield record(i)

            usable = {r.name for r in records() if not r.flaw}
            expected = sorted(usable, key=lambda name: draw(0, "order", name))
            if not expected:
                continue
            for n in (1, 2, 7, 40, 169, 10**6):
                folder = tmp_path / f"{next(folders)}"
                fill(folder, "toy", [Pick(records, cutter(root), n)], 0, {})
                faces = read(folder, "")
                names = [faces.names[i] for i in in_order(faces.names, 0)]
                assert names == [f"{name}.png" for name in expected[:n]]


class Crowd:
    """Finds as many faces as the brightness of the first pixel says."""

    recipe = {"detector": "crowd"}  # noqa: RUF012

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        return [self._faces(int(photo[0, 0, 0]) % 6) for photo in photos]

    def _faces(self, n: int) -> Found:
        boxes = np.array([[i, 0.0, i + 10, 10] for i in range(n)]).reshape(-1, 4)
        points = np.array([[[2.0, 3], [7, 3], [5, 5], [3, 8], [7, 8]]] * n).reshape(-1, 5, 2)
        return Found(boxes, np.ones(n), points)


@pytest.mark.parametrize("workers", [1, 2])
def test_of_photographs_with_every_face_exactly_n_are_taken_in_order_of_rank(
    root: Path, tmp_path: Path, workers: int
) -> None:
    def records() -> Iterator[Record]:
        for i in range(90):
            yield Record(f"{i % PHOTOS}.png", f"g{i}", which="every")

    held = [int(np.asarray(Image.open(root / f"{i}.png"))[0, 0, 0]) % 6 for i in range(PHOTOS)]
    order = sorted(range(90), key=lambda i: draw(0, "order", f"g{i}"))
    expected = [f"g{i}-{at:03d}.png" for i in order for at in range(held[i % PHOTOS])]
    for n in (1, 5, 60, 61, 62, len(expected), len(expected) + 1):
        pick = Pick(records, cutter(root, Search(Crowd())), n)
        fill(tmp_path / f"{n}", "toy", [pick], 0, {}, workers)
        assert sorted(read(tmp_path / f"{n}", "").names) == sorted(expected[:n])


def test_the_order_of_reading_is_the_order_of_ranks() -> None:
    records = [record(i) for i in range(50)]
    by_rank = np.argsort(ranks(records, 3))
    assert in_order([f"{r.name}.png" for r in records], 3) == by_rank.tolist()


@pytest.mark.parametrize("n", [None, 20])
@pytest.mark.parametrize("change", [-1, 1])
def test_files_that_change_between_two_passes_are_a_sentence(
    root: Path, tmp_path: Path, n: int | None, change: int
) -> None:
    passes = count()

    def records() -> Iterator[Record]:
        return (record(i) for i in range(60 + (change if next(passes) else 0)))

    with pytest.raises(BadData, match=r"changed while it was read: it had 60 .* run the same"):
        fill(tmp_path / "x", "toy", [Pick(records, cutter(root), n)], 0, {})
    assert not (tmp_path / "x").exists()


def test_nothing_and_nothing_usable_are_sentences_and_one_face_is_enough(
    root: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=r"no face was found .* check the source files"):
        fill(tmp_path / "x", "toy", [Pick(listed(0), cutter(root))], 0, {})
    with pytest.raises(BadData, match=r"no face was found .*\(9 blurred\)"):
        fill(tmp_path / "x", "toy", [Pick(listed(9, flaw="blurred: 2"), cutter(root))], 0, {})
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")][1:]
    fill(tmp_path / "x", "toy", [Pick(listed(1), cutter(root))], 0, {})
    assert read(tmp_path / "x", "").names == ("f0.png",)


def test_a_name_that_comes_twice_is_dropped_and_counted_the_second_time(
    root: Path, tmp_path: Path
) -> None:
    def records() -> Iterator[Record]:
        yield from (record(i % 10) for i in range(30))

    fill(tmp_path / "x", "toy", [Pick(records, cutter(root))], 0, {})
    assert len(read(tmp_path / "x", "")) == 10
    assert drops(tmp_path / "x") == {"duplicate name": 20}


def test_a_photograph_is_noted_once_however_often_it_was_opened(root: Path, tmp_path: Path) -> None:
    fill(tmp_path / "x", "toy", [Pick(listed(100), cutter(root), 50)], 0, {})
    noted = [json.loads(line) for line in (tmp_path / "x/photos.jsonl").open()]
    assert sorted(entry["photo"] for entry in noted) == [f"{i}.png" for i in range(PHOTOS)]
    for entry in noted:
        photo = (root / entry["photo"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(photo), sha256(photo).hexdigest())


class Faulty(Cutter):
    """Fails, or kills its process, at a face as long as a file says so."""

    def cut(self, photos: Sequence[Sequence[Record]]) -> list[Result]:
        last = any(record.name == "f90" for photo in photos for record in photo)
        if last and (self.root / "fail").exists():
            raise ZeroDivisionError("a bug")
        if last and (self.root / "die").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().cut(photos)


@linux
def test_an_error_in_a_process_comes_up_and_what_was_finished_is_kept(
    root: Path, tmp_path: Path
) -> None:
    picks = [Pick(listed(150), Faulty(root, Frame("whole"), Rule(), 8))]
    (root / "fail").touch()
    for workers in (1, 2):
        with pytest.raises(ZeroDivisionError, match="a bug"):
            made(tmp_path / "x", picks, workers)
        assert not (tmp_path / "x").exists()
        assert list((tmp_path / ".x.part").glob("faces-*.npy"))
    (root / "fail").unlink()
    assert made(tmp_path / "x", picks, 2) == made(tmp_path / "y", picks)


@linux
def test_a_killed_process_is_a_sentence_and_the_next_call_goes_on(
    root: Path, tmp_path: Path
) -> None:
    picks = [Pick(listed(150), Faulty(root, Frame("whole"), Rule(), 8))]
    (root / "die").touch()
    with pytest.raises(BadData, match=r"was killed, perhaps .* FACESR_WORKERS"):
        made(tmp_path / "x", picks, 2)
    (root / "die").unlink()
    shards = sorted((tmp_path / ".x.part").glob("faces-*.npy"))
    before = [path.stat().st_mtime_ns for path in shards]
    assert shards
    resumed = made(tmp_path / "x", picks, 2)
    assert [(tmp_path / "x" / path.name).stat().st_mtime_ns for path in shards] == before
    assert resumed == made(tmp_path / "y", picks)


@linux
@pytest.mark.parametrize("everyone", [False, True])
def test_an_interrupt_leaves_no_process_and_the_next_call_goes_on(
    root: Path, tmp_path: Path, everyone: bool
) -> None:
    picks = [Pick(listed(600), Slow(root, Frame("whole"), Rule(), 8))]

    def run() -> None:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        made(tmp_path / "x", picks, 2)

    process = FORK.Process(target=run)
    process.start()
    assert process.pid is not None
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".x.part/faces-*.npy")) and time.monotonic() < end:
        time.sleep(0.01)
    below = children(process.pid)
    assert len(below) == 2
    (os.killpg if everyone else os.kill)(process.pid, signal.SIGINT)
    process.join(30)
    process.kill()
    assert process.exitcode == 1
    assert gone(below)
    assert not (tmp_path / "x").exists()
    assert made(tmp_path / "x", picks) == made(tmp_path / "y", picks)


def test_a_disk_without_room_is_found_before_the_work(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=192 * 19))
    with pytest.raises(BadData, match=r"needs about .* GiB are free; free some, or name another"):
        fill(tmp_path / "x", "toy", [Pick(listed(20), cutter(root), 20)], 0, {})
    fill(tmp_path / "x", "toy", [Pick(listed(20), cutter(root), 19)], 0, {})


def test_a_thousand_lines_without_a_photograph_are_counted(root: Path, tmp_path: Path) -> None:
    def records() -> Iterator[Record]:
        yield from (Record("", f"line{i}", flaw=f"unreadable line: {i}") for i in range(10_000))
        yield record(1)

    fill(tmp_path / "x", "toy", [Pick(records, cutter(root))], 0, {})
    assert drops(tmp_path / "x") == {"unreadable line": 10_000}
