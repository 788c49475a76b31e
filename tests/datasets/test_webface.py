from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.datasets._half import Among
from facesr.datasets._prepared import details, manifest
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.webface import Webface

CROPS = Path(__file__).parents[2].parent / "shared/data/lowres_wild/crops"


def records(data: Path) -> list[Record]:
    loader = Webface(data=data)
    assert loader.root is not None
    return list(loader.records(loader.root))


def laid_out(data: Path, names: list[str], table: str = "") -> Path:
    for name in names:
        path = data / "webface" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 24), "grey").save(path)
    if table:
        (data / "webface/faces.csv").write_text(table)
    return data


def test_pictures_at_any_depth_are_faces_with_names_of_their_own(tmp_path: Path) -> None:
    names = ["a/1.png", "a/b/1.png", "a/b/1.jpg", "a_1.png", "1.png"]
    read = records(laid_out(tmp_path, names))
    assert {record.photo for record in read} == set(names)
    assert len({record.name for record in read}) == len(names)
    assert all(record.which == "central" and not record.identity for record in read)


def test_names_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    (record,) = records(laid_out(tmp_path, ["a/Zo\u00eb 1.png"]))
    assert record.name == "webface-Zo_1-aa3ebc68"


def test_other_files_are_no_faces(tmp_path: Path) -> None:
    data = laid_out(tmp_path, ["1.png"])
    for name in ("notes.txt", ".hidden.png"):
        (data / "webface" / name).touch()
    assert [record.photo for record in records(data)] == ["1.png"]


def test_a_file_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    data = laid_out(tmp_path, ["1.png"])
    try:
        (data / "webface/\udcff.png").touch()
    except OSError:
        pytest.skip("this file system takes no such name")
    loader = Webface(data=data, finder="annotation", frame="whole", hr="", cache=tmp_path / "cache")
    assert loader.root is not None
    flaws = [record.flaw for record in loader.records(loader.root) if record.flaw]
    assert flaws == ["unusable file name: '\\udcff.png'"]
    faces = loader.half("webface/all/lr", loader.source("lr", Among()))
    assert manifest(faces.root)["drops"] == {"unusable file name": 1}


def test_a_table_says_who_and_where_faces_are(tmp_path: Path) -> None:
    table = (
        "name,identity,x,y,w,h,lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy\n"
        "1.png,ann,2,3,10,12,5,6,9,6,7,8,5,11,9,11\n"
        "a/2.png,bob,0,0,20,20,1,2,3,4,5,6,7,8,9,10\n"
    )
    first, second = records(laid_out(tmp_path, ["1.png", "a/2.png"], table))
    assert (first.photo, first.identity, first.box) == ("1.png", "ann", (2, 3, 12, 15))
    assert first.points is not None
    assert np.array_equal(first.points, [[5, 6], [9, 6], [7, 8], [5, 11], [9, 11]])
    assert (second.photo, second.identity, second.which) == ("a/2.png", "bob", "given")


def test_several_faces_of_one_picture_are_told_apart(tmp_path: Path) -> None:
    table = "name,x,y,w,h\n1.png,0,0,9,9\n1.png,9,9,9,9\n"
    read = records(laid_out(tmp_path, ["1.png"], table))
    assert len({record.name for record in read}) == 2


def test_pictures_that_the_table_does_not_name_are_told_and_are_no_faces(tmp_path: Path) -> None:
    read = records(laid_out(tmp_path, ["1.png", "2.png", "3.png"], "name,identity\n2.png,ann\n"))
    assert [record.photo for record in read] == ["2.png", "", ""]
    assert [record.flaw for record in read[1:]] == [
        "not in faces.csv: 1.png",
        "not in faces.csv: 3.png",
    ]


def test_lines_of_the_table_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    table = "name,x,y,w,h\n1.png,0,0,9\n../2.png,0,0,9,9\n1.png,0,0,9,9\n"
    read = records(laid_out(tmp_path, ["1.png"], table))
    assert [bool(record.flaw) for record in read] == [True, True, False]


def test_people_of_the_table_are_in_one_part_only(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(40)]
    table = "name,identity\n" + "".join(f"{i}.png,p{i % 8}\n" for i in range(40))
    loader = Webface(
        data=laid_out(tmp_path, names, table),
        cache=tmp_path / "cache",
        finder="annotation",
        frame="whole",
        hr="",
        least=0.1,
    )
    train, test = (loader.split(part).lr for part in ("train", "test"))
    assert len(train) + len(test) == 40
    assert train.identities is not None
    assert test.identities is not None
    assert set(train.identities).isdisjoint(test.identities)


def test_any_folder_is_not_taken_for_the_data_set(tmp_path: Path) -> None:
    Image.new("RGB", (24, 24)).save(tmp_path / "1.png")
    assert "webface/**" in Webface(data=tmp_path, hr="").missing()


def test_mtcnn_finds_the_face_in_the_middle(tmp_path: Path) -> None:
    WRITERS["webface"](tmp_path / "webface", people=4, shots=1, size=36)
    loader = Webface(data=tmp_path, cache=tmp_path / "cache", hr="", workers=1)
    faces = loader.half("webface/all/lr", loader.source("lr", Among()))
    assert len(faces) >= 3
    assert faces.landmarks is not None
    assert abs(faces.landmarks.mean((0, 1)) - 8).max() < 1.5


def test_mtcnn_finds_the_face_that_landmarks_are_in(tmp_path: Path) -> None:
    truth = WRITERS["webface"](tmp_path / "webface", people=2, shots=1, size=36)
    columns = "name,lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy\n"
    away = [0.0, 5.0, 3.0, 0.0, 2.0, 1.0, 0.0, 0.0, 3.0, 0.0]
    rows = [
        (truth.faces[0].photo, truth.faces[0].five.ravel().tolist()),
        (truth.faces[1].photo, away),
    ]
    lines = (f"{name},{','.join(f'{value:.2f}' for value in five)}\n" for name, five in rows)
    (tmp_path / "webface/faces.csv").write_text(columns + "".join(lines))
    loader = Webface(data=tmp_path, cache=tmp_path / "cache", hr="", workers=1)
    faces = loader.half("webface/all/lr", loader.source("lr", Among()))
    assert [known["photo"] for known in details(faces)] == [truth.faces[0].photo]
    assert manifest(faces.root)["drops"] == {"not found by the detector": 1}


@pytest.mark.skipif(not CROPS.is_dir(), reason="no low-resolution crops beside the tests")
def test_most_real_crops_show_a_face_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "webface").mkdir()
    for crop in sorted(CROPS.glob("*.png"))[::16]:
        (tmp_path / "webface" / crop.name).symlink_to(crop)
    loader = Webface(data=tmp_path, cache=tmp_path / "cache", hr="", workers=1)
    faces = loader.half("webface/all/lr", loader.source("lr", Among(), least_side=10.0))
    known = manifest(faces.root)
    assert known["faces"] > 0.7 * (known["faces"] + sum(known["drops"].values()))
