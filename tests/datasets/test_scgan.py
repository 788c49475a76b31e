from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.faces import Faces, read_image
from facesr.datasets._prepared import details
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets.scgan import Scgan


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    place = tmp_path_factory.mktemp("twin")
    return place, WRITERS["scgan"](place / "scgan", people=24, shots=4)


def loader(data: tuple[Path, Truth], cache: Path, **settings: object) -> Scgan:
    return Scgan(data=data[0], cache=cache, workers=1, **settings)  # type: ignore[arg-type]


def photos(faces: Faces) -> set[str]:
    return {known["photo"] for known in details(faces)}


def test_training_is_high_and_low_as_they_are(data: tuple[Path, Truth], tmp_path: Path) -> None:
    split = loader(data, tmp_path).split("train")
    assert not split.paired
    assert photos(split.lr) == {face.photo for face in data[1].part("imgs_train/LOW")}
    assert photos(split.hr) < {face.photo for face in data[1].part("imgs_train/HIGH")}
    for faces in (split.lr, split.hr):
        for known, image in zip(details(faces), faces.images(), strict=True):
            assert np.array_equal(image, read_image(data[0] / "scgan" / known["photo"]))


@pytest.mark.parametrize(
    ("test", "folder"),
    [
        ("widerface", "Widerface"),
        ("webface", "WebFace"),
        ("ffhq", "FFHQ"),
        ("ls3dw", "LS3D-w_balanced"),
    ],
)
def test_the_test_faces_are_those_of_the_named_folder(
    data: tuple[Path, Truth], tmp_path: Path, test: str, folder: str
) -> None:
    split = loader(data, tmp_path, test=test).split("test")
    assert photos(split.lr) == {face.photo for face in data[1].part(f"imgs_test/{folder}")} != set()


def test_the_reference_is_held_out_of_training_whatever_the_test(
    data: tuple[Path, Truth], tmp_path: Path
) -> None:
    held = []
    for test in ("widerface", "ffhq"):
        one = loader(data, tmp_path, test=test, held=0.3)
        train, reference = (photos(one.split(part).hr) for part in ("train", "test"))
        assert train.isdisjoint(reference)
        assert train | reference == {face.photo for face in data[1].part("imgs_train/HIGH")}
        assert 0.1 < len(reference) / len(train | reference) < 0.5
        held.append(reference)
    assert held[0] == held[1]


def test_the_notes_say_where_the_reference_comes_from(
    data: tuple[Path, Truth], tmp_path: Path
) -> None:
    notes = loader(data, tmp_path, held=0.25).split("test").notes
    assert any("25% of imgs_train/HIGH, held out" in note for note in notes)
    assert not any("enlarged" in note for note in notes)


def test_pictures_of_other_sizes_are_resized_and_counted(tmp_path: Path) -> None:
    root = tmp_path / "scgan"
    for place, sides in (
        ("imgs_train/HIGH", (64,) * 9 + (256,)),
        ("imgs_train/LOW", (16, 16, 12, 40)),
        ("imgs_test/Widerface", (16, 16)),
    ):
        (root / place).mkdir(parents=True)
        for i, side in enumerate(sides):
            pixels = np.random.default_rng(i).integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / place / f"{i}.png")
    split = Scgan(data=tmp_path, cache=tmp_path / "cache", held=0.2, workers=1).split("train")
    assert len(split.lr) == 4
    assert "lr: of 4 faces 1 were enlarged and 1 shrunk to 16 px" in split.notes


def test_a_test_that_is_not_here_is_named(tmp_path: Path) -> None:
    for place in ("imgs_train/HIGH", "imgs_train/LOW", "imgs_test/FFHQ"):
        (tmp_path / "scgan" / place).mkdir(parents=True)
    assert "has no imgs_test/WebFace" in Scgan(data=tmp_path, test="webface").missing()
    assert Scgan(data=tmp_path, test="ffhq").missing() == ""


def test_files_that_are_no_pictures_are_no_faces(data: tuple[Path, Truth], tmp_path: Path) -> None:
    for place in ("imgs_train/HIGH", "imgs_train/LOW", "imgs_test/Widerface"):
        (tmp_path / "scgan" / place).mkdir(parents=True)
    for name in ("list.txt", "1.png", ".2.png"):
        (tmp_path / "scgan/imgs_train/LOW" / name).touch()
    one = Scgan(data=tmp_path)
    assert one.root is not None
    assert [record.photo for record in one.records(one.root)] == ["imgs_train/LOW/1.png"]


def test_a_limit_takes_the_first_faces_of_the_whole(
    data: tuple[Path, Truth], tmp_path: Path
) -> None:
    whole = loader(data, tmp_path).split("train").lr
    few = loader(data, tmp_path, limit=3).split("train").lr
    assert few.names == whole.names[:3]
    digests = [[sha256(image.tobytes()).digest() for image in f.images()] for f in (whole, few)]
    assert digests[1] == digests[0][:3]
