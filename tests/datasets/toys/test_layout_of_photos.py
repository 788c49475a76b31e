"""The layouts as the authors document them, spelled out without the writers' constants."""

import re
import sqlite3
import struct
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat

from facesr.datasets._toys._truth import Truth

Twins = Mapping[str, tuple[Path, Truth]]
Lines = Callable[[Path], list[str]]
Folders = Callable[[Path, int], set[str]]


def test_widerface_reads_as_its_readme_says(
    twins: Twins, lines_of: Lines, folders_of: Folders
) -> None:
    root, truth = twins["widerface"]
    assert folders_of(root, 2) == {
        "WIDER_train/images", "WIDER_val/images", "WIDER_test/images"
    }  # fmt: skip
    assert (root / "wider_face_split/readme.txt").is_file()
    found = []
    for part in ("train", "val"):
        lines = lines_of(root / f"wider_face_split/wider_face_{part}_bbx_gt.txt")
        while lines:
            photo, count = lines.pop(0), int(lines.pop(0))
            assert re.fullmatch(r"(\d+)--(\w+)/\1_\2_\w+_\d+\.jpg", photo)
            assert (root / f"WIDER_{part}/images" / photo).is_file()
            entries = [lines.pop(0) for _ in range(max(count, 1))]
            assert all(re.fullmatch(r"(-?\d+ ){10}", entry) for entry in entries)
            if count == 0:
                assert entries == ["0 0 0 0 0 0 0 0 0 0 "]
            for entry in entries[:count]:
                x, y, w, h, *labels = (int(v) for v in entry.split())
                found.append((f"WIDER_{part}/images/{photo}", (x, y, x + w, y + h), labels))
    annotated = [face for face in truth.faces if face.box]
    assert found == [(f.photo, f.box, list(f.labels.values())) for f in annotated]
    assert list(annotated[0].labels) == [
        "blur", "expression", "illumination", "invalid", "occlusion", "pose"
    ]  # fmt: skip
    listed = lines_of(root / "wider_face_split/wider_face_test_filelist.txt")
    assert {f"WIDER_test/images/{p}" for p in listed} == {f.photo for f in truth.part("test")}
    assert len({f.photo for f in truth.faces}) + 1 == len(truth.photos)


def test_pipa_has_one_line_per_head(twins: Twins, lines_of: Lines, folders_of: Folders) -> None:
    root, truth = twins["lr_pipa"]
    assert folders_of(root, 1) == {"train", "val", "test", "leftover"}
    found = []
    for line in lines_of(root / "index.txt"):
        assert re.fullmatch(r"\d{17} \d{10} -?\d+ -?\d+ \d+ \d+ \d+ [0123]", line)
        photoset, photo, *rest = line.split(" ")
        x, y, w, h, identity, subset = (int(v) for v in rest)
        part = ("leftover", "train", "val", "test")[subset]
        found.append((f"{photoset}_{photo}.jpg", (x, y, x + w, y + h), str(identity), part))
    assert found == [(Path(f.photo).name, f.box, f.identity, f.part) for f in truth.faces]
    assert any(f.box[1] < 0 for f in truth.faces if f.box)
    assert any(f.part == "leftover" and not f.photo.startswith("leftover") for f in truth.faces)


def test_dukemtmc_has_frames_and_a_matrix_of_eleven_columns(twins: Twins) -> None:
    root, truth = twins["lr_dukemtmc"]
    assert all(re.fullmatch(r"frames/camera[1-8]/\d{6}\.jpg", p) for p in truth.photos)
    rows = loadmat(root / "ground_truth/trainval.mat")["trainData"]
    assert rows.shape == (36, 11)
    assert rows.dtype == np.float64
    for face, row in zip(truth.faces, rows, strict=True):
        camera, identity, frame, left, top, width, height = row[:7].tolist()
        assert face.photo == f"frames/camera{camera:.0f}/{frame:06.0f}.jpg"
        assert face.identity == f"{identity:.0f}"
        assert face.box == (left, top, left + width, top + height)
    assert (rows[:, 9:] > 0).all()
    assert (rows[:, 9:] <= 1).all()
    with Image.open(root / truth.photos[0]) as image:
        assert image.size == (1920, 1080)
    header = (root / "ground_truth/trainval.mat").read_bytes()[:116].decode()
    assert header.startswith("MATLAB 5.0 MAT-file")
    assert "Created" not in header


def test_dukemtmc_frames_may_have_plain_numbers(twins: Twins) -> None:
    root, truth = twins["lr_dukemtmc:plain"]
    assert all(re.fullmatch(r"frames/camera[1-8]/[1-9]\d*\.jpg", p) for p in truth.photos)
    padded = twins["lr_dukemtmc"][0] / "ground_truth/trainval.mat"
    assert (root / "ground_truth/trainval.mat").read_bytes() == padded.read_bytes()


def test_dukemtmc_reid_tells_person_camera_and_frame_by_name(
    twins: Twins, folders_of: Folders
) -> None:
    root, truth = twins["lr_dukemtmc:reid"]
    assert folders_of(root / "DukeMTMC-reID", 1) == {
        "bounding_box_train",
        "bounding_box_test",
        "query",
    }
    by_part: dict[str, set[str]] = {}
    for face in truth.faces:
        name = re.fullmatch(r"DukeMTMC-reID/(\w+)/(\d{4})_c([1-8])_f(\d{7})\.jpg", face.photo)
        assert name
        assert (name[1], name[2]) == (face.part, face.identity)
        assert face.labels == {"camera": int(name[3]), "frame": int(name[4])}
        by_part.setdefault(name[1], set()).add(name[2])
    assert not by_part["bounding_box_train"] & (by_part["query"] | by_part["bounding_box_test"])
    assert by_part["query"] < by_part["bounding_box_test"]


def test_helen_names_the_photograph_before_194_points(
    twins: Twins, lines_of: Lines, folders_of: Folders
) -> None:
    root, truth = twins["helen"]
    assert folders_of(root, 1) == {"annotation", "train_1", "train_2", "train_3", "train_4", "test"}
    found = {}
    for number in range(1, 37):
        name, *rest = lines_of(root / f"annotation/{number}.txt")
        assert len(rest) == 194
        assert all(re.fullmatch(r"-?\d+\.\d{3} , -?\d+\.\d{3}", line) for line in rest)
        found[name] = np.array([line.split(" , ") for line in rest], float)
    for face in truth.faces:
        assert face.landmarks is not None
        np.testing.assert_array_equal(found.pop(Path(face.photo).stem), face.landmarks)
        eyes = np.sort([face.landmarks[a : a + 20].mean(0)[0] for a in (114, 134)])
        np.testing.assert_allclose(eyes, face.five[:2, 0], atol=8)
    assert not found
    names = {part: lines_of(root / f"{part}names.txt") for part in ("train", "test")}
    assert {part: len(listed) for part, listed in names.items()} == {"train": 30, "test": 6}
    for part, listed in names.items():
        assert listed == [Path(f.photo).stem for f in truth.part(part)]


def test_helen_points_of_ibug_count_from_one(twins: Twins, lines_of: Lines) -> None:
    root, truth = twins["helen:pts"]
    for face in truth.faces:
        lines = lines_of((root / face.photo).with_suffix(".pts"))
        assert lines[:3] == ["version: 1", "n_points:  68", "{"]
        assert lines[-1] == "}"
        assert all(re.fullmatch(r"-?\d+\.\d{6} -?\d+\.\d{6}", line) for line in lines[3:-1])
        points = np.array([line.split() for line in lines[3:-1]], float)
        assert face.landmarks is not None
        np.testing.assert_allclose(points, face.landmarks + 0.5, atol=1e-9)
        np.testing.assert_allclose(face.landmarks[30], face.five[2], atol=1e-3)
    assert truth.offset == 0.5
    assert {Path(f.photo).parts[0] for f in truth.faces} == {"trainset", "testset"}


def _torch7(path: Path) -> NDArray[np.float64]:
    """Read a tensor as torch7's `File.lua` describes it, field by field."""
    data, at = path.read_bytes(), 0

    def take(form: str) -> tuple[int, ...]:
        nonlocal at
        at += struct.calcsize("<" + form)
        return struct.unpack_from("<" + form, data, at - struct.calcsize("<" + form))

    def text() -> str:
        nonlocal at
        (length,) = take("i")
        at += length
        return data[at - length : at].decode()

    assert take("ii") == (4, 1)
    assert text() == "V 1"
    kind = text()
    assert kind in ("torch.DoubleTensor", "torch.FloatTensor")
    assert take("i") == (2,)
    sizes, strides, (offset,) = take("2q"), take("2q"), take("q")
    assert take("ii") == (4, 2)
    assert (text(), text()) == ("V 1", kind.replace("Tensor", "Storage"))
    (count,) = take("q")
    stored = np.frombuffer(data[at:], "<f8" if "Double" in kind else "<f4")
    assert len(stored) == count == sizes[0] * sizes[1]
    rows, columns = np.indices(sizes)
    return stored[offset - 1 + rows * strides[0] + columns * strides[1]].astype(np.float64)


def test_ls3dw_stores_tensors_of_torch_beside_photographs(
    twins: Twins, folders_of: Folders
) -> None:
    root, truth = twins["ls3dw"]
    assert folders_of(root, 1) == {
        "300VW-3D", "300W-Testset-3D", "AFLW2000-3D-Reannotated", "LS3D-W-balanced-20-03-2017",
        "Menpo-3D",
    }  # fmt: skip
    assert (root / "LS3D-W-balanced-20-03-2017/new_dataset/1.t7").is_file()
    assert (root / "300VW-3D/CatA/114/0001.t7").is_file()
    for face in truth.faces:
        points = _torch7((root / face.photo).with_suffix(".t7"))
        assert face.landmarks is not None
        np.testing.assert_array_equal(points, face.landmarks)
        np.testing.assert_allclose(points[30], face.five[2], atol=1e-3)
    heads = {p.read_bytes()[19:37] for p in root.rglob("*.t7")}
    assert heads == {b"torch.DoubleTensor", b"torch.FloatTensor\x02"}


def test_ls3dw_may_store_matlab_files(twins: Twins) -> None:
    root, truth = twins["ls3dw:mat"]
    for face in truth.faces:
        points = loadmat((root / face.photo).with_suffix(".mat"))["pts_3d"]
        assert face.landmarks is not None
        np.testing.assert_array_equal(points, face.landmarks)


def test_aflw_is_a_database(twins: Twins, folders_of: Folders) -> None:
    root, truth = twins["aflw"]
    assert folders_of(root, 3) == {"data/flickr/0", "data/flickr/2", "data/flickr/3"}
    with closing(sqlite3.connect(root / "data/aflw.sqlite")) as base:
        rows = base.execute(
            "SELECT faceimages.filepath, faces.face_id, facepose.roll, facepose.pitch, "
            "facepose.yaw, facerect.x, facerect.y, facerect.w, facerect.h, facemetadata.sex "
            "FROM faceimages, faces, facepose, facerect, facemetadata "
            "WHERE faces.face_id = facepose.face_id AND faces.file_id = faceimages.file_id AND "
            "faces.face_id = facerect.face_id AND faces.face_id = facemetadata.face_id"
        ).fetchall()
        points = base.execute(
            "SELECT face_id, FeatureCoords.feature_id, FeatureCoords.x, FeatureCoords.y, descr "
            "FROM FeatureCoords, FeatureCoordTypes "
            "WHERE FeatureCoords.feature_id = FeatureCoordTypes.feature_id"
        ).fetchall()
        codes = [
            c for (c,) in base.execute("SELECT code FROM FeatureCoordTypes ORDER BY feature_id")
        ]
    assert " ".join(codes) == (
        "LBLC LBC LBRC RBLC RBC RBRC LELC LEC LERC RELC REC RERC LE LN NC RN RE MLC MC MRC CC"
    )
    assert {descr for *_, descr in points} >= {"LeftEyeCenter", "MouthRightCorner", "ChinCenter"}
    rows.sort(key=lambda row: row[1])
    for face, (path, number, roll, pitch, yaw, x, y, w, h, sex) in zip(
        truth.faces, rows, strict=True
    ):
        assert face.photo == f"data/flickr/{path}"
        assert face.box == (x, y, x + w, y + h)
        assert face.labels == {
            "roll": roll, "pitch": pitch, "yaw": yaw, "sex": sex, "face_id": number
        }  # fmt: skip
        own = {feature: (px, py) for n, feature, px, py, _ in points if n == number}
        assert face.landmarks is not None
        seen = np.isfinite(face.landmarks[:, 0])
        assert sorted(own) == [k + 1 for k in range(21) if seen[k]]
        np.testing.assert_array_equal(list(own.values()), face.landmarks[seen])
        np.testing.assert_allclose(own[8], face.five[0], atol=1e-3)
        np.testing.assert_allclose(own[20], face.five[4], atol=1e-3)
    assert len(points) < 36 * 21, "some ears are hidden"
