import errno
import json
import multiprocessing
import os
import resource
import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench import shards
from facesr.bench.errors import BadData, BadImage
from facesr.datasets import _writer
from facesr.datasets._prepared import details, prepared
from facesr.datasets._record import Dropped, Made
from facesr.datasets._writer import Writer, locked

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs fork")


def face(i: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(i).integers(0, 256, (4, 4, 3), dtype=np.uint8)


def writer(folder: Path, resume: bool = True, pace: str = "") -> Writer:
    return Writer(folder, 4, resume=resume, pace=pace)


def put(into: Writer, first: int, last: int) -> None:
    for i in range(first, last):
        into.photo(f"{i}.jpg", "0" * 64, i)
        into.add(Made(f"{i}.png", face(i), f"p{i}", np.array([[i, 0.1]]), {"i": i}))
        into.drop(Dropped(f"d{i}", "odd", "why"))
        into.mark({"pick": i + 1})


def content(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_writer, "room", lambda size: 10)


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    """Return what 35 faces give that nothing interrupts."""
    one = writer(tmp_path / "whole")
    put(one, 0, 35)
    one.close({"title": "toy"}, {"pick": 35})
    return content(tmp_path / "whole")


def finish(folder: Path) -> dict[str, str]:
    again = writer(folder)
    put(again, (again.position or {"pick": 0})["pick"], 35)
    again.close({"title": "toy"}, {"pick": 35})
    return content(folder)


def test_a_folder_is_whole_or_absent(tmp_path: Path) -> None:
    one = writer(tmp_path / "x")
    put(one, 0, 25)
    assert not (tmp_path / "x").exists()
    one.close({"title": "toy", "more": 1})
    names = ["drops.jsonl", "faces-000000000.npy", "faces-000000010.npy", "faces-000000020.npy"]
    assert sorted(content(tmp_path / "x")) == [
        *names,
        "faces.jsonl",
        "manifest.json",
        "photos.jsonl",
    ]
    known = json.loads((tmp_path / "x/manifest.json").read_text())
    assert {key: known[key] for key in ("faces", "size", "more", "drops")} == {
        "faces": 25,
        "size": 4,
        "more": 1,
        "drops": {"odd": 25},
    }
    files = content(tmp_path / "x")
    del files["manifest.json"]
    assert known["files"] == files
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


@pytest.mark.parametrize("stop", [0, 7, 10, 23, 30, 34])
def test_an_interrupted_writer_goes_on_to_the_same_bytes(
    tmp_path: Path, whole: dict[str, str], stop: int
) -> None:
    put(writer(tmp_path / "x"), 0, stop)
    assert finish(tmp_path / "x") == whole


def test_what_a_killed_writer_left_half_written_is_swept(
    tmp_path: Path, whole: dict[str, str]
) -> None:
    put(writer(tmp_path / "x"), 0, 23)
    aside = tmp_path / ".x.part"
    (aside / ".abc.part").write_bytes(b"half a shard")
    (aside / "faces-000000020.npy").write_bytes(b"a shard without its journal")
    (aside / "manifest.json").write_text("{}")
    for name in ("faces.jsonl", "drops.jsonl", "photos.jsonl"):
        with (aside / name).open("a") as file:
            file.write('{"name":"20.p')
    assert finish(tmp_path / "x") == whole


@pytest.mark.parametrize(
    "damage",
    [
        lambda aside: (aside / "journal.json").write_text("{"),
        lambda aside: (aside / "journal.json").write_text('{"form": 0}'),
        lambda aside: (aside / "journal.json").unlink(),
        lambda aside: (aside / "faces.jsonl").write_text(""),
        lambda aside: (aside / "photos.jsonl").unlink(),
        lambda aside: (aside / "faces-000000000.npy").unlink(),
        lambda aside: (aside / "faces.jsonl").write_bytes(b"\xff" * 10_000),
    ],
)
def test_a_writer_begins_anew_where_what_was_left_is_damaged(
    tmp_path: Path, whole: dict[str, str], damage: Any
) -> None:
    put(writer(tmp_path / "x"), 0, 23)
    damage(tmp_path / ".x.part")
    assert finish(tmp_path / "x") == whole


def test_a_writer_goes_on_only_from_positions_that_count_the_same(
    tmp_path: Path, whole: dict[str, str]
) -> None:
    put(writer(tmp_path / "x", pace="photographs"), 0, 23)
    same = writer(tmp_path / "x", pace="photographs")
    assert (same.position, same.faces) == ({"pick": 20}, 20)
    other = writer(tmp_path / "x", pace="faces")
    assert (other.position, other.faces) == (None, 0)
    put(other, 0, 35)
    other.close({"title": "toy"}, {"pick": 35})
    assert content(tmp_path / "x") == whole


@pytest.mark.parametrize("step", ["digest", "write_json", "rename"])
def test_a_writer_interrupted_at_its_very_end_makes_nothing_twice(
    tmp_path: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one = writer(tmp_path / "x")
    put(one, 0, 35)
    real = Path.rename if step == "rename" else getattr(_writer, step)

    def fail(*given: Any) -> Any:
        if step != "write_json" or given[0].name == "manifest.json":
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "rename" else _writer, step, fail)
        with pytest.raises(KeyboardInterrupt):
            one.close({"title": "toy"}, {"pick": 35})
    assert not (tmp_path / "x").exists()
    if step != "rename":
        assert writer(tmp_path / "x").faces == 35
    assert finish(tmp_path / "x") == whole


@pytest.mark.parametrize("fails", range(8))
def test_a_full_disk_is_a_sentence_and_the_same_command_goes_on(
    tmp_path: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    writes = count()

    def failing(real: Any) -> Any:
        def write(*given: Any) -> Any:
            if next(writes) == fails:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*given)

        return write

    for name in ("write_shard", "write_json"):
        monkeypatch.setattr(_writer, name, failing(getattr(_writer, name)))
    with pytest.raises(BadData, match=r"x cannot be written: no space left .* make room or name"):
        finish(tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert finish(tmp_path / "x") == whole


@linux
@pytest.mark.parametrize("limit", [0, 300, 700, 1500])
def test_files_that_may_not_grow_leave_nothing_that_looks_whole(
    tmp_path: Path, whole: dict[str, str], limit: int
) -> None:
    def run() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            one = writer(tmp_path / "x")
            put(one, 0, 35)
            one.close({"title": "toy"}, {"pick": 35})
        except BadData as error:
            os._exit(42 if "file too large" in str(error) else 43)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(30)
    assert process.exitcode == 42
    assert not (tmp_path / "x").exists()
    assert finish(tmp_path / "x") == whole


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_a_place_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*given: Any, **more: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", fail)
    reason = os.strerror(number).lower()
    with (
        pytest.raises(BadData, match=f"x cannot be made: {reason}; name another folder"),
        locked(tmp_path / "x"),
    ):
        raise AssertionError
    with pytest.raises(BadData, match=f"x cannot be written: {reason}"):
        writer(tmp_path / "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(BadData, match="x cannot be made: permission denied"),
        locked(tmp_path / "x"),
    ):
        raise AssertionError
    tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadData, match="cannot be made"), locked(tmp_path / "file/x"):
        raise AssertionError


def test_an_error_of_the_work_is_not_taken_for_one_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="elsewhere"), locked(tmp_path / "x"):
        raise PermissionError("elsewhere")


def test_a_name_is_taken_once_among_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_writer, "_TOGETHER", 8)
    seen = _writer._Seen()
    names = [f"{i % 700}" for i in range(2000)]
    assert [seen.new(name) for name in names] == [i < 700 for i in range(2000)]
    assert len(seen._many) > 600


def test_a_face_and_a_photograph_may_have_one_name(tmp_path: Path) -> None:
    one = writer(tmp_path / "x")
    one.photo("a.png", "0" * 64, 1)
    assert one.add(Made("a.png", face(0)))
    assert not one.add(Made("a.png", face(1)))


def test_pixels_of_another_shape_or_type_are_refused(tmp_path: Path) -> None:
    one = writer(tmp_path / "x")
    with pytest.raises(BadImage, match=r"a has pixels of shape \(5, 4, 3\)"):
        one.add(Made("a", np.zeros((5, 4, 3), np.uint8)))
    with pytest.raises(BadImage, match="type float64, expected"):
        one.add(Made("a", np.zeros((4, 4, 3))))  # type: ignore[arg-type]


STRANGE = ("é.png", "人.png", "\udce9.png", "\ud800.png", 'a"b\\.png', "a\nb.png", "a\u2028b.png")


def test_strange_names_and_labels_are_read_back_as_they_were(tmp_path: Path) -> None:
    def make() -> Iterator[Made]:
        for i, name in enumerate(STRANGE):
            yield Made(name, face(i), name, None, {"said": name})

    faces = prepared(tmp_path / "x", "toy", 4, make)
    assert faces.names == STRANGE
    assert faces.identities == STRANGE
    assert [d["said"] for d in details(faces)] == list(STRANGE)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_landmarks_are_read_back_to_the_last_bit_of_float32(
    tmp_path: Path, kind: type[np.floating[Any]], scale: float
) -> None:
    points = (np.random.default_rng(0).normal(size=(50, 5, 2)) * scale).astype(kind)
    faces = prepared(
        tmp_path / "x",
        "toy",
        4,
        lambda: (Made(f"{i}", face(i), None, at) for i, at in enumerate(points)),
    )
    assert faces.landmarks is not None
    assert np.array_equal(faces.landmarks, points.astype(np.float32))


def test_labels_that_not_every_face_has_are_left_out_at_reading(tmp_path: Path) -> None:
    def make() -> Iterator[Made]:
        yield Made("a", face(0), "somebody", np.zeros((5, 2)))
        yield Made("b", face(1), None, np.zeros((3, 2)))

    faces = prepared(tmp_path / "x", "toy", 4, make)
    assert faces.identities is None
    assert faces.landmarks is None


def test_a_shard_holds_a_bounded_number_of_bytes_and_images() -> None:
    assert shards.room(64) * 3 * 64**2 <= 2**26
    assert shards.room(16) == 2**15
    assert shards.room(1024) >= 16
