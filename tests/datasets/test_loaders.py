"""What holds for every loader of an official layout; what is special to one has its own file."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from facesr.bench import catalog
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets._half import Among
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Record
from facesr.datasets._toys._damage import break_, modes
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets._toys._truth import Face as Drawn

TWINS = (
    "aflw",
    "celeba",
    "celeba:flat",
    "celebahq",
    "celebahq:folder",
    "ffhq",
    "helen",
    "helen:pts",
    "lfw",
    "ls3dw",
    "ls3dw:mat",
    "vggface2",
)
SIZES = {"celebahq": 256, "celebahq:folder": 256, "ffhq": 256}
SETTINGS: dict[str, dict[str, Any]] = {"ffhq": {"images": "images256x256"}}
SEEDS = {"aflw": 2, "celebahq:folder": 1}  # with which neither part of so few faces is empty


class Twin(NamedTuple):
    """A miniature on disk and the faces that are prepared from it."""

    name: str
    data: Path
    truth: Truth
    faces: dict[str, str]

    @property
    def place(self) -> str:
        return self.name.partition(":")[0]

    def loader(self, data: Path, cache: Path, **settings: Any) -> HighResolution:
        kind = catalog.load("datasets", self.place)
        return kind(data=data, cache=cache, workers=1, **SETTINGS.get(self.name, {}), **settings)


def everything(loader: HighResolution) -> Faces:
    return loader.half(f"{loader.name}/all/hr", loader.source("hr", Among()))


def pixels(faces: Faces) -> dict[str, str]:
    return {
        name.removesuffix(".png"): sha256(image.tobytes()).hexdigest()
        for name, image in zip(faces.names, faces.images(), strict=True)
    }


def drops(faces: Faces) -> list[dict[str, str]]:
    return [json.loads(line) for line in (faces.root / "drops.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module", params=TWINS)
def twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Twin:
    name: str = request.param
    data = tmp_path_factory.mktemp("twin") / "data"
    place = name.partition(":")[0]
    truth = WRITERS[name](data / place, people=6, shots=2, size=SIZES.get(name))
    whole = Twin(name, data, truth, {})
    return whole._replace(faces=pixels(everything(whole.loader(data, data.parent / "cache"))))


Key = tuple[str, Any]


def key(twin: Twin, face: Drawn | Record) -> Key:
    """What tells faces of a set apart: only AFLW has several in a photograph."""
    return face.photo, face.box if twin.place == "aflw" else None


def expected(twin: Twin) -> dict[Key, Drawn]:
    faces = twin.truth.faces
    if twin.place == "ffhq":
        faces = tuple(face for face in faces if face.photo.startswith("images"))
    if twin.place == "ls3dw":  # the balanced sub-set repeats pictures of the others
        faces = tuple(face for face in faces if "balanced" not in face.part)
    return {key(twin, face): face for face in faces}


def test_every_face_of_a_twin_is_read_as_it_was_drawn(twin: Twin, tmp_path: Path) -> None:
    loader = twin.loader(twin.data, tmp_path)
    assert loader.root is not None
    wanted = expected(twin)
    records = list(loader.records(loader.root))
    assert len({record.name for record in records}) == len(records) == len(wanted)
    for record in records:
        assert not record.flaw
        assert record.name.startswith(f"{twin.place}-")
        drawn = wanted[key(twin, record)]
        assert record.identity == (drawn.identity or "")
        if twin.place in ("celeba", "lfw"):  # one box for all, around the face
            assert record.box is not None
            five, box = drawn.five, np.array(record.box)
            assert ((five > box[:2]) & (five < box[2:])).all()
        else:
            assert record.box == drawn.box
        if drawn.part or twin.place == "celebahq":
            assert record.part == drawn.part
        if twin.place == "aflw":
            assert {"roll", "pitch", "yaw"} == set(record.labels)
            for angle, value in record.labels.items():
                assert value == drawn.labels[angle]
        check_points(twin, record, drawn)


def check_points(twin: Twin, record: Record, drawn: Drawn) -> None:
    if drawn.landmarks is None:
        assert record.points is None
    elif twin.place == "aflw":  # eyes, nose and mouth of the 21 features
        assert record.points is not None
        np.testing.assert_allclose(record.points, drawn.landmarks[[7, 10, 14, 17, 19]], atol=1e-6)
    else:  # LS3D-W counts pixels from 1, which its twin does not settle
        assert record.points is not None
        np.testing.assert_allclose(
            record.points, drawn.landmarks, atol=0.5 if twin.place == "ls3dw" else 1e-4
        )


def test_both_parts_are_prepared_and_share_nothing(twin: Twin, tmp_path: Path) -> None:
    loader = twin.loader(twin.data, tmp_path, seed=SEEDS.get(twin.name, 0))
    assert loader.missing() == ""
    parts = [loader.split(part) for part in ("train", "test")]
    for split in parts:
        assert len(split.hr) == len(split.lr) > 0
        assert split.paired
        assert (split.hr.size, split.lr.size) == (64, 16)
        assert split.hr.names == split.lr.names
    train, test = (split.hr for split in parts)
    assert not set(train.names) & set(test.names)
    if train.identities and test.identities:
        assert not set(train.identities) & set(test.identities)
    for name, image in pixels(train).items():
        assert image == twin.faces[name]


def test_two_processes_prepare_the_same_bytes_as_one(
    twin: Twin, check_processes: Callable[..., None]
) -> None:
    check_processes(twin.loader, twin.data, everything)


def test_a_folder_without_the_set_is_said_to_lack_it(
    twin: Twin, check_lack: Callable[..., None]
) -> None:
    check_lack(twin.loader)


PHOTOS = {
    "truncated_photo": "unreadable photograph",
    "corrupt_photo": "unreadable photograph",
    "missing_photo": "missing photograph",
    "empty_photo": "unreadable photograph",
    "cmyk_photo": "unreadable photograph",
    "sixteen_bit_photo": "unreadable photograph",
    "exif_rotated_photo": "turned by its EXIF, so the annotation may not fit",
    "alpha_photo": "unreadable photograph",
}
BOXES = {
    "zero_box": "empty box",
    "negative_box": "empty box",
    "box_outside": "box outside the photograph",
}
UNLISTED = ("celebahq:folder", "lfw")  # only the pictures say that a face exists
UNFRAMED = ("celebahq", "celebahq:folder")  # nothing is annotated that a turned picture belies


def test_a_damaged_photograph_costs_its_own_faces_only(twin: Twin, tmp_path: Path) -> None:
    loader = twin.loader(twin.data, tmp_path)
    assert loader.root is not None
    records = list(loader.records(loader.root))
    for how in (*PHOTOS, "grey_photo", "symlink_loop"):
        what, faces = broken(twin, tmp_path / how, how)
        hit = {r.name for r in records if r.photo == what} & twin.faces.keys()
        assert hit or how == "symlink_loop"
        now = pixels(faces)
        for name in twin.faces.keys() - hit:
            assert now[name] == twin.faces[name], (how, name)
        named = {drop["name"]: drop["reason"] for drop in drops(faces)}
        if how in ("grey_photo", "symlink_loop") or (
            how == "exif_rotated_photo" and twin.name in UNFRAMED
        ):
            assert now.keys() == twin.faces.keys(), how
            continue
        assert now.keys() == twin.faces.keys() - hit, how
        if how != "missing_photo" or twin.name not in UNLISTED:
            assert {named[name] for name in hit} == {PHOTOS[how]}, how


def broken(twin: Twin, folder: Path, how: str) -> tuple[str, Faces]:
    data = folder / "data"
    shutil.copytree(twin.data, data)
    what = break_(data / twin.place, how)
    return what, everything(twin.loader(data, folder / "cache"))


LINE = Counter({"unreadable line": 1})
POINTS = Counter({"unreadable landmarks": 1})
NOTHING: Counter[str] = Counter()
LOSES = {  # how many faces a damaged annotation costs, and what is counted instead
    ("aflw", "cut_annotation"): None,
    ("aflw", "missing_annotation"): None,
    ("celeba", "count_lies"): (0, LINE),
    ("celeba", "cut_annotation"): (6, Counter({"unreadable line": 8})),  # count, line, 6 faces
    ("celeba", "duplicate_line"): (0, Counter({"unreadable line": 2})),  # count and line
    ("celeba", "garbage_line"): (0, Counter({"unreadable line": 2})),
    ("celeba", "latin1"): (1, Counter({"unreadable line": 3})),  # count, line and face
    ("celeba", "missing_annotation"): (0, NOTHING),
    ("celebahq", "cut_annotation"): (3, LINE),  # who knows how long the mapping was
    ("celebahq", "duplicate_line"): (0, Counter({"duplicate name": 1})),
    ("celebahq", "garbage_line"): (0, LINE),
    ("celebahq", "latin1"): (1, LINE),
    ("celebahq", "missing_annotation"): (0, NOTHING),
    ("ffhq", "cut_annotation"): (3, Counter({"unreadable line": 2})),  # face and closing brace
    ("ffhq", "latin1"): (1, LINE),
    ("ffhq", "missing_annotation"): (0, NOTHING),
    ("helen", "cut_annotation"): (1, POINTS),
    ("helen", "duplicate_line"): (0, NOTHING),
    ("helen", "garbage_line"): (1, POINTS),
    ("helen", "latin1"): (1, POINTS),
    ("helen", "missing_annotation"): (1, Counter({"without landmarks": 1})),
    ("helen:pts", "count_lies"): (1, POINTS),
    ("helen:pts", "duplicate_line"): (1, POINTS),
    ("ls3dw", "count_lies"): (1, POINTS),
    ("ls3dw", "cut_annotation"): (1, POINTS),
    ("ls3dw", "missing_annotation"): (1, Counter({"without landmarks": 1})),
    ("vggface2", "cut_annotation"): (2, Counter({"unreadable line": 5})),
    ("vggface2", "duplicate_line"): (0, LINE),
    ("vggface2", "garbage_line"): (0, LINE),
    ("vggface2", "latin1"): (0, Counter({"unreadable line": 2})),
    ("vggface2", "missing_annotation"): None,
}


def test_a_damaged_annotation_costs_what_it_says_only(twin: Twin, tmp_path: Path) -> None:
    before = Counter(drop["reason"] for drop in drops(everything(twin.loader(twin.data, tmp_path))))
    for how in modes(twin.name):
        if how in PHOTOS or how in ("grey_photo", "symlink_loop"):
            continue
        usual = LOSES.get((twin.place, how), (0, NOTHING))
        wanted = (
            (1, Counter({BOXES[how]: 1})) if how in BOXES else LOSES.get((twin.name, how), usual)
        )
        if wanted is None:
            with pytest.raises(BadData, match=r"aflw|loose_bb_train"):
                broken(twin, tmp_path / how, how)
            continue
        _, faces = broken(twin, tmp_path / how, how)
        now = pixels(faces)
        assert all(twin.faces[name] == image for name, image in now.items()), how
        after = Counter(drop["reason"] for drop in drops(faces))
        assert (len(twin.faces) - len(now), after - before) == wanted, how
        assert str(tmp_path) not in (faces.root / "drops.jsonl").read_text(), how
