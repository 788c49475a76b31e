import csv
import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.cli import main
from facesr.bench.errors import BadName
from facesr.bench.score import Failure, Row, Score
from facesr.bench.store import Record, Results, Store
from facesr.reports._against import Against, admissions, against, meaning, quirks_of
from facesr.reports._published import Published, of_paper, published
from facesr.reports._sheets import (
    COLUMNS,
    CSV_HEADER,
    Comparison,
    compare,
    csv_sheets,
    latex_sheets,
    markdown_sheets,
)
from facesr.reports._terminal import terminal_sheets
from facesr.reports.write import PUBLISHED_FILES, text_published, write_published

FID, KID = "fid[torchvision,drop64,minmax-down]", "kid[subsets=100,minmax-down]"
[SCGAN_FID] = (
    r
    for r in of_paper("scgan_2022")
    if (r.table, r.dataset, r.title, r.metric) == ("5", "Widerface", "SCGAN (ours)", "FID")
)
[SCGAN_KID] = (
    r
    for r in of_paper("scgan_2022")
    if (r.table, r.dataset, r.title, r.metric) == ("5", "Widerface", "SCGAN (ours)", "KID")
)
HOSTILE = (
    'a|b <script>alert(1)</script> & 50% x_y {z} [l](u) \\ `c` \u4e2d\u6587 \u0111 "q" ' + "n" * 200
)


def measured(
    value: float | None, half: float = 0.5, column: str = FID, method: str = "scgan", **more: Any
) -> Row:
    score = Score(
        column,
        value,
        "lower",
        2000,
        f"{column}@v1",
        None if value is None or not half else value - half,
        None if value is None or not half else value + half,
        note="needs the asset 'inception'" if value is None else "",
    )
    given: dict[str, Any] = {
        "dataset": "scgan_2022",
        "protocol": "scgan_2022",
        "budget": "paper",
        "settings": {},
        "seed": 0,
        "provenance": {},
        "timing": {},
    }
    return Row(method, score=score, **(given | more))


def found(*rows: Row, number: Published = SCGAN_FID, failures: Sequence[Failure] = ()) -> Against:
    [one] = against(Results(list(rows), list(failures)), [number])
    return one


def test_a_difference_is_counted_in_half_widths_of_our_interval() -> None:
    one = found(measured(14.32, half=0.5))
    assert one.here == pytest.approx(14.32)
    assert one.half == pytest.approx(0.5)
    assert one.difference == pytest.approx(1.0)
    assert one.in_halves == pytest.approx(2.0)
    assert one.shown == ("14.3±0.5", "+1.0", "+2.0")


@pytest.mark.parametrize(
    ("here", "half", "state"),
    [
        (13.32 + 0.99, 0.5, "agrees"),
        (13.32 - 0.99, 0.5, "agrees"),
        (13.32 + 1.01, 0.5, "differs"),
        (13.32 - 1.01, 0.5, "differs"),
        (13.3249, 0.0001, "agrees"),  # the paper rounds to 0.01
        (13.3251, 0.0001, "differs"),
        (13.3249, 0, "agrees"),
        (13.4, 0, "no interval"),
    ],
)
def test_a_number_agrees_within_two_half_widths_or_the_rounding_of_the_paper(
    here: float, half: float, state: str
) -> None:
    assert found(measured(here, half)).state == state


def test_a_unit_that_is_not_ours_is_turned_into_that_of_the_paper() -> None:
    one = found(measured(10.8, 0.4, KID), number=SCGAN_KID)
    assert one.here == pytest.approx(1.08)
    assert one.half == pytest.approx(0.04)
    assert (one.state, one.shown[0]) == ("agrees", "1.08±0.04")


def test_a_number_of_another_protocol_is_shown_and_never_subtracted() -> None:
    one = found(measured(13.32, column="fid", protocol="realworld"))
    assert (one.state, one.difference, one.in_halves) == ("other protocol", None, None)
    assert one.shown == ("13.3±0.5", "", "")
    for quirk in ("output=minmax", "inception=torchvision", "drop_last=True", FID, "realworld"):
        assert quirk in one.why[0]


def test_the_paper_s_own_protocol_is_preferred() -> None:
    other = measured(99, column="fid", protocol="realworld")
    assert found(other, measured(13.32)).difference == pytest.approx(0)
    assert found(other, measured(None)).state == "other protocol"


def test_a_row_of_another_method_data_set_or_setting_is_no_counterpart() -> None:
    assert found(measured(13.32, method="lrgan")).state == "not run"
    assert found(measured(13.32, method="scgan[sharing=SA]")).state == "not run"
    assert found(measured(13.32, dataset="scgan_2022[test=webface]")).state == "not run"
    assert found(measured(13.32, dataset="lfw")).state == "not run"


def test_defaults_need_not_be_said() -> None:
    row = measured(13.32, method="scgan[sharing=none]", dataset="scgan_2022[test=widerface]")
    assert found(row).state == "agrees"
    assert meaning("protocols", "selfsr_2021") == meaning("protocols", "selfsr_2021[scale=8]")
    assert meaning("protocols", "selfsr_2021") != meaning("protocols", "selfsr_2021[scale=4]")
    assert meaning("methods", "unheard-of[a=1]") == ("unheard-of", frozenset({("a", "1")}))


def test_a_number_without_value_says_why() -> None:
    one = found(measured(None))
    assert (one.state, one.why) == ("no value", ("needs the asset 'inception'",))
    lost = Failure("scgan", "scgan_2022", "scgan_2022", "ran out of memory")
    assert found(failures=[lost]).why == ("ran out of memory",)
    assert found(failures=[replace(lost, protocol="realworld")]).state == "not run"


def test_a_number_that_nothing_measures_has_no_counterpart() -> None:
    [number] = (r for r in of_paper("lrgan_2018") if r.title == "High-to-Low")
    assert found(measured(15.27), number=number).state == "not comparable"


def test_the_raw_input_is_that_of_any_method() -> None:
    [number] = (r for r in of_paper("cr_2019") if r.method == "*")
    row = measured(24.8, column=number.column, method="bicubic", dataset="cr_2019")
    rows = replace(row, protocol="cr_2019"), replace(row, protocol="cr_2019", method="lrgan")
    assert found(*rows, number=number).row == rows[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"budget": "short"}, "trained at the budget short"),
        ({"provenance": {"changed": ["width", "steps"]}}, "width, steps"),
        ({"provenance": {"limit": 1600}}, "at most 1,600 faces"),
        ({"provenance": {"partial": "200 of 2,000 faces"}}, "200 of 2,000 faces"),
    ],
)
def test_conditions_that_are_not_the_paper_s_are_named(change: dict[str, Any], why: str) -> None:
    [said] = found(measured(40.0, **change)).why
    assert why in said
    assert found(measured(40.0)).why == ()


def test_what_a_paper_leaves_open_is_read_from_its_protocol_and_data_set() -> None:
    assert any("CentreFace" in said for said in admissions("protocols", "cr_2019"))
    assert any("drawn is ours" in s for s in admissions("datasets", "scgan_2022[test=ffhq]"))
    assert all("`" not in said for said in admissions("protocols", "scgan_2022"))
    assert admissions("protocols", "unheard-of") == ()
    assert quirks_of("lrgan_2018").startswith("output=minmax, rounding=down, storage=jpeg")
    assert quirks_of("two_step_2022") == ""


@pytest.fixture
def comparison() -> Comparison:
    number = replace(SCGAN_FID, title=HOSTILE, dataset=HOSTILE, metric=HOSTILE, method=HOSTILE)
    second = replace(SCGAN_FID, title="=cmd()", method="=cmd()", mark="second", printed="14.00")
    other = measured(30.0, column="fid", protocol="realworld", budget="short")
    rows = [measured(14.0, method=HOSTILE), measured(12.0, method="=cmd()"), other]
    lost = replace(SCGAN_FID, method="gone")
    failed = Failure("gone", "scgan_2022", "scgan_2022", HOSTILE)
    return compare(Results(rows, [failed]), [number, second, SCGAN_FID, lost])


def test_the_summary_counts_every_number() -> None:
    rows = Results([measured(13.3), measured(30.0, method="lrgan", column="fid", protocol="p")])
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", compare(rows).summary)]
    every, beside, agree, differ, bare, *others = numbers
    assert every == len(published()) == beside + sum(others)
    assert beside == agree + differ + bare > 0
    assert "--protocol PAPER" in compare(Results()).summary


def test_notes_are_said_once_per_paper() -> None:
    sheets = compare(Results([measured(13.3, budget="short")])).sheets
    assert len(sheets) == 5  # tables 1 to 5 print this number
    notes = [note for sheet in sheets for note in sheet.notes]
    assert len(set(notes)) == len(notes)
    assert any("measured as in scgan_2022: output=minmax" in note for note in notes)


def test_markdown_is_this_text() -> None:
    page = markdown_sheets(compare(Results([measured(14.6)]), [SCGAN_FID, SCGAN_KID]))
    assert "## scgan\\_2022, table 5" in page
    assert f"| {' | '.join(COLUMNS)} |\n" in page
    line = "| Widerface | SCGAN (ours) = scgan | FID ↓ | **13.32** | 14.6±0.5 | +1.3 | +2.6 |"
    assert f"| --- | --- | --- | --: | --: | --: | --: | --- |\n{line} differs |\n\n" in page


def test_hostile_names_are_only_names_in_markdown(comparison: Comparison) -> None:
    page = markdown_sheets(comparison)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    table = [line for line in page.splitlines() if line.startswith("| ")]
    assert {len(re.split(r"(?<!\\)\|", line)) for line in table} == {len(COLUMNS) + 2}


def test_the_csv_has_every_number_and_no_formula(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(csv_sheets(comparison))))
    assert [line["verdict"] for line in lines] == [
        "agrees",
        "differs",
        "other protocol",
        "no value",
    ]
    assert lines[0]["title"] == HOSTILE
    assert lines[1]["title"] == lines[1]["here_method"] == "'=cmd()"
    assert float(lines[0]["difference"]) == pytest.approx(14 - 13.32)
    assert (lines[2]["difference"], lines[2]["here_protocol"]) == ("", "realworld")
    whole = list(csv.DictReader(io.StringIO(text_published(Results(), "csv"))))
    assert len(whole) == len(published())
    assert tuple(whole[0]) == CSV_HEADER
    assert {line["verdict"] for line in whole} == {"not run", "not comparable"}


def test_the_terminal_shows_the_same_numbers(
    comparison: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal_sheets(comparison)
    out = capsys.readouterr().out
    assert "13.32*" in out
    assert "14.00+" in out
    assert "14.0±0.5" in out
    assert "Here bold is written *" in out
    terminal_sheets(compare(Results()))
    assert capsys.readouterr().out.startswith("Of 630 published numbers 0 stand")


def test_html_escapes_names_and_shows_the_marks(tmp_path: Path) -> None:
    row = measured(14.0, provenance={"partial": HOSTILE})
    [path] = write_published(Results([row]), tmp_path, ("html",))
    page = path.read_text(encoding="utf-8")
    assert "<strong>13.32</strong>" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 50%" in page
    assert page.count("<table") == page.count("<caption") == 5
    assert "http" not in re.sub(r"http-equiv", "", page)


def test_every_format_is_written_under_its_name(tmp_path: Path) -> None:
    results = Results([measured(14.0)])
    paths = write_published(results, tmp_path, tuple(PUBLISHED_FILES))
    assert [p.name for p in paths] == list(PUBLISHED_FILES.values())
    for name in ("md", "csv", "latex"):
        assert (tmp_path / PUBLISHED_FILES[name]).read_text() == text_published(results, name)
    again = write_published(results, tmp_path / "again", tuple(PUBLISHED_FILES))
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]


def test_an_unknown_format_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="docx"):
        write_published(Results(), tmp_path / "out", ("md", "docx"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadName, match="known: md, csv, latex"):
        text_published(Results(), "html")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles_without_warnings(comparison: Comparison, tmp_path: Path) -> None:
    [sheet] = comparison.sheets
    plain = (*sheet.lines[1:], *sheet.lines[1:3] * 30)  # two floats
    sheets = (replace(sheet, lines=sheet.lines[:1]), replace(sheet, lines=plain, notes=()))
    many = replace(comparison, sheets=sheets)
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,xcolor}\\begin{document}\n"
        + latex_sheets(many)
        + "\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "LaTeX Warning" not in done.stdout


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = measured(14.0)
    assert isinstance(row.score, Score)
    Store(tmp_path / "runs").write(
        Record("scgan", "scgan_2022", "scgan_2022", "paper", {}, 0, {}, [row.score], [], {}, {})
    )
    command = ["report", str(tmp_path / "runs"), "--published"]
    assert main(command) == 0
    assert "13.32*" in capsys.readouterr().out
    assert main([*command, "--format", "md"]) == 0
    assert "**13.32**" in capsys.readouterr().out
    assert main([*command, "--format", "csv,html", "--out", str(tmp_path / "r")]) == 0
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"published.csv", "published.html"}
