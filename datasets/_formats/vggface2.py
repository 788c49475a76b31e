"""VGGFace2: `identity_meta.csv`, `{train,test}_list.txt`, `bb_landmark/loose_*.csv`.

Cao, Shen, Xie, Parkhi and Zisserman, "VGGFace2: A dataset for recognising faces across pose and
age", FG 2018, https://github.com/ox-vgg/vgg_face2. Layout: the readme of the release. Photos are
`{train,test}/n000002/0001_01.jpg`; the tables name them without the ending, in double quotes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from facesr.datasets._formats.join import joined, told_of
from facesr.datasets._formats.lines import (
    Bad,
    Lines,
    Row,
    Source,
    name_of,
    path_inside,
    picture,
    real,
    rows,
    shown,
    whole,
)
from facesr.datasets._formats.lists import cells


@dataclass(frozen=True, slots=True)
class Identity:
    """A person.

    Args:
        identity: `n` and six digits.
        name: Spelled as in the file.
        photos: Number of photos.
        train: Whether the person is in the training part.
        gender: `m` or `f`.
    """

    identity: str
    name: str
    photos: int
    train: bool
    gender: str


@dataclass(frozen=True, slots=True)
class Box:
    """Where the face is; may reach beyond the photo."""

    name: str
    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Landmarks:
    """x and y of left eye, right eye, nose, left and right corner of the mouth, in pixels."""

    name: str
    points: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Face:
    """A photo with box and landmarks.

    Args:
        name: `n000002/0001_01`, the path of the photo without part and ending.
        box: Left, top, width, height, in pixels.
        landmarks: x and y of left eye, right eye, nose, left and right corner of the mouth.
    """

    name: str
    box: tuple[int, int, int, int]
    landmarks: tuple[float, ...]

    @property
    def identity(self) -> str:
        """Who is shown."""
        return self.name.partition("/")[0]


def identities(source: Source, bad: Bad) -> Iterator[Identity]:
    """Read `identity_meta.csv`: `n000001, "14th_Dalai_Lama", 424, 0, m` below the columns' names.

    Names may be quoted and hold commas.

    Raises:
        BadData: If no line can be used; so for every file.
    """
    lines = Lines(source, "VGGFace2's identity_meta.csv (5 columns)", bad)
    for number, text in lines:
        try:
            values = cells(text)
            if len(values) != 5:
                raise ValueError(f"has {len(values)} values, expected 5: {shown(text)}")
            if values[0].lower() in ("class_id", "identity_id") and not lines.good:
                continue
            label, name, photos, flag, gender = values
            if gender not in ("m", "f"):
                raise ValueError(f"{shown(gender)} is not m or f")
            row = Identity(_label(label), name, whole(photos, 0), whole(flag, 0, 1) == 1, gender)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        yield row


def _label(text: str) -> str:
    if not (text.isascii() and text[:1] == "n" and text[1:].isdigit() and len(text) < 16):
        raise ValueError(f"{shown(text)} is not n and six digits")
    return text


def photos(source: Source, bad: Bad) -> Iterator[str]:
    """Read `train_list.txt` or `test_list.txt`: paths such as `n000002/0001_01.jpg`."""
    return rows(Lines(source, "a list of VGGFace2 photos", bad), picture)


def boxes(source: Source, bad: Bad) -> Iterator[Box]:
    """Read `loose_bb_train.csv` or `loose_bb_test.csv`."""
    return _table(source, bad, 4, lambda name, v: Box(name, *map(whole, v)))


def landmarks(source: Source, bad: Bad) -> Iterator[Landmarks]:
    """Read `loose_landmark_train.csv` or `loose_landmark_test.csv`."""
    return _table(source, bad, 10, lambda name, v: Landmarks(name, tuple(map(real, v))))


def _table(
    source: Source, bad: Bad, n: int, make: Callable[[str, list[str]], Row]
) -> Iterator[Row]:
    lines = Lines(source, f"a table of VGGFace2 (NAME_ID and {n} numbers)", bad)
    for number, text in lines:
        name, *values = text.split(",")
        try:
            if len(values) != n:
                raise ValueError(f"has {len(values) + 1} values, expected {n + 1}: {shown(text)}")
            if name.strip('"') == "NAME_ID" and not lines.good:
                continue
            row = make(_unquoted(name), values)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        yield row


def _unquoted(name: str) -> str:
    name = name.strip()
    if name[:1] == '"':
        if len(name) < 2 or name[-1] != '"':
            raise ValueError(f"has an open quote: {shown(name)}")
        name = name[1:-1]
    if name.count("/") != 1 or '"' in name:
        raise ValueError(f"{shown(name)} is not like n000002/0001_01")
    return path_inside(name)


def faces(box: Source, landmark: Source, bad: Bad) -> Iterator[Face]:
    """Read `loose_bb_*.csv` and `loose_landmark_*.csv` side by side, joined by name.

    The files of the release have one order, and then memory does not grow with them; other orders
    are joined too (see `join`). A photo that one file lacks is reported and left out.

    Args:
        box: `loose_bb_train.csv` or `loose_bb_test.csv`.
        landmark: `loose_landmark_train.csv` or `loose_landmark_test.csv`.
        bad: Told of flaws; reasons begin with the name of the file.
    """
    titles = f"boxes ({Path(name_of(box)).name})", f"landmarks ({Path(name_of(landmark)).name})"
    streams = {
        titles[0]: boxes(box, told_of(titles[0], bad)),
        titles[1]: landmarks(landmark, told_of(titles[1], bad)),
    }
    for one, other in joined(streams, bad):
        yield Face(one.name, (one.x, one.y, one.w, one.h), other.points)
