"""A twin of Annotated Facial Landmarks in the Wild.

Layout: `data/flickr/{0,2,3}/image00002.jpg` and `data/aflw.sqlite`, as `aflw-db.tar.gz` and the
three archives of images unpack. Tables and columns are those of the database of 2012-11-28, as
public loaders print them; feature codes are those of the authors' annotation tool
(`main_window.h`), descriptions those that loaders list; left is left in the picture; angles are in
radians; `filepath` starts below `flickr`; points that cannot be seen have no row; several faces may
share a photograph. Inferred: column types, the text of `Databases` and `AnnotationType`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from facesr.datasets._render_traits import shot
from facesr.datasets._toys._draw import Shown, Who, crowd, save
from facesr.datasets._toys._truth import Box, Face, Label, Points, Truth, survey

FEATURES = (  # code, description, landmarks of iBUG whose mean it is
    ("LBLC", "LeftBrowLeftCorner", (17,)),
    ("LBC", "LeftBrowCenter", (19,)),
    ("LBRC", "LeftBrowRightCorner", (21,)),
    ("RBLC", "RightBrowLeftCorner", (22,)),
    ("RBC", "RightBrowCenter", (24,)),
    ("RBRC", "RightBrowRightCorner", (26,)),
    ("LELC", "LeftEyeLeftCorner", (36,)),
    ("LEC", "LeftEyeCenter", (36, 37, 38, 39, 40, 41)),
    ("LERC", "LeftEyeRightCorner", (39,)),
    ("RELC", "RightEyeLeftCorner", (42,)),
    ("REC", "RightEyeCenter", (42, 43, 44, 45, 46, 47)),
    ("RERC", "RightEyeRightCorner", (45,)),
    ("LE", "LeftEar", (0,)),
    ("LN", "NoseLeft", (31,)),
    ("NC", "NoseCenter", (30,)),
    ("RN", "NoseRight", (35,)),
    ("RE", "RightEar", (16,)),
    ("MLC", "MouthLeftCorner", (48,)),
    ("MC", "MouthCenter", (62, 66)),
    ("MRC", "MouthRightCorner", (54,)),
    ("CC", "ChinCenter", (8,)),
)
_EARS = (13, 17)
_SIDES = (150, 96, 52)
_SCHEMA = """
CREATE TABLE Databases (db_id TEXT PRIMARY KEY, path TEXT, description TEXT);
CREATE TABLE AnnotationType (annot_type_id INTEGER PRIMARY KEY, description TEXT, CODE TEXT);
CREATE TABLE FaceImages (image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT,
  bw INTEGER, width INTEGER, height INTEGER);
CREATE TABLE Faces (face_id INTEGER PRIMARY KEY AUTOINCREMENT, file_id TEXT, db_id TEXT);
CREATE TABLE FacePose (face_id INTEGER PRIMARY KEY, roll REAL, pitch REAL, yaw REAL,
  annot_type_id INTEGER);
CREATE TABLE FaceMetaData (face_id INTEGER PRIMARY KEY, sex TEXT, occluded INTEGER,
  glasses INTEGER, bw INTEGER, annot_type_id INTEGER);
CREATE TABLE FaceRect (face_id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, w INTEGER, h INTEGER,
  annot_type_id INTEGER);
CREATE TABLE FaceEllipse (face_id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, ra REAL, rb REAL,
  theta REAL, annot_type_id INTEGER, upsidedown INTEGER);
CREATE TABLE FeatureCoordTypes (feature_id INTEGER PRIMARY KEY, descr TEXT, code TEXT,
  x REAL, y REAL, z REAL);
CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
  annot_type_id INTEGER, PRIMARY KEY (face_id, feature_id));
CREATE TABLE NearDuplicates (face_id INTEGER PRIMARY KEY);
CREATE TABLE CamPose (face_id INTEGER PRIMARY KEY, camRoll REAL, camPitch REAL, camYaw REAL,
  annot_type_id INTEGER);
"""


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write photographs of up to three people and the database; see `Writer`.

    `Face.landmarks` has a row per feature, (21, 2); rows of features without a point are NaN.
    """
    height = size or 320
    faces: list[Face] = []
    (root / "data").mkdir(parents=True, exist_ok=True)
    place = root / "data/aflw.sqlite"
    place.unlink(missing_ok=True)
    with closing(sqlite3.connect(place)) as base:
        base.executescript("PRAGMA journal_mode = OFF; PRAGMA page_size = 4096;" + _SCHEMA)
        _fill_types(base)
        everyone = [Who(i, n) for n in range(shots) for i in range(people)]
        for image, first in enumerate(range(0, len(everyone), len(_SIDES)), 1):
            group = everyone[first : first + len(_SIDES)]
            rng = np.random.default_rng([seed, image])
            sides = [round(side * height / 320) for side in _SIDES[: len(group)]]
            photo = crowd(seed, group, sides, height * 3 // 2, height, rng)
            file = f"image{image + 1:05d}.jpg"
            below = f"{(0, 2, 3)[image % 3]}/{file}"
            save(photo.pixels, root / "data/flickr" / below)
            row = (image, "flickr", file, below, 0, photo.pixels.shape[1], height)
            base.execute("INSERT INTO FaceImages VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for shown in photo.faces:
                number = 39341 + len(faces)
                faces.append(_fill_face(base, seed, number, file, f"data/flickr/{below}", shown))
        base.commit()
    return Truth("aflw", tuple(faces), *survey(root))


def _fill_types(base: sqlite3.Connection) -> None:
    base.execute("INSERT INTO Databases VALUES ('flickr', 'flickr', 'Flickr images')")
    base.execute("INSERT INTO AnnotationType VALUES (1, 'calculated', 'CALC')")
    base.execute("INSERT INTO AnnotationType VALUES (2, 'manual', 'MANUAL')")
    for feature, (code, description, _) in enumerate(FEATURES, 1):
        row = (feature, description, code, 0.0, 0.0, 0.0)
        base.execute("INSERT INTO FeatureCoordTypes VALUES (?, ?, ?, ?, ?, ?)", row)


def _fill_face(
    base: sqlite3.Connection, seed: int, number: int, file: str, path: str, shown: Shown
) -> Face:
    how = shot(seed, shown.who.identity, shown.who.number)
    pose = {"roll": float(how.roll), "pitch": float(how.pitch), "yaw": float(how.yaw)}
    box = _square(shown)
    left, top, right, bottom = (int(v) for v in box)
    points = _features(shown.points, how.yaw)
    sex = "mf"[shown.who.identity % 2]
    base.execute("INSERT INTO Faces VALUES (?, ?, ?)", (number, file, "flickr"))
    base.execute("INSERT INTO FacePose VALUES (?, ?, ?, ?, 1)", (number, *pose.values()))
    base.execute("INSERT INTO FaceMetaData VALUES (?, ?, 0, 0, 0, 2)", (number, sex))
    rect = (number, left, top, right - left, bottom - top)
    base.execute("INSERT INTO FaceRect VALUES (?, ?, ?, ?, ?, 1)", rect)
    ellipse = (number, (left + right) // 2, (top + bottom) // 2, (right - left) / 2, pose["roll"])
    base.execute("INSERT INTO FaceEllipse VALUES (?, ?, ?, ?4 * 1.2, ?4, ?5, 1, 0)", ellipse)
    for feature, (x, y) in enumerate(points.tolist(), 1):
        if np.isfinite(x):
            row = (number, feature, x, y)
            base.execute("INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 2)", row)
    labels: dict[str, Label] = {**pose, "sex": sex, "face_id": number}
    return Face(path, shown.five, box, points, labels=labels)


def _features(points: Points, yaw: float) -> Points:
    """Reduce 68 landmarks to 21 features; the ear that a turned head hides has none."""
    features = np.stack([points[list(which)].mean(0) for _, _, which in FEATURES]).astype(
        np.float64
    )
    nearer = points[30, 0] - points[0, 0] < points[16, 0] - points[30, 0]
    if abs(yaw) > 0.25:
        features[_EARS[0] - 1 if nearer else _EARS[1] - 1] = np.nan
    return features


def _square(shown: Shown) -> Box:
    left, top, right, bottom = shown.tight
    half = max(right - left, bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    return round(x - half), round(y - half), round(x + half), round(y + half)
