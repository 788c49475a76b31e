import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.contract import Part
from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.datasets import _official, wild
from facesr.datasets._prepared import details, manifest
from facesr.datasets.wild import Wild, divided

PARTS: tuple[Part, ...] = ("test", "train")
TEMPLATE = np.array([[-0.8, -0.8], [0.8, -0.8], [0.0, 0.1], [-0.7, 0.75], [0.7, 0.75]])
TEMPLATE = (TEMPLATE - TEMPLATE.mean(0)) / np.sqrt(
    ((TEMPLATE - TEMPLATE.mean(0)) ** 2).sum(1).mean()
)


class Dots:
    """Finds a face of spread `value / 4` around every pure green dot of that value."""

    recipe: dict[str, Any] = {"detector": "dots"}  # noqa: RUF012

    def __init__(self) -> None:
        self.seen = 0

    def missing(self) -> str:
        return ""

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        self.seen += len(photos)
        return [self._one(photo) for photo in photos]

    def _one(self, photo: Pixels) -> Found:
        pure = (photo[..., 0] == 0) & (photo[..., 2] == 0) & (photo[..., 1] > 0)
        rows, columns = np.nonzero(pure)
        points = [
            TEMPLATE * photo[y, x, 1] / 4 + [x, y] for y, x in zip(rows, columns, strict=True)
        ]
        return found(np.array(points).reshape(-1, 5, 2))


def found(points: np.ndarray[Any, Any], scores: Sequence[float] | None = None) -> Found:
    boxes = np.concatenate([points.min(1), points.max(1)], 1) if len(points) else np.empty((0, 4))
    return Found(boxes, np.array(scores or [0.99] * len(points)), points)


def draw(path: Path, width: int, height: int, dots: Sequence[tuple[int, int, int]]) -> None:
    """Save a picture without loss under any name, with green dots (x, y, value)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, path.name))
    pixels = np.random.default_rng(seed).integers(50, 200, (height, width, 3), dtype=np.uint8)
    for x, y, value in dots:
        pixels[y, x] = (0, value, 0)
    Image.fromarray(pixels).save(path, "PNG")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """20 people with two portraits in LFW, 30 portraits in CelebA, 4 group photographs."""
    data = tmp_path / "data"
    for person in range(20):
        for shot in (1, 2):
            name = f"Person_{person:02d}"
            path = data / "lfw/lfw-deepfunneled" / name / f"{name}_{shot:04d}.jpg"
            draw(path, 120, 120, [(60, 60, 80)])
    lines = []
    for i in range(1, 31):
        draw(data / f"celeba/img_align_celeba/{i:06d}.jpg", 89, 109, [(44, 54, 60)])
        lines.append(f"{i:06d}.jpg {i // 2}\n")
    (data / "celeba/identity_CelebA.txt").write_text("".join(lines))
    grid = [(30 + 40 * x, 30 + 40 * y, 16) for x in range(8) for y in range(5)]
    for i in range(4):
        draw(data / f"lowres_wild/photos/crowd_{i}.jpg", 340, 240, [*grid, (170, 225, 80)])
    return data


@pytest.fixture
def dots(monkeypatch: pytest.MonkeyPatch) -> Dots:
    detector = Dots()
    monkeypatch.setattr(_official, "detector", lambda _name, **_settings: detector)
    monkeypatch.setattr(wild, "_TEST_FACES", 30)
    return detector


@pytest.fixture
def make(root: Path, tmp_path: Path, dots: Dots) -> Callable[..., Wild]:
    def made(**settings: Any) -> Wild:
        return replace(Wild(data=root, cache=tmp_path / "cache", workers=1), **settings)

    return made


def people(faces: Faces) -> set[str]:
    assert faces.identities is not None
    return set(faces.identities)


def contents(root: Path) -> int:
    return len({path.read_bytes() for path in root.rglob("*.jpg")})


def photographs(faces: Faces) -> set[str]:
    return {face["photo"] for face in details(faces)}


def test_both_halves_have_their_sizes_and_the_same_framing(make: Callable[..., Wild]) -> None:
    split = make().split("train")
    assert (split.lr.size, split.hr.size, split.paired) == (16, 64, False)
    assert split.lr.landmarks is not None
    assert split.hr.landmarks is not None
    assert split.lr.landmarks[0] * 4 == pytest.approx(split.hr.landmarks[0], abs=1e-2)
    assert split.lr.pixels().shape == (len(split.lr), 3, 16, 16)


def test_nobody_and_no_group_photograph_is_in_both_splits(make: Callable[..., Wild]) -> None:
    train, test = make().split("train"), make().split("test")
    assert people(train.hr).isdisjoint(people(test.hr))
    assert photographs(train.lr).isdisjoint(photographs(test.lr))
    judged = make(judge="validation").split("test")
    assert len(train.hr) + len(judged.hr) + len(test.hr) == 70
    assert len(train.lr) + len(judged.lr) + len(test.lr) == 160
    for held in (test, judged):
        assert people(train.hr).isdisjoint(people(held.hr))
        assert photographs(train.lr).isdisjoint(photographs(held.lr))
    assert "no group photograph gives faces to both splits" in test.notes


def test_portraits_of_other_people_may_be_degraded_instead(
    make: Callable[..., Wild], root: Path
) -> None:
    usual = make().split("train").hr
    shutil.rmtree(root / "lowres_wild")
    data = make(degradation="bicubic")
    splits = {part: data.split(part) for part in PARTS}
    shown = [people(faces) for split in splits.values() for faces in (split.lr, split.hr)]
    assert len(set[str]().union(*shown)) == sum(map(len, shown))
    assert shown[2] | shown[3] == people(usual)
    assert not splits["train"].paired
    assert "made by bicubic of portraits of other people" in splits["train"].notes
    rough = make(degradation="wild").split("train")
    assert rough.hr.fingerprint == splits["train"].hr.fingerprint
    assert rough.lr.names == splits["train"].lr.names
    assert rough.lr.fingerprint != splits["train"].lr.fingerprint


def test_an_unknown_degradation_is_an_error_before_anything_is_searched(
    make: Callable[..., Wild], dots: Dots
) -> None:
    with pytest.raises(BadName, match="did you mean 'wild'"):
        make(degradation="wlid").split("train")
    assert dots.seen == 0


def test_with_few_faces_they_are_held_out_one_by_one_and_it_is_said(
    make: Callable[..., Wild], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = make(hold_out="faces").split("test")
    monkeypatch.setattr(wild, "_TEST_FACES", 150)
    train, test = make().split("train"), make().split("test")
    assert photographs(train.lr) & photographs(test.lr)
    assert set(train.lr.names).isdisjoint(test.lr.names)
    assert wanted.lr.names == test.lr.names
    said = "training and test faces come from the same group photographs"
    assert said in wanted.notes
    assert f"{said}, because holding photographs out left fewer than 150 test faces" in test.notes


def test_identities_are_those_of_the_sources(make: Callable[..., Wild]) -> None:
    split = make().split("test")
    assert split.hr.identities is not None
    assert split.lr.identities is None
    for name, identity in zip(split.hr.names, split.hr.identities, strict=True):
        if name.startswith("lfw-"):
            assert identity == "lfw/" + name.removeprefix("lfw-")[:9]
        else:
            assert identity == f"celeba/{int(name[7:13]) // 2}"


def test_two_preparations_are_equal_and_another_seed_differs(
    make: Callable[..., Wild], tmp_path: Path
) -> None:
    first = make().split("test")
    again = make(cache=tmp_path / "other").split("test")
    assert first.hr.fingerprint == again.hr.fingerprint
    assert first.lr.fingerprint == again.lr.fingerprint
    assert make(seed=1).split("test").hr.names != first.hr.names


def test_no_content_is_searched_twice(make: Callable[..., Wild], root: Path, dots: Dots) -> None:
    first = make().split("test")
    seen = dots.seen
    assert make().split("test").lr.fingerprint == first.lr.fingerprint
    assert make(lr_size=12).split("test").lr.size == 12  # other sizes reuse what was found
    assert dots.seen == seen > 0
    make().split("train")
    make(judge="validation").split("test")
    assert dots.seen == contents(root)


def test_a_changed_photograph_is_prepared_anew(make: Callable[..., Wild], root: Path) -> None:
    before = make().split("train").lr
    draw(root / "lowres_wild/photos/crowd_9.jpg", 300, 200, [(40, 40, 16)])
    after = make().split("train").lr
    assert before.root != after.root


def test_limit_takes_the_first_faces_of_the_same_preparation(make: Callable[..., Wild]) -> None:
    whole, few = make().split("train"), make(limit=12).split("train")
    assert few.hr.names == whole.hr.names[:12]
    assert few.lr.root == whole.lr.root
    assert len({name.partition("-")[0] for name in few.hr.names}) == 2


def test_nobody_gives_more_portraits_than_allowed(make: Callable[..., Wild]) -> None:
    data = make(per_person=1)
    shown = [people(data.split(part).hr) for part in PARTS]
    counts = [len(data.split(part).hr) for part in PARTS]
    assert [len(who) for who in shown] == counts
    few = make(per_source=10)
    assert all(len(few.split(part).hr) <= 2 * 7 for part in PARTS)


def test_what_was_left_out_is_counted_and_named(make: Callable[..., Wild], root: Path) -> None:
    folder = root / "lfw/lfw-deepfunneled/Person_00"
    (folder / "Person_00_0001.jpg").write_bytes(b"not an image")
    draw(folder / "Person_00_0002.jpg", 120, 120, [(60, 60, 20)])
    draw(folder / "Person_00_0003.jpg", 120, 120, [])
    draw(folder / "Person_00_0004.jpg", 120, 120, [(15, 15, 60)])
    draw(folder / "Person_00_0005.jpg", 120, 120, [(64, 64, 80), (59, 60, 80)])
    data = make(per_person=9)
    splits = [
        data.split("train"),
        data.split("test"),
        replace(data, judge="validation").split("test"),
    ]
    drops = [manifest(split.hr.root)["drops"] for split in splits]
    assert {reason: 1 for drop in drops for reason in drop} == {
        "unreadable photograph": 1,
        "too small": 1,
        "no face found": 1,
        "no face in the middle": 1,
    }
    assert sum(len(split.hr) for split in splits) == 69
    (five,) = [
        split.hr.landmarks[split.hr.names.index("lfw-Person_00_0005.png")]
        for split in splits
        if "lfw-Person_00_0005.png" in split.hr.names and split.hr.landmarks is not None
    ]
    assert five.mean(0) == pytest.approx([32, 32 + 0.35 * 64 / 5], abs=0.1)
    assert manifest(splits[0].lr.root)["drops"] == {"too large": 4}
    assert "left out: 4 too large" in splits[0].notes[1]
    assert "independent" in splits[0].notes[-1]


def test_parts_get_about_their_shares_and_no_key_is_in_two() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        keys = [str(key) for key in rng.integers(0, 40, 600)]
        parts = divided(keys, seed)
        got = [parts[key] for key in keys]
        assert got.count("test") / 600 == pytest.approx(0.3, rel=0.25)
        assert got.count("validation") / 600 == pytest.approx(0.1, rel=0.25)
        assert divided(keys[::-1], seed) == parts


def test_an_interrupted_search_goes_on_where_it_stopped(
    make: Callable[..., Wild], root: Path, dots: Dots, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Dots.find

    def stops(self: Dots, photos: Sequence[Pixels]) -> list[Found]:
        if self.seen > 20:
            raise KeyboardInterrupt
        return whole(self, photos)

    monkeypatch.setattr(Dots, "find", stops)
    with pytest.raises(KeyboardInterrupt):
        [make().split(part) for part in PARTS]
    assert dots.seen > 20
    monkeypatch.setattr(Dots, "find", whole)
    for part in PARTS:
        make().split(part)
    make(judge="validation").split("test")
    assert dots.seen == contents(root)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("lfw", "does not hold LFW"),
        ("celeba", "does not hold CelebA"),
        ("lowres_wild", "holds no group photographs: widerface/WIDER_val/images"),
    ],
)
def test_an_absent_source_is_named(root: Path, place: str, sentence: str) -> None:
    assert Wild(data=root).missing() == ""
    shutil.rmtree(root / place)
    assert sentence in Wild(data=root).missing()
    with pytest.raises(BadData, match=sentence):
        Wild(data=root).split("test")


def test_without_data_it_says_what_to_name(tmp_path: Path) -> None:
    assert "--data" in Wild().missing()
    absent = Wild(data=tmp_path).missing()
    assert all(word in absent for word in ("lfw/", "celeba/", "widerface/"))


def test_group_photographs_without_small_faces_are_an_error(
    make: Callable[..., Wild], root: Path
) -> None:
    for path in (root / "lowres_wild/photos").iterdir():
        draw(path, 200, 200, [(100, 100, 90)])
    with pytest.raises(BadData, match=r"no face was found to put into .*lr \(4 too large\)"):
        make().split("test")


def test_one_group_photograph_under_two_names_counts_once(root: Path) -> None:
    photo = root / "lowres_wild/photos/crowd_0.jpg"
    place = root / "widerface/WIDER_val/images/0--Parade"
    place.mkdir(parents=True)
    shutil.copy(photo, place / "crowd_0.jpg")
    shutil.copy(photo, place / "another.jpg")
    draw(place / "new.jpg", 60, 60, [])
    names = [record.name for record in Wild(data=root)._chosen]
    assert names == [
        f"group-{name}" for name in ("crowd_0", "crowd_1", "crowd_2", "crowd_3", "new")
    ]


def test_portraits_without_known_people_are_not_taken_for_one(
    make: Callable[..., Wild], root: Path
) -> None:
    (root / "celeba/identity_CelebA.txt").unlink()
    wild = make()
    portraits = [name for part in PARTS for name in wild.split(part).hr.names]
    judged = replace(wild, judge="validation").split("test").hr.names
    assert sum(name.startswith("celeba") for name in (*portraits, *judged)) == 30
