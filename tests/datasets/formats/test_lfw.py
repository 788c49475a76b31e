import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats.lfw import Pair, Person, pairs, path, people

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
Flaws = list[tuple[int, str]]
SAME, OTHER = "Ann_A\t1\t2\n", "Ann_A\t1\tBob_B\t3\n"


def read(text: str) -> tuple[list[Pair], Flaws]:
    flaws: Flaws = []
    return list(pairs(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def read_people(text: str) -> tuple[list[Person], Flaws]:
    flaws: Flaws = []
    return list(people(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_the_official_file_is_read_without_a_flaw() -> None:
    file = SHARED / "lfw/pairs.txt"
    if not file.is_file():
        pytest.skip("LFW is not on this machine")
    flaws: Flaws = []
    found = list(pairs(file, lambda *flaw: flaws.append(flaw)))
    folds, each = map(int, file.read_text().split("\n", 1)[0].split())
    assert flaws == []
    assert len(found) == 2 * folds * each
    assert sum(pair.same for pair in found) == folds * each
    root = SHARED / "lfw/lfw-deepfunneled"
    assert all((root / path(*pair.left)).is_file() for pair in found[:: max(1, each // 20)])


def test_folds_begin_where_pairs_of_one_person_do() -> None:
    found, flaws = read("2\t2\n" + (SAME * 2 + OTHER * 2) * 2)
    assert [pair.fold for pair in found] == [0] * 4 + [1] * 4
    assert [pair.same for pair in found] == [True, True, False, False] * 2
    assert found[2] == Pair(0, ("Ann_A", 1), ("Bob_B", 3))
    assert flaws == []


def test_the_development_files_have_one_fold() -> None:
    found, flaws = read("1\r\n" + SAME + OTHER)
    assert [pair.fold for pair in found] == [0, 0]
    assert flaws == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2\t1\n" + SAME + OTHER, "declares 2 folds, 1 follow"),
        ("1\t1\n" + (SAME + OTHER) * 2, "is in fold 2 of 1"),
        ("1\t2\n" + SAME * 2 + OTHER, "fold 1 has 2 pairs of one person and 1 of two"),
        (SAME + OTHER, "comes before a line with the numbers"),
    ],
)
def test_numbers_that_lie_are_reported(text: str, reason: str) -> None:
    found, flaws = read(text)
    assert len(found) >= 2
    assert reason in " ".join(reason for _, reason in flaws)


@pytest.mark.parametrize(
    "line", ["Ann_A\t0\t2\n", "Ann_A\t1\n", "../A\t1\t2\n", "A\t1\tA\t2\n", "A\t1\tB\tx\n", "7 7\n"]
)
def test_a_damaged_line_moves_no_pair_to_another_fold(line: str) -> None:
    found, flaws = read("2\t2\n" + SAME + line + OTHER * 2 + SAME * 2 + OTHER * 2)
    assert [pair.fold for pair in found] == [0] * 3 + [1] * 4
    assert [number for number, _ in flaws] == [3, 6]


def test_the_three_lists_of_people_are_read() -> None:
    folds, flaws = read_people("2\n1\nAnn_A\t3\n2\nBob_B\t1\nEve\t2\n")
    assert folds == [Person("Ann_A", 3, 0), Person("Bob_B", 1, 1), Person("Eve", 2, 1)]
    assert flaws == []
    assert read_people("2\nAnn_A\t3\nBob_B\t1\n")[1] == []
    assert read_people("Ann_A\t3\nBob_B\t1\n") == (
        [Person("Ann_A", 3, 0), Person("Bob_B", 1, 0)],
        [],
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2\n1\nAnn_A\t3\n", "declares 2 folds, 1 follow"),
        ("3\nAnn_A\t3\n", "declares 3 people, 1 follow"),
        ("1\nAnn_A\t3\nBob 1 2\n", "has 3 fields, expected 2"),
        ("1\nAnn_A\t3\nBob\t-1\n", "'-1' is not a whole number from 1 to 9999"),
    ],
)
def test_lists_of_people_that_lie_are_reported(text: str, reason: str) -> None:
    found, flaws = read_people(text)
    assert found[0].name == "Ann_A"
    assert reason in flaws[0][1]


def test_another_file_is_refused() -> None:
    with pytest.raises(BadData, match="is not a list of LFW pairs"):
        read("000001.jpg 2880\n")
    with pytest.raises(BadData, match="is not a list of LFW people"):
        read_people("a b c\n")


numbers = st.integers(1, 9999)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(folds=st.integers(1, 4), rows=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_what_was_written_is_read(folds: int, rows: list[tuple[int, int]]) -> None:
    text, expected = f"{folds}\t{len(rows)}\n", []
    for fold in range(folds):
        text += "".join(f"A_B\t{i}\t{j}\n" for i, j in rows)
        text += "".join(f"A_B\t{i}\tC\t{j}\n" for i, j in rows)
        expected += [Pair(fold, ("A_B", i), ("A_B", j)) for i, j in rows]
        expected += [Pair(fold, ("A_B", i), ("C", j)) for i, j in rows]
    assert read(text) == (expected, [])
