import hashlib
import json
import os
import shutil
import sqlite3
import struct
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy.io import loadmat

from facesr.bench.errors import BadData, BadName
from facesr.datasets._toys._damage import break_, modes
from facesr.datasets._toys._truth import WRITERS

NAMES = tuple(WRITERS)
ASKED = (
    "truncated_photo corrupt_photo missing_photo empty_photo grey_photo cmyk_photo "
    "sixteen_bit_photo exif_rotated_photo alpha_photo crlf bom latin1 count_lies zero_box "
    "negative_box box_outside duplicate_line cut_annotation garbage_line missing_annotation "
    "symlink_loop"
)
CASES = [(name, how) for name in NAMES for how in modes(name)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    roots = {name: tmp_path_factory.mktemp(name.replace(":", "_")) for name in NAMES}
    for name, root in roots.items():
        small = 270 if name.startswith(("ffhq", "celebahq", "lr_duke")) else None
        WRITERS[name](root, people=6, shots=2, size=small)
    return roots


def _digests(root: Path) -> dict[str, str]:
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [*files, *(f for f in folders if (Path(folder) / f).is_symlink())]:
            path = Path(folder) / name
            bytes_ = b"link" if path.is_symlink() else path.read_bytes()
            found[path.relative_to(root).as_posix()] = hashlib.sha256(bytes_).hexdigest()
    return found


@pytest.mark.parametrize(("name", "how"), CASES)
def test_a_damage_changes_the_one_thing_it_names(
    name: str, how: str, whole: Mapping[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "twin"
    shutil.copytree(whole[name], root)
    damaged = break_(root, how)
    before, after = _digests(whole[name]), _digests(root)
    changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert changed == {damaged}
    old, new = whole[name] / damaged, root / damaged
    if how.endswith("_photo"):
        _check_photo(how, old, new)
    elif how in ("zero_box", "negative_box", "box_outside"):
        _check_box(how, _box(name, old), _box(name, new))
    elif how == "count_lies":
        assert _count(name, new) > _count(name, old)
        assert abs(old.stat().st_size - new.stat().st_size) <= 1
    else:
        _check_text(name, how, old, new)


def _check_photo(how: str, old: Path, new: Path) -> None:
    if how == "missing_photo":
        assert not new.exists()
        return
    was, now = old.read_bytes(), new.read_bytes()
    if how == "empty_photo":
        assert now == b""
    elif how == "truncated_photo":
        assert was.startswith(now)
        assert 0 < len(now) < len(was)
        with Image.open(new) as image, pytest.raises((OSError, SyntaxError)):
            image.load()
    elif how == "corrupt_photo":
        assert len(now) == len(was)
        with pytest.raises(UnidentifiedImageError):
            Image.open(new)
    else:
        _check_odd_photo(how, old, new)


def _check_odd_photo(how: str, old: Path, new: Path) -> None:
    with Image.open(old) as before, Image.open(new) as after:
        upright = ImageOps.exif_transpose(after)
        assert upright.size == before.size
        if how == "sixteen_bit_photo":
            assert struct.unpack_from(">BB", new.read_bytes(), 24) == (16, 2)
        expected = {"grey_photo": "L", "cmyk_photo": "CMYK", "alpha_photo": "RGBA"}
        assert after.mode == expected.get(how, "RGB")
        if how == "alpha_photo":
            assert after.getchannel("A").getextrema() == (0, 255)
        if how == "exif_rotated_photo":
            assert after.getexif()[0x0112] == 6
            assert after.size == (before.height, before.width)
        if how in ("sixteen_bit_photo", "exif_rotated_photo"):
            far = np.asarray(upright.convert("RGB"), float) - np.asarray(before, float)
            assert abs(far).mean() < (0.01 if how == "sixteen_bit_photo" else 6)


def _box(name: str, path: Path) -> tuple[float, ...]:
    if name.startswith("lr_dukemtmc"):
        return tuple(loadmat(path)["trainData"][0, 3:7].tolist())
    if name == "aflw":
        with closing(sqlite3.connect(path)) as base:
            query = "SELECT x, y, w, h FROM FaceRect WHERE face_id = 39341"
            return tuple(base.execute(query).fetchone())
    lines = path.read_text("utf-8").splitlines()
    fields = {
        "widerface": lambda: lines[2].split()[:4],
        "lr_pipa": lambda: lines[0].split()[2:6],
        "vggface2": lambda: lines[1].split(",")[1:],
    }[name]()
    return tuple(float(v) for v in fields)


def _check_box(how: str, old: tuple[float, ...], new: tuple[float, ...]) -> None:
    x, y, w, h = old
    assert w > 0
    assert h > 0
    expected = {
        "zero_box": (x, y, 0, 0),
        "negative_box": (x, y, -w, -h),
        "box_outside": (x + 100_000, y, w, h),
    }
    assert new == expected[how]


def _count(name: str, path: Path) -> int:
    if name == "ls3dw":
        whole = path.read_bytes()
        return struct.unpack_from("<q", whole, whole.index(b"Tensor") + len("Tensor") + 4)[0]
    lines = path.read_text("utf-8").splitlines()
    place = {"widerface": (1, 0), "helen:pts": (1, 1), "lfw": (0, 0)}
    line, field = place.get(name, (0, 0))
    return int(lines[line].split()[field])


def _check_text(name: str, how: str, old: Path, new: Path) -> None:
    if how == "symlink_loop":
        assert new.is_symlink()
        assert new.resolve() in new.parent.resolve().parents or new.resolve() == new.parent
    elif how == "missing_annotation":
        assert old.exists()
        assert not new.exists()
    else:
        was, now = old.read_bytes(), new.read_bytes()
        if how == "cut_annotation":
            assert was.startswith(now)
            assert 0 < len(now) < len(was)
        elif how == "crlf":
            assert now.count(b"\r\n") == was.count(b"\n") > 0
            assert now.replace(b"\r", b"") == was
        elif how == "bom":
            assert now == b"\xef\xbb\xbf" + was
        elif how == "latin1":
            assert now.replace(b"\xe9", b"") == was
            with pytest.raises(UnicodeDecodeError):
                now.decode()
        else:
            _check_lines(name, how, was.decode(), now.decode())


def _check_lines(name: str, how: str, was: str, now: str) -> None:
    more = Counter(now.split("\n")) - Counter(was.split("\n"))
    assert not Counter(was.split("\n")) - Counter(now.split("\n"))
    if how == "garbage_line":
        assert sum(more.values()) == 1
        assert not set(more) & set(was.split("\n"))
    else:
        assert how == "duplicate_line"
        assert set(more) <= set(was.split("\n"))
        assert sum(more.values()) == (8 if name == "widerface" else 1)


def test_every_damage_makes_sense_somewhere() -> None:
    assert {how for _, how in CASES} == set(ASKED.split())


def test_a_damage_that_makes_no_sense_is_a_sentence(whole: Mapping[str, Path]) -> None:
    with pytest.raises(BadData, match="'zero_box' makes no sense for a twin of helen:pts, known: "):
        break_(whole["helen:pts"], "zero_box")


def test_a_folder_without_a_twin_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no twin"):
        break_(tmp_path, "crlf")


def test_modes_of_an_unknown_set_are_a_sentence() -> None:
    with pytest.raises(BadName, match="no twin named"):
        modes("imagenet")


def test_damaged_json_is_still_json_but_in_no_utf_8(
    whole: Mapping[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "twin"
    shutil.copytree(whole["ffhq"], root)
    text = (root / break_(root, "latin1")).read_bytes().decode("latin-1")
    assert json.loads(text)["0"]["metadata"]["author"].startswith("é")
