import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench.errors import BadData
from facesr.datasets._formats import aflw
from facesr.datasets._formats.aflw import Face, faces

Flaws = list[tuple[int, str]]
TABLES = """
    CREATE TABLE Faces(face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
    CREATE TABLE FaceImages(image_id INT, db_id TEXT, file_id TEXT, filepath TEXT, width INT,
                            height INT);
    CREATE TABLE FaceRect(face_id INT, x INT, y INT, w INT, h INT, annot_type_id INT);
    CREATE TABLE FacePose(face_id INT, roll REAL, pitch REAL, yaw REAL, annot_type_id INT);
    CREATE TABLE FeatureCoords(face_id INT, feature_id INT, x REAL, y REAL, annot_type_id INT);
    CREATE TABLE FeatureCoordTypes(feature_id INT, descr TEXT);
"""
ROWS = """
    INSERT INTO Faces VALUES (39341, 'image00002.jpg', 'flickr'), (39342, 'b.jpg', 'flickr');
    INSERT INTO FaceImages VALUES (1, 'flickr', 'image00002.jpg', '0/image00002.jpg', 500, 400);
    INSERT INTO FaceImages VALUES (2, 'flickr', 'b.jpg', '2/b.jpg', 640, 480);
    INSERT INTO FaceRect VALUES (39341, -5, 2, 30, 40, 1);
    INSERT INTO FacePose VALUES (39341, 0.1, -0.2, 1.3, 1), (39342, 0.0, 0.0, 0.5, 1);
    INSERT INTO FeatureCoordTypes VALUES (8, 'LeftEyeCenter'), (15, 'NoseCenter');
    INSERT INTO FeatureCoords VALUES (39342, 15, 9.5, 10.25, 1), (39342, 8, 4.5, 5.0, 1);
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Path]:
    def made(script: str) -> Path:
        path = tmp_path / "aflw #1?.sqlite"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.commit()
        connection.close()
        return path

    return made


def read(path: Path) -> tuple[list[Face], Flaws]:
    flaws: Flaws = []
    return list(faces(path, lambda *flaw: flaws.append(flaw))), flaws


def test_a_face_has_a_photo_and_maybe_box_pose_and_landmarks(make: Callable[[str], Path]) -> None:
    path = make(TABLES + ROWS)
    before = path.read_bytes()
    assert read(path) == (
        [
            Face(39341, "flickr/0/image00002.jpg", 500, 400, (-5, 2, 30, 40), (0.1, -0.2, 1.3), ()),
            Face(
                39342,
                "flickr/2/b.jpg",
                640,
                480,
                None,
                (0.0, 0.0, 0.5),
                (("LeftEyeCenter", 4.5, 5.0), ("NoseCenter", 9.5, 10.25)),
            ),
        ],
        [],
    )
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "number", "reason"),
    [
        ("DELETE FROM FaceImages WHERE image_id = 1", 39341, "has no photo"),
        ("UPDATE FaceImages SET filepath = '../a.jpg' WHERE image_id = 1", 39341, "is not a path"),
        ("UPDATE FaceImages SET db_id = 'a/b' WHERE image_id = 1", 39341, "is not a plain name"),
        (
            "UPDATE FaceImages SET filepath = CAST(x'ff2e6a7067' AS TEXT)",
            39341,
            "is not a relative",
        ),
        ("UPDATE FaceImages SET width = 0 WHERE image_id = 1", 39341, "without width and height"),
        ("UPDATE FaceRect SET x = 'nan'", 39341, "'nan' is not a finite number"),
        ("UPDATE FaceRect SET x = 9e999", 39341, "'inf' is not a finite number"),
        ("UPDATE FaceRect SET w = NULL", 39341, "'None' is not a finite number"),
        ("INSERT INTO FaceRect VALUES (39341, 1, 1, 1, 1, 2)", 39341, "several photos, boxes"),
        ("INSERT INTO FeatureCoords VALUES (7, 8, 1, 1, 1)", 7, "is not in the table Faces"),
        ("INSERT INTO FeatureCoords VALUES (99999, 8, 1, 1, 1)", 99999, "not in the table Faces"),
        ("UPDATE FeatureCoordTypes SET descr = NULL", 39342, "not the name of a landmark"),
    ],
)
def test_a_damaged_face_is_a_flaw(
    make: Callable[[str], Path], change: str, number: int, reason: str
) -> None:
    script = TABLES + ROWS.replace("-5, 2", "1, 2") + change + ";"
    path = make(
        script + "INSERT INTO Faces VALUES (39343, 'c.jpg', 'flickr'); "
        "INSERT INTO FaceImages VALUES (3, 'flickr', 'c.jpg', 'c.jpg', 9, 9);"
    )
    found, flaws = read(path)
    assert found[-1].path == "flickr/c.jpg"
    assert flaws[0][0] == number
    assert reason in flaws[0][1]


def test_a_database_without_the_tables_names_them(make: Callable[[str], Path]) -> None:
    with pytest.raises(BadData, match="has no table FacePose, expected AFLW's"):
        read(make((TABLES + ROWS).replace("FacePose", "Pose")))
    with pytest.raises(BadData, match=r"no such column: i\.width"):
        read(make(TABLES.replace("width INT", "breadth INT")))
    with pytest.raises(BadData, match="has no face that can be used"):
        read(make(TABLES))


def test_a_view_is_no_table(make: Callable[[str], Path]) -> None:
    loop = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    view = f"CREATE VIEW FacePose AS SELECT i AS face_id, 1 roll, 1 pitch, 1 yaw FROM ({loop});"
    tables = TABLES.replace("CREATE TABLE FacePose", "CREATE TABLE Other")
    with pytest.raises(BadData, match="has no table FacePose"):
        read(make(tables + view))


def test_reading_ends_even_if_every_face_matches_every_row(
    make: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
    path = make(
        TABLES + f"INSERT INTO Faces SELECT * FROM ({numbers} SELECT i, 'a', 'f' FROM n);"
        "INSERT INTO FaceImages SELECT * FROM "
        f"({numbers} SELECT i, 'f', 'a', 'a.jpg', 9, 9 FROM n);"
    )
    monkeypatch.setattr(aflw, "_MOST_STEPS", 5_000_000)
    with pytest.raises(BadData, match="interrupted"):
        read(path)


def test_another_file_a_folder_and_none_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BadData, match="file is not a database; fetch it again"):
        read(tmp_path / "a.sqlite")
    with pytest.raises(BadData, match="is a folder"):
        read(tmp_path)
    with pytest.raises(BadData, match="No such file"):
        read(tmp_path / "b.sqlite")
    assert not (tmp_path / "b.sqlite").exists()
