from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.datasets._half import Among
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.ffhq import Ffhq

LARGE = "images256x256"


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    WRITERS["ffhq"](tmp_path / "ffhq", people=6, size=256)
    return tmp_path


def records(data: Path, **settings: Any) -> list[Record]:
    loader = Ffhq(data=data, **settings)
    assert loader.missing() == ""
    assert loader.root is not None
    return list(loader.records(loader.root))


def test_thumbnails_show_the_same_faces(twin: Path) -> None:
    halves = []
    for images in (LARGE, "thumbnails128x128"):
        loader = Ffhq(data=twin, cache=twin / "cache", workers=1, images=images)
        halves.append(loader.half("ffhq/all/hr", loader.source("hr", Among())))
    large, small = halves
    assert large.names == small.names
    assert large.landmarks is not None
    assert small.landmarks is not None
    np.testing.assert_allclose(large.landmarks, small.landmarks, atol=0.01)
    assert (large.pixels().float() - small.pixels().float()).abs().mean() < 3


def test_without_the_list_numbers_decide(twin: Path) -> None:
    before = [(r.name, r.photo, r.part) for r in records(twin, images=LARGE)]
    (twin / "ffhq/ffhq-dataset-v2.json").unlink()
    after = records(twin, images=LARGE)
    assert [(r.name, r.photo, r.part) for r in after] == before
    assert {r.part for r in after} == {"training", "validation"}
    assert all(r.points is None for r in after)


def test_pictures_may_lie_in_one_folder(twin: Path) -> None:
    names = [record.name for record in records(twin, images=LARGE)]
    for path in list((twin / f"ffhq/{LARGE}").glob("*/*.png")):
        path.rename(path.parent.parent / path.name)
    listed = records(twin, images=LARGE)
    (twin / "ffhq/ffhq-dataset-v2.json").unlink()
    for found in (listed, records(twin, images=LARGE)):
        assert [record.name for record in found] == names
        assert all((twin / "ffhq" / record.photo).is_file() for record in found)


def test_a_folder_of_pictures_that_is_absent_is_named(twin: Path) -> None:
    loader = Ffhq(data=twin)
    assert "does not hold images1024x1024" in loader.missing()
    assert "thumbnails128x128" in loader.missing()
