import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats.lists import Face, faces, names

Flaws = list[tuple[int, str]]


def read_names(text: str) -> tuple[list[str], Flaws]:
    flaws: Flaws = []
    return list(names(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def read(text: str) -> tuple[list[Face], Flaws]:
    flaws: Flaws = []
    return list(faces(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_names_may_be_quoted_and_followed_by_comments() -> None:
    text = '# drop these\n100032540_1\na b.jpg # blurred\n"c # d.jpg" # why\ne#1.jpg\t# x\n'
    assert read_names(text) == (["100032540_1", "a b.jpg", "c # d.jpg", "e#1.jpg"], [])


def test_a_list_of_names_may_be_empty() -> None:
    assert read_names("") == ([], [])
    assert read_names("# nothing\n") == ([], [])


@pytest.mark.parametrize("line", ['"a.jpg', '"a.jpg" b', "../a.jpg", "/a.jpg", "a\\b.jpg", '""'])
def test_a_name_that_cannot_be_used_is_a_flaw(line: str) -> None:
    found, flaws = read_names(f"a.jpg\n{line}\nb.jpg\n")
    assert found == ["a.jpg", "b.jpg"]
    assert [number for number, _ in flaws] == [2]


def test_a_table_gives_what_it_has_and_ignores_other_columns() -> None:
    points = "lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy"
    text = f'score,Name,identity,x,y,w,h,{points}\n0.5,"a,b.jpg","Last, First",1,2,3.5,4'
    assert read(text + ",1,2,3,4,5,6,7,8,9,10\n") == (
        [Face("a,b.jpg", "Last, First", (1, 2, 3.5, 4), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10))],
        [],
    )
    assert read("name\n# comment\na.jpg\n") == ([Face("a.jpg")], [])


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("file,identity", "with `name` among them"),
        ("name,name", "each once"),
        ("name,x,y,w", "columns x, y, w without the others of x, y, w, h"),
        ("name,lex", "columns lex without the others"),
    ],
)
def test_a_table_with_other_columns_is_refused(header: str, sentence: str) -> None:
    with pytest.raises(BadData, match=sentence):
        read(f"{header}\na.jpg,1\n")


@pytest.mark.parametrize("line", ["b.jpg,1", 'b.jpg,"A', "b.jpg,A,nan,2,3,4", "../b,A,1,2,3,4"])
def test_a_damaged_line_is_a_flaw(line: str) -> None:
    found, flaws = read(f"name,identity,x,y,w,h\na.jpg,A,1,2,3,4\n{line}\nc.jpg,A,1,2,3,4\n")
    assert [face.name for face in found] == ["a.jpg", "c.jpg"]
    assert [number for number, _ in flaws] == [3]


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(rows=st.lists(st.tuples(*[st.integers(0, 99)] * 2), min_size=1))
def test_what_was_written_is_read(rows: list[tuple[int, int]]) -> None:
    text = "".join(f'"{a}, {b}.jpg",{b}\n' for a, b in rows)
    found = [Face(f"{a}, {b}.jpg", str(b)) for a, b in rows]
    assert read("name,identity\n" + text) == (found, [])
