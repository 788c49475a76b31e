from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from facesr.bench import catalog, choices, plan
from facesr.bench.catalog import Kind
from facesr.bench.errors import BenchError
from facesr.protocols._quirks import Preset, marked
from facesr.protocols.cr_2019 import INPUT
from facesr.reports._published import (
    HEADER,
    Published,
    papers,
    published,
    read,
)

EVERY = published()
PAPERS = ("lrgan_2018", "cr_2019", "selfsr_2021", "scgan_2022", "two_step_2022")

# (paper, table): numbers, as rows x columns of the table
COUNTS = {
    ("lrgan_2018", "1"): 9 * 2,
    ("lrgan_2018", "text 4.2"): 2,
    ("cr_2019", "1"): 8 * 2,
    ("cr_2019", "2"): 9,
    ("cr_2019", "3"): 8 * 2,
    ("cr_2019", "4"): 2 * 2,
    ("cr_2019", "5"): 2 * 2,
    ("cr_2019", "6"): 2 * 2,
    ("cr_2019", "7"): 2 * 2,
    ("cr_2019", "text 4.1"): 3 * 3,
    ("selfsr_2021", "I"): 9 * 9 - 1,  # bicubic interpolation has no parameters
    ("selfsr_2021", "II"): 8,
    ("selfsr_2021", "III"): 4 * 2,
    ("selfsr_2021", "IV"): 8 * 4,
    ("scgan_2022", "1"): 4 * 4 * 3,
    ("scgan_2022", "2"): 4 * 5 * 3,
    ("scgan_2022", "3"): 4 * 4 * 3,
    ("scgan_2022", "4"): 16 * 6,
    ("scgan_2022", "5"): 12 * 9,
    ("scgan_2022", "6"): 7 * 4,
    ("scgan_2022", "7"): 8,
    ("two_step_2022", "1"): 2 * 2,
    ("two_step_2022", "2"): 3 * 2,
    ("two_step_2022", "3"): 5 * 2,
}
RANGES = {
    "FID": (5, 500),
    "FID of low-resolution faces": (10, 90),
    "KID": (0.5, 25),
    "PSNR": (16, 28),
    "SSIM": (0.6, 0.82),
    "LPIPS": (0.06, 1),
    "NIQE": (5, 20),
    "rank 1": (20, 31),
    "detection accuracy, %": (30, 100),
    "verification accuracy, %": (10, 100),
    "parameters, M": (2, 25),
    "training, h": (40, 90),
    "inference per image, ms": (6, 150),
}


def test_there_is_a_file_for_each_paper_and_its_protocol() -> None:
    assert tuple(papers()) == PAPERS
    assert set(papers()) <= set(catalog.names("protocols"))


def test_every_table_has_as_many_numbers_as_rows_and_columns() -> None:
    assert Counter((r.paper, r.table) for r in EVERY) == COUNTS
    assert len(EVERY) == 630


def test_no_number_is_there_twice() -> None:
    keys = Counter((r.paper, r.table, r.part, r.dataset, r.title, r.metric) for r in EVERY)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("metric", RANGES)
def test_numbers_are_of_a_plausible_size(metric: str) -> None:
    low, high = RANGES[metric]
    values = [r.value for r in EVERY if r.metric == metric]
    assert values
    assert low <= min(values) <= max(values) <= high


def test_every_metric_has_a_range_and_one_direction() -> None:
    assert {r.metric for r in EVERY} == set(RANGES)
    assert len({(r.metric, r.better) for r in EVERY}) == len(RANGES)


def test_a_metric_is_printed_in_one_precision_in_each_table_but_these() -> None:
    seen: dict[tuple[str, str, str], set[float]] = {}
    for r in EVERY:
        seen.setdefault((r.paper, r.table, r.metric), set()).add(r.rounding)
    assert {key for key, roundings in seen.items() if len(roundings) > 1} == {
        ("cr_2019", "text 4.1", "parameters, M"),
        ("cr_2019", "text 4.1", "inference per image, ms"),
        ("two_step_2022", "1", "FID"),
        ("two_step_2022", "1", "NIQE"),
        ("two_step_2022", "2", "FID"),
        ("two_step_2022", "3", "FID"),
    }


def test_only_the_kid_has_a_spread_and_always() -> None:
    assert {r.metric for r in EVERY if r.spread is not None} == {"KID"}
    spreads = [r.spread for r in EVERY if r.metric == "KID"]
    assert all(s is not None and 0.05 <= s <= 0.35 for s in spreads)


def test_numbers_that_a_paper_prints_in_several_tables_agree() -> None:
    found: dict[tuple[str, ...], list[Published]] = {}
    for r in EVERY:
        if r.method and r.column:
            method = r.method.replace("[adversarial=none]", "[losses=wo_al]")
            found.setdefault((r.paper, method, r.on, r.column), []).append(r)
    repeated = [same for same in found.values() if len(same) > 1]
    assert len(repeated) == 29
    assert [same for same in repeated if len({r.shown for r in same}) > 1] == []


def test_every_name_of_ours_exists_with_its_settings_where_it_is_installed() -> None:
    methods = {r.method for r in EVERY} - {"", "*"}
    known = [m for m in methods if m.partition("[")[0] in catalog.names("methods")]
    named: dict[Kind, Iterable[str]] = {
        "methods": known,
        "protocols": {r.protocol for r in EVERY} - {""},
        "datasets": {r.on for r in EVERY} - {""},
    }
    for kind, labels in named.items():
        for choice in (choices.parse(kind, label) for label in labels):
            plan.typed(catalog.load(kind, choice.name), choice.settings, choice.name)


def test_every_column_is_one_that_the_protocol_measures() -> None:
    for label in {r.protocol for r in EVERY if r.protocol}:
        protocol = plan.build_protocol(choices.parse("protocols", label))
        assert isinstance(protocol, Preset)
        measured = {m.column for paired in (False, True) for m in protocol.asked(paired)}
        measured |= {marked(name, INPUT) for name in measured if name.startswith("identification")}
        assert {r.column for r in EVERY if r.protocol == label} <= measured


def line(**changes: str) -> str:
    given = dict.fromkeys(HEADER, "") | {"table": "1", "better": "lower", "value": "2.50"}
    return ",".join((given | changes)[name] for name in HEADER)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "somebody_2020.csv"
    path.write_text("\n".join(("# a remark", ",".join(HEADER), *lines)), encoding="utf-8")
    return path


def test_a_number_is_kept_as_printed(tmp_path: Path) -> None:
    [record] = read(written(tmp_path, line(spread="0.10", times="10")))
    assert (record.paper, record.shown, record.times) == ("somebody_2020", "2.50±0.10", 10)
    assert record.rounding == pytest.approx(0.005)
    assert record.place == "somebody_2020, table 1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"value": "2,5"}, "argument"),
        ({"value": "x"}, "could not convert"),
        ({"better": "up"}, "better is 'up'"),
        ({"mark": "fourth", "seen": "print"}, "no mark 'fourth'"),
        ({"mark": "best"}, "given together"),
        ({"protocol": "realworld"}, "given together"),
    ],
)
def test_a_line_that_is_no_number_is_named(
    tmp_path: Path, changes: dict[str, str], why: str
) -> None:
    path = written(tmp_path, line(), line(**changes))
    with pytest.raises(BenchError, match="line 4") as error:
        list(read(path))
    assert why in str(error.value)


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_2020.csv"
    path.write_text("table,value\n1,2\n", encoding="utf-8")
    with pytest.raises(BenchError, match="other columns"):
        list(read(path))
