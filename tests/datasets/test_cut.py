import io
import os
import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.detectors._base import Found, Pixels
from facesr.datasets import _cut
from facesr.datasets._align import Frame, Kind
from facesr.datasets._crop import crop
from facesr.datasets._cut import Cutter, Read, Result, Rule
from facesr.datasets._record import Dropped, Made, Record, Which
from facesr.datasets._search import Search

BOX = (10.0, 10.0, 50.0, 50.0)
POINTS = np.array([[22.0, 26], [38, 26], [30, 34], [24, 42], [36, 42]])


def picture(width: int = 64, height: int = 64) -> Image.Image:
    random = np.random.default_rng(width * height)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def cut_one(root: Path, record: Record, **changes: Any) -> list[Result]:
    cutter = Cutter(root, Frame("box"), Rule(), 16)
    results = replace(cutter, **changes).cut([[record]])
    return [result for result in results if not isinstance(result, Read)]


def only(results: list[Result]) -> Made | Dropped:
    (result,) = results
    assert not isinstance(result, Read)
    return result


def reason(results: list[Result]) -> str:
    result = only(results)
    assert isinstance(result, Dropped)
    return result.reason


def deep_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    body = zlib.compress((b"\0" + b"\x12\x34" * 3 * 64) * 64)
    whole = chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + whole


def moving() -> bytes:
    frames = [Image.new("RGB", (64, 64), (level, 0, 0)) for level in (0, 90)]
    return encoded(frames[0], save_all=True, append_images=frames[1:])


BAD = {
    "empty": (b"", "is not an image"),
    "text": (b"<html>404</html>", "is not an image"),
    "truncated jpeg": (encoded(picture(), "JPEG")[:-200], "is damaged or cut short"),
    "truncated png": (encoded(picture())[:-200], "is damaged or cut short"),
    "cmyk": (encoded(picture().convert("CMYK"), "JPEG"), "has colour mode CMYK"),
    "16-bit": (deep_png(), "has colour mode RGB;16"),
    "16-bit grey": (encoded(Image.new("I;16", (64, 64))), "has colour mode I;16"),
    "clear": (encoded(Image.new("RGBA", (64, 64))), "has transparent pixels"),
    "moving": (moving(), "is an animation"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_photograph_that_cannot_be_used_is_a_drop_that_says_why(
    tmp_path: Path, kind: str
) -> None:
    data, sentence = BAD[kind]
    (tmp_path / "x.jpg").write_bytes(data)
    read, dropped = Cutter(tmp_path, Frame("box"), Rule(), 16).cut([[Record("x.jpg", "f", BOX)]])
    assert read == Read("x.jpg", sha256(data).hexdigest(), len(data))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "unreadable photograph"
    assert sentence in dropped.detail
    assert "x.jpg" in dropped.detail


def test_a_grey_photograph_is_used_and_its_channels_are_equal(tmp_path: Path) -> None:
    picture().convert("L").save(tmp_path / "x.jpg")
    made = only(cut_one(tmp_path, Record("x.jpg", "f", BOX)))
    assert isinstance(made, Made)
    assert (made.pixels == made.pixels[:, :, :1]).all()
    assert np.ptp(made.pixels) > 10


@pytest.mark.parametrize("name", ["../x.jpg", "a/../../x.jpg", "/etc/passwd", "..", "a/.."])
def test_a_photograph_outside_the_folder_is_never_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "set/a").mkdir(parents=True)
    picture().save(tmp_path / "x.jpg")
    assert reason(cut_one(tmp_path / "set", Record(name, "f", BOX))) == (
        "photograph outside the folder"
    )


def test_names_that_no_file_can_have_are_missing_or_unreadable(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent.jpg", "a\0b.jpg", "", "folder", "loop", "pipe", "x.jpg/y.jpg", "\ud800"):
        assert reason(cut_one(tmp_path, Record(name, "f", BOX))) == "missing photograph"
    assert reason(cut_one(tmp_path, Record("x" * 5000, "f", BOX))) == "unreadable photograph"


def test_links_to_photographs_elsewhere_are_followed(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    picture().save(tmp_path / "x.png")
    (tmp_path / "set/x.png").symlink_to(tmp_path / "x.png")
    assert isinstance(only(cut_one(tmp_path / "set", Record("x.png", "f", BOX))), Made)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ((10, 10, 10, 50), "empty box"),
        ((10, 50, 50, 10), "empty box"),
        ((NAN, 10, 50, 50), "empty box"),
        ((10, 10, INF, 50), "empty box"),
        ((-50, 10, -10, 50), "box outside the photograph"),
        ((64, 10, 90, 50), "box outside the photograph"),
        ((10, -40, 50, 0), "box outside the photograph"),
        ((30, 30, 90, 90), "cut off by the border"),
        ((0, 0, 1e300, 1e300), "too large"),
        ((-20, -20, 30, 30), "cut off by the border"),
        ((-1e308, -1e308, 1e308, 1e308), "not annotated well enough to be framed"),
        ((10, 10, 10 + 1e-9, 10 + 1e-9), "too small"),
        ((10, 10, 17, 17), "too small"),
        ((0, 0, 61, 61), "too large"),
    ],
)
def test_a_box_that_cannot_be_used_is_a_named_drop(
    tmp_path: Path, box: tuple[float, ...], why: str
) -> None:
    picture().save(tmp_path / "x.png")
    record = Record("x.png", "f", tuple(map(float, box)))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason(cut_one(tmp_path, record, rule=Rule(8, 60))) == why


def test_a_box_that_reaches_a_little_out_of_the_photograph_is_used(tmp_path: Path) -> None:
    picture().save(tmp_path / "x.png")
    assert isinstance(only(cut_one(tmp_path, Record("x.png", "f", (-2, 10, 38, 50)))), Made)


@pytest.mark.parametrize("kind", ["square", "ffhq", "arcface"])
@pytest.mark.parametrize(
    "points", [POINTS * NAN, POINTS * INF, POINTS * 0, POINTS[:3], POINTS * 1e300, POINTS * 1e-300]
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_landmarks_that_fix_no_frame_are_a_named_drop(
    tmp_path: Path, kind: Kind, points: np.ndarray[Any, Any]
) -> None:
    picture().save(tmp_path / "x.png")
    got = reason(cut_one(tmp_path, Record("x.png", "f", None, points), frame=Frame(kind)))
    assert got in ("not annotated well enough to be framed", "cut off by the border")


def test_landmarks_that_are_not_all_known_are_left_out_where_the_box_frames(
    tmp_path: Path,
) -> None:
    picture().save(tmp_path / "x.png")
    points = POINTS.copy()
    points[2, 1] = NAN
    made = only(cut_one(tmp_path, Record("x.png", "f", BOX, points)))
    assert isinstance(made, Made)
    assert made.landmarks is None


def turned(path: Path, image: Image.Image, orientation: int = 6) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, quality=98, exif=exif)


class Fixed:
    """Finds one face where the photograph is red."""

    recipe = {"detector": "fixed"}  # noqa: RUF012

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        return [self._one(photo) for photo in photos]

    def _one(self, photo: Pixels) -> Found:
        rows, columns = np.nonzero(photo[:, :, 0] > 200)
        left, top = columns.min(), rows.min()
        box = np.array([[left, top, columns.max() + 1, rows.max() + 1]], np.float64)
        side = box[0, 2] - box[0, 0]
        points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        return Found(box, np.ones(1), (points * side + [left, top])[None])


def test_a_photograph_turned_by_its_exif_is_dropped_where_annotated_and_upright_where_found(
    tmp_path: Path,
) -> None:
    image = Image.new("RGB", (64, 40))
    image.paste((255, 0, 0), (4, 10, 14, 20))
    turned(tmp_path / "x.jpg", image)
    for record in (Record("x.jpg", "f", BOX), Record("x.jpg", "f", None, POINTS)):
        assert reason(cut_one(tmp_path, record)).startswith("turned by its EXIF")
    record = Record("x.jpg", "f", which="central")
    made = only(cut_one(tmp_path, record, search=Search(Fixed()), rule=Rule(0, None, 0.9, 1)))
    assert isinstance(made, Dropped)  # it is not in the middle
    record = Record("x.jpg", "f", which="every")
    made = only(cut_one(tmp_path, record, search=Search(Fixed())))
    assert isinstance(made, Made)
    assert made.details is not None
    assert made.details["box"] == pytest.approx([20, 4, 30, 14], abs=1)  # of the upright picture


@pytest.mark.parametrize("which", ["given", "head"])
def test_a_face_that_two_annotations_mean_is_used_once(tmp_path: Path, which: Which) -> None:
    image = Image.new("RGB", (64, 64))
    image.paste((255, 0, 0), (20, 20, 40, 40))
    for name in ("x.png", "y.png"):
        image.save(tmp_path / name)
    one, other = (18.0, 18.0, 40.0, 40.0), (20.0, 20.0, 43.0, 43.0)
    photos = [
        [Record("x.png", "a", one, which=which), Record("x.png", "b", other, which=which)],
        [Record("y.png", "c", one, which=which)],
    ]
    results = Cutter(tmp_path, Frame("box"), Rule(), 16, Search(Fixed())).cut(photos)
    assert [result.name for result in results if isinstance(result, Made)] == ["a.png", "c.png"]
    assert [result for result in results if isinstance(result, Dropped)] == [
        Dropped("b", "same face as another", "a")
    ]


def blobs(width: int, height: int, points: np.ndarray[Any, Any], spread: float) -> Image.Image:
    x, y = np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5
    light = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * spread**2)) for px, py in points)
    grey = np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)
    return Image.fromarray(np.repeat(grey[:, :, None], 3, 2))


@pytest.mark.parametrize("kind", ["square", "box", "ffhq", "arcface", "whole"])
@pytest.mark.parametrize("size", [32, 64, 256])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_landmarks_of_a_crop_point_at_what_they_point_at_in_the_photograph(
    tmp_path: Path, kind: Kind, size: int, angle: float
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    base = np.array([[-20.0, -18], [20, -18], [0.5, 3], [-15, 22.3], [15.2, 22]])
    points = base @ turn.T + [81.3, 78.6]
    image = blobs(160, 150, points, 2.0 * max(1.0, 60 / size))
    image.save(tmp_path / "x.png")
    box = (points[:, 0].min() - 20, points[:, 1].min() - 20, points[:, 0].max() + 20, 130.0)
    made = only(
        cut_one(
            tmp_path,
            Record("x.png", "f", box, points),
            frame=Frame(kind),
            size=size,
            rule=Rule(most_outside=0.3),
        )
    )
    assert isinstance(made, Made)
    assert made.landmarks is not None
    grey = made.pixels[:, :, 0].astype(float)
    assert made.details is not None
    per = size / made.details["side"]
    for px, py in made.landmarks:
        reach = max(2, round(5 * per))
        rows = slice(max(0, int(py) - reach), int(py) + reach + 1)
        columns = slice(max(0, int(px) - reach), int(px) + reach + 1)
        part = grey[rows, columns] ** 2
        y, x = np.mgrid[
            rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]
        ]
        centre = np.array([((x + 0.5) * part).sum(), ((y + 0.5) * part).sum()]) / part.sum()
        assert np.abs(centre - [px, py]).max() < 0.5 * max(1, per)


def test_a_crop_of_a_picture_and_of_its_pixels_are_the_same(tmp_path: Path) -> None:
    image = picture(90, 70)
    pixels = np.asarray(image)
    random = np.random.default_rng(0)
    for _ in range(200):
        left, top = random.uniform(-10, 60, 2)
        side = random.uniform(3, 60)
        box = (left, top, left + side, top + side)
        assert np.array_equal(crop(image, box, 24), crop(pixels, box, 24))


def test_flaws_are_counted_and_their_photographs_stay_closed(tmp_path: Path) -> None:
    results = cut_one(tmp_path, Record("absent.jpg", "f", BOX, flaw="too blurred: 2"))
    assert results == [Dropped("f", "too blurred", "2")]


def test_large_photographs_are_not_all_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = picture(64, 64)
    image.putpixel((5, 5), (255, 0, 0))
    image.save(tmp_path / "x.png")
    asked: list[int] = []

    class Watching(Fixed):
        def find(self, photos: Sequence[Pixels]) -> list[Found]:
            asked.append(sum(photo.shape[0] * photo.shape[1] for photo in photos))
            return super().find(photos)

    for i in range(10):
        (tmp_path / f"{i}.png").write_bytes(encoded(picture(64, 60 + i)))
    monkeypatch.setattr(_cut, "_PIXELS", 10_000)
    cutter = Cutter(tmp_path, Frame("whole"), Rule(), 8, Search(Watching()))
    results = cutter.cut([[Record(f"{i}.png", f"f{i}", which="every")] for i in range(10)])
    assert sum(isinstance(result, Made) for result in results) == 10
    assert [result.photo for result in results if isinstance(result, Read)] == [
        f"{i}.png" for i in range(10)
    ]
    assert max(asked) < 10_000 + 64 * 70


def test_a_photograph_of_too_many_pixels_is_a_drop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture().save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert reason(cut_one(tmp_path, Record("x.png", "f", BOX))) == "unreadable photograph"
