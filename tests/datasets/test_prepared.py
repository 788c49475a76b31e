import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesr.bench.errors import BadData, BadImage
from facesr.datasets._prepared import details, prepared
from facesr.datasets._record import Made


def grey(value: int, size: int = 8) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def three() -> Iterator[Made]:
    for i, name in enumerate(("b.png", "a.png", "c.png")):
        points = np.array([[i, 0.1], [2.0, 1 / 3]], np.float32)
        yield Made(name, grey(50 * i), f"person{i}", points, {"quality": 10 * i})


def test_what_was_made_is_read_back_in_its_order_with_labels(tmp_path: Path) -> None:
    faces = prepared(tmp_path / "x" / "lr", "toy/test/lr", 8, three)
    assert faces.names == ("b.png", "a.png", "c.png")
    assert faces.identities == ("person0", "person1", "person2")
    assert faces.title == "toy/test/lr"
    assert faces.landmarks is not None
    assert np.array_equal(faces.landmarks, np.stack([m.landmarks for m in three()]))  # type: ignore[misc]
    assert faces.pixels()[1, 0, 0, 0] == 50
    assert details(faces.take([2, 0])) == [{"quality": 20}, {"quality": 0}]


def test_a_folder_that_exists_is_not_made_again(tmp_path: Path) -> None:
    first = prepared(tmp_path / "lr", "toy", 8, three)

    def fail() -> Iterator[Made]:
        raise AssertionError("made twice")

    again = prepared(tmp_path / "lr", "toy", 8, fail)
    assert again.fingerprint == first.fingerprint


def test_labels_are_optional(tmp_path: Path) -> None:
    faces = prepared(tmp_path / "lr", "toy", 8, lambda: [Made("a.png", grey(1))])
    assert faces.identities is None
    assert faces.landmarks is None
    assert details(faces) == [{}]


def left(root: Path) -> list[str]:
    """Return what lies in a folder, locks aside."""
    return sorted(path.name for path in root.iterdir() if path.suffix != ".lock")


def test_an_error_while_making_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> Iterator[Made]:
        yield Made("a.png", grey(1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "lr", "toy", 8, fail)
    assert left(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_folder_that_appears_meanwhile_is_used(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    begun, waited = context.Event(), context.Event()

    def slow() -> Iterator[Made]:
        begun.set()
        waited.wait(30)
        yield from three()

    def fail() -> Iterator[Made]:
        raise AssertionError("made twice")

    other = context.Process(target=prepared, args=(tmp_path / "lr", "toy", 8, slow))
    other.start()
    assert begun.wait(30)
    threading.Timer(0.3, waited.set).start()
    faces = prepared(tmp_path / "lr", "toy", 8, fail)
    other.join(30)
    assert faces.names == ("b.png", "a.png", "c.png")
    assert left(tmp_path) == ["lr"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_killed_preparation_is_done_again_and_its_leavings_are_swept(tmp_path: Path) -> None:
    def forever() -> Iterator[Made]:
        for i in range(10**6):
            yield Made(f"{i}.png", grey(0))
            time.sleep(0.001)

    context = multiprocessing.get_context("fork")
    process = context.Process(target=prepared, args=(tmp_path / "lr", "toy", 8, forever))
    process.start()
    while not list(tmp_path.glob(".lr.part/*")):
        time.sleep(0.01)
    process.kill()
    process.join()
    assert left(tmp_path) == [".lr.part"]

    faces = prepared(tmp_path / "lr", "toy", 8, three)
    assert faces.names == ("b.png", "a.png", "c.png")
    assert left(tmp_path) == ["lr"]


def test_bad_faces_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match=r"a\.png has pixels of shape \(8, 8, 3\)"):
        prepared(tmp_path / "lr", "toy", 16, lambda: [Made("a.png", grey(1))])
    with pytest.raises(BadData, match=r"two faces are named a\.png"):
        prepared(tmp_path / "lr", "toy", 8, lambda: [Made("a.png", grey(1))] * 2)
    with pytest.raises(BadData, match="no face was found"):
        prepared(tmp_path / "lr", "toy", 8, lambda: [])
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["faces.jsonl", "drops.jsonl", "faces-000000000.npy"])
def test_a_folder_that_lost_a_file_is_refused(tmp_path: Path, name: str) -> None:
    faces = prepared(tmp_path / "lr", "toy", 8, three)
    (faces.root / name).unlink()
    with pytest.raises(BadData, match=r"(absent or damaged|has lost \S+); delete the folder"):
        prepared(tmp_path / "lr", "toy", 8, three)


def test_a_list_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    path = prepared(tmp_path / "lr", "toy", 8, three).root / "faces.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]))
    with pytest.raises(BadData, match=r"has lost 1 lines of faces\.jsonl; delete"):
        prepared(tmp_path / "lr", "toy", 8, three)
    for damage in ("{", "[]\n", "7\n", '{"name":7}\n', "{}\n", "\xff"):
        path.write_bytes("".join(lines[:2]).encode() + damage.encode("latin-1"))
        with pytest.raises(BadData, match=r"faces\.jsonl is absent or damaged; delete the folder"):
            prepared(tmp_path / "lr", "toy", 8, three)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"form": 0}', None])
def test_a_manifest_that_is_damaged_or_of_another_version_is_refused(
    tmp_path: Path, text: str | None
) -> None:
    path = prepared(tmp_path / "lr", "toy", 8, three).root / "manifest.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadData, match=r"absent, damaged or of another version; delete the folder"):
        prepared(tmp_path / "lr", "toy", 8, three)


def test_preparing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for place in ("a", "b"):
        prepared(tmp_path / place / "lr", "toy", 8, three)
    first, second = (sorted((tmp_path / place / "lr").iterdir()) for place in ("a", "b"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
