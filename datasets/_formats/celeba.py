"""CelebA: its five lists, one by one or side by side; the mapping of CelebA-HQ.

Liu, Luo, Wang and Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015,
https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html. Layout: the readme of the release and
torchvision's reader. `identity_CelebA.txt` and `list_eval_partition.txt` have a line `name number`
per photo; the other three begin with the number of photos and the names of the columns.

Coordinates are those of the files, in pixels of the aligned photo (landmarks) or of the photo in
the wild (boxes).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesr.datasets._formats.join import joined, told_of
from facesr.datasets._formats.lines import (
    Bad,
    Lines,
    Row,
    Source,
    fields,
    name_of,
    picture,
    rows,
    shown,
    whole,
)

PARTS = ("train", "val", "test")
_POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_LANDMARKS = [f"{point}_{axis}" for point in _POINTS for axis in "xy"]
_BOX = ["image_id", "x_1", "y_1", "width", "height"]
_MOST_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is on a photo.

    Args:
        name: Name of the photo.
        identity: Number of the person, from 1 to 10,177 in the release.
    """

    name: str
    identity: int


@dataclass(frozen=True, slots=True)
class Partition:
    """The part that a photo belongs to.

    Args:
        name: Name of the photo.
        part: Index into `PARTS`.
    """

    name: str
    part: int


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points on an aligned photo.

    Args:
        name: Name of the photo.
        points: x and y of left eye, right eye, nose, left and right corner of the mouth, as seen
            in the picture.
    """

    name: str
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """The face on a photo in the wild; some have no area."""

    name: str
    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a face looks like.

    Args:
        name: Name of the photo.
        values: 1 or -1 for each of `labels`.
        labels: Names of the attributes, 40 in the release; shared by all rows.
    """

    name: str
    values: tuple[int, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Face:
    """What the lists say of one photo; None for lists that were not given."""

    name: str
    identity: int | None = None
    part: int | None = None
    landmarks: tuple[int, ...] | None = None
    box: tuple[int, int, int, int] | None = None
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """A photo of CelebA-HQ and the photo of CelebA that it was made of.

    Args:
        index: Number of the photo in CelebA-HQ, from 0.
        original: Number of the photo in CelebA, from 0.
        name: Name of the photo in CelebA, which counts from 1.
    """

    index: int
    original: int
    name: str


def identities(source: Source, bad: Bad) -> Iterator[Identity]:
    """Read `identity_CelebA.txt`.

    Raises:
        BadData: If no line can be used; so for every list.
    """
    return _numbers(source, bad, lambda name, value: Identity(name, whole(value, 0)))


def partitions(source: Source, bad: Bad) -> Iterator[Partition]:
    """Read `list_eval_partition.txt`."""
    return _numbers(source, bad, lambda name, value: Partition(name, whole(value, 0, 2)))


def _numbers(source: Source, bad: Bad, make: Callable[[str, str], Row]) -> Iterator[Row]:
    def parse(text: str) -> Row:
        name, value = fields(text, 2)
        return make(picture(name), value)

    return rows(Lines(source, "a list of CelebA (`000001.jpg 2880`)", bad), parse)


def landmarks(source: Source, bad: Bad) -> Iterator[Landmarks]:
    """Read `list_landmarks_align_celeba.txt`."""
    return _table(source, bad, _LANDMARKS, lambda _, name, v: Landmarks(name, tuple(map(whole, v))))


def boxes(source: Source, bad: Bad) -> Iterator[Box]:
    """Read `list_bbox_celeba.txt`."""
    return _table(source, bad, _BOX, lambda _, name, v: Box(name, *map(whole, v)))


def attributes(source: Source, bad: Bad) -> Iterator[Attributes]:
    """Read `list_attr_celeba.txt`; the names of the attributes are those that it has."""

    def make(labels: tuple[str, ...], name: str, values: list[str]) -> Attributes:
        if set(values) - {"1", "-1"}:
            raise ValueError(f"has a value that is neither 1 nor -1: {shown(' '.join(values))}")
        return Attributes(name, tuple(map(int, values)), labels)

    return _table(source, bad, None, make)


def _table(
    source: Source,
    bad: Bad,
    columns: list[str] | None,
    make: Callable[[tuple[str, ...], str, list[str]], Row],
) -> Iterator[Row]:
    lines = Lines(source, "a list of CelebA (number of photos, columns, a line per photo)", bad)
    declared: int | None = None
    labels = tuple(column for column in columns or () if column != "image_id")
    headed, found = False, 0
    for number, text in lines:
        parts = text.split()
        try:
            if declared is None and not headed and len(parts) == 1:
                declared = whole(text, 0)
                continue
            if not headed and not _is_photo(parts):
                headed = True
                labels = _labels(parts, columns)
                continue
            found += 1
            if len(parts) != len(labels) + 1:
                raise ValueError(
                    f"has {len(parts)} fields, expected {len(labels) + 1}: {shown(text)}"
                )
            row = make(labels, picture(parts[0]), parts[1:])
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        if not lines.good and (declared is None or not headed):
            lines.flaw(number, "is the first photo, and the number of photos or columns is absent")
        lines.good = True
        yield row
    if declared is not None and declared != found:
        lines.flaw(1, f"declares {declared} photos, {found} follow")


def _is_photo(parts: list[str]) -> bool:
    return parts[0].lower().endswith((".jpg", ".png"))


def _labels(parts: list[str], columns: list[str] | None) -> tuple[str, ...]:
    if columns is None:
        if len(parts) > _MOST_COLUMNS:
            raise ValueError(f"has {len(parts)} columns, expected 40")
        return tuple(parts)
    labels = tuple(column for column in columns if column != "image_id")
    if parts != columns:
        raise ValueError(f"should be `{' '.join(columns)}`: {shown(' '.join(parts))}")
    return labels


def faces(
    bad: Bad,
    *,
    identity: Source | None = None,
    partition: Source | None = None,
    landmark: Source | None = None,
    box: Source | None = None,
    attribute: Source | None = None,
) -> Iterator[Face]:
    """Read several lists side by side, joined by the name of the photo.

    The lists of the release have one order, and then memory does not grow with them; other orders
    are joined too (see `join`). A photo that a given list lacks is reported and left out.

    Args:
        bad: Told of flaws; reasons begin with the name of the file.
        identity: `identity_CelebA.txt`.
        partition: `list_eval_partition.txt`.
        landmark: `list_landmarks_align_celeba.txt`.
        box: `list_bbox_celeba.txt`.
        attribute: `list_attr_celeba.txt`.
    """
    readers: dict[str, tuple[Source | None, Callable[[Source, Bad], Iterator[Any]]]] = {
        "identity": (identity, identities),
        "partition": (partition, partitions),
        "landmarks": (landmark, landmarks),
        "box": (box, boxes),
        "attributes": (attribute, attributes),
    }
    given = {kind: pair for kind, pair in readers.items() if pair[0] is not None}
    streams = {}
    for kind, (source, read) in given.items():
        if source is not None:
            title = f"{kind} ({Path(name_of(source)).name})"
            streams[title] = read(source, told_of(title, bad))
    for found in joined(streams, bad):
        yield _face(dict(zip(given, found, strict=True)))


def _face(found: dict[str, Any]) -> Face:
    row = next(iter(found.values()))
    box = found.get("box")
    return Face(
        row.name,
        found["identity"].identity if "identity" in found else None,
        found["partition"].part if "partition" in found else None,
        found["landmarks"].points if "landmarks" in found else None,
        (box.x, box.y, box.w, box.h) if box else None,
        found.get("attributes"),
    )


def mapping(source: Source, bad: Bad) -> Iterator[Mapped]:
    """Read `CelebA-HQ-to-CelebA-mapping.txt`, or `image_list.txt` of the first release.

    Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs", ICLR 2018; Lee, Liu, Wu and
    Luo, "MaskGAN", CVPR 2020. Layout: columns `idx orig_idx orig_file`, padded with blanks, below
    a line with their names; `image_list.txt` has two more with checksums.
    """
    lines = Lines(source, "a mapping from CelebA-HQ (idx orig_idx orig_file)", bad)
    for number, text in lines:
        parts = text.split()
        if parts[0] == "idx" and not lines.good:
            continue
        try:
            if len(parts) < 3:
                raise ValueError(f"has {len(parts)} fields, expected 3: {shown(text)}")
            row = Mapped(whole(parts[0], 0), whole(parts[1], 0), picture(parts[2]))
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        yield row
