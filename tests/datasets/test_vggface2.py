from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.datasets._record import Points, Record
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets.vggface2 import Vggface2, turn

HEAD = np.array([[-32, -32, 0], [32, -32, 0], [0, 5, 28], [-24, 36, 6], [24, 36, 6]], np.float64)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    data = tmp_path_factory.mktemp("vggface2")
    return data, WRITERS["vggface2"](data / "vggface2", people=8, shots=8, size=96)


def records(data: Path, **settings: Any) -> list[Record]:
    loader = Vggface2(data=data, **settings)
    assert loader.root is not None
    return list(loader.records(loader.root))


def seen(yaw: float, pitch: float = 0.0) -> Points:
    """Landmarks of a head that is turned, in degrees, as a camera far away sees them."""
    a, b = np.radians([yaw, pitch])
    turned = HEAD @ np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    return (turned @ np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]]))[
        :, :2
    ]


def test_turn_grows_with_the_angle_up_to_profile_on_both_sides() -> None:
    for side in (1, -1):
        for pitch in (-20, 0, 20):
            values = [turn(seen(side * yaw, pitch)) for yaw in range(0, 85, 5)]
            assert values[0] == pytest.approx(0, abs=1e-9)
            assert values == sorted(values)


def test_turn_sees_neither_roll_nor_scale() -> None:
    roll = np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert turn(3 * seen(40) @ roll + 17) == pytest.approx(turn(seen(40)))


def test_points_that_coincide_are_not_turned() -> None:
    assert turn(np.ones((5, 2))) == 0


def test_large_poses_are_those_turned_most(twin: tuple[Path, Truth]) -> None:
    data, truth = twin
    yaw = {face.photo: abs(float(face.labels["yaw"])) for face in truth.faces}
    everyone = records(data)
    chosen = records(data, pose="large", per_person=3)
    assert len(everyone) == 64
    assert [r for r in everyone if r.name in {c.name for c in chosen}] != []
    names = [record.name for record in chosen]
    assert names == [r.name for r in everyone if r.name in set(names)]  # the authors' order
    for person in {record.identity for record in everyone}:
        theirs = [r for r in everyone if r.identity == person and r.points is not None]
        taken = [r for r in chosen if r.identity == person]
        left = [r for r in theirs if r.name not in set(names)]
        assert len(taken) == 3
        assert min(turn(r.points) for r in taken if r.points is not None) >= max(
            turn(r.points) for r in left if r.points is not None
        )
    drawn = [np.mean([yaw[r.photo] for r in group]) for group in (chosen, everyone)]
    assert drawn[0] > 1.5 * drawn[1]


def test_equal_turns_are_taken_by_name(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / f"vggface2/data/{part}/n000001").mkdir(parents=True)
    folder = tmp_path / "vggface2/bb_landmark"
    folder.mkdir()
    keys = ["n000001/0003_01", "n000001/0001_01", "n000001/0002_01"]
    for part, listed in (("train", keys), ("test", ["n000009/0001_01"])):
        boxes = "".join(f'"{key}",0,0,9,9\n' for key in listed)
        points = "".join(f'"{key}",1,1,3,1,2.5,2,1,3,3,3\n' for key in listed)
        (folder / f"loose_bb_{part}.csv").write_text(f"NAME_ID,X,Y,W,H\n{boxes}")
        (folder / f"loose_landmark_{part}.csv").write_text(f"NAME_ID,P1X\n{points}")
    chosen = [r.name for r in records(tmp_path, pose="large", per_person=2) if r.part == "train"]
    assert chosen == ["vggface2-n000001-0001_01", "vggface2-n000001-0002_01"]


def test_any_pose_takes_the_first_pictures(twin: tuple[Path, Truth]) -> None:
    chosen = records(twin[0], per_person=2)
    assert len(chosen) == 16
    assert {r.name.split("-")[2] for r in chosen} == {"0001_01", "0002_01"}


def test_people_whose_pictures_are_scattered_are_not_counted_twice(tmp_path: Path) -> None:
    WRITERS["vggface2"](tmp_path / "vggface2", people=4, shots=3, size=96)
    for kind in ("bb", "landmark"):
        path = tmp_path / f"vggface2/bb_landmark/loose_{kind}_train.csv"
        head, first, *rest = path.read_text().splitlines()
        path.write_text("\n".join([head, *rest, first, ""]))
    flaws = [r for r in records(tmp_path, per_person=3) if r.flaw]
    assert [r.flaw for r in flaws] == ["apart from the other pictures of the person"]
    assert not [r for r in records(tmp_path) if r.flaw]
