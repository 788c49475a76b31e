import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats import vggface2
from facesr.datasets._formats.lines import Bad, Source
from facesr.datasets._formats.vggface2 import Box, Face, Identity

Flaws = list[tuple[int, str]]
COLUMNS = ",".join(f"P{i}{axis}" for i in range(1, 6) for axis in "XY")


def read(parser: Callable[[Source, Bad], Iterator[Any]], text: str) -> tuple[list[Any], Flaws]:
    flaws: Flaws = []
    return list(parser(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_names_of_people_may_hold_commas() -> None:
    text = (
        "Class_ID, Name, Sample_Num, Flag, Gender\n"
        'n000001, "14th_Dalai_Lama", 424, 0, m\n'
        'n000002, "Fine, Jr.", 315, 1, f\n'
    )
    assert read(vggface2.identities, text) == (
        [
            Identity("n000001", "14th_Dalai_Lama", 424, False, "m"),
            Identity("n000002", "Fine, Jr.", 315, True, "f"),
        ],
        [],
    )


@pytest.mark.parametrize(
    "line",
    [
        'n000002, "A, 1, 1, m',
        "n000002, A, 1, 2, m",
        "n000002, A, 1, 1, x",
        "x000002, A, 1, 1, m",
        "n000002, A, B, 1, 1, m",
        "Class_ID, Name, Sample_Num, Flag, Gender",
    ],
)
def test_a_damaged_person_is_a_flaw(line: str) -> None:
    found, flaws = read(vggface2.identities, f"n000001, A, 1, 1, m\n{line}\nn000003, A, 1, 1, m\n")
    assert [row.identity for row in found] == ["n000001", "n000003"]
    assert [number for number, _ in flaws] == [2]


def test_boxes_and_landmarks_are_tables_of_quoted_names() -> None:
    (box,), flaws = read(vggface2.boxes, 'NAME_ID,X,Y,W,H\n"n000002/0001_01",-16,140,224,324\n')
    assert box == Box("n000002/0001_01", -16, 140, 224, 324)
    (points,), more = read(
        vggface2.landmarks, f'NAME_ID,{COLUMNS}\n"n000002/0001_01",1.5,2,3,4,5,6,7,8,9,10\n'
    )
    assert points.points == (1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    assert flaws == more == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"n000002/0002_01",1,2,3', "has 4 values, expected 5"),
        ('"n000002/0002_01,1,2,3,4', "has an open quote"),
        ('"../0002_01",1,2,3,4', "is not a path inside"),
        ('"0002_01",1,2,3,4', "is not like n000002/0001_01"),
        ('"n000002/0002_01",1,2,3,', "'' is not a whole number"),
        ("NAME_ID,X,Y,W,H", "is not like n000002/0001_01"),
    ],
)
def test_a_damaged_box_is_a_flaw(line: str, reason: str) -> None:
    found, flaws = read(vggface2.boxes, f'"n1/1",1,2,3,4\n{line}\n"n1/3",1,2,3,4\n')
    assert [row.name for row in found] == ["n1/1", "n1/3"]
    assert flaws[0][0] == 2
    assert reason in flaws[0][1]


def test_photos_are_paths() -> None:
    found, flaws = read(vggface2.photos, "n000002/0001_01.jpg\n/n000002/0001_01.jpg\n")
    assert found == ["n000002/0001_01.jpg"]
    assert len(flaws) == 1


def test_another_file_is_refused() -> None:
    for parser in (vggface2.identities, vggface2.boxes, vggface2.landmarks, vggface2.photos):
        with pytest.raises(BadData, match="VGGFace2"):
            read(parser, "000001.jpg 2880\n..\n")


names = st.lists(st.integers(0, 99), min_size=1, max_size=12, unique=True)


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(drawn=names.flatmap(lambda n: st.tuples(st.just(n), st.permutations(n))))
def test_boxes_and_landmarks_are_joined_in_any_order(drawn: tuple[list[int], list[int]]) -> None:
    one, other = drawn
    boxes = "".join(f'"n{i:06d}/0001_01",{i},2,3,4\n' for i in one)
    points = "".join(f'"n{i:06d}/0001_01",{i}.5,2,3,4,5,6,7,8,9,10\n' for i in other)
    flaws: Flaws = []
    found = vggface2.faces(
        io.StringIO(f"NAME_ID,X,Y,W,H\n{boxes}"),
        io.StringIO(f"NAME_ID,{COLUMNS}\n{points}"),
        lambda *flaw: flaws.append(flaw),
    )
    expected = {
        Face(f"n{i:06d}/0001_01", (i, 2, 3, 4), (i + 0.5, 2, 3, 4, 5, 6, 7, 8, 9, 10)) for i in one
    }
    assert set(found) == expected
    assert flaws == []
    assert {face.identity for face in expected} == {f"n{i:06d}" for i in one}
