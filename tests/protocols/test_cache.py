from pathlib import Path

import numpy as np
import pytest

from facesr.protocols import _cache
from facesr.protocols._cache import stored


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
