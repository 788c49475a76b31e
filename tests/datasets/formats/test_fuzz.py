"""Every parser against arbitrary and damaged files: sentences and flaws come out, nothing else."""

import io
import sqlite3
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from facesr.bench.errors import BadData
from facesr.datasets._formats import (
    aflw,
    celeba,
    duke,
    ffhq,
    landmarks,
    lfw,
    lists,
    mat,
    pipa,
    t7,
    vggface2,
    widerface,
)
from facesr.datasets._formats.lines import Bad

CORPUS = Path(__file__).parent / "corpus"
FEW = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def bbx() -> bytes:
    box = b"10 20 30 40 0 0 0 0 0 0 \n"
    photos = [b"0--Parade/a_1.jpg\n2\n" + box * 2, b"0--Parade/a_2.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"]
    return b"".join([*photos, b"1--Handshaking/b_3.jpg\n1\n" + box])


def table(columns: str, *rows: str) -> bytes:
    return f"{len(rows)}\n{columns}\n{''.join(row + chr(10) for row in rows)}".encode()


def ffhq_member(index: int) -> str:
    points = str([[float(i), i + 0.5] for i in range(68)])
    file = f'"file_path": "a/{index:05d}.png", "file_md5": "0", "pixel_size": [1024, 1024]'
    about = ", ".join(
        f'"{key}": "x"' for key in ("photo_url", "author", "country", "license", "license_url")
    )
    wild = '"face_rect": [1, 2, 3, 4], "face_quad": [[1, 2], [3, 4], [5, 6], [7, 8]]'
    return (
        f'"{index}": {{"category": "training", "metadata": {{{about}}}, '
        f'"image": {{{file}, "face_landmarks": {points}}}, "thumbnail": {{{file}}}, '
        f'"in_the_wild": {{{file}, "face_landmarks": {points}, {wild}}}}}'
    )


def torch_tensor() -> bytes:
    def string(text: bytes) -> bytes:
        return struct.pack("<i", len(text)) + text

    storage = struct.pack("<ii", 4, 2) + string(b"V 1") + string(b"torch.DoubleStorage")
    storage += struct.pack("<q8d", 8, *range(8))
    tensor = struct.pack("<ii", 4, 1) + string(b"V 1") + string(b"torch.DoubleTensor")
    return tensor + struct.pack("<i5q", 2, 4, 2, 2, 1, 1) + storage


def torch_table() -> bytes:
    text = struct.pack("<ii", 2, 3) + b"pts"
    rest = struct.pack("<id", 1, 1.0) + struct.pack("<ii", 5, 1)
    return struct.pack("<iii", 3, 7, 2) + text + torch_tensor() + rest


def matlab(compressed: bool, **arrays: Any) -> bytes:
    file: Any = io.BytesIO()
    savemat(file, arrays, do_compression=compressed)
    return file.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        """
        PRAGMA page_size = 512;
        CREATE TABLE Faces(face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
        CREATE TABLE FaceImages(file_id TEXT, db_id TEXT, filepath TEXT, width INT, height INT);
        CREATE TABLE FaceRect(face_id INT, x INT, y INT, w INT, h INT);
        CREATE TABLE FacePose(face_id INT, roll REAL, pitch REAL, yaw REAL);
        CREATE TABLE FeatureCoords(face_id INT, feature_id INT, x REAL, y REAL);
        CREATE TABLE FeatureCoordTypes(feature_id INT, descr TEXT);
        INSERT INTO Faces VALUES (1, 'a', 'flickr'), (2, 'b', 'flickr');
        INSERT INTO FaceImages VALUES ('a', 'flickr', '0/a.jpg', 9, 9);
        INSERT INTO FaceImages VALUES ('b', 'flickr', 'b.jpg', 9, 9);
        INSERT INTO FaceRect VALUES (1, 1, 2, 3, 4), (2, 1, 2, 3, 4);
        INSERT INTO FacePose VALUES (1, 0.1, 0.2, 0.3);
        INSERT INTO FeatureCoordTypes VALUES (1, 'NoseCenter');
        INSERT INTO FeatureCoords VALUES (1, 1, 4.5, 5.5);
        """
    )
    return connection.serialize()


def read_database(data: bytes, bad: Bad, folder: Path) -> Iterable[Any]:
    (folder / "aflw.sqlite").write_bytes(data)
    return aflw.faces(folder / "aflw.sqlite", bad)


def read_join(data: bytes, bad: Bad, folder: Path) -> Iterable[Any]:
    del folder
    one, _, other = data.partition(b"\n\n")
    return vggface2.faces(io.BytesIO(one), io.BytesIO(other), bad)


def read_lists(data: bytes, bad: Bad, folder: Path) -> Iterable[Any]:
    del folder
    one, _, other = data.partition(b"\n\n")
    return celeba.faces(bad, identity=io.BytesIO(one), landmark=io.BytesIO(other))


class Case(NamedTuple):
    read: Callable[[bytes, Bad, Path], Iterable[Any]]
    valid: bytes
    rows: int
    line_by_line: bool = False


def stream(parser: Callable[[io.BytesIO, Bad], Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    return lambda data, bad, folder: parser(io.BytesIO(data), bad)


def single(parser: Callable[..., Any], tells: bool = False) -> Callable[..., Iterable[Any]]:
    return lambda data, bad, folder: [parser(io.BytesIO(data), *([bad] if tells else []))]


POINTS = celeba._LANDMARKS
PTS = b"version: 1\nn_points:  3\n{\n1.5 2.5\n3 4\n5 6\n}\n"
HELEN = b"100032540_1\n" + b"".join(b"%d.25 , %d.5\n" % (i, i) for i in range(194))
BOXES = b'NAME_ID,X,Y,W,H\n"n000002/0001_01",1,2,3,4\n"n000002/0002_01",-1,2,3,4\n'
FIVE = b'NAME_ID,P1X\n"n000002/0001_01",1,2,3,4,5,6,7,8,9,10.5\n'
FIVE = FIVE.replace(b"P1X", b"P1X,P1Y,P2X,P2Y,P3X,P3Y,P4X,P4Y,P5X,P5Y")
FIVE += b'"n000002/0002_01",1,2,3,4,5,6,7,8,9,10.5\n'
IDENTITIES = b"000001.jpg 2880\n000002.jpg 2937\n"
LANDMARKS = table(" ".join(POINTS), *(f"00000{i}.jpg  1 2 3 4 5 6 7 8 9 10" for i in (1, 2)))
PAIRS = b"2\t1\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t3\nEve\t1\t2\nEve\t1\tBob_B\t3\n"
CASES = {
    "widerface": Case(stream(widerface.photos), bbx(), 3),
    "widerface_test": Case(stream(widerface.filelist), b"0--Parade/a.jpg\n1--B/b.jpg\n", 2, True),
    "pipa": Case(stream(pipa.heads), b"72 18 277 159 218 294 1 1\n72 19 -6 7 8 9 1 0\n", 2, True),
    "pts": Case(single(landmarks.pts, tells=True), PTS, 1),
    "helen": Case(single(landmarks.helen, tells=True), HELEN, 1),
    "names": Case(stream(lists.names), b'a.jpg\n"b c#.jpg" # no\nd.jpg # x\n', 3),
    "faces": Case(stream(lists.faces), b'name,identity,x,y,w,h\na.jpg,"A, B",1,2,3.5,4\n', 1),
    "celeba_identity": Case(stream(celeba.identities), IDENTITIES, 2, True),
    "celeba_partition": Case(stream(celeba.partitions), b"000001.jpg 0\n000002.jpg 2\n", 2, True),
    "celeba_landmarks": Case(stream(celeba.landmarks), LANDMARKS, 2),
    "celeba_boxes": Case(
        stream(celeba.boxes), table("image_id x_1 y_1 width height", "000001.jpg 95 71 226 313"), 1
    ),
    "celeba_attributes": Case(
        stream(celeba.attributes), table("Bald Young ", "000001.jpg -1  1", "000002.jpg  1 -1"), 2
    ),
    "celeba_join": Case(read_lists, IDENTITIES + b"\n" + LANDMARKS, 2),
    "celebahq": Case(
        stream(celeba.mapping), b"idx orig_idx orig_file\n0 119613 119614.jpg\n1 9 10.jpg\n", 2
    ),
    "lfw_pairs": Case(stream(lfw.pairs), PAIRS, 4),
    "lfw_people": Case(stream(lfw.people), b"2\n1\nAnn_A\t3\n2\nBob_B\t1\nEve\t2\n", 3),
    "vgg_identities": Case(
        stream(vggface2.identities),
        b'Class_ID, Name, Sample_Num, Flag, Gender\nn000001, "Lama, 14th", 424, 0, m\n',
        1,
    ),
    "vgg_photos": Case(stream(vggface2.photos), b"n000002/0001_01.jpg\nn2/1_1.jpg\n", 2, True),
    "vgg_boxes": Case(stream(vggface2.boxes), BOXES, 2),
    "vgg_landmarks": Case(stream(vggface2.landmarks), FIVE, 2),
    "vgg_join": Case(read_join, BOXES + b"\n" + FIVE, 2),
    "ffhq": Case(stream(ffhq.faces), f"{{{ffhq_member(0)}, {ffhq_member(1)}}}".encode(), 2),
    "t7": Case(single(t7.read), torch_table(), 1),
    "t7_landmarks": Case(single(t7.landmarks), torch_tensor(), 1),
    "mat": Case(single(mat.landmarks), matlab(False, pt3d_68=np.ones((3, 68))), 1),
    "mat_packed": Case(single(mat.arrays), matlab(True, a=np.ones((3, 8)), s="text"), 1),
    "duke": Case(stream(duke.boxes), matlab(True, trainData=np.arange(1.0, 9)[None]), 1),
    "aflw": Case(read_database, database(), 2),
}
each_parser = pytest.mark.parametrize("name", CASES)


def outcome(name: str, data: bytes, folder: Path) -> tuple[list[Any], list[tuple[int, str]], str]:
    """Return rows, flaws and the last sentence; anything else that is raised fails the test."""
    rows: list[Any] = []
    flaws: list[tuple[int, str]] = []
    try:
        rows.extend(
            CASES[name].read(data, lambda number, reason: flaws.append((number, reason)), folder)
        )
    except BadData as error:
        return rows, flaws, str(error)
    return rows, flaws, ""


def check(name: str, data: bytes, folder: Path) -> None:
    rows, flaws, sentence = outcome(name, data, folder)
    for number, reason in flaws:
        assert isinstance(number, int)
        assert reason
        assert len(reason) < 2500
        assert reason.isprintable()
    assert len(sentence) < 6000
    if CASES[name].line_by_line and not sentence:
        lines = [line.strip(b" \t\r") for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
        assert len(rows) + len(flaws) == sum(bool(line) for line in lines)


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """Damage a file as disks, editors and strangers do, one to four times."""
    data = valid
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        lines = data.split(b"\n")
        row = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 8)):
            case 0:
                data = data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[at + 1 :]
            case 1:
                data = data[:at]
            case 2:
                data = data[:at] + data[at + draw(st.integers(1, 20)) :]
            case 3:
                data = b"\n".join(lines[: row + 1] + lines[row:])
            case 4:
                data = b"\n".join(lines[:row] + lines[row + 1 :])
            case 5:
                data = data.replace(b"\n", b"\r\n")
            case 6:
                data = b"\n".join([*lines[row:], *lines[:row]])
            case 7:
                word = draw(
                    st.sampled_from([b"nan", b"-1e999", b"9" * 30, b"../x.jpg", b'"', b"{"])
                )
                data = data[:at] + word + data[at:]
            case 8:
                flipped = data[at : at + 1] or b"\0"
                bit = draw(st.integers(0, 7))
                data = data[:at] + bytes([flipped[0] ^ (1 << bit)]) + data[at + 1 :]
    return data


@each_parser
def test_a_valid_file_gives_all_its_rows_and_no_flaw(name: str, tmp_path: Path) -> None:
    rows, flaws, sentence = outcome(name, CASES[name].valid, tmp_path)
    assert (len(rows), flaws, sentence) == (CASES[name].rows, [], "")


@each_parser
@FEW
@given(data=st.data())
def test_a_damaged_file_gives_rows_flaws_or_a_sentence(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    check(name, data.draw(damaged(CASES[name].valid)), tmp_path)


@each_parser
@settings(FEW, max_examples=40)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_an_arbitrary_file_gives_flaws_or_a_sentence(
    name: str, data: bytes, tmp_path: Path
) -> None:
    check(name, data, tmp_path)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_once_went_wrong_stays_right(path: Path, tmp_path: Path) -> None:
    data = bytes.fromhex(path.read_text()) if path.suffix == ".hex" else path.read_bytes()
    check(path.name.partition("--")[0], data, tmp_path)


@each_parser
@pytest.mark.parametrize("data", [b"", b"\n \r\n\t\n", b"\xff\xfe1\0", b"\0" * 500, b"\xff" * 500])
def test_what_is_no_annotation_at_all_is_one_sentence(
    name: str, data: bytes, tmp_path: Path
) -> None:
    rows, _, sentence = outcome(name, data, tmp_path)
    assert rows == []
    assert sentence.isprintable()
    assert sentence or name == "names"
