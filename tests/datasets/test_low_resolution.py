"""What holds for every loader of low-resolution faces; what is special to one has its own file."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from facesr.bench import catalog
from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets._half import Among
from facesr.datasets._official import LowResolution
from facesr.datasets._prepared import details
from facesr.datasets._record import Record
from facesr.datasets._toys._damage import break_, modes
from facesr.datasets._toys._truth import WRITERS, Points, Truth
from facesr.datasets._toys._truth import Face as Drawn

TWINS = ("widerface", "lr_pipa", "lr_dukemtmc", "lr_dukemtmc:reid", "webface", "scgan")
SIZES = {"lr_pipa": 240, "lr_dukemtmc": 540}
LISTED = ("lr_dukemtmc:reid", "webface", "scgan")  # only the pictures say that a face exists


class Told:
    """Finds the faces where they were drawn."""

    def __init__(self, root: Path, truth: Truth) -> None:
        self._faces: dict[str, list[Points]] = {}
        for face in truth.faces:
            photo = root / face.photo
            if photo.is_file():
                content = sha256(photo.read_bytes()).hexdigest()
                self._faces.setdefault(content, []).append(face.five)

    def find(self, views: Sequence[tuple[str, Pixels]]) -> list[Found]:
        return [self._found(key, pixels) for key, pixels in views]

    def _found(self, key: str, pixels: Pixels) -> Found:
        content, _, window = key.partition(":")
        corner = np.array([float(edge) for edge in window.split(",")[:2]]) if window else 0.0
        fives = [five - corner for five in self._faces.get(content, [])]
        end = pixels.shape[1::-1]
        seen = [five for five in fives if ((five.mean(0) > 0) & (five.mean(0) < end)).all()]
        boxes = [
            np.concatenate([f.mean(0) - 1.7 * f.std(), f.mean(0) + 1.7 * f.std()]) for f in seen
        ]
        return Found(
            np.array(boxes).reshape(-1, 4),
            np.full(len(seen), 0.99),
            np.array(seen).reshape(-1, 5, 2),
        )


class Twin(NamedTuple):
    """A miniature on disk and the faces that are prepared from it."""

    name: str
    data: Path
    truth: Truth
    faces: dict[tuple[str, ...], str]

    @property
    def place(self) -> str:
        return self.name.partition(":")[0]

    def loader(self, data: Path, cache: Path, **settings: Any) -> LowResolution:
        kind = catalog.load("datasets", self.place)
        loader: LowResolution = kind(data=data, cache=cache, workers=1, **{"hr": ""} | settings)
        return loader


def everything(loader: LowResolution) -> Faces:
    source = loader.source("lr", Among(), least_side=0.0, most_side=None, most_outside=0.5)
    return loader.half(f"{loader.name}/all/lr", source)


def pixels(faces: Faces) -> dict[tuple[str, ...], str]:
    """Digests by photograph and place, because positions in a damaged file may shift."""
    return {
        (known["photo"], str(known["box"])): sha256(image.tobytes()).hexdigest()
        for known, image in zip(details(faces), faces.images(), strict=True)
    }


def drops(faces: Faces) -> list[dict[str, str]]:
    return [json.loads(line) for line in (faces.root / "drops.jsonl").read_text().splitlines()]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Truth], None]:
    def tell(root: Path, truth: Truth) -> None:
        known = Told(root, truth)
        monkeypatch.setattr("facesr.datasets._official.Search", lambda *_: known)

    return tell


@pytest.fixture(scope="module", params=TWINS)
def twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Twin:
    name: str = request.param
    data = tmp_path_factory.mktemp("twin") / "data"
    place = name.partition(":")[0]
    truth = WRITERS[name](data / place, people=9, shots=4, size=SIZES.get(name))
    whole = Twin(name, data, truth, {})
    with pytest.MonkeyPatch.context() as patch:
        known = Told(data / place, truth)
        patch.setattr("facesr.datasets._official.Search", lambda *_: known)
        return whole._replace(faces=pixels(everything(whole.loader(data, data.parent / "cache"))))


def key(face: Drawn | Record) -> tuple[str, Any]:
    return face.photo, face.box


def test_every_face_of_a_twin_is_read_as_it_was_drawn(twin: Twin, tmp_path: Path) -> None:
    loader = twin.loader(twin.data, tmp_path)
    assert loader.root is not None
    drawn = {key(face): face for face in twin.truth.faces}
    if twin.name == "widerface":
        drawn = {k: face for k, face in drawn.items() if face.part != "test"}
    records = list(loader.records(loader.root))
    assert len({record.name for record in records}) == len(records) == len(drawn)
    assert sorted(map(key, records), key=str) == sorted(drawn, key=str)
    for record in records:
        face = drawn[key(record)]
        assert record.name.startswith(f"{twin.place}-")
        assert not {"/", "."} & set(record.name)
        assert record.part == face.part
        assert int(record.identity or 0) == int(face.identity or 0)
        assert (record.flaw == "marked invalid by the authors") == bool(face.labels.get("invalid"))
        for label, value in face.labels.items():
            assert label == "invalid" or record.labels[label] == value


def test_records_come_in_the_order_of_the_annotation(twin: Twin, tmp_path: Path) -> None:
    loader = twin.loader(twin.data, tmp_path)
    assert loader.root is not None
    read = [key(record) for record in loader.records(loader.root)]
    drawn = [key(face) for face in twin.truth.faces if key(face) in set(read)]
    if twin.name in LISTED:
        assert [
            photo for photo, _ in read if "test" not in photo and "query" not in photo
        ] == sorted(photo for photo, _ in drawn if "test" not in photo and "query" not in photo)
    else:
        assert read == drawn


def test_nearly_all_faces_are_prepared_from_where_they_were_drawn(twin: Twin) -> None:
    photos = Counter(record.photo for record in usable(twin))
    made = Counter(photo for photo, _ in twin.faces)
    assert made.keys() <= photos.keys()
    assert all(made[photo] <= n for photo, n in photos.items())
    assert made.total() >= 0.7 * photos.total()


def test_both_parts_are_prepared_and_share_nothing(
    twin: Twin, tmp_path: Path, told: Callable[[Path, Truth], None]
) -> None:
    told(twin.data / twin.place, twin.truth)
    loader = twin.loader(twin.data, tmp_path, least=0.1)  # few faces of twins are large
    parts = [loader.split(part) for part in ("train", "test")]
    for split in parts:
        assert len(split.hr) > 0
        assert len(split.lr) > 0
        assert not split.paired
        assert (split.hr.size, split.lr.size) == (64, 16)
        assert any(note.startswith("lr: ") for note in split.notes)
    for train, test in ((parts[0].lr, parts[1].lr), (parts[0].hr, parts[1].hr)):
        assert not set(train.names) & set(test.names)
        if train.identities and test.identities:
            assert not set(train.identities) & set(test.identities)


def test_two_processes_prepare_the_same_bytes_as_one(
    twin: Twin, told: Callable[[Path, Truth], None], check_processes: Callable[..., None]
) -> None:
    told(twin.data / twin.place, twin.truth)
    check_processes(twin.loader, twin.data, everything)


def test_a_folder_without_the_set_is_said_to_lack_it(
    twin: Twin, check_lack: Callable[..., None]
) -> None:
    check_lack(twin.loader)


PHOTOS = {
    "truncated_photo": "unreadable photograph",
    "corrupt_photo": "unreadable photograph",
    "empty_photo": "unreadable photograph",
    "cmyk_photo": "unreadable photograph",
    "sixteen_bit_photo": "unreadable photograph",
    "alpha_photo": "unreadable photograph",
    "missing_photo": "missing photograph",
    "exif_rotated_photo": "turned by its EXIF, so the annotation may not fit",
}
UNTOLD = ("missing_photo", "exif_rotated_photo")  # of sets in which only pictures count
BOXES = {
    "zero_box": "empty box",
    "negative_box": "empty box",
    "box_outside": "box outside the photograph",
}


def test_damage_costs_what_it_touches_and_is_told(
    twin: Twin, tmp_path: Path, told: Callable[[Path, Truth], None]
) -> None:
    for mode in modes(twin.name):
        data = tmp_path / mode / "data"
        shutil.copytree(twin.data, data)
        hurt = break_(data / twin.place, mode)
        told(data / twin.place, twin.truth)
        loader = twin.loader(data, tmp_path / mode / "cache")
        if mode == "missing_annotation" and twin.name != "widerface":
            assert "does not hold" in loader.missing()
        elif mode == "cut_annotation" and twin.name == "lr_dukemtmc":
            with pytest.raises(BadData, match=r"trainval\.mat"):
                everything(loader)
        else:
            check(twin, mode, hurt, everything(loader))


def check(twin: Twin, mode: str, hurt: str, faces: Faces) -> None:
    after, named = pixels(faces), drops(faces)
    reasons = Counter(entry["reason"] for entry in named)
    assert dict(reasons) == json.loads((faces.root / "manifest.json").read_text())["drops"]
    assert str(twin.data.parent) not in json.dumps(named)
    lost = twin.faces.keys() - after.keys()
    touched = {face for face in twin.faces if face[0] == hurt}
    others = {face: image for face, image in after.items() if face[0] != hurt}
    assert others.items() <= twin.faces.items(), mode
    reason = PHOTOS.get(mode, BOXES.get(mode, ""))
    if mode in PHOTOS and not (twin.name in LISTED and mode in UNTOLD):
        names = {record.name for record in usable(twin) if record.photo == hurt}
        assert lost == touched, mode
        assert {entry["name"] for entry in named if entry["reason"] == reason} == names != set()
    elif mode == "missing_photo":
        assert lost == touched != set()
    elif mode in BOXES:
        assert {photo for photo, _ in lost} == {twin.truth.faces[0].photo}
        assert len(lost) == reasons[reason] == 1
    elif mode == "duplicate_line":
        assert not lost
        assert reasons["duplicate name"] > 0
    elif mode in ("latin1", "garbage_line", "count_lies"):
        assert len({photo for photo, _ in lost}) <= 1
        assert reasons["unreadable line"] > 0
    elif mode in ("missing_annotation", "cut_annotation"):
        assert lost
    else:
        assert mode in ("grey_photo", "exif_rotated_photo", "bom", "crlf", "symlink_loop")
        assert not lost


def usable(twin: Twin) -> list[Record]:
    loader = twin.loader(twin.data, twin.data)
    assert loader.root is not None
    return [record for record in loader.records(loader.root) if not record.flaw]
