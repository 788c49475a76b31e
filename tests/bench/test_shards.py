import errno
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facesr.bench import shards
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.shards import Images, read_shards, write_shard


def images(n: int, size: int = 8) -> Images:
    return np.random.default_rng(n).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    whole = images(50)
    for first, last in ((0, 7), (7, 8), (8, 40), (40, 50)):
        write_shard(tmp_path, first, list(whole[first:last]))
    return tmp_path


def test_a_file_is_what_numpy_would_write(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, images(5), allow_pickle=False)
    assert write_shard(tmp_path, 0, list(images(5))).read_bytes() == file.getvalue()
    assert write_shard(tmp_path, 0, images(5)).read_bytes() == file.getvalue()
    turned = images(5).transpose(0, 2, 1, 3)
    assert np.array_equal(np.load(write_shard(tmp_path, 0, turned)), turned)


def test_images_are_read_by_position_in_any_order_any_number_of_times(root: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 50, 300)
    assert np.array_equal(read_shards(root, rows, 8), images(50)[rows])
    assert read_shards(root, rows[:0], 8).shape == (0, 8, 8, 3)


def test_faces_in_shards_are_read_in_their_own_order(root: Path) -> None:
    order = np.random.default_rng(1).permutation(50)
    faces = Faces(root, tuple(f"{i}" for i in range(50)), 8, rows=np.arange(50)).take(
        order.tolist()
    )
    expected = images(50)[order]
    assert np.array_equal(faces.pixels().permute(0, 2, 3, 1).numpy(), expected)
    assert np.array_equal(np.stack(list(faces.images())), expected)
    batches = list(faces.batches(16))
    assert [len(batch) for batch in batches] == [16, 16, 16, 2]
    assert torch.equal(torch.cat(batches), torch.from_numpy(expected).permute(0, 3, 1, 2) / 255)


def test_faces_in_shards_and_in_files_have_one_fingerprint(root: Path, tmp_path: Path) -> None:
    from facesr.bench.faces import write_png

    names = tuple(f"{i}.png" for i in range(50))
    for name, pixels in zip(names, images(50), strict=True):
        write_png(pixels, tmp_path / "files" / name)
    whole = Faces(root, names, 8, rows=np.arange(50))
    assert whole.fingerprint == Faces(tmp_path / "files", names, 8).fingerprint
    assert whole.take(range(49)).fingerprint != whole.fingerprint


def test_more_faces_than_are_read_at_once_come_in_order(tmp_path: Path) -> None:
    whole = images(2500, 2)
    write_shard(tmp_path, 0, whole)
    faces = Faces(tmp_path, tuple(map(str, range(2500))), 2, rows=np.arange(2500))
    assert np.array_equal(faces.pixels().permute(0, 2, 3, 1).numpy(), whole)


@pytest.mark.parametrize("row", [50, 10**9, -1])
def test_a_position_that_is_not_there_is_a_sentence(root: Path, row: int) -> None:
    with pytest.raises(BadData, match=f"has lost face {row}; delete the folder"):
        read_shards(root, np.array([row]), 8)


def test_a_lost_file_is_a_sentence(root: Path) -> None:
    (root / "faces-000000008.npy").unlink()
    assert len(read_shards(root, np.array([7, 40]), 8)) == 2
    with pytest.raises(BadData, match="has lost face 9"):
        read_shards(root, np.array([9]), 8)
    with pytest.raises(BadData, match="gone cannot be read: no such file"):
        read_shards(root / "gone", np.array([0]), 8)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:90],
        lambda data: b"",
        lambda data: b"PK\3\4" + data[4:],
        lambda data: data.replace(b"|u1", b"|O1"),
        lambda data: b"junk" + data,
    ],
)
def test_a_damaged_file_is_a_sentence(root: Path, damage: Any) -> None:
    path = root / "faces-000000008.npy"
    path.write_bytes(damage(path.read_bytes()))
    os.utime(path, ns=(1, 1))
    with pytest.raises(BadData, match=r"faces-000000008\.npy (is damaged .*; delete|holds)"):
        read_shards(root, np.array([9]), 8)


def test_images_of_another_size_or_type_are_a_sentence(root: Path) -> None:
    with pytest.raises(BadData, match=r"holds uint8 images of shape \(8, 8, 3\), expected uint8"):
        read_shards(root, np.array([0]), 16)
    np.save(root / "faces-000000050.npy", np.zeros((4, 8, 8, 3)))
    with pytest.raises(BadData, match="holds float64 images"):
        read_shards(root, np.array([50]), 8)


def test_a_folder_that_was_made_again_is_read_anew(root: Path) -> None:
    assert len(read_shards(root, np.array([0]), 8))
    write_shard(root, 0, 255 - images(50)[:7])
    os.utime(root / "faces-000000000.npy", ns=(5, 5))
    assert np.array_equal(read_shards(root, np.array([3]), 8)[0], 255 - images(50)[3])


class Full(io.RawIOBase):
    """A disk that is full after some bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(data)


def test_a_disk_that_fills_up_is_noticed_at_any_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = write_shard(tmp_path, 0, images(3)).stat().st_size
    for room in (0, 1, 100, 128, 200, length - 1):

        def opened(descriptor: int, mode: str, room: int = room) -> Any:
            os.close(descriptor)
            return io.BufferedWriter(Full(room))

        monkeypatch.setattr(os, "fdopen", opened)
        with pytest.raises(OSError, match="No space left"):
            write_shard(tmp_path, 3, images(3))
        assert [path.name for path in tmp_path.iterdir()] == ["faces-000000000.npy"]


def test_a_shard_is_chosen_by_its_name(root: Path) -> None:
    assert [shards.position_of(path) for path in shards.shards(root)] == [0, 7, 8, 40]
