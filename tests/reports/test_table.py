import csv
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.errors import BadName, BenchError
from facesr.bench.score import Curve, Failure
from facesr.bench.store import Results
from facesr.reports._families import families
from facesr.reports.table import (
    comma_separated,
    latex,
    markdown,
    tables,
    terminal,
    terminal_scores,
)
from facesr.reports.write import text, write

MARKDOWN = """\
## lfw, protocol realworld

| method | psnr dB ↑ | fid ↓ |
| --- | --: | --: |
| alder | **26.09** | 40.0 |
| birch | <ins>25.09</ins> | n/a |
| cedar | fail | fail |
| *median half-width* | 0.09 | 2.0 |

Bold: not separable from the best (paired tests, Holm's correction over all pairs of a column, \
5 %). Underlined: second group, by the same rule after removing the first. \
fid is not marked: too few pictures. n = 40. 95 % intervals: bootstrap. Budget: paper.

- kid: needs the asset 'inception'
- cedar failed: ran out of memory
- fid of birch: no reference
"""
LATEX = r"""
\begin{table}[t]
\centering\footnotesize\setlength{\tabcolsep}{5pt}
\caption{lfw, protocol realworld. Bold: not separable from the best (paired tests, Holm's correction over all pairs of a column, 5 \%). Underlined: second group, by the same rule after removing the first. fid is not marked: too few pictures. n = 40. 95 \% intervals: bootstrap. Budget: paper.}
\begin{tabular}{@{}lrr@{}}
\toprule
 & \multicolumn{1}{c}{Fidelity} & \multicolumn{1}{c}{Realism} \\
\cmidrule(lr){2-2}\cmidrule(lr){3-3}
Method & psnr\,$\uparrow$ & fid\,$\downarrow$ \\
 & \soft{dB} &  \\
\midrule
alder & \firstgroup{26.09} & 40.0 \\
birch & \secondgroup{25.09} & \soft{\textit{n/a}} \\
cedar & \soft{\textit{fail}} & \soft{\textit{fail}} \\
\midrule
\soft{median half-width} & \soft{0.09} & \soft{2.0} \\
\bottomrule
\end{tabular}
\end{table}
"""  # noqa: E501  # a caption is one line


def shown(results: Results, **families: str) -> Any:
    return tables(results.rows, results.failures, families)


def test_markdown_is_this_text(make: Any) -> None:
    assert markdown(shown(make.board())) == MARKDOWN


def test_latex_is_this_text(make: Any) -> None:
    head, _, body = latex(shown(make.board())).partition("\n\n")
    assert r"\usepackage{booktabs}" in head
    assert "\n" + body == LATEX


def test_csv_is_one_line_per_method_and_metric_unrounded(make: Any) -> None:
    lines = list(csv.DictReader(io.StringIO(comma_separated(shown(make.board())))))
    assert [(x["method"], x["metric"], x["status"], x["group"]) for x in lines] == [
        ("alder", "psnr", "value", "first"),
        ("alder", "fid", "value", ""),
        ("alder", "kid", "missing", ""),
        ("birch", "psnr", "value", "second"),
        ("birch", "fid", "missing", ""),
        ("birch", "kid", "missing", ""),
        ("cedar", "psnr", "failed", ""),
        ("cedar", "fid", "failed", ""),
        ("cedar", "kid", "failed", ""),
    ]
    first = lines[0]
    assert float(first["value"]) == make.board().rows[0].score.value
    assert (first["shown"], first["n"], first["budget"], first["seed"]) == (
        "26.09",
        "40",
        "paper",
        "0",
    )
    assert (first["rank_best"], first["rank_worst"]) == ("1", "1")
    assert lines[-1]["reason"] == "ran out of memory"


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
    assert r"\partly{26.09}" in latex([table])


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


def test_a_skipped_method_is_not_called_failed(make: Any) -> None:
    results = make.board()
    results.failures.append(Failure("doom", "lfw", "realworld", "scale 4 only", "skip"))
    page = markdown(shown(results))
    assert "| doom | skip | skip |" in page
    assert "- doom skipped: scale 4 only" in page
    assert "- cedar failed: ran out of memory" in page


def test_a_failure_alone_still_makes_a_table_of_reasons() -> None:
    failed = tables([], [Failure("cedar", "lfw", "realworld", "no memory")])
    assert "- cedar failed: no memory" in markdown(failed)
    assert "cedar,lfw,realworld,,,,,,,,,,failed,,,,no memory" in comma_separated(failed)
    assert r"\end{tabular}" in latex(failed)


def test_no_rows_at_all_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert markdown([]).startswith("No rows")
    assert latex([]).startswith("% No rows")
    assert comma_separated([]).count("\n") == 1
    terminal(Results())
    assert capsys.readouterr().out.startswith("No rows")


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


def changed(make: Any, method: str, *names: str, limit: int | None = None, **more: Any) -> Any:
    provenance = {"changed": list(names), "limit": limit}
    return make.row(method, make.score(), budget="short", provenance=provenance, **more)


def test_settings_changed_by_hand_stand_beside_the_budget(make: Any) -> None:
    [table] = tables([changed(make, "lrgan", "steps", "width"), changed(make, "bicubic")])
    page = markdown([table])
    assert "Budget: short; short, changed: steps, width." in page
    assert "| lrgan (short, changed: steps, width) |" in page
    assert "| bicubic (short) |" in page
    assert "changed: steps, width" in latex([table])
    both = csv.DictReader(io.StringIO(comma_separated([table])))
    assert [(x["method"], x["budget"], x["changed"], x["limit"]) for x in both] == [
        ("bicubic", "short", "", ""),
        ("lrgan", "short", "steps, width", ""),
    ]


def test_numbers_of_part_of_a_data_set_say_so(make: Any) -> None:
    [table] = tables([changed(make, "lrgan", limit=1600)])
    assert "A first look: at most 1,600 faces per half were used" in markdown([table])
    assert "at most 1,600 faces per half" in latex([table])
    [line] = csv.DictReader(io.StringIO(comma_separated([table])))
    assert line["limit"] == "1600"


@pytest.mark.parametrize(
    "odd", [{}, {"changed": None, "limit": None}, {"changed": 3, "limit": "x"}]
)
def test_a_row_that_records_nothing_of_changes_is_as_before(make: Any, odd: Any) -> None:
    [table] = tables([make.row("lrgan", make.score(), provenance=odd)])
    assert "Budget: paper." in markdown([table])
    assert "first look" not in markdown([table])


def test_mixed_budgets_are_told_apart_by_name(make: Any) -> None:
    rows = [make.row("alder", make.score()), make.row("birch", make.score(), budget="smoke")]
    assert "| birch (smoke) |" in markdown(tables(rows))


def test_metrics_that_are_absent_for_one_reason_are_named_together(make: Any) -> None:
    rows = [make.row("alder", make.score(m, None, note="no weights")) for m in ("fid", "kid")]
    assert "- fid, kid: no weights" in markdown(tables(rows))


def test_families_are_looked_up_by_the_name_before_the_brackets(make: Any) -> None:
    rows = [make.row(name, make.score()) for name in ("bicubic[kernel=nearest]", "unheard-of")]
    assert families(Results(rows)) == {"bicubic[kernel=nearest]": "interpolation", "unheard-of": ""}


def test_wide_tables_are_split_between_groups(make: Any) -> None:
    groups = ["fidelity"] * 4 + ["realism"] * 4
    rows = [make.row("alder", make.score(f"m{i}", group=group)) for i, group in enumerate(groups)]
    [table] = tables(rows)
    assert table.chunks(7) == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert table.chunks(8) == [tuple(range(8))]
    assert table.chunks(3) == [(0, 1, 2), (3,), (4, 5, 6), (7,)]


HOSTILE = "a|b <script>alert(1)</script> 50% x_y {z} [l](u) \\ `c`"


def test_hostile_names_are_only_names(make: Any) -> None:
    rows = [make.row(HOSTILE, make.score()), make.row("=cmd()", make.score())]
    page = markdown(tables(rows))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert r"a\|b" in page
    assert r"50\% x\_y \{z\}" in latex(tables(rows))
    assert "'=cmd()" in comma_separated(tables(rows))


@pytest.mark.parametrize("before", ["", " ", "\n", "\t \r", "\xa0", "\u200b", "\ufeff", "\x00"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d"])
def test_no_text_in_the_csv_is_a_formula(make: Any, before: str, sign: str) -> None:
    results = tables([make.row(before + sign + "cmd()", make.score())])
    [line] = csv.DictReader(io.StringIO(comma_separated(results)))
    assert line["method"].startswith("'")
    assert line["method"].endswith(sign + "cmd()")


STEERING = "a\x1b[2J\x1b]0;own\x07\x9b1A\u202e\u2028\rb\udcff"


def test_control_characters_in_names_do_not_reach_a_console(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        make.row(STEERING, make.score(identity=STEERING), dataset=STEERING),
        make.row("b", make.score(STEERING, None, note=STEERING), dataset=STEERING),
    ]
    failures = [Failure("c" + STEERING, STEERING, "realworld", STEERING)]
    terminal(Results(rows, failures))
    terminal_scores([row.score for row in rows])
    made = tables(rows, failures)
    for written in (capsys.readouterr().out, markdown(made), latex(made), comma_separated(made)):
        assert r"\x1b[2J" in written.replace("{[}", "[").replace(r"\textbackslash{}", "\\")
        assert [sign for sign in written if not sign.isprintable() and sign != "\n"] == []
        written.encode("utf-8")


def test_a_negative_number_in_the_csv_stays_a_number(make: Any) -> None:
    [line] = csv.DictReader(
        io.StringIO(comma_separated(tables([make.row("a", make.score(value=-2.0))])))
    )
    assert float(line["value"]) == -2.0


def test_the_terminal_shows_the_same_numbers_and_marks(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(make.board())
    out = capsys.readouterr().out
    assert "26.09*" in out
    assert "25.09+" in out
    assert "needs the asset 'inception'" in out


def test_the_terminal_tells_skipped_from_failed_even_where_nothing_has_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures = [
        Failure("doom", name, "realworld", "scale 4 only", "skip") for name in ("celeba", "lfw")
    ]
    terminal(Results([], [*failures, Failure("cedar", "lfw", "realworld", "no memory")]))
    assert capsys.readouterr().out == (
        "celeba, protocol realworld\ndoom skipped: scale 4 only\n\n"
        "lfw, protocol realworld\ncedar failed: no memory\ndoom skipped: scale 4 only\n\n"
    )


def test_single_scores_are_shown_with_what_they_are_below(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    named = "fid[inception-tf@6726825d,resize=tf1-bilinear,ref=ffhq64@91ab]" * 4
    wide = make.score(identity=named, note="a warning")
    terminal_scores([wide, make.score("fid", None, note="no weights")])
    assert capsys.readouterr().out.splitlines() == [
        "metric   value   95 % interval  n",
        "psnr dB  24.25  24.16 to 24.34  4",
        f"  {named}",
        "  interval: bootstrap",
        "  a warning",
        "fid        n/a",
        "  no weights",
    ]


@pytest.mark.parametrize("width", [80, 160])
def test_on_a_narrow_terminal_names_fold_and_columns_stay(
    make: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    named = "fid[" + "x" * 300 + "]"
    terminal_scores([make.score(identity=named)])
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert "24.16 to 24.34  4" in lines[1]
    assert named in "".join(line.strip() for line in lines[2:])
    assert all(line.startswith("  ") for line in lines[2:])


def test_unknown_formats_are_refused_before_anything_is_written(make: Any, tmp_path: Path) -> None:
    with pytest.raises(BadName, match="pdf"):
        text(make.board(), "pdf")
    with pytest.raises(BadName, match="pdf"):
        write(make.board(), tmp_path, tmp_path / "out", ("md", "pdf"))
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles_without_warnings(make: Any, tmp_path: Path) -> None:
    results = make.board()
    results.rows.append(make.row(HOSTILE, replace(results.rows[0].score, unit="10³ %", n=39)))
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,xcolor}\\begin{document}\n"
        + latex(shown(results))
        + "\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "LaTeX Warning" not in done.stdout
