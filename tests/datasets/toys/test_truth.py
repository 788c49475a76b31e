import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadName
from facesr.datasets._toys._truth import WRITERS, Truth, known

NAMES = tuple(WRITERS)


def _digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", NAMES)
def test_writing_twice_gives_the_same_bytes(
    name: str, twins: Mapping[str, tuple[Path, Truth]], tmp_path: Path
) -> None:
    WRITERS[name](tmp_path)
    assert _digests(tmp_path) == _digests(twins[name][0])


@pytest.mark.parametrize("name", NAMES)
def test_writing_again_over_a_twin_changes_nothing(name: str, tmp_path: Path) -> None:
    def write() -> dict[str, str]:
        WRITERS[name](tmp_path, people=4, shots=2, size=64 if name == "ffhq" else None)
        return _digests(tmp_path)

    assert write() == write()


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_shows_other_people(name: str, tmp_path: Path) -> None:
    size = 64 if name == "ffhq" else None
    one = WRITERS[name](tmp_path / "a", people=3, shots=2, size=size)
    two = WRITERS[name](tmp_path / "b", seed=1, people=3, shots=2, size=size)
    shared = set(one.photos) & set(two.photos)
    assert shared
    assert all(
        (tmp_path / "a" / p).read_bytes() != (tmp_path / "b" / p).read_bytes() for p in shared
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_names_every_file(name: str, twins: Mapping[str, tuple[Path, Truth]]) -> None:
    root, truth = twins[name]
    assert truth.name == name
    assert sorted(truth.photos + truth.annotations) == sorted(_digests(root))
    assert {face.photo for face in truth.faces} <= set(truth.photos)


@pytest.mark.parametrize("name", NAMES)
def test_every_photograph_decodes_as_plain_colour(
    name: str, twins: Mapping[str, tuple[Path, Truth]]
) -> None:
    root, truth = twins[name]
    for photo in truth.photos:
        with Image.open(root / photo) as image:
            image.load()
            assert image.mode == "RGB"
            assert image.format == ("PNG" if photo.endswith(".png") else "JPEG")
            assert not image.getexif()


@pytest.mark.parametrize("name", NAMES)
def test_landmarks_lie_inside_boxes_and_photographs(
    name: str, twins: Mapping[str, tuple[Path, Truth]]
) -> None:
    root, truth = twins[name]
    for face in truth.faces:
        with Image.open(root / face.photo) as image:
            size = image.size
        assert face.five.shape == (5, 2)
        assert (face.five >= 0).all()
        assert (face.five <= size).all()
        assert face.five[0, 0] < face.five[1, 0], "left comes first"
        assert face.five[:2, 1].max() < face.five[3:, 1].min(), "eyes are above the mouth"
        if face.box:
            left, top, right, bottom = face.box
            assert (face.five >= (left, top)).all()
            assert (face.five <= (right, bottom)).all()
        if face.landmarks is not None and len(face.landmarks) > 5:
            inside = face.landmarks[np.isfinite(face.landmarks[:, 0])]
            eye = float(np.hypot(*(face.five[1] - face.five[0])))
            far = np.linalg.norm(inside - face.five.mean(0), axis=1)
            assert far.max() < 3.5 * eye


def test_people_show_up_as_often_as_asked(twins: Mapping[str, tuple[Path, Truth]]) -> None:
    for name in ("lfw", "celeba", "celeba:flat", "vggface2", "lr_dukemtmc", "lr_dukemtmc:reid"):
        faces = twins[name][1].faces
        counts = {face.identity: 0 for face in faces}
        for face in faces:
            counts[face.identity] += 1
        assert len(counts) == 12
        assert set(counts.values()) == {3}


def test_group_photographs_hold_large_and_small_faces(
    twins: Mapping[str, tuple[Path, Truth]],
) -> None:
    for name, narrow in (("widerface", 16), ("lr_pipa", 24), ("lr_dukemtmc", 31)):
        boxes = [face.box for face in twins[name][1].faces if face.box]
        widths = [right - left for left, _, right, _ in boxes]
        assert min(widths) <= narrow
        assert max(widths) > 64
        eyes = [np.hypot(*(f.five[1] - f.five[0])) for f in twins[name][1].faces]
        assert min(eyes) < 8


@pytest.mark.parametrize("name", NAMES)
def test_a_twin_may_be_larger_or_smaller(name: str, tmp_path: Path) -> None:
    truth = WRITERS[name](tmp_path, people=7, shots=2, size=128)
    assert truth.faces
    for face in truth.faces:
        with Image.open(tmp_path / face.photo) as image:
            assert (face.five <= image.size).all()


def test_listing_the_writers_imports_none_of_them() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from facesr.datasets._toys._truth import WRITERS; list(WRITERS); "
        "print([m for m in sys.modules if m.startswith('facesr.datasets._toys.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['facesr.datasets._toys._truth']"


def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(BadName, match="no twin named 'imagenet'; known: widerface"):
        known("imagenet")
    with pytest.raises(KeyError):
        WRITERS["imagenet"]
