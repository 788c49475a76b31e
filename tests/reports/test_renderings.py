"""The same table in five renderings, whatever its names hold."""

import csv
import html
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.score import Failure
from facesr.bench.store import Results
from facesr.reports._escape import LONG, LONG_HEAD, tex, tex_head, tex_name
from facesr.reports.table import comma_separated, latex, markdown, tables, terminal
from facesr.reports.write import write

LENGTHY = "n" * 200
NAMES = (
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "a & b &amp; c",
    "x_y__z*w*",
    "50 % of $5",
    "名前 \U0001f600 đ ñ Ω",
    "«quoted» \"straight\" 'single' `code`",
    "back\\slash{}~^#",
    "a|b||c",
    "[link](http://example.org) ![p](q)",
    "a--b---c",
    "lrgan[variant=bilinear,width=0.5]",
    LENGTHY,
)


@pytest.fixture
def results(make: Any) -> Results:
    """Every name as a method, a data set and a column, with and without numbers."""
    rows = []
    for number, name in enumerate(NAMES):
        rows.append(make.row(name, make.score(value=20.0 + number)))
        rows.append(make.row(name, make.score(name, -0.5, identity=name, note=name), dataset=name))
        rows.append(make.row(name, make.score("kid", None, note=name), dataset=name))
    return Results(rows, [Failure("gone", "lfw", "realworld", name) for name in NAMES[:1]])


def unescaped(cell: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", cell.strip()))


def test_a_markdown_reader_sees_the_names_themselves(results: Results) -> None:
    page = markdown(tables(results.rows, results.failures))
    rows = [re.split(r"(?<!\\)(?:\\\\)*\|", line) for line in page.splitlines() if line[:2] == "| "]
    assert {unescaped(row[1]) for row in rows} >= set(NAMES)
    titles = re.findall(r"^## (.*), protocol realworld$", page, re.M)
    assert {unescaped(title) for title in titles} == {*NAMES, "lfw"}
    assert not re.search(r"<(?!ins>|/ins>)", page)


def test_every_markdown_table_is_a_rectangle(results: Results) -> None:
    for block in markdown(tables(results.rows, results.failures)).split("\n\n"):
        bars = [re.findall(r"(?<!\\)\|", line.replace("\\\\", "")) for line in block.splitlines()]
        if block.startswith("| "):
            assert len({len(found) for found in bars}) == 1, block


def test_a_spreadsheet_sees_the_names_themselves(results: Results) -> None:
    lines = list(csv.DictReader(io.StringIO(comma_separated(tables(results.rows)))))
    assert {line["method"] for line in lines} == set(NAMES)
    assert {line["dataset"] for line in lines} == {*NAMES, "lfw"}
    assert {line["metric"] for line in lines} >= set(NAMES)


class Words(HTMLParser):
    """What a reader of a page sees, and the tags that make it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.hidden = tag in ("style", "script")
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self.hidden else data


def test_a_browser_sees_the_names_themselves(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path, tmp_path / "out", ("html",))
    pages = list((tmp_path / "out").rglob("*.html"))
    seen = ""
    for page in pages:
        words = Words()
        words.feed(page.read_text(encoding="utf-8"))
        assert "img" not in words.tags
        seen += words.text
    assert [name for name in NAMES if name not in seen] == []


def test_a_terminal_shows_every_sign_of_a_long_name(
    results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal(results)
    out = capsys.readouterr().out
    assert [name for name in NAMES[:-1] if name not in out] == []
    assert LENGTHY in re.sub(r"\s+", "", out)


def test_a_long_name_is_broken_in_latex_and_a_short_one_is_not() -> None:
    assert tex_name("n" * LONG) == "n" * LONG
    assert tex_name(LENGTHY).replace(r"\allowbreak ", "") == rf"\longname{{{LENGTHY}}}"
    assert tex_head("n" * LONG_HEAD) == "n" * LONG_HEAD
    assert tex_head("fid[torchvision,drop64]") == (
        r"\longhead{fid\allowbreak {[}torchvision,\allowbreak drop64{]}}"
    )


def test_signs_that_pdflatex_does_not_know_are_named() -> None:
    assert tex("é\u2013ß") == "é\u2013ß"
    assert tex("名") == r"\unicodesign{540D}{名}"
    assert tex("\U0001f600đ") == "\\unicodesign{1F600}{\U0001f600}\\unicodesign{0111}{đ}"


def compiled(page: str, packages: str, folder: Path) -> str:
    (folder / "t.tex").write_text(
        f"\\documentclass{{article}}\\usepackage{{{packages}}}\\begin{{document}}\n{page}"
        "\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def has(package: str) -> bool:
    if not shutil.which("pdflatex"):
        return False
    found = subprocess.run(["kpsewhich", f"{package}.sty"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.parametrize("intervals", [False, True])
@pytest.mark.parametrize("packages", ["booktabs,xcolor", "booktabs,xcolor,siunitx"])
def test_latex_compiles_whatever_the_names_hold(
    results: Results, packages: str, intervals: bool, tmp_path: Path
) -> None:
    if absent := [package for package in packages.split(",") if not has(package)]:
        pytest.skip(f"TeX lacks {', '.join(absent)}")
    said = compiled(latex(tables(results.rows, results.failures), intervals), packages, tmp_path)
    assert "LaTeX Warning" not in said.replace("LaTeX Warning: Float too large", "")


def test_numbers_of_a_column_are_aligned_at_the_point(make: Any) -> None:
    rows = [make.row("a", make.score(value=-1.5)), make.row("b", make.score(value=104.25))]
    page = latex(tables(rows))
    assert r"a & \numeral[$-$1.50]{-3.2}{-1.50} \\" in page
    assert r"b & \numeral{-3.2}{104.25} \\" in page


def test_intervals_stand_behind_numbers_only_where_asked(make: Any) -> None:
    made = tables([make.row("a", make.score(value=24.25))])
    assert r"\numeral{2.2}{24.25}\,\soft{$\pm$\,0.09} \\" in latex(made, intervals=True)
    assert "| a | 24.25 ± 0.09 |" in markdown(made, intervals=True)
    for page in (latex(made, intervals=True), markdown(made, intervals=True)):
        assert "median half-width" not in page
    assert "median half-width" in markdown(made)
    assert "±" not in markdown(made)
    assert r"\pm" not in latex(made)
