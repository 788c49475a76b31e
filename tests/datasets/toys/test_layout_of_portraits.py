"""The layouts as the authors document them, spelled out without the writers' constants."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadData
from facesr.datasets._toys._truth import WRITERS, Truth

Twins = Mapping[str, tuple[Path, Truth]]
Lines = Callable[[Path], list[str]]
Folders = Callable[[Path, int], set[str]]


def test_ffhq_describes_images_and_thumbnails(twins: Twins, folders_of: Folders) -> None:
    root, truth = twins["ffhq"]
    assert folders_of(root, 2) == {
        f"{kind}/{block}"
        for kind in ("images1024x1024", "thumbnails128x128")
        for block in ("00000", "01000", "60000")
    }
    described = json.loads((root / "ffhq-dataset-v2.json").read_text("utf-8"))
    assert list(described) == [
        "0", "1", "2", "3", "1000", "1001", "1002", "1003", "60000", "60001", "60002", "60003"
    ]  # fmt: skip
    fields = ["category", "metadata", "image", "thumbnail", "in_the_wild"]
    for index, item in described.items():
        assert list(item) == fields
        assert item["category"] == ("training" if int(index) < 60000 else "validation")
        for kind, side in (("image", 1024), ("thumbnail", 128)):
            path = root / item[kind]["file_path"]
            whole = path.read_bytes()
            assert path.stem == f"{int(index):05d}"
            assert item[kind]["file_size"] == len(whole)
            assert item[kind]["file_md5"] == hashlib.md5(whole).hexdigest()
            with Image.open(path) as image:
                pixels = np.array(image)
            assert item[kind]["pixel_size"] == [side, side] == [*pixels.shape[:2]]
            assert item[kind]["pixel_md5"] == hashlib.md5(pixels.tobytes()).hexdigest()
        assert np.shape(item["image"]["face_landmarks"]) == (68, 2)
        assert np.shape(item["in_the_wild"]["face_quad"]) == (4, 2)
    large = {f.photo: f.landmarks for f in truth.faces if f.photo.startswith("images")}
    for item in described.values():
        expected = large.pop(item["image"]["file_path"])
        assert expected is not None
        np.testing.assert_array_equal(item["image"]["face_landmarks"], expected)
    assert not large


@pytest.mark.parametrize(
    ("name", "img", "anno", "part"),
    [("celeba", "Img/", "Anno/", "Eval/"), ("celeba:flat", "", "", "")],
)
def test_celeba_has_five_lists(
    name: str, img: str, anno: str, part: str, twins: Twins, lines_of: Lines
) -> None:
    root, truth = twins[name]
    files = [f"{n:06d}.jpg" for n in range(1, 37)]
    assert truth.photos == tuple(f"{img}img_align_celeba/{file}" for file in files)
    with Image.open(root / truth.photos[0]) as image:
        assert image.size == (178, 218)
    identity = [line.split(" ") for line in lines_of(root / f"{anno}identity_CelebA.txt")]
    assert identity == [[n, f.identity] for n, f in zip(files, truth.faces, strict=True)]
    count, names, *rows = lines_of(root / f"{anno}list_landmarks_align_celeba.txt")
    assert count == "36"
    assert names == (
        "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y "
        "rightmouth_x rightmouth_y"
    )
    assert re.fullmatch(r"000001\.jpg \d+(?: {2,3}\d{2,3}){9}", rows[0])
    for row, file, face in zip(rows, files, truth.faces, strict=True):
        assert row.split()[0] == file
        assert face.landmarks is not None
        np.testing.assert_array_equal(
            np.array(row.split()[1:], float).reshape(5, 2), face.landmarks
        )
        np.testing.assert_allclose(face.landmarks, face.five, atol=0.5)
    count, names, *rows = lines_of(root / f"{anno}list_attr_celeba.txt")
    assert names.startswith("5_o_Clock_Shadow Arched_Eyebrows")
    assert names.endswith("Young ")
    assert len(names.split()) == 40
    assert all(re.fullmatch(r"\d{6}\.jpg( -1|  1){40}", row) for row in rows)
    count, names, *rows = lines_of(root / f"{anno}list_bbox_celeba.txt")
    assert names == "image_id x_1 y_1 width height"
    assert rows[0] == "000001.jpg    96  72 226 313"
    parts = [line.split(" ") for line in lines_of(root / f"{part}list_eval_partition.txt")]
    assert [p[0] for p in parts] == files
    numbers = [int(p[1]) for p in parts]
    assert numbers == sorted(numbers)
    assert [f.part for f in truth.faces] == [("train", "val", "test")[n] for n in numbers]
    people = [{f.identity for f in truth.part(p)} for p in ("train", "val", "test")]
    assert sum(map(len, people)) == len(set.union(*people)) == 12


def test_celebahq_maps_to_celeba(twins: Twins, lines_of: Lines) -> None:
    root, truth = twins["celebahq"]
    head, *rows = lines_of(root / "CelebA-HQ-to-CelebA-mapping.txt")
    assert head == "idx        orig_idx   orig_file"
    assert rows[:2] == ["0          119613     119614.jpg", "1          99094      099095.jpg"]
    assert [row.split()[0] for row in rows] == [Path(f.photo).stem for f in truth.faces]
    assert [f.part for f in truth.faces[:4]] == ["train", "train", "val", "test"]
    assert all(re.fullmatch(r"CelebA-HQ-img/(0|[1-9]\d*)\.jpg", p) for p in truth.photos)
    with Image.open(root / "CelebA-HQ-img/11.jpg") as image:
        assert image.size == (1024, 1024)
    with Image.open(root / "CelebAMask-HQ-mask-anno/0/00011_skin.png") as image:
        assert image.size == (512, 512)


def test_celebahq_may_be_a_folder(twins: Twins) -> None:
    root, truth = twins["celebahq:folder"]
    assert truth.photos == tuple(f"celeba-1024/{n:05d}.jpg" for n in range(12))
    assert not truth.annotations
    with Image.open(root / "celeba-1024/00000.jpg") as image:
        assert image.size == (1024, 1024)


def test_vggface2_lists_boxes_and_points_by_quoted_name(
    twins: Twins, lines_of: Lines, folders_of: Folders
) -> None:
    root, truth = twins["vggface2"]
    assert folders_of(root, 1) == {"data", "bb_landmark", "meta"}
    for part in ("train", "test"):
        faces = truth.part(part)
        head, *boxes = lines_of(root / f"bb_landmark/loose_bb_{part}.csv")
        assert head == "NAME_ID,X,Y,W,H"
        head, *points = lines_of(root / f"bb_landmark/loose_landmark_{part}.csv")
        assert head == "NAME_ID,P1X,P1Y,P2X,P2Y,P3X,P3Y,P4X,P4Y,P5X,P5Y"
        listed = lines_of(root / f"data/{part}_list.txt")
        assert [f"data/{part}/{name}" for name in listed] == [f.photo for f in faces]
        for face, name, box, five in zip(faces, listed, boxes, points, strict=True):
            assert re.fullmatch(r"n\d{6}/\d{4}_\d{2}\.jpg", name)
            quoted = f'"{name[:-4]}",'
            assert box.startswith(quoted)
            assert five.startswith(quoted)
            x, y, w, h = (int(v) for v in box.removeprefix(quoted).split(","))
            assert face.box == (x, y, x + w, y + h)
            written = np.array(five.removeprefix(quoted).split(","), float).reshape(5, 2)
            assert face.landmarks is not None
            np.testing.assert_array_equal(written, face.landmarks)
            np.testing.assert_allclose(written, face.five, atol=1e-3)
    head, *meta = lines_of(root / "meta/identity_meta.csv")
    assert head == "Class_ID, Name, Sample_Num, Flag, Gender"
    assert meta[0] == 'n000001, "Zoë_Nordström", 3, 0, m'
    assert meta[1] == 'n000002, "14th_Rendered_Person", 3, 1, f'
    assert any(f.box[1] < 0 for f in truth.faces if f.box)


def test_lfw_pairs_are_matched_then_mismatched_within_folds(twins: Twins, lines_of: Lines) -> None:
    root, truth = twins["lfw"]
    for face in truth.faces:
        assert re.fullmatch(r"lfw-deepfunneled/([\w-]+)/\1_000[123]\.jpg", face.photo)
    with Image.open(root / truth.photos[0]) as image:
        assert image.size == (250, 250)
    head, *lines = lines_of(root / "pairs.txt")
    assert head == "6\t6"
    assert len(lines) == 6 * 12
    count, *people = lines_of(root / "people.txt")
    assert count == "6"
    folds = []
    while people:
        fold = [people.pop(0).split("\t") for _ in range(int(people.pop(0)))]
        assert all(shots == "3" for _, shots in fold)
        folds.append({name for name, _ in fold})
    assert sum(map(len, folds)) == len(set.union(*folds)) == 12
    for k, members in enumerate(folds):
        for place, line in enumerate(lines[12 * k : 12 * k + 12]):
            fields = line.split("\t")
            assert len(fields) == (3 if place < 6 else 4)
            names, numbers = {fields[0], fields[-2]}, (fields[1], fields[-1])
            assert (names if place >= 6 else {fields[0]}) <= members
            assert place < 6 or len(names) == 2
            assert all(1 <= int(n) <= 3 for n in numbers)
    assert truth.splits["folds"][0] == tuple(lines[:12])
    for view in ("DevTrain", "DevTest"):
        assert len(lines_of(root / f"pairs{view}.txt")) == 1 + 12
        assert lines_of(root / f"people{view}.txt")[0] == "2"


def test_lfw_without_pairs_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="shots=1 leave no pairs"):
        WRITERS["lfw"](tmp_path, shots=1)


def test_webface_is_flat_and_small(twins: Twins) -> None:
    root, truth = twins["webface"]
    assert truth.photos == tuple(f"{n:06d}.png" for n in range(1, 37))
    sides = set()
    for photo in truth.photos:
        with Image.open(root / photo) as image:
            assert image.width == image.height
            sides.add(image.width)
    assert min(sides) < 16 < 32 < max(sides) <= 40


def test_scgan_has_two_training_and_four_testfolders_of(twins: Twins, folders_of: Folders) -> None:
    root, truth = twins["scgan"]
    assert folders_of(root, 2) == {
        "imgs_train/HIGH", "imgs_train/LOW", "imgs_test/LS3D-w_balanced", "imgs_test/FFHQ",
        "imgs_test/Widerface", "imgs_test/WebFace",
    }  # fmt: skip
    for face in truth.faces:
        with Image.open(root / face.photo) as image:
            assert image.size == ((64, 64) if face.part == "imgs_train/HIGH" else (16, 16))
