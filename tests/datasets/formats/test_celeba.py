import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats import celeba
from facesr.datasets._formats.celeba import Face, Identity, Mapped, Partition
from facesr.datasets._formats.lines import Bad, Source

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
Flaws = list[tuple[int, str]]
POINTS = (
    "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y "
    "leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
)
BOX = "image_id x_1 y_1 width height"


def read(parser: Callable[[Source, Bad], Iterator[Any]], text: str) -> tuple[list[Any], Flaws]:
    flaws: Flaws = []
    return list(parser(io.StringIO(text), lambda *flaw: flaws.append(flaw))), flaws


def test_the_official_list_of_identities_is_read_without_a_flaw() -> None:
    path = SHARED / "celeba/identity_CelebA.txt"
    if not path.is_file():
        pytest.skip("CelebA is not on this machine")
    flaws: Flaws = []
    found = list(celeba.identities(path, lambda *flaw: flaws.append(flaw)))
    assert flaws == []
    assert [[row.name, str(row.identity)] for row in found] == [
        line.split() for line in path.read_text().splitlines()
    ]


def test_identities_and_parts_are_numbers_beside_names() -> None:
    assert read(celeba.identities, "000001.jpg 2880\n") == ([Identity("000001.jpg", 2880)], [])
    found, flaws = read(celeba.partitions, "000001.jpg 0\n000002.jpg 3\n../3.jpg 1\n000004.jpg 2\n")
    assert found == [Partition("000001.jpg", 0), Partition("000004.jpg", 2)]
    assert [number for number, _ in flaws] == [2, 3]


def test_tables_have_a_count_columns_and_rows() -> None:
    row = "000001.jpg    69  109  106  113   77  142   73  152  108  154"
    (found,), flaws = read(celeba.landmarks, f"1\n{POINTS} \n{row}\n")
    assert found.points == (69, 109, 106, 113, 77, 142, 73, 152, 108, 154)
    assert flaws == []
    (found,), flaws = read(celeba.boxes, f"1\r\n{BOX}\r\n000001.jpg  -1  71 0  313\r\n")
    assert (found.x, found.y, found.w, found.h) == (-1, 71, 0, 313)
    (found,), flaws = read(celeba.attributes, "1\nBald Young \n000001.jpg -1  1\n")
    assert dict(zip(found.labels, found.values, strict=True)) == {"Bald": -1, "Young": 1}
    assert flaws == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (f"2\n{BOX}\n1.jpg 1 2 3 4\n", 1, "declares 2 photos, 1 follow"),
        (f"{BOX}\n1.jpg 1 2 3 4\n", 2, "the number of photos or columns is absent"),
        ("1\n1.jpg 1 2 3 4\n", 2, "the number of photos or columns is absent"),
        ("1\nimage_id y_1 x_1 width height\n1.jpg 1 2 3 4\n", 2, "should be `image_id x_1 y_1"),
        (f"2\n{BOX}\n1.jpg 1 2 3 4\n2.jpg 1 2 3\n", 4, "has 4 fields, expected 5"),
        (f"2\n{BOX}\n1.jpg 1 2 3 4\n2.jpg 1 2 3 inf\n", 4, "'inf' is not a whole number"),
    ],
)
def test_a_table_that_is_damaged_is_read_and_reported(text: str, line: int, reason: str) -> None:
    found, flaws = read(celeba.boxes, text)
    assert [row.name for row in found] == ["1.jpg"]
    assert len(flaws) == 1
    assert flaws[0][0] == line
    assert reason in flaws[0][1]


def test_an_attribute_is_there_or_not() -> None:
    found, flaws = read(celeba.attributes, "2\nBald Young\n1.jpg -1 1\n2.jpg 0 1\n")
    assert [row.name for row in found] == ["1.jpg"]
    assert "neither 1 nor -1" in flaws[0][1]


def test_another_file_is_refused() -> None:
    for parser in (celeba.identities, celeba.boxes, celeba.attributes, celeba.mapping):
        with pytest.raises(BadData, match="CelebA"):
            read(parser, "version: 1\nn_points: 68\n{\n1.5 2.5\n}\n")


def lists(names: list[str], order: Callable[[list[str]], list[str]]) -> dict[str, Source]:
    other = order(names)
    return {
        "identity": io.StringIO("".join(f"{n} {i}\n" for i, n in enumerate(names))),
        "partition": io.StringIO("".join(f"{n} {names.index(n) % 3}\n" for n in other)),
        "box": io.StringIO(f"{len(names)}\n{BOX}\n" + "".join(f"{n} 1 2 3 4\n" for n in other)),
    }


@pytest.mark.parametrize("order", [list, sorted, lambda names: names[::-1]])
def test_lists_are_joined_by_name_in_any_order(order: Callable[[list[str]], list[str]]) -> None:
    names = [f"{i:06d}.jpg" for i in (3, 1, 2, 9, 5)]
    flaws: Flaws = []
    found = list(celeba.faces(lambda *flaw: flaws.append(flaw), **lists(names, order)))
    expected = [Face(n, i, i % 3, None, (1, 2, 3, 4)) for i, n in enumerate(names)]
    assert sorted(found, key=lambda face: face.name) == sorted(expected, key=lambda f: f.name)
    assert flaws == []


def test_flaws_of_joined_lists_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "identity_CelebA.txt").write_text("1.jpg 1\n2.jpg x\n3.jpg 3\n")
    flaws: Flaws = []
    found = celeba.faces(
        lambda *flaw: flaws.append(flaw),
        identity=tmp_path / "identity_CelebA.txt",
        partition=io.StringIO("1.jpg 0\n2.jpg 0\n3.jpg 0\n"),
    )
    assert [face.name for face in found] == ["1.jpg", "3.jpg"]
    assert flaws[0][0] == 2
    assert "identity_CelebA.txt): 'x' is not a whole number" in flaws[0][1]
    assert flaws[1] == (
        0,
        f"2.jpg is not in {flaws[0][1].split(': ')[0]}, or once less than elsewhere",
    )


def test_lists_in_one_order_are_joined_without_keeping_them() -> None:
    names = [f"{i:06d}.jpg" for i in range(20_000)]
    one = io.BytesIO("".join(f"{name} 7\n" for name in names).encode())
    other = io.BytesIO("".join(f"{name} 1\n" for name in names[1:]).encode())  # one behind
    flaws: Flaws = []
    tracemalloc.start()
    found = celeba.faces(lambda *flaw: flaws.append(flaw), identity=one, partition=other)
    assert sum(1 for _ in found) == len(names) - 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert len(flaws) == 1


def test_the_mapping_of_celebahq_is_read() -> None:
    text = "idx    orig_idx    orig_file\n0           119613      119614.jpg\n"
    text += "1 0 000001.jpg a b\n2 x\n"
    found, flaws = read(celeba.mapping, text)
    assert found == [Mapped(0, 119613, "119614.jpg"), Mapped(1, 0, "000001.jpg")]
    assert [number for number, _ in flaws] == [4]


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(rows=st.lists(st.lists(st.integers(-(2**31), 2**31), min_size=4, max_size=4), min_size=1))
def test_what_was_written_is_read(rows: list[list[int]]) -> None:
    text = f"{len(rows)}\n{BOX}\n"
    text += "".join(f"{i:06d}.jpg {' '.join(map(str, row))}\n" for i, row in enumerate(rows))
    found, flaws = read(celeba.boxes, text)
    assert [[row.x, row.y, row.w, row.h] for row in found] == rows
    assert flaws == []
