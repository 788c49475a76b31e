from pathlib import Path

import numpy as np
import pytest

from facesr.bench.detectors._base import detector
from facesr.bench.errors import BadData
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets.celeba import Celeba
from facesr.datasets.lfw import Lfw, pairs

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    data = tmp_path_factory.mktemp("lfw")
    return data, WRITERS["lfw"](data / "lfw", people=6, shots=2)


def named(data: Path) -> dict[str, str]:
    loader = Lfw(data=data)
    assert loader.root is not None
    return {record.name: record.identity for record in loader.records(loader.root)}


def test_pairs_are_those_of_the_list_by_names_of_faces(twin: tuple[Path, Truth]) -> None:
    data, truth = twin
    found = list(pairs(data / "lfw"))
    who = named(data)
    assert [pair.fold for pair in found] == [
        fold for fold, lines in enumerate(truth.splits["folds"]) for _ in lines
    ]
    lines = [line.split("\t") for lines in truth.splits["folds"] for line in lines]
    for pair, line in zip(found, lines, strict=True):
        one, other = (line[0], line[1]), (line[0] if len(line) == 3 else line[2], line[-1])
        assert pair.left == f"lfw-{one[0]}_{int(one[1]):04d}"
        assert pair.right == f"lfw-{other[0]}_{int(other[1]):04d}"
        assert pair.same == (len(line) == 3) == (who[pair.left] == who[pair.right])


def test_other_lists_of_pairs_have_one_fold(twin: tuple[Path, Truth]) -> None:
    assert {pair.fold for pair in pairs(twin[0] / "lfw", "pairsDevTest.txt")} == {0}


@pytest.mark.parametrize("damage", ["Abel_Aaltonen\tx\t2\n", "one two three four five\n", ""])
def test_a_damaged_list_of_pairs_is_refused(
    twin: tuple[Path, Truth], tmp_path: Path, damage: str
) -> None:
    lines = (twin[0] / "lfw/pairs.txt").read_text().splitlines(keepends=True)
    (tmp_path / "pairs.txt").write_text("".join([*lines[:2], damage, *lines[3:]]))
    with pytest.raises(BadData, match="fetch the file again"):
        list(pairs(tmp_path))


def test_a_picture_named_like_someone_else_is_no_face(tmp_path: Path) -> None:
    WRITERS["lfw"](tmp_path / "lfw", people=2, shots=2)
    folder = tmp_path / "lfw/lfw-deepfunneled"
    one, other = sorted(folder.iterdir())
    (one / f"{one.name}_0002.jpg").rename(one / f"{other.name}_0003.jpg")
    loader = Lfw(data=tmp_path)
    assert loader.root is not None
    flaws = {record.name: record.flaw for record in loader.records(loader.root) if record.flaw}
    assert flaws == {f"lfw-{other.name}_0003": "named like someone else"}


def test_the_originals_are_read_where_nothing_else_is(
    twin: tuple[Path, Truth], tmp_path: Path
) -> None:
    (tmp_path / "lfw").symlink_to(twin[0] / "lfw/lfw-deepfunneled", target_is_directory=True)
    assert named(tmp_path) == named(twin[0])


@pytest.mark.skipif(not (SHARED / "lfw").is_dir(), reason="needs LFW in ../shared/data")
def test_every_picture_and_pair_of_the_real_set_is_read() -> None:
    who = named(SHARED)
    photos = list((SHARED / "lfw/lfw-deepfunneled").glob("*/*.jpg"))
    assert len(who) == len(photos)
    assert set(who.values()) == {path.parent.name for path in photos}
    found = list(pairs(SHARED / "lfw"))
    assert len(found) == 2000
    assert sum(pair.same for pair in found) == 1000
    assert all(who[p.left] == who[p.right] for p in found if p.same)
    assert {p.left for p in found} | {p.right for p in found} <= who.keys()


@pytest.mark.skipif(
    not ((SHARED / "lfw").is_dir() and (SHARED / "celeba").is_dir()),
    reason="needs LFW and CelebA in ../shared/data",
)
def test_faces_of_lfw_and_celeba_are_framed_alike(tmp_path: Path) -> None:
    apart, middle = [], []
    for kind in (Lfw, Celeba):
        loader = kind(data=SHARED, cache=tmp_path, workers=1, limit=24)
        crops = [image.copy() for image in loader.faces("train", "hr").images()]
        found = [f.points[0] for f in detector("mtcnn", enlarge=2.0).find(crops) if len(f)]
        points = np.array(found)
        assert len(points) == 24
        apart.append(np.linalg.norm(points[:, 1] - points[:, 0], axis=1).mean() / 64)
        middle.append(points.mean((0, 1)) / 64)
    assert apart[0] == pytest.approx(apart[1], rel=0.04)
    np.testing.assert_allclose(middle[0], middle[1], atol=0.015)


def test_tests_on_the_pairs_come_with_all_of_them(twin: tuple[Path, Truth], tmp_path: Path) -> None:
    data, _ = twin
    loader = Lfw(data=data, division="pairs", lr_size=8, scale=2, cache=tmp_path)
    assert loader.missing() == ""
    made = loader.split("test")
    listed = tuple(pairs(data / "lfw"))
    assert made.pairs == listed
    assert set(made.hr.stems) == {name for p in listed for name in (p.left, p.right)}
    who = dict(zip(made.hr.stems, made.hr.identities or (), strict=True))
    assert all((who[p.left] == who[p.right]) == p.same for p in listed)
    assert Lfw(data=data, lr_size=8, scale=2, cache=tmp_path).split("test").pairs == ()


def test_pairs_whose_pictures_are_left_out_are_counted(
    twin: tuple[Path, Truth], tmp_path: Path
) -> None:
    data, _ = twin
    loader = Lfw(data=data, division="pairs", lr_size=8, scale=2, cache=tmp_path, limit=4)
    made = loader.split("test")
    assert all({p.left, p.right} <= set(made.hr.stems) for p in made.pairs)
    n = len(list(pairs(data / "lfw")))
    assert f"{n - len(made.pairs)} of {n} pairs name pictures that are left out" in made.notes


def test_people_in_no_pair_are_trained_on(tmp_path: Path) -> None:
    WRITERS["lfw"](tmp_path / "lfw", people=6, shots=2)
    (tmp_path / "lfw/pairs.txt").unlink()
    loader = Lfw(data=tmp_path, division="pairs", cache=tmp_path / "cache", lr_size=8, scale=2)
    assert loader.missing().startswith("division=pairs needs the list of pairs of the authors at ")
    one, other, *rest = sorted(p.name for p in (tmp_path / "lfw/lfw-deepfunneled").iterdir())
    (tmp_path / "lfw/pairs.txt").write_text(f"1\t1\n{one}\t1\t2\n{one}\t1\t{other}\t1\n")
    again = Lfw(data=tmp_path, division="pairs", cache=tmp_path / "cache", lr_size=8, scale=2)
    assert set(again.split("train").hr.identities or ()) == set(rest)
    assert len(again.split("test").hr) == 3
