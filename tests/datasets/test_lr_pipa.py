from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.detectors._base import Found
from facesr.datasets._align import Frame
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._half import Among
from facesr.datasets._official import LowResolution
from facesr.datasets._prepared import details
from facesr.datasets._record import Dropped, Made, Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.lr_pipa import LrPipa

SHARED = Path(__file__).parents[2].parent / "shared"
LINE = "72157600000000001 3588900001 {} 1"


def records(data: Path) -> list[Record]:
    loader = LrPipa(data=data)
    assert loader.root is not None
    return list(loader.records(loader.root))


def laid_out(data: Path, photos: dict[str, str]) -> Path:
    """Lay out photographs that are empty files, and an index of a head in each."""
    for place in photos:
        path = data / "pipa" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (data / "pipa/index.txt").write_text("".join(line + "\n" for line in photos.values()))
    return data


def test_a_head_is_a_face_of_the_person_that_the_index_names(tmp_path: Path) -> None:
    photos = {"val/72157_3588.jpg": "72157 3588 277 159 218 294 41 2"}
    (record,) = records(laid_out(tmp_path, photos))
    assert record.photo == "val/72157_3588.jpg"
    assert record.box == (277, 159, 495, 453)
    assert (record.identity, record.part, record.which) == ("41", "val", "head")
    assert record.name == "lr_pipa-72157_3588-277_159"


def test_a_left_over_head_is_found_in_the_photograph_of_another_subset(tmp_path: Path) -> None:
    photos = {
        "train/1_2.jpg": "1 2 0 0 9 9 5 0",
        "leftover/1_3.jpg": "1 3 0 0 9 9 6 0",
    }
    read = records(laid_out(tmp_path, photos))
    assert [record.photo for record in read] == ["train/1_2.jpg", "leftover/1_3.jpg"]
    assert {record.part for record in read} == {"leftover"}


def test_left_over_heads_are_in_neither_part_but_can_be_asked_for(tmp_path: Path) -> None:
    photos = {
        "train/1_2.jpg": "1 2 0 0 9 9 5 1",
        "test/1_3.jpg": "1 3 0 0 9 9 6 3",
        "val/1_4.jpg": "1 4 0 0 9 9 7 2",
        "leftover/1_5.jpg": "1 5 0 0 9 9 5 0",
    }
    loader: LowResolution = LrPipa(data=laid_out(tmp_path, photos))
    read = list(loader.listed())
    wanted = {
        part: [r.part for r in read if loader.among(part).wants(r, 0)] for part in ("train", "test")
    }
    assert wanted == {"train": ["train"], "test": ["test", "val"]}


def test_names_on_the_list_of_exclusions_are_counted(tmp_path: Path) -> None:
    photos = {"train/1_2.jpg": "1 2 0 0 9 9 5 1", "test/1_3.jpg": "1 3 4 0 9 9 6 3"}
    (tmp_path / "no_faces.txt").write_text("lr_pipa-1_3-4_0\n")
    loader = LrPipa(data=laid_out(tmp_path, photos), exclude=tmp_path / "no_faces.txt")
    assert [r.flaw for r in loader.listed()] == ["", "on the list of exclusions"]


class Known:
    """Finds faces at given places of a photograph, in whatever part of it is searched."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self._boxes = np.array(boxes)

    def find(self, views: list[tuple[str, Any]]) -> list[Found]:
        return [self._found(key) for key, _ in views]

    def _found(self, key: str) -> Found:
        left, top, right, bottom = map(int, key.partition(":")[2].split(","))
        middles = (self._boxes[:, :2] + self._boxes[:, 2:]) / 2
        seen = ((middles > (left, top)) & (middles < (right, bottom))).all(1)
        boxes = self._boxes[seen] - (left, top, left, top)
        five = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.3, 0.8), (0.7, 0.8)]
        points = boxes[:, None, :2] + (boxes[:, None, 2:] - boxes[:, None, :2]) * five
        return Found(boxes, np.full(len(boxes), 0.99), points)


PROFILE = (58.0, 70.0, 84.0, 105.0)  # covers a fifth of its head
NEIGHBOUR = (80.0, 44.0, 110.0, 80.0)
STRANGER = (90.0, 60.0, 130.0, 110.0)


@pytest.mark.parametrize(
    ("faces", "middle"),
    [
        ((PROFILE,), (71, 87.5)),
        ((NEIGHBOUR, PROFILE, STRANGER), (71, 87.5)),
        ((STRANGER,), None),
    ],
)
def test_the_face_in_the_middle_of_a_head_is_its_own(
    tmp_path: Path, faces: tuple[Any, ...], middle: tuple[float, float] | None
) -> None:
    data = laid_out(tmp_path, {"train/1_2.jpg": "1 2 40 40 60 80 5 1"})
    Image.new("RGB", (300, 200)).save(data / "pipa/train/1_2.jpg")
    (record,) = records(data)
    search: Any = Known(*faces)
    cutter = Cutter(data / "pipa", Frame("box"), Rule(), 16, search)
    result = cutter.cut([[record]])[-1]
    if middle is None:
        assert result == Dropped(record.name, "not found by the detector")
    else:
        assert isinstance(result, Made)
        assert result.details is not None
        left, top, right, bottom = result.details["box"]
        assert ((left + right) / 2, (top + bottom) / 2) == middle


def test_an_index_without_photographs_is_not_the_data_set(tmp_path: Path) -> None:
    (tmp_path / "pipa").mkdir()
    (tmp_path / "pipa/index.txt").write_text("1 2 0 0 9 9 5 1\n")
    sentence = LrPipa(data=tmp_path).missing()
    assert "pipa/{train,val,test,leftover}/<photoset>_<photo>.jpg" in sentence


@pytest.mark.skipif(not (SHARED / "data/pipa").is_dir(), reason="no PIPA index beside the tests")
def test_the_real_index_gives_a_head_per_line_with_names_of_their_own() -> None:
    lines = (SHARED / "data/pipa/index.txt").read_text().splitlines()
    read = list(LrPipa().records(SHARED / "data/pipa"))
    assert len(read) == len(lines) == len({record.name for record in read})
    assert not any(record.flaw for record in read)
    for record, line in zip(read, lines, strict=True):
        assert record.identity == line.split()[6]


def test_mtcnn_finds_the_faces_in_their_heads(tmp_path: Path) -> None:
    truth = WRITERS["lr_pipa"](tmp_path / "pipa", people=6, shots=1, size=240)
    loader = LrPipa(data=tmp_path, cache=tmp_path / "cache", workers=1)
    source = loader.source("lr", Among(), least_side=8.0, most_side=None, most_outside=1.0)
    faces = loader.half("lr_pipa/any/lr", source)
    assert len(faces) == len(truth.faces)
    drawn = {(face.photo, face.identity): face for face in truth.faces}
    assert faces.identities is not None
    for known, who in zip(details(faces), faces.identities, strict=True):
        left, top, right, bottom = known["box"]
        five = drawn[known["photo"], who].five
        assert ((five > (left, top)) & (five < (right, bottom))).all()
