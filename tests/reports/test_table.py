import csv
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.errors import BadName
from facesr.bench.score import Failure
from facesr.bench.store import Results
from facesr.reports._families import families
from facesr.reports.table import comma_separated, latex, markdown, tables, terminal
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
alder & \firstgroup{\numeral{2.2}{26.09}} & \numeral{2.1}{40.0} \\
birch & \secondgroup{\numeral{2.2}{25.09}} & \soft{\textit{n/a}} \\
cedar & \soft{\textit{fail}} & \soft{\textit{fail}} \\
\midrule
\soft{median half-width} & \soft{\numeral{2.2}{0.09}} & \soft{\numeral{2.1}{2.0}} \\
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


HOSTILE = "a|b <script>alert(1)</script> 50% x_y {z} [l](u) \\ `c`"


def test_hostile_names_are_only_names(make: Any) -> None:
    rows = [make.row(HOSTILE, make.score()), make.row("=cmd()", make.score())]
    page = markdown(tables(rows))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert r"a\|b" in page
    assert r"50\% x\_y \{z\}" in latex(tables(rows)).replace(r"\allowbreak ", "")
    assert "'=cmd()" in comma_separated(tables(rows))


@pytest.mark.parametrize("before", ["", " ", "\n", "\t \r", "\xa0", "\u200b", "\ufeff", "\x00"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d"])
def test_no_text_in_the_csv_is_a_formula(make: Any, before: str, sign: str) -> None:
    results = tables([make.row(before + sign + "cmd()", make.score())])
    [line] = csv.DictReader(io.StringIO(comma_separated(results)))
    assert line["method"].startswith("'")
    assert line["method"].endswith(sign + "cmd()")


def test_a_negative_number_in_the_csv_stays_a_number(make: Any) -> None:
    [line] = csv.DictReader(
        io.StringIO(comma_separated(tables([make.row("a", make.score(value=-2.0))])))
    )
    assert float(line["value"]) == -2.0


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
