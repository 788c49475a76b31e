import multiprocessing
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench.detectors._base import Found, Pixels, nothing
from facesr.datasets._search import Search


class Counting:
    """Finds what the first pixel says and counts the photographs that it was given."""

    def __init__(self, recipe: str = "a", shift: float = 0.0) -> None:
        self.recipe = {"detector": recipe}
        self.shift = shift
        self.seen = 0

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        self.seen += len(photos)
        return [self._one(int(photo[0, 0, 0])) for photo in photos]

    def _one(self, value: int) -> Found:
        if value == 0:
            return nothing()
        random = np.random.default_rng(value)
        n = value % 3 + 1
        boxes, points = random.normal(size=(n, 4)) * 1000, random.normal(size=(n, 5, 2))
        return Found(boxes + self.shift, random.random(n), points)


def photo(value: int) -> tuple[str, Pixels]:
    return sha256(bytes([value])).hexdigest(), np.full((4, 4, 3), value, np.uint8)


def values(found: list[Found]) -> list[Any]:
    return [(f.boxes.tobytes(), f.scores.tobytes(), f.points.tobytes()) for f in found]


PHOTOS = [photo(value) for value in range(8)]


def test_what_is_remembered_is_what_was_found_to_the_last_byte(tmp_path: Path) -> None:
    detector = Counting()
    search = Search(detector, tmp_path / "found.sqlite")
    fresh = search.find(PHOTOS)
    assert detector.seen == 8
    assert values(search.find(PHOTOS[::-1])) == values(fresh[::-1])
    assert detector.seen == 8
    assert values(Search(Counting()).find(PHOTOS)) == values(fresh)
    assert fresh[0].boxes.shape == (0, 4)
    assert fresh[0].points.shape == (0, 5, 2)


def test_only_photographs_that_are_new_are_searched(tmp_path: Path) -> None:
    detector = Counting()
    search = Search(detector, tmp_path / "found.sqlite")
    search.find(PHOTOS[:3])
    search.find(PHOTOS[:5])
    assert detector.seen == 5
    assert search.find([]) == []


def test_a_detector_that_has_nothing_to_do_is_not_called(tmp_path: Path) -> None:
    Search(Counting(), tmp_path / "found.sqlite").find(PHOTOS)

    class Heavy(Counting):
        def find(self, photos: Sequence[Pixels]) -> list[Found]:
            raise AssertionError("its weights would be loaded for nothing")

    Search(Heavy(), tmp_path / "found.sqlite").find(PHOTOS)


def test_detectors_of_other_recipes_never_mix(tmp_path: Path) -> None:
    store = tmp_path / "found.sqlite"
    ours = Search(Counting("a"), store).find(PHOTOS)
    others = Search(Counting("b", shift=9), store).find(PHOTOS)
    assert values(ours) != values(others)
    assert values(Search(Counting("a"), store).find(PHOTOS)) == values(ours)
    assert values(Search(Counting("b"), store).find(PHOTOS)) == values(others)


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("junk", [False, True])
def test_a_damaged_memory_costs_time_and_no_finding(
    tmp_path: Path, kept: float, junk: bool
) -> None:
    store = tmp_path / "found.sqlite"
    fresh = Search(Counting(), store).find(PHOTOS)
    data = store.read_bytes()
    left = int(len(data) * kept)
    store.write_bytes(data[:left] + (b"\xa5" * (len(data) - left) if junk else b""))
    assert values(Search(Counting(), store).find(PHOTOS)) == values(fresh)
    assert values(Search(Counting(), store).find(PHOTOS)) == values(fresh)


@pytest.mark.parametrize(
    "value",
    ["", "{", "[]", "{}", None, 7, '{"boxes":[[1]],"scores":[1],"points":[]}', "null", b"\xff"],
)
def test_a_damaged_entry_is_searched_anew_and_replaced(tmp_path: Path, value: Any) -> None:
    store = tmp_path / "found.sqlite"
    detector = Counting()
    fresh = Search(detector, store).find(PHOTOS)
    with closing(sqlite3.connect(store)) as database, database:
        database.execute("UPDATE found SET value = ?", (value,))
    assert values(Search(detector, store).find(PHOTOS)) == values(fresh)
    assert detector.seen == 16
    Search(detector, store).find(PHOTOS)
    assert detector.seen == 16


def test_a_memory_that_cannot_be_kept_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    fresh = Search(Counting()).find(PHOTOS)
    for store in (tmp_path / "file/found.sqlite", tmp_path / "folder", Path("/proc/found.sqlite")):
        assert values(Search(Counting(), store).find(PHOTOS)) == values(fresh)


def test_a_table_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    store = tmp_path / "found.sqlite"
    with closing(sqlite3.connect(store)) as database, database:
        database.execute("CREATE TABLE found (other TEXT)")
    fresh = Search(Counting()).find(PHOTOS)
    assert values(Search(Counting(), store).find(PHOTOS)) == values(fresh)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_several_processes_may_write_at_once(tmp_path: Path) -> None:
    store = tmp_path / "found.sqlite"

    def work(first: int) -> None:
        for start in range(first, 200, 4):
            Search(Counting(), store).find([photo(value) for value in range(start, start + 8)])

    context = multiprocessing.get_context("fork")
    many = [context.Process(target=work, args=(first,)) for first in range(4)]
    for process in many:
        process.start()
    for process in many:
        process.join(60)
    assert [process.exitcode for process in many] == [0] * 4
    detector = Counting()
    everything = [photo(value) for value in range(200)]
    found = Search(detector, store).find(everything)
    assert detector.seen == 0
    assert values(found) == values(Search(Counting()).find(everything))
