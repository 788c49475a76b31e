import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from facesr.bench.score import Failure
from facesr.bench.store import Results
from facesr.reports._layout import tables
from facesr.reports.site import CONTENTS, TEMPLATES, Extra, write_page, write_site
from facesr.reports.write import write

EMPTY = {"meta", "link", "br", "img", "input", "wbr", "col", "hr"}
DRAWN = {"path", "circle", "rect", "use", "polyline", "polygon"}


class Outline(HTMLParser):
    """Checks that tags close in order, and collects what the page says and loads."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        loads = tag in ("link", "script", "img", "use")
        found = [v for k, v in attrs if k in ("src", "href", "data", "action") and v]
        (self.sources if loads else self.links).extend(found)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EMPTY | DRAWN
        self.sources += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


def site_of(results: Results, root: Path, out: Path, **families: str) -> dict[str, str]:
    write_site(results, root, out, families)
    found = sorted(out.rglob("*.html"))
    return {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in found}


def test_every_page_is_well_formed_and_every_link_lands(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    pages = {name: outline(text) for name, text in site_of(*run, tmp_path / "site").items()}
    assert {"index.html", "gallery.html", "methods/alder.html", "datasets/lfw.html"} <= set(pages)
    for name, parsed in pages.items():
        assert len(parsed.ids) == len(set(parsed.ids)), name
        for link in (*parsed.sources, *parsed.links):
            if link.startswith(("https://", "http://")):
                continue
            path, _, fragment = link.partition("#")
            target = (tmp_path / "site" / name).parent / unquote(path) if path else None
            assert target is None or target.is_file(), (name, link)
            if fragment and "=" not in fragment:
                there = target.resolve().relative_to(tmp_path / "site") if target else name
                assert fragment in pages[str(there)].ids, (name, link)


def test_no_page_loads_anything_from_elsewhere_or_runs_anything_of_its_own(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    for name, text in site_of(*run, tmp_path).items():
        parsed = outline(text)
        assert not [s for s in parsed.sources if re.match(r"(\w+:|//|/)", s)], name
        assert "default-src 'none'" in text
        assert not re.search(r"script-src[^;]*'unsafe", text)
        for tag, given in parsed.tags:
            assert tag not in ("iframe", "object", "base", "style")
            assert not [key for key in given if key.startswith("on")]
            if tag == "script":
                assert given.get("src") or given.get("type") == "application/json"
    assets = "".join((TEMPLATES / a).read_text() for a in ("style.css", "site.js", "theme.js"))
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(|innerHTML|eval\(", assets)


def test_everything_is_readable_without_script(run: tuple[Results, Path], tmp_path: Path) -> None:
    pages = site_of(*run, tmp_path, alder="prior")
    said = {n: " ".join(" ".join(outline(t).words).split()) for n, t in pages.items()}
    for name, expected in (
        ("index.html", "26.09"),
        ("index.html", "ran out of memory"),
        ("index.html", "needs the asset 'inception'"),
        ("index.html", "not marked"),
        ("index.html", "too few pictures"),
        ("index.html", "alder leads alone."),
        ("index.html", "2 dropped"),
        ("index.html", "psnr@v1"),
        ("provenance.html", "digest of birch"),
        ("methods/birch.html", "loss"),
        ("methods/cedar.html", "ran out of memory"),
        ("methods/alder.html", "1 of 2"),
        ("datasets/lfw.html", "accuracy"),
        ("datasets/lfw.html", "+1.00"),
        ("methods.html", "not known here"),
    ):
        assert expected in said[name], (name, expected)


def test_the_marks_are_those_of_the_markdown(run: tuple[Results, Path], tmp_path: Path) -> None:
    page = site_of(*run, tmp_path)["index.html"]
    assert re.search(r'<td class="edge g1"[^>]*>26\.09<', page)
    assert re.search(r'<td class="edge g2"[^>]*>25\.09<', page)
    assert re.search(r'<td class="edge g0"[^>]*>40\.0<', page)


def test_tables_pictures_and_buttons_say_what_they_are(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    pages = site_of(*run, tmp_path)
    tags = [tag for text in pages.values() for tag in outline(text).tags]
    assert {given.get("scope") for tag, given in tags if tag == "th"} == {"col", "colgroup", "row"}
    assert all("alt" in given for tag, given in tags if tag == "img")
    assert all(given.get("type") == "button" for tag, given in tags if tag == "button")
    assert all(given.get("loading") for tag, given in tags if tag == "img" and given.get("src"))


def test_the_same_rows_give_the_same_bytes(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run

    def written(name: str) -> dict[str, bytes]:
        write(results, root, tmp_path / name)
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    first = written("a")
    assert len(first) > 30
    assert first == written("b") == written("a")


def test_timings_do_not_change_the_digest(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    slower = Results([replace(r, timing={"train_seconds": 9.0}) for r in results.rows])

    def digest(given: Results) -> str:
        page = site_of(given, root, tmp_path)["index.html"]
        found = re.search(r"timings</a>: <code>(\w+)</code>", page)
        assert found
        return found[1]

    assert digest(results) == digest(slower)
    assert digest(results) != digest(Results(results.rows[1:]))


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>\"'><img src=http://evil.example onerror=x>",
        "</script><!--",
        "a&amp;b_c%20d%",
        "é\u4e2d\U0001f600",
        "x" * 200,
        "../../outside",
        "`code` {{ 7 * 7 }} {% raw %}",
    ],
)
def test_any_name_stays_text_and_its_pages_stay_in_their_folders(
    make: Any, tmp_path: Path, name: str
) -> None:
    numbers = make.paired([2, 1])
    rows = [make.row(m, s, dataset=name) for m, s in zip((name, "b"), numbers, strict=True)]
    rows = [replace(r, settings={name: name}, provenance={name: {name: name}}) for r in rows]
    results = Results(rows, [Failure(name + "2", name, "realworld", name)])
    pages = site_of(results, tmp_path / "runs", tmp_path / "out")
    assert len([page for page in pages if page.startswith("methods/")]) == 3
    assert len([page for page in pages if page.startswith("datasets/")]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    for page, text in pages.items():
        parsed = outline(text)
        assert not [given for tag, given in parsed.tags if tag == "img" and given.get("src")]
        if page in ("index.html", "provenance.html"):
            assert name in "".join(parsed.words)
        for data in re.findall(r'<script type="application/json">(.*?)</script>', text, re.S):
            assert name in json.loads(data)[0]["methods"]


def test_text_that_no_encoding_can_write_stays_readable(make: Any, tmp_path: Path) -> None:
    rows = [make.row("a\u202e", make.score(note="x\x1b\udcff"), dataset="d\x00")]
    pages = site_of(Results(rows), tmp_path, tmp_path)
    assert r"a\u202e" in pages["index.html"]
    assert r"x\x1b\udcff" in pages["index.html"]
    assert [sign for text in pages.values() for sign in text if sign in "\x00\x1b\u202e"] == []


def test_no_rows_at_all_is_a_site_with_a_sentence(tmp_path: Path) -> None:
    pages = site_of(Results(), tmp_path, tmp_path / "out")
    assert any("nothing was scored" in part for part in outline(pages["index.html"]).words)
    assert [outline(text) for text in pages.values()]


def test_failures_alone_and_a_single_method_are_sites_too(make: Any, tmp_path: Path) -> None:
    failed = Results([], [Failure("cedar", "lfw", "realworld", "no memory")])
    assert "no memory" in site_of(failed, tmp_path, tmp_path / "a")["index.html"]
    one = Results([make.row("alder", make.paired([26.0])[0])])
    assert "one method only" in site_of(one, tmp_path, tmp_path / "b")["index.html"]


def test_what_an_earlier_site_left_goes_and_nothing_else_does(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    results, root = run
    out = tmp_path / "out"
    write_site(results, root, out, {})
    own = out / "images" / "mine.png"
    own.write_bytes(b"mine")
    assert len(list((out / "images").rglob("*.png"))) > 20
    write_site(results, root, out, {}, pictures=False)
    assert [path.name for path in (out / "images").rglob("*.png")] == ["mine.png"]
    (out / CONTENTS).write_text('{"files": ["../outside", "/etc/hostname", "images"]}')
    (tmp_path / "outside").write_text("stays")
    write_site(results, root, out, {})
    assert (tmp_path / "outside").read_text() == "stays"


def test_a_further_page_stands_in_the_menu_of_all(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    results, root = run
    extra = Extra("more.html", "More & more", "methods.html")
    write_site(results, root, tmp_path, {}, extras=[extra])
    assert "More &amp; more" in (tmp_path / "methods" / "alder.html").read_text()
    assert (tmp_path / "more.html").is_file()


def test_numbers_under_the_protocol_of_a_paper_stand_beside_the_published_ones(
    make: Any, tmp_path: Path
) -> None:
    column = "fid[torchvision,drop64,minmax-down]"
    plain = site_of(Results([make.row("a", make.score())]), tmp_path, tmp_path / "a")
    assert "published.html" not in plain
    number = make.score(column, 13.3, better="lower", group="realism", n=2000)
    row = make.row("scgan", number, dataset="scgan_2022", protocol="scgan_2022")
    beside = site_of(Results([row]), tmp_path, tmp_path / "b")
    assert 'href="published.html"' in beside["index.html"]
    assert "13.32" in beside["published.html"]


def test_rows_without_samples_are_ranked_by_the_tests_that_came_with_them(
    make: Any, tmp_path: Path
) -> None:
    rows = [make.row(m, make.score(value=v)) for m, v in (("a", 26.0), ("b", 25.0))]
    write_site(Results(rows), tmp_path, tmp_path / "a", {}, tests=lambda _: {("a", "b"): 0.01})
    assert "+1.00" in (tmp_path / "a" / "datasets" / "lfw.html").read_text()
    write_site(Results(rows), tmp_path, tmp_path / "b", {})
    assert "+1.00" not in (tmp_path / "b" / "datasets" / "lfw.html").read_text()


def test_a_report_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from facesr.bench.store import Results\n"
        "from facesr.reports.write import write\n"
        "light = set(sys.modules)\n"
        "assert not {'jinja2', 'PIL', 'pandas', 'scipy', 'rich'} & light, light\n"
        f"write(Results(), Path({str(tmp_path)!r}), Path({str(tmp_path)!r}))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_thirty_methods_on_eight_sets_by_fifteen_metrics_are_light(
    make: Any, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    rows = [
        make.row(
            f"method{m}",
            make.score(
                f"metric{k}[some,thing]",
                24 + m / 9,
                n=20,
                samples=tuple((24 + m / 9 + random.normal(0, 1, 20)).tolist()),
                sampling="picture",
            ),
            dataset=f"set{d}",
        )
        for m in range(30)
        for d in range(8)
        for k in range(15)
    ]
    results = Results(rows)
    boards = tables(rows)
    start = time.process_time()
    write_page(boards, results, tmp_path, tmp_path / "site", {})
    assert time.process_time() - start < 5
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "site").rglob("*.html")}
    assert max(sizes.values()) < 2_000_000
    assert sizes["index.html"] < 1_200_000
