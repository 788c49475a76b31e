import csv
import io
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.score import Failure
from facesr.bench.store import Results, Store
from facesr.reports.site import write_site
from facesr.reports.table import comma_separated, tables

pytestmark = pytest.mark.slow
FAMILIES = {"alder": "prior", "birch": "regression", "doum": "prior"}
EVIL = "<script>alert(1)</script>&_%\"'"
PAGES = (
    "index.html",
    "methods.html",
    "methods/alder.html",
    "datasets.html",
    "datasets/lfw.html",
    "gallery.html",
    "provenance.html",
)
ON_BOARD = ".tabbed:not([hidden]) .board > .scroll tbody tr:not([hidden]) .name"
IN_LIGHTBOX = "#lfw .lightbox .view img"
ZOOM = """(({ width, left, top }, box) =>
    [width / box.width, (box.left - left) / box.width, (box.top - top) / box.width]
    .map((x) => Math.round(100 * x)))
    (e.getBoundingClientRect(), e.parentElement.getBoundingClientRect())"""


def write(make: Any, out: Path) -> None:
    """Write five methods on two data sets; one failed, one has a hostile name."""
    names, root = ("alder", "birch", "doum", EVIL), out / "runs"
    rows = [make.row(m, s) for m, s in zip(names, make.paired([26, 25, 27, 24]), strict=True)]
    for method, value in zip(names, (3.0, 1.0, 2.0), strict=False):
        number = make.score("kid", value, better="lower", group="realism")
        rows.append(make.row(method, number))
    for method, value, budget in (("alder", 20.0, "paper"), ("birch", 21.0, "short")):
        rows.append(make.row(method, make.score(value=value), dataset="wild", budget=budget))
    results = Results(rows, [Failure("cedar", "lfw", "realworld", "out of memory")])
    make.pictures(root, "lfw", ["alder", "birch", "doum"], 9)
    make.pictures(root, "wild", ["alder"], 3)
    faces = [f"{i:03d}.png" for i in range(9)]
    for i, face in enumerate(faces):
        make.png(Store(root).real("lfw") / face, 64, 200 + i)
    make.by_picture(root, "alder", faces, {"psnr@v1": [float(i) for i in range(9)]})
    make.by_picture(root, "birch", faces, {"psnr@v1": [9.0 - i for i in range(9)]})
    write_site(results, root, out, FAMILIES)
    saved = comma_separated(tables(results.rows, results.failures, FAMILIES))
    (out / "expected.csv").write_text(saved, encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture
def site(make: Any, built: Path, browser: Any) -> Path:
    if not (built / "index.html").is_file():
        write(make, built)
    browser.size(1280)
    browser.media("light")
    return built


@pytest.fixture(autouse=True)
def nothing_strange(browser: Any) -> Any:
    """No page says anything on the console, and none asks for anything but files."""
    browser.complaints.clear()
    browser.requests.clear()
    yield
    assert browser.complaints == []
    assert [r for r in browser.requests if not r.startswith(("file:", "about:"))] == []


def test_a_click_on_a_header_puts_the_best_first_and_what_is_missing_last(
    site: Path, browser: Any
) -> None:
    browser.open(site / "index.html")
    browser.click('[data-sort="kid"]')
    assert browser.each(ON_BOARD) == ["birch", "doum", "alder", EVIL, "cedar"]
    assert browser.each("[aria-sort]", "e.ariaSort") == ["ascending"]
    browser.click('[data-sort="kid"]')
    assert browser.each(ON_BOARD)[:3] == ["alder", "doum", "birch"]
    browser.click('[data-sort="psnr"]')
    assert browser.each(ON_BOARD) == ["doum", "alder", "birch", EVIL, "cedar"]
    assert browser.each("[aria-sort]", "e.ariaSort") == ["descending"]


def test_the_board_is_filtered_and_the_forest_follows(site: Path, browser: Any) -> None:
    browser.open(site / "index.html")
    browser.click('.chip[data-family="prior"]')
    assert browser.each(ON_BOARD) == ["birch", EVIL, "cedar"]
    assert browser.each(".tabbed:not([hidden]) .forest .dots .name") == ["birch"]
    browser.click('.chip[data-family="prior"]')
    browser.enter(".find", "CEDAR")
    assert browser.each(ON_BOARD) == ["cedar"]
    browser.enter(".find", "nobody")
    assert browser.seen(".empty") == [True, False]
    browser.open(site / "index.html")
    browser.click('input[data-group="realism"]')
    heads = ".tabbed:not([hidden]) .board > .scroll thead button"
    assert browser.seen(heads) == [True, True, False]


def test_the_budget_is_a_filter_where_budgets_are_mixed(site: Path, browser: Any) -> None:
    browser.open(site / "index.html", "#set=realworld.wild")
    browser.enter(".tabbed:not([hidden]) .budget", "short")
    assert browser.each(ON_BOARD) == ["birch"]


def test_a_view_is_in_its_address(site: Path, browser: Any) -> None:
    browser.open(site / "index.html")
    browser.click('[data-tab="realworld.wild"]')
    browser.click('.tabbed:not([hidden]) [data-sort="psnr"]')
    browser.click('.tabbed:not([hidden]) .chip[data-family="regression"]')
    there = browser.run("return location.hash")
    browser.open(site / "index.html", there)
    assert browser.each(ON_BOARD) == ["alder"]
    assert browser.each("[data-tab][aria-pressed=true]") == ["wild"]
    assert browser.each(".tabbed:not([hidden]) [aria-sort]", "e.ariaSort") == ["descending"]
    for nonsense in ("#set=no&sort=<b>&off=%00&find=&hide=x", "#%E0%A4%A", "#nothing"):
        browser.open(site / "index.html", nonsense)
        assert len(browser.each(ON_BOARD)) == 5


def test_everything_on_the_board_is_reached_by_keyboard(site: Path, browser: Any) -> None:
    browser.open(site / "index.html")
    reached = []
    for _ in range(40):
        browser.press("Tab")
        what = "return a.dataset.sort ?? a.dataset.family ?? a.className.split(' ')[0]"
        reached.append(browser.run(f"const a = document.activeElement; {what}"))
    assert reached[0] == "skip"
    assert {"kid", "psnr", "prior", "find", "scroll"} <= set(reached)
    browser.run("document.querySelector('[data-sort=kid]').focus()")
    browser.press("Enter")
    assert browser.each(ON_BOARD)[0] == "birch"
    browser.run("document.querySelector('.menu summary').focus()")
    browser.press("Enter")
    assert browser.each(".menu", "e.open")[0]
    browser.press("Escape")
    assert browser.each(".menu", "e.open") == [False, False]


def test_the_saved_csv_is_the_one_on_disk(site: Path, browser: Any) -> None:
    browser.open(site / "index.html")
    saved = (site / browser.each("a[download]", "e.getAttribute('href')")[0]).read_text()
    assert saved == (site / "expected.csv").read_text()
    assert any(EVIL in line["method"] for line in csv.DictReader(io.StringIO(saved)))


def test_zoom_and_place_are_those_of_every_picture(site: Path, browser: Any) -> None:
    def places() -> set[tuple[int, ...]]:
        return {tuple(place) for place in browser.each(IN_LIGHTBOX, ZOOM)}

    browser.open(site / "gallery.html")
    assert places() == {(100, 0, 0)}
    browser.press("+")
    browser.press("+")
    assert places() == {(400, 150, 150)}
    middle = "(({ left, top }) => [left + 60, top + 60])(e.getBoundingClientRect())"
    browser.run("document.querySelector('#lfw .tile').scrollIntoView({ block: 'center' })")
    [x, y], *_ = browser.each("#lfw .tile .view", middle)
    browser.drag((x, y), (x + 40, y + 20))
    [(zoom, across, down)] = places()
    assert zoom == 400
    assert across < down < 150
    browser.open(site / "gallery.html", browser.run("return location.hash"))
    assert places() == {(zoom, across, down)}
    browser.click('#lfw [data-zoom="1"]')
    assert places() == {(100, 0, 0)}


def test_another_face_is_shown_through_every_method_at_once(site: Path, browser: Any) -> None:
    def faces() -> set[str]:
        return set(browser.each("#lfw .tile img", "e.src.split('/').pop()"))

    browser.open(site / "gallery.html")
    first = faces()
    browser.press("ArrowRight")
    assert len(first) == len(faces()) == 1
    assert first != faces()
    browser.press("ArrowLeft")
    browser.press("ArrowLeft")
    assert browser.each("#lfw .facename")[0].startswith("Face 8 of 8")
    last = faces()
    browser.open(site / "gallery.html", browser.run("return location.hash"))
    assert faces() == last


def test_two_pictures_are_compared_and_the_input_is_shown_by_pixels(
    site: Path, browser: Any
) -> None:
    browser.open(site / "gallery.html", "#set=lfw&left=alder&right=birch")
    assert browser.each("#lfw .wipe b") == ["alder", "birch"]
    browser.run("document.querySelectorAll('#lfw .tile')[1].click()")
    assert browser.each("#lfw .wipe b") == ["alder", "Input"]
    assert browser.style("#lfw .wipe .right img", "imageRendering") == "pixelated"
    assert browser.style("#lfw .wipe .left img", "imageRendering") == "auto"
    browser.press("d")
    assert browser.style("#lfw .wipe .right", "mixBlendMode") == "difference"


def test_the_best_and_the_worst_are_those_of_the_numbers(site: Path, browser: Any) -> None:
    browser.open(site / "gallery.html")
    browser.enter("#lfw [data-end=method]", "alder")
    names = [text.split()[-1] for text in browser.each("#lfw .shots figcaption")]
    assert names == [f"{i:03d}.png" for i in (8, 7, 6, 5, 0, 1, 2, 3)]
    browser.enter("#lfw [data-end=method]", "birch")
    assert browser.each("#lfw .shots figcaption")[0].endswith("000.png")
    browser.enter("#lfw .order", "psnr")
    order = browser.each("#lfw .tile .cap")
    assert order[:2] == ["Original", "Input"]
    assert order[-1] == "doum"  # of which nothing is known by picture


def test_every_pair_is_drawn_alike_by_the_page_and_by_its_script(site: Path, browser: Any) -> None:
    browser.open(site / "datasets" / "lfw.html")
    what = "[e.className, e.textContent.trim(), e.title, e.getAttribute('style')]"
    before = browser.each(".duels tr > *", what)
    browser.run("document.querySelector('.ranks select').dispatchEvent(new Event('change'))")
    assert browser.each(".duels tr > *", what) == before
    assert browser.each(".duels tbody td:nth-child(2)") == ["27.09", "26.09", "25.09", "24.09"]
    browser.run("document.querySelector('.duels td.kind').focus()")
    browser.press("ArrowRight")
    assert browser.each(".readout")[0].startswith("doum against birch: +2.00, p")


def test_light_and_dark_follow_the_system_and_the_switch(site: Path, browser: Any) -> None:
    browser.open(site / "index.html")
    light = browser.style("body", "backgroundColor")
    browser.media("dark")
    assert browser.style("body", "backgroundColor") != light
    browser.click("#theme")
    assert browser.style("body", "backgroundColor") == light
    browser.run("try { localStorage.clear() } catch {}")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_only_tables_scroll_sideways_and_nothing_is_too_small_to_touch(
    site: Path, browser: Any, width: int
) -> None:
    browser.size(width)
    small = """return [...document.querySelectorAll('button, select, input, summary')]
        .filter((e) => e.checkVisibility() && e.type !== 'checkbox')
        .map((e) => [e.outerHTML, e.getBoundingClientRect()])
        .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([text]) => text)"""
    for page in PAGES:
        browser.open(site / page)
        assert browser.each("html", "e.scrollWidth - e.clientWidth") == [0], page
        assert browser.run(small) == [], page


def test_the_longest_names_break_and_widen_no_page(make: Any, tmp_path: Path, browser: Any) -> None:
    names = ("x" * 200, "\u4e2d" * 200, "<&_%" * 50)
    long = make.score("m" * 80, 1.0, note="n" * 200, group="realism", better="lower")
    numbers = make.paired([26, 25, 24])
    pairs = list(zip(names, numbers, strict=True))
    rows = [make.row(m, s, dataset="d" * 200) for m, given in pairs for s in (given, long)]
    make.pictures(tmp_path / "runs", "d" * 200, names, 3)
    failed = Failure("z" * 200, "d" * 200, "realworld", "r" * 300)
    write_site(Results(rows, [failed]), tmp_path / "runs", tmp_path / "site", {})
    for width in (360, 1280):
        browser.size(width)
        for page in sorted((tmp_path / "site").rglob("*.html")):
            browser.open(page)
            assert browser.each("html", "e.scrollWidth - e.clientWidth") == [0], page.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(site: Path, browser: Any, scheme: str) -> None:
    browser.media(scheme)
    script = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
    for page in PAGES:
        browser.open(site / page)
        assert browser.run(script) == [], page


def test_print_shows_whole_tables_on_white_and_no_controls(site: Path, browser: Any) -> None:
    browser.media("dark", "print")
    browser.open(site / "index.html")
    assert browser.style("body", "backgroundColor") == "rgb(255, 255, 255)"
    assert not any(browser.seen(".find, #theme, .pick, .tabs, .top"))
    assert browser.style(".scroll", "overflowY") == "visible"
