from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facesr.bench.detectors._base import Found
from facesr.datasets._align import Frame
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._prepared import details
from facesr.datasets._record import Made, Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets._toys.lr_dukemtmc import save_rows
from facesr.datasets.lr_dukemtmc import LrDukemtmc


def records(data: Path, every: int = 60) -> list[Record]:
    loader = LrDukemtmc(data=data, every=every)
    assert loader.root is not None
    return list(loader.records(loader.root))


def filmed(data: Path, rows: list[tuple[int, int, int]], frames: list[str]) -> Path:
    """Lay out frames that are empty files, and boxes: camera, ID, frame."""
    root = data / "dukemtmc"
    for place in ("ground_truth", "frames/camera1", "frames/camera2"):
        (root / place).mkdir(parents=True)
    for name in frames:
        (root / "frames" / name).touch()
    boxes = [[*row, 10.0, 20.0, 30.0, 90.0, 0, 0, 0.5, 0.5] for row in rows]
    save_rows(root / "ground_truth/trainval.mat", np.array(boxes, np.float64))
    return data


def cropped(data: Path, names: list[str]) -> Path:
    for name in names:
        path = data / "DukeMTMC-reID" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return data


def test_a_person_is_taken_once_in_a_while_by_each_camera(tmp_path: Path) -> None:
    rows = [(1, 7, 120), (1, 7, 121), (1, 7, 180), (1, 8, 181), (2, 8, 181)]
    frames = [f"camera{camera}/{frame:06d}.jpg" for camera, _, frame in rows]
    data = filmed(tmp_path, rows, frames)
    assert [r.photo for r in records(data)] == [
        "frames/camera1/000120.jpg",
        "frames/camera1/000180.jpg",
        "frames/camera1/000181.jpg",
        "frames/camera2/000181.jpg",
    ]
    assert [r.identity for r in records(data)] == ["0007", "0007", "0008", "0008"]
    assert len(records(data, every=1)) == len(rows)


def test_of_frames_written_at_intervals_those_are_used_that_are_here(tmp_path: Path) -> None:
    rows = [(1, 7, frame) for frame in range(120, 240)]
    data = filmed(tmp_path, rows, ["camera1/000130.jpg", "camera1/000131.jpg"])
    first, second = records(data)
    assert first.photo == "frames/camera1/000130.jpg"
    assert second.photo == "frames/camera1/000180.jpg"  # not here; told as missing


def test_frames_may_be_numbered_without_zeros(tmp_path: Path) -> None:
    (record,) = records(filmed(tmp_path, [(1, 7, 120)], ["camera1/120.jpg"]))
    assert record.photo == "frames/camera1/120.jpg"
    assert record.name == "lr_dukemtmc-c1_f0000120_0007"


def test_a_person_has_the_box_of_the_row(tmp_path: Path) -> None:
    (record,) = records(filmed(tmp_path, [(2, 7, 120)], ["camera2/000120.jpg"]))
    assert record.box == (10, 20, 40, 110)
    assert (record.which, record.part) == ("person", "trainval")
    assert record.labels == {"camera": 2, "frame": 120, "person": (10, 20, 40, 110)}


def test_rows_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    read = records(filmed(tmp_path, [(1, 7, 120), (9, 7, 120)], ["camera1/000120.jpg"]))
    assert [r.flaw.partition(":")[0] for r in read] == ["", "unreadable line"]


def test_the_parts_of_the_crops_are_the_authors(tmp_path: Path) -> None:
    names = [
        "bounding_box_train/0001_c2_f0046182.jpg",
        "query/0005_c1_f0000001.jpg",
        "bounding_box_test/0006_c8_f0000002.jpg",
    ]
    loader = LrDukemtmc(data=cropped(tmp_path, names), hr="")
    assert loader.divided
    assert [r.photo for r in loader.listed()] == [f"DukeMTMC-reID/{name}" for name in names]
    assert [r.identity for r in loader.listed()] == ["0001", "0005", "0006"]
    wanted = [r.part for r in loader.listed() if loader.among("test").wants(r, 0)]
    assert wanted == ["query", "bounding_box_test"]


def test_files_with_names_of_another_form_are_told_and_are_no_faces(tmp_path: Path) -> None:
    names = ["bounding_box_train/0001_c2_f0046182.jpg", "bounding_box_train/somebody.jpg"]
    first, second = records(cropped(tmp_path, names))
    assert not first.flaw
    assert "'somebody.jpg' is not a name like" in second.flaw
    assert not second.photo


def test_the_card_says_when_and_why_the_data_set_was_withdrawn() -> None:
    assert LrDukemtmc.about is not None
    assert "25 April 2019" in LrDukemtmc.about.withdrawn
    assert "review board" in LrDukemtmc.about.withdrawn


def test_high_resolution_faces_of_another_set_are_asked_for(tmp_path: Path) -> None:
    data = cropped(tmp_path, ["query/0005_c1_f0000001.jpg"])
    assert "CelebA" in LrDukemtmc(data=data).missing()
    assert LrDukemtmc(data=data, hr="").missing() == ""


def test_a_face_is_looked_for_in_the_upper_third_of_a_person(tmp_path: Path) -> None:
    data = cropped(tmp_path, ["query/0005_c1_f0000001.jpg"])
    Image.new("RGB", (60, 180)).save(data / "DukeMTMC-reID/query/0005_c1_f0000001.jpg")
    searched: list[tuple[int, int]] = []

    class Known:
        def find(self, views: list[tuple[str, Any]]) -> list[Found]:
            searched.extend(pixels.shape[:2] for _, pixels in views)
            boxes = np.array([[10.0, 60, 50, 100], [20, 10, 40, 35]])
            points = boxes[:, None, :2] + [[4, 8], [16, 8], [10, 14], [5, 20], [15, 20]]
            return [Found(boxes, np.array([0.999, 0.97]), points)] * len(views)

    search: Any = Known()
    (record,) = records(data)
    cutter = Cutter(data, Frame("box"), Rule(), 16, search)
    result = cutter.cut([[record]])[-1]
    assert isinstance(result, Made)
    assert result.details is not None
    assert result.details["score"] == 0.97
    assert result.details["box"] == [17.5, 10.0, 42.5, 35.0]
    assert searched == [(91, 60)]


def test_mtcnn_finds_faces_at_the_top_of_people(tmp_path: Path) -> None:
    truth = WRITERS["lr_dukemtmc"](tmp_path / "dukemtmc", people=6, shots=1, size=540)
    WRITERS["lr_dukemtmc:reid"](tmp_path / "crops/lr_dukemtmc", people=4, shots=1)
    for data, people in ((tmp_path, 6), (tmp_path / "crops", 4)):
        loader = LrDukemtmc(data=data, cache=tmp_path / "cache", hr="", workers=1)
        source = loader.source("lr", loader.among("train"), most_side=None, least_side=0.0)
        faces = loader.half("lr_dukemtmc/any/lr", source)
        assert 0 < len(faces) <= people
        if data == tmp_path:
            drawn = {(face.photo, int(face.identity or 0)): face for face in truth.faces}
            assert faces.identities is not None
            for known, who in zip(details(faces), faces.identities, strict=True):
                left, top, right, bottom = known["box"]
                five = drawn[known["photo"], int(who)].five
                assert ((five > (left, top)) & (five < (right, bottom))).all()
