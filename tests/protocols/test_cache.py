import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from facesr.bench.errors import BadData
from facesr.protocols import _cache
from facesr.protocols._cache import stored, stored_rows


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path))
    return tmp_path / "features" / "net" / "key.npy"


def forget() -> None:
    _cache._memory.clear()


def test_an_array_is_computed_once_and_found_again_on_disk(place: Path) -> None:
    calls = []

    def compute() -> np.ndarray:
        calls.append(1)
        return np.arange(6.0).reshape(2, 3)

    first = stored("net", "key", compute)
    forget()
    again = stored("net", "key", compute)
    assert len(calls) == 1
    assert place.is_file()
    assert np.array_equal(first, again)


@pytest.mark.parametrize("damage", [b"", b"no array", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_a_damaged_file_is_computed_again(place: Path, damage: bytes) -> None:
    stored("net", "key", lambda: np.ones(3))
    place.write_bytes(damage)
    forget()
    assert stored("net", "key", lambda: np.zeros(3)).tolist() == [0, 0, 0]
    assert np.load(place).tolist() == [0, 0, 0]


def test_nobody_can_change_what_is_kept(place: Path) -> None:
    kept = stored("net", "key", lambda: np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 2


def test_memory_stays_bounded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setattr(_cache, "_KEPT_BYTES", 20_000)
    for i in range(10):
        stored("net", f"key{i}", lambda: np.ones(1000))
    assert len(_cache._memory) == 2


def blocks() -> list[np.ndarray]:
    return [np.full((2, 3), 1, np.float32), np.full((3, 3), 2, np.float32)]


def test_rows_are_written_block_by_block_and_found_again(place: Path) -> None:
    rows = stored_rows("net", "key", (5, 3), blocks)
    again = stored_rows("net", "key", (5, 3), lambda: pytest.fail("computed again"))
    assert (len(rows), rows.shape) == (5, (5, 3))
    assert np.array_equal(again[:], np.concatenate(blocks()))
    assert again[1:3].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert again[np.array([4, 0])].tolist() == [[2, 2, 2], [1, 1, 1]]
    assert np.array_equal(np.load(place), again[:])


def test_rows_that_were_cut_short_are_computed_again(place: Path) -> None:
    stored_rows("net", "key", (5, 3), blocks)
    place.write_bytes(place.read_bytes()[:-4])
    assert stored_rows("net", "key", (5, 3), blocks)[:].sum() == 24


def test_rows_that_fail_half_way_leave_nothing(place: Path) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield blocks()[0]
        raise BadData("no second block")

    with pytest.raises(BadData, match="no second block"):
        stored_rows("net", "key", (5, 3), failing)
    assert not place.exists()
    assert stored_rows("net", "key", (5, 3), blocks)[:].sum() == 24


def test_what_is_needed_twice_at_the_same_time_is_computed_once(place: Path) -> None:
    calls = []

    def compute() -> list[np.ndarray]:
        calls.append(1)
        time.sleep(0.2)
        return blocks()

    def wanted(_: int) -> float:
        return float(stored_rows("net", "key", (5, 3), compute)[:].sum())

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(wanted, range(4))] == [24] * 4
    assert len(calls) == 1
