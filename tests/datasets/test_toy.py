from pathlib import Path
from typing import Any

import pytest

from facesr.bench import catalog
from facesr.bench.errors import BadData, BadName
from facesr.datasets._toys import _truth
from facesr.datasets._toys.widerface import write
from facesr.datasets.toy import Toy
from facesr.datasets.widerface import Widerface

FEW: dict[str, Any] = {"people": 6, "shots": 3}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return Toy(path="widerface", cache=tmp_path_factory.mktemp("cache"), **FEW)


def test_its_faces_are_those_that_the_loader_reads_from_the_twin(toy: Toy, tmp_path: Path) -> None:
    split = toy.split("test")
    write(tmp_path / "data/widerface", **FEW)
    real = Widerface(data=tmp_path / "data", cache=tmp_path / "cache").split("test")
    assert len(split.lr) > 0
    assert split.lr.names == real.lr.names
    assert (split.lr.pixels() == real.lr.pixels()).all()
    assert (split.hr.pixels() == real.hr.pixels()).all()


def test_titles_and_notes_say_that_it_is_a_toy(toy: Toy) -> None:
    split = toy.split("train")
    assert split.lr.title == "toy:widerface/train/lr"
    assert split.hr.title == "toy:widerface/train/hr"
    assert split.notes[0].startswith("rendered faces in the layout of widerface")
    about = type(toy).about
    assert about is not None
    assert about.shareable


def test_a_twin_is_written_once(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    first = toy.split("test")

    def fail(self: Toy, out: Path) -> tuple[str, ...]:
        raise AssertionError("written twice")

    monkeypatch.setattr(Toy, "write", fail)
    again = Toy(path="widerface", cache=toy.cache, **FEW).split("test")
    assert again.lr.fingerprint == first.lr.fingerprint


def test_sizes_and_limits_reach_the_loader(toy: Toy) -> None:
    small = Toy(path="widerface", cache=toy.cache, lr_size=12, scale=2, limit=2, **FEW)
    split = small.split("train")
    assert (split.lr.size, split.hr.size) == (12, 24)
    assert len(split.lr) <= 2
    assert len(split.hr) == 2


def test_all_that_it_makes_lies_apart_from_real_faces(toy: Toy) -> None:
    toy.split("test")
    assert {path.name for path in toy.cache.iterdir()} == {"toy"}
    assert toy.split("test").lr.root.is_relative_to(toy.cache / "toy" / "widerface")


def test_its_prepared_faces_can_be_verified(toy: Toy) -> None:
    folder = toy.split("test").lr.root
    assert list(toy.verify(folder)) == []


def test_other_seeds_give_other_faces(tmp_path: Path) -> None:
    for seed in (0, 1):
        Toy(path="scgan", people=3, shots=1, seed=seed).write(tmp_path / str(seed))
    photos = [next((tmp_path / str(s)).rglob("*.png")).read_bytes() for s in (0, 1)]
    assert photos[0] != photos[1]


def test_writing_says_what_a_twin_holds(tmp_path: Path) -> None:
    said = Toy(path="scgan", people=3, shots=1).write(tmp_path / "out")
    assert len(said) == 1
    assert said[0].startswith("scgan: 3 photographs, 3 faces")
    assert str(tmp_path / "out") in said[0]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    Toy(path="scgan", people=1, shots=1).write(tmp_path / "out")
    with pytest.raises(BadData, match="is there already"):
        Toy(path="scgan", people=1, shots=1).write(tmp_path / "out")


def test_a_writer_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path, *_: int) -> None:
        root.mkdir(parents=True)
        raise OSError("disk full")

    monkeypatch.setattr(_truth._Writers, "__getitem__", lambda *_: fail)
    with pytest.raises(OSError, match="disk full"):
        Toy(path="scgan").write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_it_asks_for_the_name_of_a_data_set() -> None:
    assert "write toy:celeba" in Toy().missing()
    assert Toy(path="celeba").missing() == ""
    with pytest.raises(BadData, match="write toy:celeba"):
        Toy().split("test")


def test_a_typo_is_named() -> None:
    with pytest.raises(BadName, match="did you mean 'celeba'"):
        Toy(path="celebaa")


@pytest.mark.parametrize("wrong", [{"people": 0}, {"shots": 0}])
def test_a_toy_of_nobody_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadData, match="expected at least 1"):
        Toy(path="celeba", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(_truth.WRITERS))
def test_every_twin_has_a_loader(name: str) -> None:
    assert name.partition(":")[0] in catalog.names("datasets")
    assert name in Toy(path=name).sets()


def test_the_split_of_a_paper_is_written_with_all_its_data_sets() -> None:
    sets = Toy(path="lrgan_2018").sets()
    assert {"widerface", "celeba", "aflw"} <= set(sets)
    assert set(sets) <= set(_truth.WRITERS)
