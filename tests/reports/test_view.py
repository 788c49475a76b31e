from dataclasses import replace
from typing import Any

import pytest

from facesr.reports._layout import tables
from facesr.reports._table import Table
from facesr.reports._view import cards, forest, headline, spots


@pytest.fixture
def two(make: Any) -> Table:
    """A column where higher and a column where lower is better."""
    rows = []
    for method, value in (("alder", 20.0), ("birch", 30.0), ("cedar", 25.0)):
        for metric, better, group in (
            ("psnr", "higher", "fidelity"),
            ("kid", "lower", "realism"),
        ):
            number = make.score(metric, value, better=better, group=group)
            rows.append(make.row(method, number))
    [table] = tables(rows, (), {"alder": "interpolation"})
    return table


def test_right_is_better_whichever_way_better_is(two: Table) -> None:
    higher = forest(two, 0)
    lower = forest(two, 1)
    assert [dot.line.method for dot in higher.dots] == ["birch", "cedar", "alder"]
    assert [dot.line.method for dot in lower.dots] == ["alder", "cedar", "birch"]
    for one in (higher, lower):
        places = [dot.at for dot in one.dots]
        assert places == sorted(places, reverse=True)
        assert all(dot.low < dot.at < dot.high for dot in one.dots)
        assert all(0 <= at <= 100 for at, _ in one.ticks)


def test_ticks_lie_where_their_numbers_are(two: Table) -> None:
    lower = forest(two, 1)
    [alder] = [dot for dot in lower.dots if dot.line.method == "alder"]
    [at] = [at for at, text in lower.ticks if text == "20.0"]
    assert at == pytest.approx(alder.at, abs=0.1)


def test_interpolation_squeezes_no_strip_and_still_leads_where_it_is_best(make: Any) -> None:
    values = {"bicubic": 10.0, "alder": 25.0, "birch": 26.0, "cedar": 27.0}
    rows = [make.row(method, make.score(value=value)) for method, value in values.items()]
    [table] = tables(rows, (), {"bicubic": "interpolation"})
    places = [line[0].dot.at for _, line in spots(table) if line[0].dot]
    assert places[0] == 0
    assert 2 < places[1] < 10
    rows[0] = make.row("bicubic", make.score(value=30.0))
    [table] = tables(rows, (), {"bicubic": "interpolation"})
    places = [line[0].dot.at for _, line in spots(table) if line[0].dot]
    assert places[0] > places[3]
    assert places[0] < 100


def test_each_question_is_answered_by_its_headline(make: Any) -> None:
    rows = [
        make.row("alder", make.score(metric, 1.0, group=group))
        for metric, group in (("ssim", "fidelity"), ("psnr", "fidelity"), ("kd[onet]", "realism"))
    ]
    [table] = tables(rows)
    assert [(card.question, card.column.metric) for card in cards(table)] == [
        ("Close to the original?", "psnr"),
        ("Does it look real?", "kd[onet]"),
    ]
    assert table.columns[headline(table, range(3))].metric == "kd[onet]"


def test_the_verdict_counts_only_methods_that_were_tested(make: Any) -> None:
    first, second, third = make.paired([25.0, 25.0001, 26.0])
    part = replace(third, n=39, samples=third.samples[:-1])
    [table] = tables([make.row(m, s) for m, s in zip("abc", (first, second, part), strict=True)])
    assert forest(table, 0).verdict == "The 2 methods cannot be told apart."
