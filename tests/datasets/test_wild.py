import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.contract import Part
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets import _choose, _sources, wild
from facesr.datasets._crop import Found, Pixels
from facesr.datasets._detections import Searched, search
from facesr.datasets._prepared import details
from facesr.datasets._sources import Photo
from facesr.datasets.wild import Wild

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TEMPLATE = np.array([[-0.8, -0.8], [0.8, -0.8], [0.0, 0.1], [-0.7, 0.75], [0.7, 0.75]])
TEMPLATE = (TEMPLATE - TEMPLATE.mean(0)) / np.sqrt(
    ((TEMPLATE - TEMPLATE.mean(0)) ** 2).sum(1).mean()
)


class Dots:
    """Finds a face of spread `value / 4` around every pure green dot of that value."""

    recipe: dict[str, Any] = {"detector": "dots"}  # noqa: RUF012

    def __init__(self) -> None:
        self.seen = 0

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
    monkeypatch.setattr(wild, "_PORTRAITS", detector)
    monkeypatch.setattr(wild, "_GROUPS", detector)
    monkeypatch.setattr(wild, "_TEST_FACES", 30)
    return detector


@pytest.fixture
def make(root: Path, tmp_path: Path, dots: Dots) -> Callable[..., Wild]:
    def made(**settings: Any) -> Wild:
        return replace(Wild(data=root, cache=tmp_path / "cache"), **settings)

    return made


def people(faces: Faces) -> set[str]:
    assert faces.identities is not None
    return set(faces.identities)


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
    assert len(train.hr) + len(test.hr) == 70
    assert len(train.lr) + len(test.lr) == 160
    assert "no group photograph gives faces to both splits" in test.notes


def test_with_few_faces_they_are_held_out_one_by_one_and_it_is_said(
    make: Callable[..., Wild], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wild, "_TEST_FACES", 150)
    train, test = make().split("train"), make().split("test")
    assert photographs(train.lr) & photographs(test.lr)
    assert set(train.lr.names).isdisjoint(test.lr.names)
    assert any("come from the same group photographs" in note for note in test.notes)


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


def test_a_second_call_searches_nothing(make: Callable[..., Wild], dots: Dots) -> None:
    first = make().split("test")
    seen = dots.seen
    assert make().split("test").lr.fingerprint == first.lr.fingerprint
    assert make(lr_size=12).split("test").lr.size == 12  # other sizes reuse what was found
    assert dots.seen == seen == 74


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


def test_per_source_prefers_new_people(make: Callable[..., Wild]) -> None:
    data = make(per_source=20)
    hr = people(data.split("train").hr) | people(data.split("test").hr)
    assert sum(identity.startswith("lfw/") for identity in hr) == 20


def test_what_was_left_out_is_counted(make: Callable[..., Wild], root: Path) -> None:
    folder = root / "lfw/lfw-deepfunneled/Person_00"
    (folder / "Person_00_0001.jpg").write_bytes(b"not an image")
    draw(folder / "Person_00_0002.jpg", 120, 120, [(60, 60, 20)])
    draw(folder / "Person_00_0003.jpg", 120, 120, [])
    draw(folder / "Person_00_0004.jpg", 120, 120, [(15, 15, 60)])
    draw(folder / "Person_00_0005.jpg", 120, 120, [(64, 64, 80), (59, 60, 80)])
    split = make().split("train")
    manifest = json.loads((split.hr.root.parents[1] / "manifest.json").read_text())
    assert manifest["counts"]["hr"] == {
        "searched": 73,
        "unreadable": 1,
        "too small": 1,
        "no face found": 1,
        "no face in the middle": 1,
        "several faces": 1,
        "kept": 69,
    }
    assert manifest["counts"]["lr"] == {"searched": 4, "unreadable": 0, "kept": 160, "too large": 4}
    assert split.notes[:-1] == tuple(manifest["notes"])
    assert "independent" in split.notes[-1]
    assert "69 from 73 portraits" in split.notes[0]


def test_of_several_faces_the_most_central_is_taken() -> None:
    points = np.stack([TEMPLATE * 30 + [90, 100], TEMPLATE * 30 + [102, 100]])
    one = Searched(Photo(Path("a.jpg"), "a", "lfw/a"), 200, 200, found(points))
    choice = _choose.central([one], _choose.Rule(0.95, least_side=50))
    assert choice.chosen[0].points.mean(0) == pytest.approx([102, 100])
    assert choice.counts["several faces"] == 1


@pytest.mark.parametrize(
    ("spread", "at", "score", "reason"),
    [
        (4.0, 100.0, 0.99, "kept"),
        (4.0, 100.0, 0.9, "unsure"),
        (2.3, 100.0, 0.99, "too small"),
        (2.5, 100.0, 0.99, "kept"),
        (9.7, 100.0, 0.99, "too large"),
        (4.0, 3.0, 0.99, "cut off"),
    ],
)
def test_a_small_face_is_judged_by_its_score_side_and_place(
    spread: float, at: float, score: float, reason: str
) -> None:
    one = Searched(
        Photo(Path("a.jpg"), "a"), 200, 200, found(TEMPLATE[None] * spread + at, [score])
    )
    choice = _choose.small([one], _choose.Rule(0.95, least_side=12, most_side=48))
    assert choice.counts[reason] == 1
    assert len(choice.chosen) == (reason == "kept")


def test_an_interrupted_search_goes_on_where_it_stopped(root: Path, tmp_path: Path) -> None:
    class Stops(Dots):
        def find(self, photos: Sequence[Pixels]) -> list[Found]:
            if self.seen:
                raise KeyboardInterrupt
            return super().find(photos)

    photos = _sources.lfw(root) + _sources.celeba(root)
    store = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        search(photos, Stops(), store, "searching", every=32)
    rest = Dots()
    searched = search(photos, rest, store, "searching", every=32)
    assert rest.seen == len(photos) - 32
    assert [s.photo for s in searched] == photos
    assert all(len(s.found) == 1 for s in searched)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("lfw", "lacks lfw/lfw-deepfunneled"),
        ("celeba", "lacks celeba/img_align_celeba and celeba/identity_CelebA.txt"),
        ("lowres_wild", "lacks widerface/WIDER_val/images"),
    ],
)
def test_an_absent_source_is_named(root: Path, place: str, sentence: str) -> None:
    assert Wild(data=root).missing() == ""
    shutil.rmtree(root / place)
    assert sentence in Wild(data=root).missing()
    with pytest.raises(BadData, match=sentence):
        Wild(data=root).split("test")


def test_portraits_that_are_not_in_folders_by_name_are_not_lfw(root: Path) -> None:
    for path in list((root / "lfw").rglob("*.jpg")):
        path.rename(root / "lfw/lfw-deepfunneled" / path.name)
    assert "NAME/NAME_0001.jpg" in Wild(data=root).missing()


def test_without_data_it_says_what_to_name(tmp_path: Path) -> None:
    assert "--data" in Wild().missing()
    absent = Wild(data=tmp_path).missing()
    assert all(word in absent for word in ("lfw/", "celeba/", "widerface/"))


def test_an_absent_or_damaged_list_of_identities_is_named(make: Callable[..., Wild]) -> None:
    data = make().data
    assert data is not None
    table = data / "celeba/identity_CelebA.txt"
    table.write_text("000001.jpg\n")
    with pytest.raises(BadData, match=r"line 1 is '000001.jpg', expected"):
        make().split("test")
    table.unlink()
    with pytest.raises(BadData, match=r"lacks celeba/img_align_celeba and celeba/identity_CelebA"):
        make().split("test")


def test_group_photographs_without_small_faces_are_an_error(
    make: Callable[..., Wild], root: Path
) -> None:
    for path in (root / "lowres_wild/photos").iterdir():
        draw(path, 200, 200, [(100, 100, 90)])
    with pytest.raises(BadData, match=r"gives no lr face for 'wild' at 16 px: .*4 too large"):
        make().split("test")


def test_one_group_photograph_under_two_names_counts_once(root: Path) -> None:
    photo = root / "lowres_wild/photos/crowd_0.jpg"
    place = root / "widerface/WIDER_val/images/0--Parade"
    place.mkdir(parents=True)
    shutil.copy(photo, place / "crowd_0.jpg")
    shutil.copy(photo, place / "another.jpg")
    draw(place / "new.jpg", 60, 60, [])
    assert [p.name for p in _sources.groups(root)] == [
        "group-another",
        "group-crowd_1",
        "group-crowd_2",
        "group-crowd_3",
        "group-new",
    ]


@pytest.fixture
def few_real(tmp_path: Path) -> Path:
    if not (SHARED / "lowres_wild").is_dir():
        pytest.skip("the photographs are not on this machine")
    data = tmp_path / "data"
    lfw = sorted((SHARED / "lfw/lfw-deepfunneled").glob("*/*_0001.jpg"))[:40:5]
    celeba = sorted((SHARED / "celeba/img_align_celeba").glob("*.jpg"))[:8]
    for path in (*lfw, *celeba, SHARED / "lowres_wild/photos/ultralight_8.jpg"):
        (data / path.relative_to(SHARED)).parent.mkdir(parents=True, exist_ok=True)
        (data / path.relative_to(SHARED)).symlink_to(path)
    identities = SHARED / "celeba/identity_CelebA.txt"
    (data / "celeba/identity_CelebA.txt").symlink_to(identities)
    return data


def test_real_photographs_are_framed_alike_in_both_halves(few_real: Path, tmp_path: Path) -> None:
    data = Wild(data=few_real, cache=tmp_path / "cache")
    parts: tuple[Part, ...] = ("train", "test")
    halves = [data.split(part) for part in parts]
    lr = np.concatenate([split.lr.landmarks for split in halves if split.lr.landmarks is not None])
    hr = np.concatenate([split.hr.landmarks for split in halves if split.hr.landmarks is not None])
    assert len(hr) >= 14
    assert len(lr) >= 60
    assert lr.mean(0) * 4 == pytest.approx(hr.mean(0), abs=0.03 * 64)
