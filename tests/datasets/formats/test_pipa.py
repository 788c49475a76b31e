import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.datasets._formats.pipa import SUBSETS, Head, heads

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def read(text: str) -> tuple[list[Head], list[tuple[int, str]]]:
    flaws: list[tuple[int, str]] = []
    return list(heads(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_the_official_file_is_read_without_a_flaw() -> None:
    path = SHARED / "pipa/index.txt"
    if not path.is_file():
        pytest.skip("PIPA is not on this machine")
    flaws: list[tuple[int, str]] = []
    found = list(heads(path, lambda *flaw: flaws.append(flaw)))
    lines = [line.split() for line in path.read_text().splitlines()]
    assert flaws == []
    assert len(found) == len(lines)
    assert Counter(head.subset for head in found) == Counter(int(line[7]) for line in lines)
    assert len({head.identity for head in found}) == len({line[6] for line in lines})


def test_a_line_is_a_head_on_a_photo() -> None:
    (head,), flaws = read("72157607317745768 1808093328 -7 159 218 294 12 1\n")
    assert head == Head("72157607317745768", "1808093328", -7, 159, 218, 294, 12, 1)
    assert head.path == "train/72157607317745768_1808093328.jpg"
    assert SUBSETS == ("leftover", "train", "val", "test")
    assert flaws == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 2 3 4 5 6 7", "has 7 fields, expected 8"),
        ("1 2 3 4 5 6 7 4", "'4' is not a whole number from 0 to 3"),
        ("1 2 3 4 5 nan 7 1", "'nan' is not a whole number"),
        ("1 ../2 3 4 5 6 7 1", "'../2' is not a number of Flickr"),
        ("1 2 3 4 5 6 -7 1", "'-7' is not a whole number of 0 or more"),
    ],
)
def test_a_damaged_line_is_a_flaw(line: str, reason: str) -> None:
    found, flaws = read(f"1 2 3 4 5 6 7 1\n{line}\n1 2 3 4 5 6 7 1\n")
    assert len(found) == 2
    assert flaws[0][0] == 2
    assert reason in flaws[0][1]


digits = st.integers(0, 10**17).map(str)
drawn = st.builds(
    Head,
    digits,
    digits,
    *[st.integers(-(2**31), 2**31)] * 4,
    st.integers(0, 9999),
    st.integers(0, 3),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(rows=st.lists(drawn, min_size=1, max_size=8))
def test_what_was_written_is_read(rows: list[Head]) -> None:
    lines = [" ".join(str(getattr(row, f)) for f in Head.__slots__) + "\n" for row in rows]
    assert read("".join(lines)) == (rows, [])
