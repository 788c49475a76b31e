import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadData
from facesr.datasets._align import Frame
from facesr.datasets._census import census
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._half import Among, Source, account, half, place
from facesr.datasets._record import Record, draw


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for i in range(30):
        pixels = np.random.default_rng(i).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    (folder / "list.txt").write_text("annotation")
    return folder


def source(root: Path, **changes: Any) -> Source:
    def records() -> Iterator[Record]:
        for i in range(30):
            part = "val" if i % 3 == 0 else "train"
            yield Record(f"{i:02d}.png", f"f{i:02d}", identity=f"p{i // 4}", part=part)

    frame = Frame("whole")
    plain = Source(
        name="toy",
        recipe={"finder": "annotation", "settings": {}, "excluded": "", "frame": frame.recipe},
        census=census(root, [root / "list.txt"]).digest if root.is_dir() else "",
        annotations={},
        records=records,
        cutter=Cutter(root, frame, Rule(), 8),
    )
    return replace(plain, **changes)


def key(cache: Path, *sources: Source, size: int = 8, seed: int = 0) -> str:
    return place(cache, "toy/train/hr", sources, size, seed).relative_to(cache).as_posix()


def test_a_folder_is_named_by_what_decides_its_faces(root: Path, tmp_path: Path) -> None:
    plain = source(root)
    cutter = plain.cutter

    def recipe(**changes: Any) -> Source:
        return replace(plain, recipe={**plain.recipe, **changes})

    others = [
        key(tmp_path, plain),
        key(tmp_path, recipe(frame=Frame("box").recipe)),
        key(tmp_path, recipe(frame=Frame("box", 0.1).recipe)),
        key(tmp_path, recipe(frame=Frame("square", 4.5).recipe)),
        key(tmp_path, recipe(frame=Frame("square", 4.5, 0.2).recipe)),
        key(tmp_path, recipe(finder={"detector": "mtcnn", "enlarge": 1})),
        key(tmp_path, recipe(finder={"detector": "mtcnn", "enlarge": 4})),
        key(tmp_path, recipe(excluded="0" * 64)),
        key(tmp_path, recipe(settings={"blur": 1})),
        key(tmp_path, replace(plain, cutter=replace(cutter, rule=Rule(1.0)))),
        key(tmp_path, replace(plain, cutter=replace(cutter, rule=Rule(most_side=9.0)))),
        key(tmp_path, replace(plain, cutter=replace(cutter, rule=Rule(least_score=0.5)))),
        key(tmp_path, replace(plain, cutter=replace(cutter, rule=Rule(most_outside=0.2)))),
        key(tmp_path, replace(plain, n=5)),
        key(tmp_path, replace(plain, n=6)),
        key(tmp_path, replace(plain, among=Among(("train",)))),
        key(tmp_path, replace(plain, among=Among(units=(0.0, 0.2)))),
        key(tmp_path, plain, size=16),
        key(tmp_path, plain, seed=1),
        key(tmp_path, plain, plain),
        key(tmp_path, replace(plain, name="other")),
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "list.txt").write_text("annotatioN"),
        lambda root: (root / "00.png").write_bytes((root / "00.png").read_bytes() + b"\0"),
        lambda root: (root / "00.png").unlink(),
        lambda root: (root / "new.png").touch(),
    ],
)
def test_other_files_lead_to_another_folder(root: Path, tmp_path: Path, change: Any) -> None:
    before = key(tmp_path, source(root))
    change(root)
    assert key(tmp_path, source(root)) != before


def test_places_and_processes_do_not_count(root: Path, tmp_path: Path) -> None:
    before = key(tmp_path, source(root))
    assert key(tmp_path / "elsewhere", source(root)) == before
    moved = tmp_path / "moved"
    shutil.copytree(root, moved)
    assert key(tmp_path, source(moved)) == before
    folders = [
        half(tmp_path / f"{workers}", "toy/train/hr", [source(root)], 8, 0, workers).root
        for workers in (1, 2)
    ]
    assert folders[0].relative_to(tmp_path / "1") == folders[1].relative_to(tmp_path / "2")


def test_a_limit_above_the_number_of_faces_gives_all_of_them(root: Path, tmp_path: Path) -> None:
    every = half(tmp_path, "toy/train/hr", [source(root)], 8, 0, 1)
    more = half(tmp_path, "toy/train/hr", [source(root, n=1000)], 8, 0, 1)
    some = half(tmp_path, "toy/train/hr", [source(root, n=7)], 8, 0, 1)
    assert len(every) == 30
    assert more.fingerprint == every.fingerprint
    assert some.names == every.names[:7]
    assert some.fingerprint == every.take(range(7)).fingerprint


def test_what_was_prepared_is_found_when_the_files_are_gone(root: Path, tmp_path: Path) -> None:
    plain = source(root)
    before = half(tmp_path / "cache", "toy/train/hr", [plain], 8, 0, 1)
    shutil.rmtree(root)
    gone = source(root)
    assert gone.census == ""
    after = half(tmp_path / "cache", "toy/train/hr", [gone], 8, 0, 1)
    assert after.fingerprint == before.fingerprint
    for other in (replace(gone, n=3), replace(gone, among=Among(("val",)))):
        with pytest.raises(BadData, match=r"not here, and no prepared copy .* with --data"):
            half(tmp_path / "cache", "toy/train/hr", [other], 8, 0, 1)
    with pytest.raises(BadData, match="no prepared copy"):
        half(tmp_path / "cache", "toy/test/hr", [gone], 8, 0, 1)


def test_two_prepared_copies_are_not_chosen_between(root: Path, tmp_path: Path) -> None:
    half(tmp_path / "cache", "toy/train/hr", [source(root)], 8, 0, 1)
    (root / "list.txt").write_text("changed")
    half(tmp_path / "cache", "toy/train/hr", [source(root)], 8, 0, 1)
    with pytest.raises(BadData, match=r"2 prepared copies of toy/train/hr .* keep one"):
        half(tmp_path / "cache", "toy/train/hr", [source(root, census="")], 8, 0, 1)


def test_what_is_half_prepared_is_not_found(root: Path, tmp_path: Path) -> None:
    whole = half(tmp_path / "cache", "toy/train/hr", [source(root)], 8, 0, 1).root
    whole.rename(whole.with_name(".hr.part"))
    with pytest.raises(BadData, match="no prepared copy"):
        half(tmp_path / "cache", "toy/train/hr", [source(root, census="")], 8, 0, 1)


def test_parts_hold_only_their_own_and_units_are_never_divided(root: Path, tmp_path: Path) -> None:
    def people(among: Among) -> set[str]:
        faces = half(tmp_path, "toy/x/hr", [source(root, among=among)], 8, 0, 1)
        assert faces.identities is not None
        return set(faces.identities)

    val = half(tmp_path, "toy/x/hr", [source(root, among=Among(("val",)))], 8, 0, 1)
    assert sorted(val.names) == [f"f{i:02d}.png" for i in range(0, 30, 3)]
    middle = sorted(draw(0, "test", f"p{i}") for i in range(8))[3]
    low, high = people(Among(units=(0.0, middle))), people(Among(units=(middle, 1.0)))
    assert low.isdisjoint(high)
    assert low | high == {f"p{i}" for i in range(8)}


def test_faces_come_in_a_seeded_order(root: Path, tmp_path: Path) -> None:
    orders = [half(tmp_path, "toy/x/hr", [source(root)], 8, seed, 1).names for seed in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == [f"f{i:02d}.png" for i in range(30)]
    assert orders[0] != orders[1]
    assert list(orders[0]) != sorted(orders[0])


def test_the_account_counts_drops_most_frequent_first(root: Path, tmp_path: Path) -> None:
    def records() -> Iterator[Record]:
        yield from (Record("00.png", f"a{i}", flaw="blurred") for i in range(2))
        yield from (Record("00.png", f"b{i}", flaw="invalid: 1") for i in range(3))
        yield Record("00.png", "c")

    faces = half(tmp_path, "toy/test/lr", [source(root, records=records)], 8, 0, 1)
    assert account(faces) == "lr: 1 faces; left out: 3 invalid, 2 blurred"
