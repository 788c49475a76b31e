import shutil
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.errors import BadData
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.ls3dw import Ls3dw


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("ls3dw")
    WRITERS["ls3dw"](data / "LS3D-W", people=8, shots=3, size=128)
    return data


def records(data: Path, **settings: Any) -> list[Record]:
    loader = Ls3dw(data=data, **settings)
    assert loader.missing() == ""
    assert loader.root is not None
    return list(loader.records(loader.root))


@pytest.mark.parametrize(
    ("subset", "folder", "count"),
    [
        ("300w", "300W-Testset-3D", 3),
        ("aflw2000", "AFLW2000-3D-Reannotated", 3),
        ("menpo", "Menpo-3D", 3),
        ("300vw", "300VW-3D", 12),
        ("balanced", "LS3D-W-balanced-20-03-2017", 3),
    ],
)
def test_a_sub_set_is_read_alone(twin: Path, subset: str, folder: str, count: int) -> None:
    found = records(twin, subset=subset)
    assert len(found) == count
    assert {record.part.split("/")[0] for record in found} == {folder}
    assert {record.photo.split("/")[0] for record in found} == {folder}


def test_all_leaves_out_pictures_that_are_there_twice(twin: Path, tmp_path: Path) -> None:
    assert len(records(twin)) == 21
    only = "LS3D-W-balanced-20-03-2017"
    shutil.copytree(twin / "LS3D-W" / only, tmp_path / only)
    assert len(records(tmp_path)) == 3


def test_frames_of_a_video_stay_together(twin: Path) -> None:
    kept = {record.photo: record.kept_together for record in records(twin)}
    assert {keep for photo, keep in kept.items() if photo.startswith("300VW")} == {
        f"300VW-3D/{folder}" for folder in ("Trainset/007", "CatA/114", "CatB/203", "CatC/410")
    }
    assert all(photo == keep for photo, keep in kept.items() if not photo.startswith("300VW"))


def test_a_sub_set_that_is_absent_is_named(twin: Path, tmp_path: Path) -> None:
    shutil.copytree(twin / "LS3D-W/Menpo-3D", tmp_path / "LS3D-W/Menpo-3D")
    loader = Ls3dw(data=tmp_path, cache=tmp_path / "cache", subset="300vw")
    assert "300VW-3D, which subset=300vw needs" in loader.missing()
    with pytest.raises(BadData):
        loader.split("train")


def test_a_picture_without_points_is_counted(twin: Path, tmp_path: Path) -> None:
    shutil.copytree(twin, tmp_path, dirs_exist_ok=True)
    path = next((tmp_path / "LS3D-W/300VW-3D/CatA/114").glob("*.t7"))
    path.unlink()
    flawed = [record for record in records(tmp_path) if record.flaw]
    assert [(r.photo, r.flaw) for r in flawed] == [
        (f"300VW-3D/CatA/114/{path.stem}.jpg", "without landmarks")
    ]
