import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench.detectors._base import Found
from facesr.datasets._align import Frame
from facesr.datasets._half import Among
from facesr.datasets._prepared import manifest
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets.widerface import Widerface

REAL = Path(__file__).parents[2].parent / "shared/data/widerface"
ANNOTATION = REAL / "wider_face_split/wider_face_val_bbx_gt.txt"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    place = tmp_path_factory.mktemp("twin")
    return place, WRITERS["widerface"](place / "widerface", people=12, shots=3, size=360)


def records(loader: Widerface) -> list[Record]:
    assert loader.root is not None
    return list(loader.records(loader.root))


def test_faces_that_are_too_blurred_or_occluded_are_left_out_and_counted(
    data: tuple[Path, Truth], tmp_path: Path
) -> None:
    place, truth = data
    loader = Widerface(data=place, cache=tmp_path, workers=1, blur=1, occlusion=0)
    faces = loader.half("widerface/all/hr", loader.source("hr", Among(), least_side=0.0))
    wanted: Counter[str] = Counter()
    for labels in (face.labels for face in truth.faces if face.part != "test"):
        if labels["invalid"]:
            wanted["marked invalid by the authors"] += 1
        elif labels["blur"] == 2:
            wanted["too blurred"] += 1
        elif labels["occlusion"] != 0:
            wanted["too occluded"] += 1
    counted = manifest(faces.root)["drops"]
    assert len(wanted) == 3
    assert {reason: counted[reason] for reason in wanted} == wanted


def test_a_part_counts_its_own_faces_only(data: tuple[Path, Truth], tmp_path: Path) -> None:
    place, truth = data
    loader = Widerface(data=place, cache=tmp_path, workers=1)
    for part, theirs in (("train", "train"), ("test", "val")):
        faces = loader.faces(part, "lr")  # type: ignore[arg-type]
        known = manifest(faces.root)
        assert known["faces"] + sum(known["drops"].values()) == len(truth.part(theirs))


def test_settings_that_choose_faces_are_part_of_the_place(data: tuple[Path, Truth]) -> None:
    keys = [Widerface(data=data[0], blur=b).source("lr", Among()).key() for b in (1, 2)]
    assert keys[0] != keys[1]


def test_boxes_get_a_margin_and_squares_around_landmarks_their_own(
    data: tuple[Path, Truth],
) -> None:
    def frame(**settings: Any) -> Any:
        return Widerface(data=data[0], **settings).source("lr", Among()).recipe["frame"]

    assert frame() == {"frame": "box", "margin": 0.15}
    assert frame(margin=0.3) == {"frame": "box", "margin": 0.3}
    assert frame(frame="square")["margin"] == Frame("square").recipe["margin"] == 5.0
    assert frame(frame="square", margin=6.0)["margin"] == 6.0


def test_without_the_training_photographs_the_rest_is_divided_and_this_is_said(
    data: tuple[Path, Truth], tmp_path: Path
) -> None:
    shutil.copytree(data[0], tmp_path / "data")
    shutil.rmtree(tmp_path / "data/widerface/WIDER_train")
    loader = Widerface(data=tmp_path / "data", cache=tmp_path / "cache", least=0.1, workers=1)
    assert {record.part for record in records(loader)} == {"val"}
    parts = [loader.source("lr", loader.among(part)) for part in ("train", "test")]
    chosen = [{r.photo for r in s.records() if s.among.wants(r, 0)} for s in parts]
    assert chosen[0].isdisjoint(chosen[1])
    train = loader.faces("train", "lr")
    assert any("the authors' division is not here in full" in note for note in loader.notes(train))


def test_all_faces_found_in_the_test_photographs_can_be_added(
    data: tuple[Path, Truth], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, truth = data
    loader = Widerface(data=place, cache=tmp_path, workers=1, unboxed=True, finder="mtcnn")
    assert loader.missing() == ""
    added = [record for record in records(loader) if record.part == "test"]
    assert {record.photo for record in added} == {face.photo for face in truth.part("test")}
    assert {record.which for record in added} == {"every"}

    boxes = np.array([[20.0, 20, 50, 60], [80, 30, 110, 70]])
    points = boxes[:, None, :2] + [[8, 14], [22, 14], [15, 22], [9, 32], [21, 32]]
    found = Found(boxes, np.array([0.99, 0.98]), points)

    class Same:
        def find(self, photos: list[object]) -> list[Found]:
            return [found] * len(photos)

    monkeypatch.setattr("facesr.datasets._official.Search", lambda *_: Same())
    source = loader.source("lr", Among(("test",)), most_side=None)
    faces = loader.half("widerface/unboxed/lr", source)
    stems = {Path(face.photo).stem for face in truth.part("test")}
    assert set(faces.stems) == {f"widerface-{stem}-{at:03d}" for stem in stems for at in (0, 1)}


def test_photographs_without_boxes_need_a_detector(data: tuple[Path, Truth]) -> None:
    assert "widerface.finder=mtcnn" in Widerface(data=data[0], unboxed=True).missing()


def test_mtcnn_finds_annotated_faces(data: tuple[Path, Truth], tmp_path: Path) -> None:
    loader = Widerface(data=data[0], cache=tmp_path, workers=1, finder="mtcnn")
    faces = loader.half("widerface/found/hr", loader.source("hr", Among(("val",)), least_side=24.0))
    assert len(faces) >= 4
    assert faces.landmarks is not None
    middle = faces.landmarks.mean((0, 1))
    assert abs(middle - 32).max() < 6


@pytest.mark.skipif(not ANNOTATION.is_file(), reason="no WIDER FACE beside the tests")
def test_the_real_annotation_gives_every_face_that_its_counts_declare(tmp_path: Path) -> None:
    lines = ANNOTATION.read_text().splitlines()
    declared = sum(int(line) for line in lines if line.strip().isdigit())
    boxes = Counter(line.split()[7] for line in lines if len(line.split()) == 10)
    (tmp_path / "widerface").symlink_to(REAL)
    loader = Widerface(data=tmp_path, cache=tmp_path / "cache", workers=1)
    read = records(loader)
    assert len(read) == declared == boxes.total()
    assert sum(bool(record.flaw) for record in read) == boxes["1"]
    faces = loader.half("widerface/all/lr", loader.source("lr", Among()))
    known = manifest(faces.root)
    assert known["faces"] + sum(known["drops"].values()) == declared
    assert known["faces"] > 0.8 * declared
