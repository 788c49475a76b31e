import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets._half import Among
from facesr.datasets._prepared import details
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.celeba import Celeba

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("celeba")
    WRITERS["celeba:flat"](data / "celeba", people=6, shots=2)
    return data


@pytest.fixture
def copy(twin: Path, tmp_path: Path) -> Path:
    return shutil.copytree(twin, tmp_path / "data")


def everything(data: Path, cache: Path) -> Faces:
    loader = Celeba(data=data, cache=cache, workers=1)
    return loader.half("celeba/all/hr", loader.source("hr", Among()))


def test_pictures_at_half_size_give_the_same_faces(twin: Path, copy: Path, tmp_path: Path) -> None:
    for path in (copy / "celeba/img_align_celeba").iterdir():
        with Image.open(path) as image:
            image.resize((89, 109), Image.Resampling.BICUBIC).save(path, quality=95)
    whole, half = everything(twin, tmp_path / "a"), everything(copy, tmp_path / "b")
    assert whole.names == half.names
    assert whole.landmarks is not None
    assert half.landmarks is not None
    np.testing.assert_allclose(half.landmarks, whole.landmarks, atol=0.01)
    error = (half.pixels().float() - whole.pixels().float()).abs().mean()
    assert error < 4
    assert {face["side"] for face in details(whole)} == {126.0}
    assert {face["side"] for face in details(half)} == {63.0}


def test_pictures_that_are_not_the_aligned_ones_are_refused(copy: Path, tmp_path: Path) -> None:
    for path in (copy / "celeba/img_align_celeba").iterdir():
        Image.new("RGB", (128, 128)).save(path)
    with pytest.raises(BadData, match="is 128x128 pixels, expected 178x218"):
        everything(copy, tmp_path / "cache")


def test_a_picture_that_no_list_names_is_no_face(copy: Path, tmp_path: Path) -> None:
    folder = copy / "celeba/img_align_celeba"
    shutil.copy(folder / "000001.jpg", folder / "999999.jpg")
    faces = everything(copy, tmp_path / "cache")
    assert len(faces) == 12
    assert "celeba-999999.png" not in faces.names


def test_pictures_alone_are_enough(copy: Path, tmp_path: Path) -> None:
    for path in (copy / "celeba").glob("*.txt"):
        path.unlink()
    faces = everything(copy, tmp_path / "cache")
    assert len(faces) == 12
    assert faces.identities is None
    assert faces.landmarks is None
    split = Celeba(data=copy, cache=tmp_path / "cache", workers=1, seed=1).split("train")
    assert any("divided by draws" in note for note in split.notes)


def test_the_validation_part_is_in_neither_half(twin: Path, tmp_path: Path) -> None:
    loader = Celeba(data=twin, cache=tmp_path, workers=1)
    assert loader.root is not None
    parts = Counter(record.part for record in loader.records(loader.root))
    sizes = {part: len(loader.split(part).hr) for part in ("train", "test")}
    assert parts["val"] > 0
    assert sizes == {"train": parts["train"], "test": parts["test"]}


@pytest.mark.skipif(not (SHARED / "celeba").is_dir(), reason="needs CelebA in ../shared/data")
def test_every_line_of_the_authors_list_is_a_face(tmp_path: Path) -> None:
    loader = Celeba(data=SHARED, cache=tmp_path)
    assert loader.root is not None
    lines = [line.split() for line in (loader.root / "identity_CelebA.txt").open()]
    records = list(loader.records(loader.root))
    assert [(r.name, r.identity) for r in records] == [
        (f"celeba-{name.removesuffix('.jpg')}", who) for name, who in lines
    ]
    assert not any(record.flaw for record in records)
    assert all((loader.root / record.photo).is_file() for record in records)
    assert {record.box for record in records} == {(13.0, 31.0, 76.0, 94.0)}
