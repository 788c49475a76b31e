import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats.widerface import Box, Photo, filelist, photos

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
BOX = "1 2 3 4 0 0 0 0 0 0 \n"
ZERO = "0 0 0 0 0 0 0 0 0 0 \n"


def read(text: str) -> tuple[list[Photo], list[tuple[int, str]]]:
    flaws: list[tuple[int, str]] = []
    return list(photos(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_the_official_file_is_read_without_a_flaw() -> None:
    path = SHARED / "widerface/wider_face_split/wider_face_val_bbx_gt.txt"
    if not path.is_file():
        pytest.skip("WIDER FACE is not on this machine")
    flaws: list[tuple[int, str]] = []
    found = list(photos(path, lambda *flaw: flaws.append(flaw)))
    lines = [line.split() for line in path.read_text().splitlines()]
    assert flaws == []
    assert [[p.path] for p in found] == [line for line in lines if "jpg" in line[0]]
    assert sum(p.declared for p in found) == sum(len(line) == 10 for line in lines)
    assert all(len(p.boxes) == p.declared for p in found)
    assert found[0].boxes[0] == Box(*map(int, lines[2]))


def test_boxes_come_as_they_are() -> None:
    found, flaws = read("0--Parade/a.jpg\n2\n-5 7 0 0 2 1 1 1 2 1 \n9 8 7 6 0 0 0 0 0 0\n")
    assert flaws == []
    assert found[0].boxes[0] == Box(-5, 7, 0, 0, 2, 1, 1, 1, 2, 1)
    assert (found[0].boxes[0].invalid, found[0].boxes[0].occlusion) == (1, 2)


@pytest.mark.parametrize("zeros", [ZERO, ""])
def test_a_photo_without_a_face_has_no_box(zeros: str) -> None:
    found, flaws = read(f"0--Parade/a.jpg\n0\n{zeros}0--Parade/b.jpg\n1\n{BOX}")
    assert [len(photo.boxes) for photo in found] == [0, 1]
    assert flaws == []


@pytest.mark.parametrize(
    ("count", "kept", "line", "reason"),
    [
        (3, 2, 1, "declares 3 boxes and has 2"),
        (1, 1, 4, "is line 2 of 1 boxes"),
        (0, 0, 3, "is a box of a photo that declares none"),
    ],
)
def test_a_count_that_lies_is_reported_and_the_next_photo_is_right(
    count: int, kept: int, line: int, reason: str
) -> None:
    found, flaws = read(f"0--Parade/a.jpg\n{count}\n{BOX}{BOX}0--Parade/b.jpg\n1\n{BOX}")
    assert [len(photo.boxes) for photo in found] == [kept, 1]
    assert flaws[0][0] == line
    assert reason in flaws[0][1]


def test_no_photo_gets_the_boxes_of_a_damaged_path() -> None:
    damaged = f"0--Parade/a.jpg\n1\n{BOX}0--Parade/b.jp\n2\n{BOX}{BOX}0--Parade/c.jpg\n1\n{BOX}"
    found, flaws = read(damaged)
    assert [(photo.path[-5], len(photo.boxes)) for photo in found] == [("a", 1), ("c", 1)]
    assert [number for number, _ in flaws] == [4, 5, 6, 7]
    found, _ = read(damaged.replace("a.jpg\n1", "a.jpg\n4"))
    assert [(photo.path[-5], len(photo.boxes)) for photo in found] == [("a", 1), ("c", 1)]


@pytest.mark.parametrize("count", ["x", "-1", "1e3", "99999999999", "70000", BOX.strip()])
def test_a_photo_without_a_usable_count_is_left_out(count: str) -> None:
    found, flaws = read(f"0--Parade/a.jpg\n{count}\n{BOX}0--Parade/b.jpg\n1\n{BOX}")
    assert [photo.path for photo in found] == ["0--Parade/b.jpg"]
    assert "should be the number of boxes" in flaws[0][1]
    assert len(flaws) == 2


def test_a_path_without_anything_and_one_that_climbs_out_are_flaws() -> None:
    found, flaws = read(f"0--Parade/a.jpg\n../b.jpg\n1\n{BOX}0--Parade/c.jpg\n1\n{BOX}")
    assert [photo.path for photo in found] == ["0--Parade/c.jpg"]
    assert [number for number, _ in flaws] == [1, 2, 3, 4]


def test_damaged_boxes_are_reported_one_by_one() -> None:
    found, flaws = read(f"0--Parade/a.jpg\n3\n1 2 3\n1 2 nan 4 0 0 0 0 0 0\n{BOX}")
    assert len(found[0].boxes) == 1
    assert [number for number, _ in flaws] == [3, 4, 1]


def test_another_file_is_refused() -> None:
    with pytest.raises(BadData, match="is not a WIDER FACE ground truth"):
        read("version: 1\nn_points: 68\n")
    with pytest.raises(BadData, match="it is empty"):
        read("")


def test_the_list_of_the_test_set_is_read() -> None:
    flaws: list[tuple[int, str]] = []
    text = "0--Parade/a.jpg\r\n0--Parade/b.txt\n1--X/c.jpg \n"
    found = list(filelist(io.StringIO(text), lambda *flaw: flaws.append(flaw)))
    assert found == ["0--Parade/a.jpg", "1--X/c.jpg"]
    assert flaws == [(2, "'0--Parade/b.txt' is not the name of an image file")]


boxes = st.builds(Box, *[st.integers(-(2**31), 2**31)] * 4, *[st.integers(0, 2)] * 6)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(lists=st.lists(st.lists(boxes, max_size=5), min_size=1, max_size=5))
def test_what_was_written_is_read(lists: list[list[Box]]) -> None:
    text = ""
    for i, each in enumerate(lists):
        lines = [" ".join(str(getattr(b, f)) for f in Box.__slots__) + " \n" for b in each]
        text += f"{i}--X/{i}.jpg\n{len(each)}\n{''.join(lines) or ZERO}"
    found, flaws = read(text)
    assert [list(photo.boxes) for photo in found] == lists
    assert flaws == []
