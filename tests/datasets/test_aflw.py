import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from facesr.datasets._half import Among
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.aflw import Aflw


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    WRITERS["aflw"](tmp_path / "aflw", people=6, shots=1)
    return tmp_path


def change(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "aflw/data/aflw.sqlite")) as base:
        base.execute(statement)
        base.commit()


def read(data: Path) -> dict[str, Record]:
    loader = Aflw(data=data)
    assert loader.root is not None
    return {record.name: record for record in loader.records(loader.root)}


def test_a_face_that_is_turned_away_is_framed_without_landmarks(twin: Path) -> None:
    change(twin, "DELETE FROM FeatureCoords WHERE face_id = 39341 AND feature_id = 11")
    found = read(twin)
    assert found["aflw-39341"].points is None
    assert found["aflw-39342"].points is not None
    loader = Aflw(data=twin, cache=twin / "cache", workers=1)
    faces = loader.half("aflw/all/hr", loader.source("hr", Among()))
    assert "aflw-39341.png" in faces.names


def test_a_face_without_a_box_is_counted(twin: Path) -> None:
    change(twin, "DELETE FROM FaceRect WHERE face_id = 39341")
    assert read(twin)["aflw-39341"].box is None
    loader = Aflw(data=twin, cache=twin / "cache", workers=1)
    faces = loader.half("aflw/all/hr", loader.source("hr", Among()))
    drops = [json.loads(line) for line in (faces.root / "drops.jsonl").open()]
    assert {d["name"]: d["reason"] for d in drops}["aflw-39341"] == (
        "not annotated well enough to be framed"
    )


def test_faces_of_a_photograph_are_kept_together(twin: Path) -> None:
    found = read(twin).values()
    assert len({record.photo for record in found}) == 2
    assert {record.kept_together for record in found} == {record.photo for record in found}
