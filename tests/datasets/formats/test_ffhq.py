import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats.ffhq import Face, faces

Flaws = list[tuple[int, str]]
POINTS = [[i + 0.25, i * 2.0] for i in range(68)]
POINTS_AS_TUPLES = tuple((x, y) for x, y in POINTS)


def member(index: int, title: str = "DSCF0899.JPG") -> dict[str, Any]:
    def picture(folder: str, *size: int) -> dict[str, Any]:
        return {
            "file_url": "https://drive.google.com/...",
            "file_path": f"{folder}/{index // 1000 * 1000:05d}/{index:05d}.png",
            "file_size": 1488194,
            "file_md5": "ddeaeea6ce59569643715759d537fd1b",
            "pixel_size": list(size),
            "pixel_md5": "47238b44dfb87644460cbdcc4607e289",
        }

    wild = picture("in-the-wild-images", 2016, 1512)
    wild |= {
        "face_rect": [667, 410, 1438, 1181],
        "face_landmarks": POINTS,
        "face_quad": [438, 134, 428, 1326, 1620, 1336, 1630, 144],
    }
    return {
        "category": "training" if index < 60000 else "validation",
        "metadata": {
            "photo_url": "https://www.flickr.com/photos/...",
            "photo_title": title,
            "author": "Jérémy Frumkin",
            "country": "",
            "license": "Attribution-NonCommercial License",
            "license_url": "https://creativecommons.org/...",
            "date_uploaded": "2007-08-16",
            "date_crawled": "2018-10-10",
        },
        "image": picture("images1024x1024", 1024, 1024) | {"face_landmarks": POINTS},
        "thumbnail": picture("thumbnails128x128", 128, 128),
        "in_the_wild": wild,
    }


def written(*indices: int) -> str:
    return json.dumps({str(i): member(i) for i in indices}, ensure_ascii=False)


def read(text: str) -> tuple[list[Face], Flaws]:
    flaws: Flaws = []
    data = io.BytesIO(text.encode("utf-8", "surrogateescape"))
    return list(faces(data, lambda *flaw: flaws.append(flaw))), flaws


def test_a_member_is_a_face(tmp_path: Path) -> None:
    path = tmp_path / "ffhq-dataset-v2.json"
    path.write_text(written(7, 60001), encoding="utf-8")
    face, other = faces(path, lambda *flaw: pytest.fail(str(flaw)))
    assert (face.index, face.training) == (7, True)
    assert (other.index, other.training) == (60001, False)
    assert face.image.path == "images1024x1024/00000/00007.png"
    assert other.thumbnail.path == "thumbnails128x128/60000/60001.png"
    assert (face.wild.width, face.wild.height) == (2016, 1512)
    assert face.image.landmarks == face.wild.landmarks == POINTS_AS_TUPLES
    assert face.thumbnail.landmarks == ()
    assert face.rect == (667, 410, 1438, 1181)
    assert face.quad == ((438, 134), (428, 1326), (1620, 1336), (1630, 144))
    assert (face.author, face.country) == ("Jérémy Frumkin", "")
    assert face.licence == "Attribution-NonCommercial License"


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_layout_and_size_do_not_matter(indent: int | None) -> None:
    whole = {str(i): member(i) for i in range(60)}
    found, flaws = read("\ufeff\r\n " + json.dumps(whole, indent=indent) + "\n")
    assert [face.index for face in found] == list(range(60))
    assert flaws == []


def test_a_title_that_looks_like_a_member_is_none() -> None:
    text = json.dumps({"0": member(0, '", "5": {'), "1": member(1, '{"7": {}}')})
    found, flaws = read(text)
    assert [face.index for face in found] == [0, 1]
    assert flaws == []


Damage = Callable[[str], str]


@pytest.mark.parametrize(
    ("damage", "lost", "reason"),
    [
        (lambda t: t.replace('"training"', "training", 1), [0], "member 0 cannot be read"),
        (lambda t: t.replace('"author": "', '"author": ', 1), [0], "member 0 cannot be read"),
        (lambda t: t.replace("}}", "}", 1), [0], "member 0 cannot be read"),
        (lambda t: t.replace("0.25", "NaN", 1), [0], "NaN is not a finite number"),
        (lambda t: t.replace("0.25", "1e999", 1), [0], "'inf' is not a finite number"),
        (lambda t: t.replace("0.25", "9" * 5000, 1), [0], "member 0 cannot be read"),
        (lambda t: t.replace("0.25", "9" * 400, 1), [0], "is not a finite number"),
        (lambda t: t.replace("[0.25, 0.0], ", "", 1), [0], "has no 68 points face_landmarks"),
        (lambda t: t.replace("[0.25, 0.0]", "[0.25]", 1), [0], "has '[0.25]' among the points"),
        (lambda t: t.replace("training", "test", 1), [0], "category is 'test'"),
        (lambda t: t.replace("images1024x1024", "..", 1), [0], "is not a path inside"),
        (lambda t: t.replace("1024, 1024", "1024, 0.5", 1), [0], "pixel_size of image is"),
        (lambda t: t.replace('"metadata"', '"meta"', 1), [0], "has no object metadata"),
        (lambda t: t.replace('"license"', '"licence"', 1), [0], "has no text license"),
        (lambda t: t.replace("é", "\udce9", 1), [0], "author is not UTF-8"),
        (lambda t: t.replace("Jé", "\\ud800", 1), [0], "author is not UTF-8"),
        (lambda t: t[:-1], [], "should be the closing brace"),
        (lambda t: t[: len(t) // 2], [2, 3, 4], "member 2 cannot be read"),
        (lambda t: t + "x", [], "should be the closing brace"),
        (lambda t: t.replace('}, "1"', '} "1"', 1), [], "expected ','"),
        (lambda t: t.replace('}, "1"', '}, x, "1"', 1), [], "is preceded by ', x,'"),
        (lambda t: t[1:], [], "expected '{'"),
        (lambda t: t.replace('"0": {', '"0": [' + "[" * 90_000, 1), [0], "is preceded by"),
        (lambda t: t.replace("0.25", "[" * 90_000, 1), [0], "member 0 cannot be read"),
    ],
)
def test_a_damaged_member_is_a_flaw_and_the_next_is_read(
    damage: Damage, lost: list[int], reason: str
) -> None:
    found, flaws = read(damage(written(0, 1, 2, 3, 4)))
    assert [face.index for face in found] == [i for i in range(5) if i not in lost]
    assert any(reason in each for _, each in flaws), flaws


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"a": 1}', "1 2 3\n" * 100_000, "{" * 999]
)
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(BadData, match=r"is not FFHQ's ffhq-dataset-v2\.json"):
        read(text)


def test_many_members_of_another_kind_are_given_up_early() -> None:
    text = json.dumps({str(i): {"label": 1} for i in range(100_000)})
    flaws: Flaws = []
    with pytest.raises(BadData, match="has no object in_the_wild"):
        list(faces(io.StringIO(text), lambda *flaw: flaws.append(flaw)))
    assert len(flaws) == 100


class Endless(io.BytesIO):
    """Thirty megabytes of members that nobody ever holds at once."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._rest = self._parts(size)
        self._kept = b""
        self.given = 0

    def _parts(self, size: int) -> Iterator[bytes]:
        one = json.dumps(member(0, "x" * 20_000)).encode()
        yield b"{"
        for index in range(size // len(one) + 1):
            yield b'"%d": %b, ' % (index, one)
        yield b'"69999": %b}' % one

    def read(self, size: int | None = -1) -> bytes:
        n = size or 0
        while len(self._kept) < n and (part := next(self._rest, b"")):
            self._kept += part
        taken, self._kept = self._kept[:n], self._kept[n:]
        self.given += len(taken)
        return taken


def test_thirty_megabytes_take_three_of_memory() -> None:
    file = Endless(30_000_000)
    flaws: Flaws = []
    tracemalloc.start()
    n = sum(1 for _ in faces(file, lambda *flaw: flaws.append(flaw)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.given > 30_000_000
    assert n > 1_000
    assert flaws == []
    assert peak < 3_000_000


def test_a_member_without_end_takes_little_memory() -> None:
    text = io.BytesIO(
        b'{"0": {"category": "' + b"x" * 20_000_000 + b'", ' + written(1).encode()[1:]
    )
    flaws: Flaws = []
    tracemalloc.start()
    found = list(faces(text, lambda *flaw: flaws.append(flaw)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [face.index for face in found] == [1]
    assert len(flaws) <= 100
    assert peak < 6_000_000


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(title=st.text(), author=st.text(st.characters(codec="utf-8")), ascii_only=st.booleans())
def test_any_text_is_read_as_it_was_written(title: str, author: str, ascii_only: bool) -> None:
    one = member(3, title if ascii_only else "x")
    one["metadata"]["author"] = author
    (face, other), flaws = read(json.dumps({"3": one, "4": member(4)}, ensure_ascii=ascii_only))
    assert (face.author, other.index) == (author, 4)
    assert flaws == []
