import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from facesr.bench.errors import BadData
from facesr.datasets._formats.join import joined
from facesr.datasets._formats.lines import Lines, Source, path_inside, real, rows, whole
from facesr.datasets._formats.pipa import heads

Flaws = list[tuple[int, str]]


def read(source: Source) -> tuple[list[str], Flaws]:
    flaws: Flaws = []
    lines = Lines(source, "a list", lambda *flaw: flaws.append(flaw))

    def parse(text: str) -> str:
        if text == "bad":
            raise ValueError("is bad")
        return text

    return list(rows(lines, parse)), flaws


def test_endings_blanks_and_the_byte_order_mark_are_not_part_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa b \r\n\r\n\t c\t\nd")
    assert read(path) == (["a b", "c", "d"], [])
    assert read(io.StringIO("\ufeffa b \n\n c\nd")) == (["a b", "c", "d"], [])


def test_a_damaged_line_is_reported_with_its_number_and_the_next_is_read() -> None:
    data = b"a\nbad\n\n\xe9t\xe9\nx\0y\nz\n"
    found, flaws = read(io.BytesIO(data))
    assert found == ["a", "z"]
    assert flaws == [
        (2, "is bad"),
        (4, "is not UTF-8: '\\xe9t\\xe9\\n'"),
        (5, "holds control characters: 'x\\x00y'"),
    ]


def test_an_endless_line_is_one_flaw_and_takes_no_memory() -> None:
    data = io.BytesIO(b"a\n" + b"x" * 20_000_000 + b"\nb\n")
    tracemalloc.start()
    found, flaws = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ["a", "b"]
    assert flaws == [(2, "is longer than 65536 characters")]
    assert peak < 2_000_000


def test_a_file_without_one_good_line_is_a_sentence() -> None:
    with pytest.raises(BadData, match=r"the stream is not a list \(line 1: is bad\)"):
        read(io.BytesIO(b"bad\nbad\n"))
    with pytest.raises(BadData, match="it is empty"):
        read(io.BytesIO(b"\r\n \n"))


def test_a_large_file_of_something_else_is_given_up_early() -> None:
    flaws: Flaws = []
    lines = Lines(io.BytesIO(b"what?\n" * 100_000), "an index", lambda *flaw: flaws.append(flaw))
    with pytest.raises(BadData, match="is not an index"):
        list(rows(lines, whole))
    assert len(flaws) == 100


def test_a_folder_an_absent_file_and_another_encoding_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="is a folder, expected a file"):
        read(tmp_path)
    with pytest.raises(BadData, match="No such file"):
        read(tmp_path / "absent.txt")
    with pytest.raises(BadData, match="cannot be read"):
        read(Path("a\0b"))
    (tmp_path / "wide.txt").write_text("a\n", encoding="utf-16")
    with pytest.raises(BadData, match="is in UTF-16, expected UTF-8"):
        read(tmp_path / "wide.txt")
    with pytest.raises(BadData, match="expected UTF-8"):
        read(io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))


@pytest.mark.parametrize("text", ["", "1.0", "1_0", "٣", "9" * 30, "9" * 5000, "0x1", "nan"])
def test_only_plain_digits_are_a_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        whole(text)
    assert whole("-12") == -12
    with pytest.raises(ValueError, match="from 0 to 3"):
        whole("4", 0, 3)


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1e999", "1e300", "1_0.5", "x"])
def test_only_ordinary_numbers_are_real(text: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        real(text)
    assert real("-1.5e2") == -150.0


@pytest.mark.parametrize("text", ["", "/etc/x", "../x", "a/../x", "a//b", "a\\b", "c:x", "a/", "."])
def test_no_name_leads_out_of_the_data_set(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        path_inside(text)
    assert path_inside("0--Parade/a b.jpg") == "0--Parade/a b.jpg"


class Row:
    def __init__(self, name: str) -> None:
        self.name = name


def join(*orders: str, most: int = 100) -> tuple[list[str], list[str]]:
    def stream(order: str) -> Iterator[Row]:
        return map(Row, order)

    reasons: list[str] = []
    sources = {f"file {i}": stream(order) for i, order in enumerate(orders)}
    found = joined(sources, lambda _, reason: reasons.append(reason), most)
    return ["".join(row.name for row in each) for each in found], reasons


def test_rows_are_joined_whatever_their_order() -> None:
    assert join("abc", "abc") == (["aa", "bb", "cc"], [])
    found, reasons = join("abcd", "dcba", "bdac")
    assert sorted(found) == ["aaa", "bbb", "ccc", "ddd"]
    assert reasons == []


def test_names_that_a_file_lacks_or_has_twice_are_reported() -> None:
    found, reasons = join("abcd", "acd")
    assert found == ["aa", "cc", "dd"]
    assert reasons == ["b is not in file 1, or once less than elsewhere"]
    found, reasons = join("aab", "ab")
    assert found == ["aa", "bb"]
    assert reasons == ["a is not in file 1, or once less than elsewhere"]
    assert join("abb", "bab")[1] == []
    assert "b is twice in file 0; the first one counts" in join("bba", "acb")[1]


def test_a_file_that_ends_early_keeps_nobody_waiting() -> None:
    found, reasons = join("abcdefgh", "abc", "abcdefgh", most=2)
    assert found == ["aaa", "bbb", "ccc"]
    assert [reason[:15] for reason in reasons] == [f"{n} is not in file 1"[:15] for n in "defgh"]
    found, reasons = join("abcd", "ab", "bacd")
    assert sorted(found) == ["aaa", "bbb"]
    assert len(reasons) == 2


def test_orders_that_are_too_far_apart_are_a_sentence() -> None:
    with pytest.raises(BadData, match="file 0 and file 1 are in orders too different"):
        join("abcdef", "ghijkl", most=6)


def test_a_join_in_one_order_takes_no_memory() -> None:
    def stream() -> Iterator[Row]:
        return (Row(f"{i:07d}") for i in range(50_000))

    tracemalloc.start()
    assert sum(1 for _ in joined({"a": stream(), "b": stream()}, print)) == 50_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_parser_takes_no_memory() -> None:
    data = io.BytesIO(b"72157607317745768 1808093328 277 159 218 294 1 1\n" * 20_000)
    tracemalloc.start()
    assert sum(1 for _ in heads(data, print)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
