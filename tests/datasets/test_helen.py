import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from facesr.datasets._align import Frame
from facesr.datasets._record import Record
from facesr.datasets._toys._truth import WRITERS
from facesr.datasets.helen import Helen

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def records(data: Path) -> list[Record]:
    loader = Helen(data=data)
    assert loader.root is not None
    return list(loader.records(loader.root))


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    data = tmp_path_factory.mktemp("helen")
    for variant in ("helen", "helen:pts"):
        WRITERS[variant](data / variant[5:] / "helen", people=4, shots=2, size=200)
    return data / "helen".removeprefix("helen"), data / ":pts"


def test_194_and_68_points_frame_a_face_alike(twins: tuple[Path, Path]) -> None:
    squares = []
    for data in twins:
        found = sorted(records(data), key=lambda record: record.name)
        places = [Frame().place(250, 200, points=record.points) for record in found]
        squares.append(np.array([[*place.centre, place.side] for place in places]))
    assert len(squares[0]) == 8
    difference = np.abs(squares[0] - squares[1]) / squares[1][:, 2:]
    assert difference.max() < 0.04  # the nose has no tip among the 194


def test_the_authors_points_come_before_those_of_others(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    for data in twins:
        shutil.copytree(data / "helen", tmp_path / "helen", dirs_exist_ok=True)
    found = records(tmp_path)
    assert len(found) == 8
    assert {len(record.points) for record in found if record.points is not None} == {194}


def test_without_lists_of_names_folders_decide(twins: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(twins[0] / "helen", tmp_path / "helen")
    before = {record.name: record.part for record in records(tmp_path)}
    for part in ("train", "test"):
        (tmp_path / f"helen/{part}names.txt").unlink()
    assert {record.name: record.part for record in records(tmp_path)} == before


def test_a_photograph_in_no_list_is_no_face(twins: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(twins[0] / "helen", tmp_path / "helen")
    path = tmp_path / "helen/trainnames.txt"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join(rest))
    flaws = {record.name: record.flaw for record in records(tmp_path) if record.flaw}
    assert flaws == {f"helen-{first}": "in no list of names"}


@pytest.mark.skipif(not (SHARED / "helen").is_dir(), reason="needs Helen in ../shared/data")
def test_every_file_of_points_of_the_real_set_is_read() -> None:
    found = records(SHARED)
    files = Counter(path.parent.name for path in (SHARED / "helen").glob("*/*.pts"))
    assert Counter(f"{record.part}set" for record in found) == files
    assert not any(record.flaw for record in found)
    assert all(record.points is not None and len(record.points) == 68 for record in found)
