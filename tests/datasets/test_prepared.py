import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesr.bench.errors import BadData, BadImage
from facesr.datasets._prepared import Made, details, prepared


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


def test_an_error_while_making_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> Iterator[Made]:
        yield Made("a.png", grey(1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "lr", "toy", 8, fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_appears_meanwhile_is_used(tmp_path: Path) -> None:
    def slow() -> Iterator[Made]:
        prepared(tmp_path / "lr", "toy", 8, three)  # another process is faster
        yield Made("other.png", grey(9))

    faces = prepared(tmp_path / "lr", "toy", 8, slow)
    assert faces.names == ("b.png", "a.png", "c.png")
    assert [path.name for path in tmp_path.iterdir()] == ["lr"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_preparation_is_done_again_and_its_leavings_are_swept(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        import numpy as np
        from facesr.datasets._prepared import Made, prepared

        def forever():
            for i in range(10**6):
                yield Made(f"{i}.png", np.zeros((8, 8, 3), np.uint8))
                time.sleep(0.01)

        prepared(Path(sys.argv[1]), "toy", 8, forever)
    """)
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "lr")])
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".lr.*.part/*.png")) and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.wait()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".lr.")

    os.utime(left, (0, 0))
    assert len(prepared(tmp_path / "lr", "toy", 8, three)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["lr"]


def test_bad_faces_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match=r"a\.png has pixels of shape \(8, 8, 3\)"):
        prepared(tmp_path / "lr", "toy", 16, lambda: [Made("a.png", grey(1))])
    with pytest.raises(BadData, match=r"two faces are named a\.png"):
        prepared(tmp_path / "lr", "toy", 8, lambda: [Made("a.png", grey(1))] * 2)
    with pytest.raises(BadData, match="no face was found"):
        prepared(tmp_path / "lr", "toy", 8, lambda: [])
    half = [Made("a.png", grey(1), "somebody"), Made("b.png", grey(2))]
    with pytest.raises(BadData, match=r"1 of 2 faces .* have no identity \(the first is b\.png\)"):
        prepared(tmp_path / "lr", "toy", 8, lambda: half)


def test_a_folder_changed_by_hand_is_refused(tmp_path: Path) -> None:
    faces = prepared(tmp_path / "lr", "toy", 8, three)
    (faces.root / "a.png").unlink()
    with pytest.raises(BadData, match=r"has lost 1 of 3 faces \(the first is a\.png\)"):
        prepared(tmp_path / "lr", "toy", 8, three)
    (faces.root / "faces.json").write_text("{")
    with pytest.raises(BadData, match="absent or damaged; delete the folder"):
        prepared(tmp_path / "lr", "toy", 8, three)
