"""AFLW: `aflw.sqlite`.

Koestinger, Wohlhart, Roth and Bischof, "Annotated Facial Landmarks in the Wild: A Large-scale,
Real-world Database for Facial Landmark Localization", ICCV workshops 2011. Layout: the tables as
the authors' tools and public readers query them. `Faces(face_id, file_id, db_id)`,
`FaceImages(file_id, db_id, filepath, width, height)`, `FaceRect(face_id, x, y, w, h)`,
`FacePose(face_id, roll, pitch, yaw)`, `FeatureCoords(face_id, feature_id, x, y)` and
`FeatureCoordTypes(feature_id, descr)`. Photos are `flickr/` and the `filepath`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import LARGEST, Bad, opened, picture, plain_name, shown

_TABLES = {"Faces", "FaceImages", "FaceRect", "FacePose", "FeatureCoords", "FeatureCoordTypes"}
_FACES = """
    SELECT f.face_id, i.db_id, i.filepath, i.width, i.height, r.x, r.y, r.w, r.h,
           p.roll, p.pitch, p.yaw
    FROM Faces f
    LEFT JOIN FaceImages i ON i.file_id = f.file_id
    LEFT JOIN FaceRect r ON r.face_id = f.face_id
    LEFT JOIN FacePose p ON p.face_id = f.face_id
    ORDER BY f.face_id
"""
_POINTS = """
    SELECT c.face_id, t.descr, c.x, c.y
    FROM FeatureCoords c JOIN FeatureCoordTypes t ON t.feature_id = c.feature_id
    ORDER BY c.face_id, c.feature_id
"""
_MOST_STEPS = 300_000_000  # of SQLite's machine: ten times what 26,000 faces take
_STEPS = 1_000_000
_MOST_POINTS = 1000


@dataclass(frozen=True, slots=True)
class Face:
    """A face of AFLW.

    Args:
        face: Number of the face.
        path: Of the photo, below `data/`, such as `flickr/0/image00002.jpg`.
        width: Of the photo, in pixels.
        height: Of the photo, in pixels.
        box: Left, top, width, height in pixels, where the face has one; may leave the photo.
        pose: Roll, pitch and yaw in radians, where known.
        landmarks: Name, x and y of the points that were marked, at most 21, such as `NoseCenter`.
    """

    face: int
    path: str
    width: int
    height: int
    box: tuple[float, float, float, float] | None
    pose: tuple[float, float, float] | None
    landmarks: tuple[tuple[str, float, float], ...]


def faces(path: Path, bad: Bad) -> Iterator[Face]:
    """Read `aflw.sqlite` in order of the faces' numbers.

    The file is opened read-only and without a journal. Views and virtual tables are refused, since
    reading them would run what a stranger wrote.

    Args:
        path: The database.
        bad: Told of faces that cannot be used, with their number.

    Raises:
        BadData: If it is no SQLite database, lacks a table or a column, is damaged, or is so made
            that reading it would not end.
    """
    opened(path).close()
    try:
        with closing(_connect(path)) as connection:
            yield from _faces(connection, path, bad)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # messages quote the file
        raise BadData(
            f"{path} cannot be read as AFLW's aflw.sqlite: {str(error)[:200]}; fetch it again"
        ) from None


def _connect(path: Path) -> sqlite3.Connection:
    place = quote(str(path.absolute()))
    connection = sqlite3.connect(f"file:{place}?mode=ro&immutable=1", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2**20)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = FILE")
    budget = iter(range(_MOST_STEPS // _STEPS))
    connection.set_progress_handler(lambda: next(budget, None) is None, _STEPS)
    return connection


def _faces(connection: sqlite3.Connection, path: Path, bad: Bad) -> Iterator[Face]:
    made = connection.execute("SELECT name, type, sql FROM sqlite_master")
    tables = {
        str(name).lower()
        for name, kind, sql in made
        if kind == "table" and not str(sql).lstrip().upper().startswith("CREATE VIRTUAL")
    }
    if lacking := sorted(name for name in _TABLES if name.lower() not in tables):
        raise BadData(
            f"{path} has no table {', '.join(lacking)}, expected AFLW's aflw.sqlite with "
            f"{', '.join(sorted(_TABLES))}"
        )
    points = groupby(connection.execute(_POINTS), itemgetter(0))
    group = next(points, None)
    found = False
    for key, rows in groupby(connection.execute(_FACES), itemgetter(0)):
        row, *more = islice(rows, 2)
        number = key if isinstance(key, int) else 0
        while group and _before(group[0], key):
            bad(_number_of(group[0]), "has landmarks and is not in the table Faces")
            group = next(points, None)
        marked: list[Any] = []
        if group and group[0] == key:
            marked = [point[1:] for _, point in zip(range(_MOST_POINTS), group[1], strict=False)]
            group = next(points, None)
        if more:
            bad(number, "has several photos, boxes or poses; the first ones count")
        try:
            face = _face(row, marked)
        except ValueError as error:
            bad(number, str(error))
            continue
        found = True
        yield face
    while group:
        bad(_number_of(group[0]), "has landmarks and is not in the table Faces")
        group = next(points, None)
    if not found:
        raise BadData(f"{path} has no face that can be used")


def _before(one: object, other: object) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one < other


def _number_of(key: object) -> int:
    return key if isinstance(key, int) else 0


def _face(row: tuple[Any, ...], marked: list[Any]) -> Face:
    face, folder, name, width, height = row[:5]
    if not isinstance(face, int):
        raise ValueError(f"has the number {shown(str(face))}")
    if not isinstance(folder, str) or not isinstance(name, str):
        raise ValueError("has no photo")
    if not all(isinstance(side, int) and side > 0 for side in (width, height)):
        raise ValueError("is on a photo without width and height")
    return Face(
        face,
        f"{plain_name(folder)}/{picture(name)}",
        width,
        height,
        None
        if row[5:9] == (None,) * 4
        else (_real(row[5]), _real(row[6]), _real(row[7]), _real(row[8])),
        None if row[9:] == (None,) * 3 else (_real(row[9]), _real(row[10]), _real(row[11])),
        tuple((_word(what), _real(x), _real(y)) for what, x, y in marked),
    )


def _real(value: object) -> float:
    if not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{shown(str(value))} is not a finite number")
    return float(value)


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{shown(str(value))} is not the name of a landmark")
    return value
