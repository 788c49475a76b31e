"""FFHQ: `ffhq-dataset-v2.json`, read one photo at a time.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks",
CVPR 2019, https://github.com/NVlabs/ffhq-dataset. Layout: the section "Metadata" of its readme: one
JSON object (255 MB) with a member per photo, `"0"` to `"69999"`.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import LARGEST, Bad, Source, name_of, opened, picture, shown

Points = tuple[tuple[float, float], ...]

_CHUNK = 2**16
_LONGEST = 2**18  # characters of one member; the release has 5,000
_LONGEST_KEY = 256
_PATIENCE = 100
_MEMBER = re.compile(r'"(\d{1,9})"\s{0,99}:\s{0,99}(?=\{)', re.ASCII)
_LANDMARKS = 68


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of the data set.

    Args:
        path: Relative to the data set.
        width: In pixels.
        height: In pixels.
        md5: Of the file.
        landmarks: dlib's 68 points, in pixels of this picture; empty for thumbnails.
    """

    path: str
    width: int
    height: int
    md5: str
    landmarks: Points = ()


@dataclass(frozen=True, slots=True)
class Face:
    """A photo of FFHQ.

    Args:
        index: From 0 to 69,999.
        training: Whether it is one of the 60,000 photos for training.
        image: The aligned photo, 1024 pixels.
        thumbnail: The aligned photo, 128 pixels.
        wild: The original photo.
        rect: Left, top, right and bottom of the face on the original photo.
        quad: Upper left, lower left, lower right and upper right corner of the aligned photo, on
            the original one.
        author: As Flickr has it.
        country: Where the photo was taken; mostly empty.
        licence: Name of the licence.
        licence_url: Its text.
        photo_url: Page of the original.
    """

    index: int
    training: bool
    image: Picture
    thumbnail: Picture
    wild: Picture
    rect: tuple[float, ...]
    quad: Points
    author: str
    country: str
    licence: str
    licence_url: str
    photo_url: str


def faces(source: Source, bad: Bad) -> Iterator[Face]:
    """Read `ffhq-dataset-v2.json`; memory does not grow with it.

    A damaged member is reported and reading goes on at the next key that is a number in quotes
    followed by an object, which nothing inside a member looks like.

    Args:
        source: The file, UTF-8.
        bad: Told of members that cannot be used, with their number in the file, from 1: the file
            is a single line.

    Raises:
        BadData: If no photo can be read, or none of the first hundred.
    """
    name = name_of(source)
    good, flaws, first = False, 0, "it has no member that is a photo"
    for number, found in _members(source):
        try:
            if isinstance(found, str):
                raise ValueError(found)
            row = _face(*found)
        except ValueError as error:
            bad(number, str(error))
            first = str(error) if not flaws else first
            flaws += 1
            if not good and flaws >= _PATIENCE:
                break
            continue
        good = True
        yield row
    if not good:
        raise BadData(f"{name} is not FFHQ's ffhq-dataset-v2.json ({first})")


def _members(source: Source) -> Iterator[tuple[int, tuple[str, Any] | str]]:
    """Yield the number and either key and value or what is wrong of every member."""
    chunks = _chunks(source)
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    text, number, before, more = next(chunks, "").removeprefix("\ufeff"), 0, "{", True
    while True:
        start = _MEMBER.search(text)
        if start:
            found = _decoded(decoder, text, start)
            complete = not isinstance(found, str)
            after = None if complete else _MEMBER.search(text, start.end())
            if complete or after or len(text) > _LONGEST or not more:
                number += 1
                gap = text[: start.start()].strip()
                if before and gap != before:
                    yield number, f"is preceded by {shown(gap)}, expected {before!r}"
                if isinstance(found, str):
                    yield number, f"member {start[1]} cannot be read: {found}"
                    text, before = text[after.start() if after else len(text) :], ""
                else:
                    yield number, (start[1], found[0])
                    text, before = text[found[1] :], ","
                continue
        elif len(text) > _LONGEST:
            yield number + 1, f"is no member: {shown(text)}"
            if not number:
                return
            text, before = text[-_LONGEST_KEY:], ""
        part = next(chunks, "") if more else ""
        if not part and not more:
            break
        text, more = text + part, bool(part)
    if number and text.strip() != "}":
        yield number + 1, f"should be the closing brace: {shown(text.strip())}"


def _decoded(decoder: json.JSONDecoder, text: str, start: re.Match[str]) -> tuple[Any, int] | str:
    """Return the object behind a key and where it ends, or why there is none."""
    try:
        value, end = decoder.raw_decode(text, start.end())
    except (ValueError, RecursionError) as error:
        return str(error)[:80]
    if _MEMBER.search(text, start.end(), end):  # a lost brace makes the next members its own
        return "a brace is missing"
    return value, end


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")


def _chunks(source: Source) -> Iterator[str]:
    """Yield the text of a file; bytes that are not UTF-8 become lone surrogates."""
    if isinstance(source, Path):
        with opened(source) as file:
            yield from _decoded_chunks(file)
    else:
        yield from _decoded_chunks(source)


def _decoded_chunks(file: IO[bytes] | IO[str]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    try:
        while part := file.read(_CHUNK):
            text = decoder.decode(part) if isinstance(part, bytes) else part
            if text:
                yield text
    except UnicodeDecodeError:
        raise BadData(f"{name_of(file)} is not text in its encoding, expected UTF-8") from None
    except OSError as error:
        raise BadData(f"{name_of(file)} cannot be read: {error.strerror}") from None
    if rest := decoder.decode(b"", final=True):
        yield rest


def _face(key: str, value: Any) -> Face:
    wild, about = _part(value, "in_the_wild"), _part(value, "metadata")
    category = _word(value, "category")
    if category not in ("training", "validation"):
        raise ValueError(f"category is {shown(category)}, expected training or validation")
    return Face(
        int(key),
        category == "training",
        _picture(value, "image", _LANDMARKS),
        _picture(value, "thumbnail"),
        _picture(value, "in_the_wild", _LANDMARKS),
        _numbers(wild, "face_rect", 4),
        _points(wild, "face_quad", 4),
        _word(about, "author"),
        _word(about, "country"),
        _word(about, "license"),
        _word(about, "license_url"),
        _word(about, "photo_url"),
    )


def _picture(value: Any, key: str, landmarks: int = 0) -> Picture:
    part = _part(value, key)
    width, height = _numbers(part, "pixel_size", 2)
    if min(width, height) < 1 or width % 1 or height % 1:
        raise ValueError(f"pixel_size of {key} is {width} x {height}")
    points = _points(part, "face_landmarks", landmarks) if landmarks else ()
    path = picture(_word(part, "file_path"))
    return Picture(path, int(width), int(height), _word(part, "file_md5"), points)


def _part(value: Any, key: str) -> dict[str, Any]:
    part = value.get(key)
    if not isinstance(part, dict):
        raise ValueError(f"has no object {key}")
    return part


def _word(value: dict[str, Any], key: str) -> str:
    word = value.get(key)
    if not isinstance(word, str):
        raise ValueError(f"has no text {key}")
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{key} is not UTF-8: {shown(word)}") from None
    return word


def _points(value: dict[str, Any], key: str, n: int) -> Points:
    """Read n points, given as pairs or as 2 n numbers in a row."""
    found = value.get(key)
    if isinstance(found, list) and len(found) == 2 * n:
        flat = _numbers(value, key, 2 * n)
        return tuple(zip(flat[::2], flat[1::2], strict=True))
    if not isinstance(found, list) or len(found) != n:
        raise ValueError(f"has no {n} points {key}")
    return tuple([_pair(pair, key) for pair in found])


def _pair(pair: Any, key: str) -> tuple[float, float]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError(f"has {shown(str(pair)[:50])} among the points {key}")
    return _number(pair[0]), _number(pair[1])


def _numbers(value: dict[str, Any], key: str, n: int) -> tuple[float, ...]:
    found = value.get(key)
    if not isinstance(found, list) or len(found) != n:
        raise ValueError(f"has no {n} numbers {key}")
    return tuple(map(_number, found))


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{shown(str(value)[:50])} is not a finite number")
    return float(value)
