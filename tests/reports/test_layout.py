from dataclasses import replace
from typing import Any

import pytest

from facesr.bench.errors import BenchError
from facesr.bench.score import Curve, Failure
from facesr.reports.table import latex, markdown, tables


def test_two_identities_of_a_metric_are_refused(make: Any) -> None:
    rows = [
        make.row("alder", make.score(identity="psnr[y]")),
        make.row("birch", make.score(identity="psnr[rgb]")),
    ]
    with pytest.raises(BenchError, match=r"psnr\[rgb\] for birch and psnr\[y\] for alder"):
        tables(rows)


def test_two_identities_on_two_data_sets_are_two_tables(make: Any) -> None:
    rows = [
        make.row("alder", make.score(identity="fid[ref=a]")),
        make.row("alder", make.score(identity="fid[ref=b]"), dataset="celeba"),
    ]
    assert [table.dataset for table in tables(rows)] == ["celeba", "lfw"]


def test_two_numbers_for_one_cell_are_refused(make: Any) -> None:
    with pytest.raises(BenchError, match="alder has two numbers for psnr"):
        tables([make.row("alder", make.score()), make.row("alder", make.score(), seed=1)])


def test_marks_do_not_depend_on_the_order_of_rows(make: Any) -> None:
    rows = [make.row(m, s) for m, s in zip("abc", make.paired([26, 25.9, 25]), strict=True)]
    assert markdown(tables(rows)) == markdown(tables(rows[::-1]))


def test_a_number_from_part_of_the_pictures_is_shown_and_not_marked(make: Any) -> None:
    first, second, third = make.paired([25.0, 26.0, 24.0])
    part = replace(second, n=39, samples=second.samples[:-1])
    rows = [make.row(m, s) for m, s in zip("abc", (first, part, third), strict=True)]
    [table] = tables(rows)
    cells = [line.cells[0] for line in table.lines]
    assert [(cell.state, cell.mark) for cell in cells] == [
        ("value", 1),
        ("partly", 0),
        ("value", 2),
    ]
    assert "26.09† " in markdown([table])
    assert r"\partly{\numeral{2.2}{26.09}}" in latex([table])


def test_one_method_only_has_no_marks_and_says_so(make: Any) -> None:
    [table] = tables([make.row("alder", make.paired([26.0])[0])])
    assert table.lines[0].cells[0].mark == 0
    assert "one method only" in markdown([table])


def test_methods_that_saw_different_pictures_are_not_compared(make: Any) -> None:
    first, second = make.paired([25.0, 26.0])
    part = replace(second, n=39, samples=second.samples[:-1])
    [table] = tables([make.row("a", first), make.row("b", part)])
    assert "different numbers of pictures" in table.columns[0].untested


def test_numbers_of_a_method_that_failed_later_are_not_tested(make: Any) -> None:
    rows = [make.row(m, s) for m, s in zip("abc", make.paired([26, 25, 24]), strict=True)]
    [table] = tables(rows, [Failure("a", "lfw", "realworld", "images changed")])
    assert [line.cells[0].state for line in table.lines] == ["failed", "value", "value"]
    assert [line.cells[0].mark for line in table.lines] == [0, 1, 2]


def test_methods_stand_by_family_then_by_name(make: Any) -> None:
    rows = [make.row(name, make.score()) for name in ("zoom", "arch", "bicubic", "other")]
    [table] = tables(rows, (), {"zoom": "adversarial", "arch": "prior", "bicubic": "interpolation"})
    assert [line.method for line in table.lines] == ["bicubic", "zoom", "arch", "other"]


def fed(make: Any, method: str, faces: str, number: Any = None) -> Any:
    data = {"input": faces, "reference": "r"}
    return make.row(method, number or make.score(), provenance={"data": data})


def test_methods_that_were_tested_on_different_faces_share_no_table(make: Any) -> None:
    rows = [fed(make, "lrgan", "a1"), fed(make, "bicubic", "b2")]
    with pytest.raises(BenchError, match="bicubic and lrgan were tested on different faces under"):
        tables(rows)
    curve = Curve("acc", (1.0,), (1.0,), (0.0,), (2.0,), "px", "higher", 4, "acc@v1")
    with pytest.raises(BenchError, match="different faces under the name lfw"):
        tables([fed(make, "lrgan", "a1"), fed(make, "bicubic", "b2", curve)])


def test_the_same_faces_other_data_sets_and_unknown_faces_are_no_mixture(make: Any) -> None:
    same = [fed(make, "lrgan", "a1"), fed(make, "bicubic", "a1")]
    other = replace(fed(make, "lrgan", "b2"), dataset="celeba")
    odd = make.row("odd", make.score(), provenance={"data": None})
    assert len(tables([*same, other, odd, make.row("old", make.score())])) == 2


def test_a_failed_method_does_not_make_a_mixture_of_faces(make: Any) -> None:
    rows = [fed(make, "lrgan", "a1"), fed(make, "bicubic", "b2")]
    [table] = tables(rows, [Failure("lrgan", "lfw", "realworld", "no memory")])
    assert [line.method for line in table.lines] == ["bicubic", "lrgan"]


def test_a_number_per_person_is_tested_like_one_per_picture(make: Any) -> None:
    def marks(sampling: str) -> list[Any]:
        numbers = [replace(s, sampling=sampling) for s in make.paired([26, 25.9, 25, 25])]
        [table] = tables([make.row(m, s) for m, s in zip("abcd", numbers, strict=True)])
        assert not table.columns[0].untested
        return [line.cells[0].standing for line in table.lines]

    assert marks("person") == marks("picture")
    assert {standing.group for standing in marks("person")} == {0, 1, 2}


def test_missing_people_are_not_called_pictures(make: Any) -> None:
    first, second = (replace(s, sampling="person") for s in make.paired([25.0, 26.0]))
    part = replace(second, n=39, samples=second.samples[:-1])
    [table] = tables([make.row("a", first), make.row("b", part)])
    assert "different numbers of people" in table.columns[0].untested


def test_wide_tables_are_split_between_groups(make: Any) -> None:
    groups = ["fidelity"] * 4 + ["realism"] * 4
    rows = [make.row("alder", make.score(f"m{i}", group=group)) for i, group in enumerate(groups)]
    [table] = tables(rows)
    assert table.chunks(7) == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert table.chunks(8) == [tuple(range(8))]
    assert table.chunks(3) == [(0, 1, 2), (3,), (4, 5, 6), (7,)]
