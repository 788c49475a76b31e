from pathlib import Path

import pytest
from PIL import Image

from facesr.datasets._record import Record
from facesr.datasets.celebahq import Celebahq


def records(data: Path) -> list[Record]:
    loader = Celebahq(data=data)
    assert loader.root is not None
    return list(loader.records(loader.root))


def write(data: Path, folder: str, *names: str) -> None:
    (data / "celebahq" / folder).mkdir(parents=True)
    for name in names:
        Image.new("RGB", (8, 8)).save(data / "celebahq" / folder / name)


def mapping(data: Path, *originals: int) -> None:
    lines = [f"{i:<11d}{number - 1:<11d}{number:06d}.jpg" for i, number in enumerate(originals)]
    text = "\n".join(["idx        orig_idx   orig_file", *lines, ""])
    (data / "celebahq/CelebA-HQ-to-CelebA-mapping.txt").write_text(text)


def test_parts_are_those_of_celeba_to_the_last_picture(tmp_path: Path) -> None:
    write(tmp_path, "CelebA-HQ-img", "0.jpg")
    mapping(tmp_path, 1, 162_770, 162_771, 182_637, 182_638, 202_599)
    parts = [record.part for record in records(tmp_path)]
    assert parts == ["train", "train", "val", "val", "test", "test"]


@pytest.mark.parametrize("place", ["celebahq", "celebahq/Anno", "celeba", "celeba/Anno"])
def test_people_are_those_of_celeba_where_its_list_is_there(tmp_path: Path, place: str) -> None:
    write(tmp_path, "CelebA-HQ-img", "0.jpg", "1.jpg")
    mapping(tmp_path, 119_614, 7)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "identity_CelebA.txt").write_text("000007.jpg 41\n119614.jpg 902\n")
    assert [record.identity for record in records(tmp_path)] == ["902", "41"]
    loader = Celebahq(data=tmp_path)
    assert loader.root is not None
    assert [path.name for path in loader.annotations(loader.root)] == [
        "CelebA-HQ-to-CelebA-mapping.txt",
        "identity_CelebA.txt",
    ]


def test_nobody_is_known_without_that_list(tmp_path: Path) -> None:
    write(tmp_path, "CelebA-HQ-img", "0.jpg")
    mapping(tmp_path, 7)
    assert [record.identity for record in records(tmp_path)] == [""]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("CelebA-HQ-img", "1.jpg"),
        ("celeba-1024", "00001.jpg"),
        ("data1024x1024", "00001.png"),
    ],
)
def test_a_face_has_one_name_in_every_layout(tmp_path: Path, folder: str, name: str) -> None:
    write(tmp_path, folder, name)
    alone = records(tmp_path)
    mapping(tmp_path, 5, 6)
    mapped = records(tmp_path)
    assert [(r.name, r.photo) for r in alone] == [("celebahq-00001", f"{folder}/{name}")]
    assert (mapped[1].name, mapped[1].photo) == (alone[0].name, alone[0].photo)
