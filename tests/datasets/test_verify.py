import json
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.datasets._partners import degraded
from facesr.datasets._prepared import prepared
from facesr.datasets._record import Made
from facesr.datasets._verify import differences
from facesr.datasets.widerface import Widerface

PHOTO = "WIDER_val/images/0--Parade/0.jpg"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `data` with photographs of noise, boxed as WIDER FACE boxes faces."""
    root = tmp_path_factory.mktemp("original")
    chance = np.random.default_rng(0)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for part, lines in lists.items():
        for i in range(4):
            name = f"0--Parade/{i}.jpg"
            path = root / f"data/widerface/WIDER_{part}/images/{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(0, 255, (160, 200, 3), np.uint8)).save(path)
            boxes = [f"{10 + 30 * n} {100 + n} 24 24 0 0 0 {n // 3} 0 0 " for n in range(4)]
            lines += [name, str(len(boxes)), *boxes]
        place = root / f"data/widerface/wider_face_split/wider_face_{part}_bbx_gt.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text("\n".join(lines) + "\n")
    Widerface(data=root / "data", cache=root / "cache").faces("test", "lr")
    return root


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def half(home: Path) -> Path:
    return Widerface(data=home / "data", cache=home / "cache").faces("test", "lr").root


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_was_not_touched_has_no_differences(home: Path, half: Path) -> None:
    assert len(lines(half / "faces.jsonl")) == 12
    assert list(differences(half)) == []
    assert list(differences(half, home / "data")) == []


def test_a_flipped_byte_names_the_face(half: Path) -> None:
    shard = half / "faces-000000000.npy"
    content = bytearray(shard.read_bytes())
    content[-3 * 16 * 16 * 3] ^= 1  # the first byte of the last face but two
    shard.write_bytes(content)
    name = lines(half / "faces.jsonl")[-3]["name"]
    assert list(differences(half)) == [
        "faces-000000000.npy was changed",
        f"face {name} was changed: its pixels are others",
    ]


def test_a_shard_cut_short_names_the_faces_that_are_lost(half: Path) -> None:
    shard = half / "faces-000000000.npy"
    shard.write_bytes(shard.read_bytes()[: -16 * 16 * 3 - 1])
    names = [line["name"] for line in lines(half / "faces.jsonl")]
    assert list(differences(half)) == [
        "faces-000000000.npy was changed",
        "faces-000000000.npy is cut short",
        f"face {names[-2]} has lost its pixels",
        f"face {names[-1]} has lost its pixels",
    ]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array at all", b"\x93NUMPY\x01\0"])
def test_a_shard_that_is_no_array_has_lost_all_its_faces(half: Path, content: bytes) -> None:
    (half / "faces-000000000.npy").write_bytes(content)
    said = list(differences(half))
    assert said[0] == "faces-000000000.npy was changed"
    assert said[1].startswith("faces-000000000.npy cannot be read: ")
    assert sum(sentence.endswith("has lost its pixels") for sentence in said) == 12


def test_a_shard_of_other_things_is_not_taken_for_faces(half: Path) -> None:
    np.save(half / "faces-000000000.npy", np.zeros((12, 16, 16, 3), np.float32))
    assert "faces-000000000.npy cannot be read: it holds no faces" in list(differences(half))


def test_a_missing_shard_is_named_with_its_faces(half: Path) -> None:
    (half / "faces-000000000.npy").unlink()
    said = list(differences(half))
    assert said[0] == "faces-000000000.npy is missing"
    assert len(said) == 13


def test_faces_after_a_missing_shard_are_still_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facesr.datasets._writer.room", lambda size: 16)
    folder = grey(tmp_path / "lr", 40).root
    (folder / "faces-000000016.npy").unlink()
    last = folder / "faces-000000032.npy"
    content = bytearray(last.read_bytes())
    content[-1] ^= 1
    last.write_bytes(content)
    said = list(differences(folder))
    assert said[:2] == ["faces-000000016.npy is missing", "faces-000000032.npy was changed"]
    assert [s for s in said if "lost" in s] == [
        f"face {i:06d}.png has lost its pixels" for i in range(16, 32)
    ]
    assert said[-1] == "face 000039.png was changed: its pixels are others"


def test_an_edited_line_is_a_changed_file(half: Path) -> None:
    edit(half / "faces.jsonl", '"blur":0', '"blur":2')
    assert list(differences(half)) == ["faces.jsonl was changed"]


def test_a_damaged_line_is_named_by_its_number(half: Path) -> None:
    edit(half / "faces.jsonl", '{"name"', '{"name')
    assert list(differences(half)) == [
        "faces.jsonl was changed",
        "line 1 of faces.jsonl is damaged",
    ]


def test_a_deleted_line_is_counted(half: Path) -> None:
    path = half / "faces.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert list(differences(half)) == [
        "faces.jsonl was changed",
        "faces-000000000.npy holds more faces than faces.jsonl has lines",
        "faces.jsonl has 11 lines, manifest.json counts 12 faces",
    ]


def test_extra_files_and_folders_do_not_belong_here(half: Path) -> None:
    (half / "notes.txt").write_text("mine")
    (half / "faces-000000099.npy").write_bytes(b"")
    (half / "more").mkdir()
    assert list(differences(half)) == [
        "faces-000000099.npy does not belong here",
        "more does not belong here",
        "notes.txt does not belong here",
    ]


def test_a_missing_list_is_named(half: Path) -> None:
    (half / "drops.jsonl").unlink()
    (half / "photos.jsonl").unlink()
    (half / "photos.jsonl").mkdir()
    said = list(differences(half))
    assert said[:2] == ["drops.jsonl is missing", "photos.jsonl is no file"]
    assert said[2:] == ["drops.jsonl lists 0 marked invalid by the authors, manifest.json counts 4"]


def test_without_its_manifest_faces_are_still_compared(home: Path, half: Path) -> None:
    (half / "manifest.json").unlink()
    assert list(differences(half, home / "data")) == ["manifest.json is missing"]
    shard = half / "faces-000000000.npy"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    assert any("its pixels are others" in sentence for sentence in differences(half))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{", "", "manifest.json is damaged: it is no JSON object"),
        ('"form": 1', '"form": 99', "manifest.json is of version 99, expected "),
        ('"faces": 12', '"faces": "12"', "manifest.json is damaged: faces is '12'"),
        ('"drops": {', '"sdrop": {', "manifest.json is damaged: drops is None"),
        ('.jsonl": "', '.jsonl": "z', "manifest.json is damaged: a digest of a file is none"),
    ],
)
def test_a_damaged_manifest_is_named(half: Path, old: str, new: str, said: str) -> None:
    edit(half / "manifest.json", old, new)
    found = list(differences(half))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_counts_that_do_not_fit_are_named(half: Path) -> None:
    edit(half / "manifest.json", '"faces": 12', '"faces": 13')
    edit(half / "manifest.json", 'by the authors": 4', 'by the authors": 3')
    assert list(differences(half)) == [
        "faces.jsonl has 12 lines, manifest.json counts 13 faces",
        "drops.jsonl lists 4 marked invalid by the authors, manifest.json counts 3",
    ]


def test_settings_that_do_not_lead_to_the_folder_are_named(half: Path) -> None:
    edit(half / "manifest.json", '"blur": 2', '"blur": 1')
    above = half.parents[1].name
    assert list(differences(half)) == [
        f"manifest.json states settings that do not lead to the folder {above}"
    ]


def test_photographs_that_changed_or_disappeared_are_named(home: Path, half: Path) -> None:
    photo = home / "data/widerface" / PHOTO
    photo.write_bytes(photo.read_bytes()[:-1] + b"x")
    photo.with_name("2.jpg").unlink()
    assert list(differences(half)) == []
    gone = PHOTO.replace("0.jpg", "2.jpg")
    assert list(differences(half, home / "data")) == [
        f"photograph {PHOTO} was changed in {home / 'data'}",
        f"photograph {gone} is missing in {home / 'data'}",
    ]


def test_an_absent_distribution_is_said_once(home: Path, half: Path, tmp_path: Path) -> None:
    said = list(differences(half, tmp_path / "nothing"))
    assert len(said) == 1
    assert "WIDER FACE" in said[0]


def test_a_source_that_cannot_be_looked_up_is_said(home: Path, half: Path) -> None:
    edit(half / "manifest.json", '"settings": {', '"stettings": {')
    assert any("cannot be looked up" in sentence for sentence in differences(half, home / "data"))


def grey(folder: Path, count: int) -> Faces:
    def make() -> Iterator[Made]:
        for i in range(count):
            yield Made(f"{i:06d}.png", np.full((4, 4, 3), i % 251, np.uint8))

    return prepared(folder, "grey/test/lr", 4, make)


def peak(folder: Path) -> int:
    tracemalloc.start()
    assert list(differences(folder)) == []
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


def test_the_memory_does_not_grow_with_the_number_of_faces(tmp_path: Path) -> None:
    few, many = grey(tmp_path / "few", 500), grey(tmp_path / "many", 10_000)
    peak(few.root)  # what is imported or cached stays
    assert peak(many.root) < peak(few.root) + 2**20


def test_nothing_is_written(half: Path) -> None:
    before = {path.name: (digest(path), path.stat().st_mtime_ns) for path in half.iterdir()}
    list(differences(half))
    assert before == {path.name: (digest(path), path.stat().st_mtime_ns) for path in half.iterdir()}


def test_an_edited_manifest_is_noticed_even_where_nothing_else_differs(half: Path) -> None:
    edit(half / "manifest.json", "widerface/test/lr", "widerface/train/lr")
    assert list(differences(half)) == ["manifest.json was edited: it no longer has its own digest"]


def test_a_changed_or_missing_annotation_is_named(home: Path, half: Path) -> None:
    place = home / "data/widerface/wider_face_split/wider_face_train_bbx_gt.txt"
    place.write_text(place.read_text() + "\n")
    said = list(differences(half, home / "data"))
    assert any("wider_face_train_bbx_gt.txt was changed" in each for each in said)
    place.unlink()
    said = list(differences(half, home / "data"))
    assert any("wider_face_train_bbx_gt.txt is missing" in each for each in said)


def test_partners_of_other_faces_are_noticed(tmp_path: Path) -> None:
    def faces(seed: int, folder: str) -> Faces:
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), np.uint8)
        made = [Made("a.png", pixels)]
        return prepared(tmp_path / folder / "hr", "toy/test/hr", 32, lambda: made)

    first, second = faces(0, "x"), faces(1, "y")
    lr = degraded(first, "bicubic", 8, 0).root
    assert list(differences(lr)) == []
    shutil.rmtree(first.root)
    assert any("is missing beside them" in said for said in differences(lr))
    shutil.copytree(second.root, first.root)
    assert any("is not what these faces were made of" in said for said in differences(lr))
