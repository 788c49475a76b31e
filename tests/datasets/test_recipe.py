"""What holds for every split of a paper; what is special to one has its own file."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench import catalog
from facesr.bench.contract import Part, Split
from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets import _official, scgan_2022
from facesr.datasets._prepared import details
from facesr.datasets._recipe import Portion, Recipe
from facesr.datasets._toys._truth import WRITERS

RECIPES = ("lrgan_2018", "cr_2019", "selfsr_2021", "scgan_2022", "two_step_2022")
PARTS: tuple[Part, ...] = ("train", "test")
SIZES = {"celebahq": 128}


class Told:
    """Finds the faces where they were drawn, by the content of their photographs."""

    recipe: dict[str, Any] = {"detector": "told"}  # noqa: RUF012

    def __init__(self) -> None:
        self.faces: dict[str, list[np.ndarray[Any, Any]]] = {}

    def missing(self) -> str:
        return ""

    def find(self, views: Sequence[tuple[str, Pixels]]) -> list[Found]:
        return [self._found(*view) for view in views]

    def _found(self, key: str, pixels: Pixels) -> Found:
        content, _, window = key.partition(":")
        corner = [float(edge) for edge in window.split(",")[:2]] if window else [0.0, 0.0]
        points = np.array(self.faces.get(content, [])).reshape(-1, 5, 2) - corner
        middles = points.mean(1)
        seen = ((middles > 0) & (middles < pixels.shape[1::-1])).all(1)
        points, middles = points[seen], middles[seen]
        reach = 2 * np.sqrt(np.square(points - middles[:, None]).sum(2).mean(1))[:, None]
        boxes = np.concatenate([middles - reach, middles + reach], 1)
        return Found(boxes, np.full(len(points), 0.99), points)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """Every set that a recipe asks for, in one folder, and a detector that knows its faces."""
    data, told = tmp_path_factory.mktemp("twins"), Told()
    names = {name for recipe in RECIPES for name in catalog.load("datasets", recipe)().sets()}
    names |= {"helen"}
    for name in sorted(names):
        place = data / catalog.load("datasets", name).places[0]
        truth = WRITERS[name](place, people=24, shots=4, size=SIZES.get(name))
        for face in truth.faces:
            if (place / face.photo).is_file():
                content = sha256((place / face.photo).read_bytes()).hexdigest()
                told.faces.setdefault(content, []).append(face.five)
    return data, told


@pytest.fixture
def told(twins: tuple[Path, Told], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_official, "detector", lambda _name, **_settings: twins[1])
    monkeypatch.setattr(_official, "Search", lambda _detector, _store: twins[1])
    return twins[0]


def recipe(name: str, data: Path | None, cache: Path, **settings: Any) -> Recipe:
    built = catalog.load("datasets", name)(data=data, cache=cache, workers=1, **settings)
    assert isinstance(built, Recipe)
    return built


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of three faces, since a twin has no 3,000."""
    for name in RECIPES:
        portion = catalog.load("datasets", name).portion

        def few(self: Recipe, part: Part, side: Any, portion: Any = portion) -> Any:
            whole = portion(self, part, side)
            skip, n = (3 if whole.skip else 0), (3 if whole.n and part == "test" else whole.n)
            return replace(whole, skip=skip, n=n)

        monkeypatch.setattr(catalog.load("datasets", name), "portion", few)


def people(faces: Faces) -> set[str]:
    return set(faces.names)


@pytest.mark.parametrize("name", RECIPES)
def test_a_split_is_made_of_the_sets_that_are_there_and_says_what_it_lacks(
    name: str, told: Path, tmp_path: Path, small: None
) -> None:
    made = recipe(name, told, tmp_path)
    splits = {part: made.split(part) for part in PARTS}
    for part, split in splits.items():
        assert (split.lr.size, split.hr.size) == (16, 64)
        assert len(split.lr)
        assert len(split.hr)
        assert len(set(split.lr.names)) == len(split.lr)
        assert split.lr.title.startswith(f"{name}/{part}/lr")
    assert "of the paper's" in splits["train"].partial
    train, test = splits["train"], splits["test"]
    assert people(train.lr).isdisjoint(people(test.lr))
    again = recipe(name, told, tmp_path / "elsewhere").split("test")
    assert again.lr.fingerprint == test.lr.fingerprint
    assert again.hr.fingerprint == test.hr.fingerprint


def test_both_halves_of_an_unpaired_split_are_framed_by_one_rule(
    told: Path, tmp_path: Path, small: None
) -> None:
    split = recipe("lrgan_2018", told, tmp_path).split("train")
    assert not split.paired
    assert split.lr.landmarks is not None
    sets = {name.partition("-")[0] for name in split.hr.names}
    assert sets == {"celeba", "aflw", "ls3dw", "vggface2"}
    sides = {known["photo"].partition("/")[0] for known in details(split.lr)}
    assert sides <= {"WIDER_train", "WIDER_val", "WIDER_test"}


def test_people_of_two_sets_are_told_apart(told: Path, tmp_path: Path, small: None) -> None:
    hr = recipe("cr_2019", told, tmp_path).split("train").hr
    assert hr.identities is not None
    assert all(who.startswith("celeba/") for who in hr.identities)


@pytest.mark.parametrize(
    ("name", "settings", "chain"),
    [
        ("cr_2019", {"test": "helen"}, "bicubic"),
        ("selfsr_2021", {"training": "celeba"}, "bicubic"),
        ("selfsr_2021", {"training": "helen"}, "bicubic"),
        ("scgan_2022", {"test": "ffhq"}, "scgan"),
        ("scgan_2022", {"test": "ls3dw"}, "bilinear"),
        ("two_step_2022", {"training": "simulated"}, "bicubic"),
    ],
)
def test_synthetic_tests_are_pairs(
    name: str, settings: dict[str, str], chain: str, told: Path, tmp_path: Path, small: None
) -> None:
    split = recipe(name, told, tmp_path, **settings).split("test")
    assert split.paired
    assert split.lr.names == split.hr.names
    assert split.lr.title == f"{name}/test/lr[{chain}]"
    small_hr = split.hr.pixels().float().unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5))
    away = (small_hr - split.lr.pixels().float()).abs().mean()
    assert away < (12 if chain != "scgan" else 60)


def test_training_never_sees_the_faces_of_a_test_of_the_same_set(
    told: Path, tmp_path: Path, small: None
) -> None:
    made = recipe("scgan_2022", told, tmp_path, test="ffhq")
    assert people(made.split("train").hr).isdisjoint(people(made.split("test").hr))


def test_a_limit_takes_the_first_faces_of_the_whole_split(
    told: Path, tmp_path: Path, small: None
) -> None:
    whole = recipe("lrgan_2018", told, tmp_path)
    few = recipe("lrgan_2018", told, tmp_path, limit=4)
    for part in PARTS:
        assert few.split(part).lr.names == whole.split(part).lr.names[:4]
    assert not few.split("train").partial
    assert "celeba" in whole.split("train").partial


def test_an_incomplete_disk_is_counted_by_set(told: Path, tmp_path: Path, small: None) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for place in ("celeba", "widerface"):
        (data / place).symlink_to(told / place)
    split = recipe("lrgan_2018", data, tmp_path).split("train")
    n = len(split.hr)
    assert f"train/hr has {n} of the paper's 182,866 faces (celeba {n} of 60,000, " in split.partial
    assert "vggface2 0" in split.partial
    assert split.notes


@pytest.mark.parametrize("name", RECIPES)
def test_without_its_sets_a_split_says_what_it_needs(name: str, tmp_path: Path) -> None:
    absent = recipe(name, tmp_path, tmp_path).missing()
    assert "http" in absent
    assert name in absent
    with pytest.raises(BadData):
        recipe(name, tmp_path, tmp_path).split("test")


def test_too_few_faces_for_two_parts_are_a_sentence(told: Path, tmp_path: Path) -> None:
    made = recipe("lrgan_2018", told, tmp_path)
    with pytest.raises(BadData, match="keeps the first 3000 for its other part"):
        made.split("train")


def test_a_complete_split_is_not_partial(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tiny(self: Recipe, part: Part, side: str) -> Any:
        asks = scgan_2022.SMALL if side == "lr" else scgan_2022.LARGE
        return Portion(asks, 2, skip=2 * (part == "test"), n=2)

    monkeypatch.setattr(scgan_2022.Scgan2022, "portion", tiny)
    split: Split = recipe("scgan_2022", told, tmp_path).split("test")
    assert (len(split.lr), len(split.hr), split.partial) == (2, 2, "")


def test_a_set_that_is_missing_is_named_even_with_a_limit(
    told: Path, tmp_path: Path, small: None
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for place in ("celeba", "widerface"):
        (data / place).symlink_to(told / place)
    assert "vggface2 0" in recipe("lrgan_2018", data, tmp_path, limit=3).split("train").partial


def test_a_split_by_face_says_so(told: Path, tmp_path: Path, small: None) -> None:
    split = recipe("selfsr_2021", told, tmp_path, training="celeba").split("test")
    assert any("the paper divides celeba by face" in note for note in split.notes)
    apart = recipe("cr_2019", told, tmp_path).split("test")
    assert not any("by face" in note for note in apart.notes)


def test_a_list_of_exclusions_reaches_the_sets(told: Path, tmp_path: Path, small: None) -> None:
    names = recipe("cr_2019", told, tmp_path).split("train").hr.names
    listed = tmp_path / "names.txt"
    listed.write_text(f"{names[0]}\n", encoding="utf-8")
    left = recipe("cr_2019", told, tmp_path, exclude=listed).split("train").hr.names
    assert set(names) - set(left) == {names[0]}
