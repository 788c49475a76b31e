import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from facesr.bench.score import Failure
from facesr.bench.store import Results, Store
from facesr.reports._pictures import gallery
from facesr.reports.site import TEMPLATES, write_site
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
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self.sources += [v for k, v in attrs if k in ("src", "href", "data", "action") and v]
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


def page_of(results: Results, root: Path, out: Path, **families: str) -> str:
    return write_site(results, root, out, families).read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_every_link_lands(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    parsed = outline(page_of(*run, tmp_path))
    assert len(parsed.ids) == len(set(parsed.ids))
    inside = [s[1:] for s in parsed.sources if s.startswith("#")]
    assert set(inside) <= set(parsed.ids)
    assert {"training", "provenance", "set-1"} <= set(inside)


def test_the_page_loads_nothing(run: tuple[Results, Path], tmp_path: Path) -> None:
    page = page_of(*run, tmp_path)
    parsed = outline(page)
    assert all(s.startswith(("#", "data:image/png;base64,")) for s in parsed.sources)
    assert not re.search(r"@import|url\((?!data:)|fetch\(|XMLHttpRequest|import\(", page)
    assert not [tag for tag, _ in parsed.tags if tag in ("link", "iframe", "object", "base")]
    assert "default-src 'none'" in page


def test_everything_is_readable_without_script(run: tuple[Results, Path], tmp_path: Path) -> None:
    words = " ".join(outline(page_of(*run, tmp_path)).words)
    for expected in (
        "26.09",
        "ran out of memory",
        "needs the asset 'inception'",
        "not marked",
        "too few pictures",
        "alder leads alone.",
        "2 dropped",
        "psnr@v1",
        "digest of birch",
    ):
        assert expected in words, expected


def test_the_marks_are_those_of_the_markdown(run: tuple[Results, Path], tmp_path: Path) -> None:
    page = page_of(*run, tmp_path)
    assert re.search(r'<td class="edge g1"[^>]*>26\.09<', page)
    assert re.search(r'<td class="edge g2"[^>]*>25\.09<', page)
    assert re.search(r'<td class="edge g0"[^>]*>40\.0<', page)


def test_the_table_is_a_real_one(run: tuple[Results, Path], tmp_path: Path) -> None:
    tags = outline(page_of(*run, tmp_path)).tags
    scopes = [given.get("scope") for tag, given in tags if tag == "th"]
    assert {"col", "colgroup", "row"} == set(scopes)
    assert "caption" in [tag for tag, _ in tags]
    assert all(given.get("alt") for tag, given in tags if tag == "img")
    assert all(given.get("type") == "button" for tag, given in tags if tag == "button")


def test_the_same_rows_give_the_same_bytes(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    first = [path.read_bytes() for path in write(results, root, tmp_path / "a")]
    again = [path.read_bytes() for path in write(results, root, tmp_path / "b")]
    assert first == again
    assert len(first) == 4


def test_timings_do_not_change_the_digest(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    slower = Results([replace(r, timing={"train_seconds": 9.0}) for r in results.rows])

    def digest(given: Results) -> str:
        found = re.search(r"timings: <code>(\w+)</code>", page_of(given, root, tmp_path))
        assert found
        return found[1]

    assert digest(results) == digest(slower)
    assert digest(results) != digest(Results(results.rows[1:]))


def test_hostile_names_stay_text(make: Any, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=http://evil.example onerror=x>"
    rows = [
        make.row(m, s, dataset=evil) for m, s in zip((evil, "b"), make.paired([2, 1]), strict=True)
    ]
    rows = [replace(r, settings={evil: evil}, provenance={evil: {evil: evil}}) for r in rows]
    results = Results(rows, [Failure(evil + "2", evil, "realworld", evil)])
    parsed = outline(page_of(results, tmp_path, tmp_path / "out"))
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert not [given for tag, given in parsed.tags if tag == "img"]
    assert evil in "".join(parsed.words)


def test_no_rows_at_all_is_a_page_with_a_sentence(tmp_path: Path) -> None:
    words = outline(page_of(Results(), tmp_path, tmp_path / "out")).words
    assert any("nothing was scored" in part for part in words)


def test_failures_alone_and_a_single_method_are_pages_too(make: Any, tmp_path: Path) -> None:
    failed = Results([], [Failure("cedar", "lfw", "realworld", "no memory")])
    assert "no memory" in page_of(failed, tmp_path, tmp_path / "a")
    one = Results([make.row("alder", make.paired([26.0])[0])])
    assert "one method only" in page_of(one, tmp_path, tmp_path / "b")


def test_text_that_no_encoding_can_write_stays_readable(make: Any, tmp_path: Path) -> None:
    rows = [make.row("a\u202e", make.score(note="x\x1b\udcff"), dataset="d\x00")]
    page = page_of(Results(rows), tmp_path, tmp_path)
    assert r"a\u202e" in page
    assert r"x\x1b\udcff" in page
    assert [sign for sign in page if sign in "\x00\x1b\u202e"] == []


def test_every_method_shows_the_same_faces_chosen_by_name(
    run: tuple[Results, Path], make: Any
) -> None:
    _, root = run
    shown = gallery(root, "lfw", ["alder", "birch", "cedar"])
    assert shown is not None
    assert [strip.title for strip in shown.strips] == ["Input", "alder", "birch"]
    names = [f"{i:03d}.png" for i in range(12)]
    assert list(shown.names) == sorted(names, key=lambda n: sha256(n.encode()).hexdigest())[:8]
    for strip in shown.strips:
        assert [p.name for p in strip.pictures if p] == list(shown.names)
    assert [s.pictures[0].side for s in shown.strips if s.pictures[0]] == [16, 64, 64]


def test_real_faces_are_not_passed_off_as_the_originals(
    run: tuple[Results, Path], make: Any
) -> None:
    _, root = run
    make.png(root / "real" / "lfw" / "someone.png", 64, 1)
    shown = gallery(root, "lfw", [])
    assert shown is not None
    assert shown.strips[-1].title == "Reference faces (other pictures)"
    for i in range(12):
        make.png(root / "real" / "lfw" / f"{i:03d}.png", 64, 1)
    paired = gallery(root, "lfw", [])
    assert paired is not None
    assert paired.strips[-1].title == "Original"


def test_what_is_no_png_is_left_out(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    shown = gallery(root, "lfw", ["alder"])
    assert shown is not None
    (Store(root).images("alder", "lfw") / shown.names[0]).write_bytes(
        b"<svg onload=alert(1)>" + b" " * 99
    )
    again = gallery(root, "lfw", ["alder"])
    assert again is not None
    assert again.strips[1].pictures[0] is None
    outline(page_of(results, root, tmp_path))


def test_a_broken_training_log_is_passed_over(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    log = Store(root).training("birch", "0123456789") / "log.csv"
    for content in (b"\xff\xfe\x00", b"", b"step,loss\n", b"step,loss\n1,nan\n2,inf\n", b"\n\n"):
        log.write_bytes(content)
        assert 'id="training"' not in page_of(results, root, tmp_path)


def drawn(results: Results, root: Path, out: Path) -> list[str]:
    page = page_of(results, root, out)
    return re.findall(r'<path class="line [^"]*" d="([^"]*)"', page.partition('id="training"')[2])


def test_a_long_log_stays_a_small_drawing(run: tuple[Results, Path], tmp_path: Path) -> None:
    [line] = drawn(*run, tmp_path)
    assert 100 < line.count(",") <= 240


def test_a_gap_in_a_log_is_not_drawn_over_and_a_constant_is_not_drawn(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    log = Store(run[1]).training("birch", "0123456789") / "log.csv"
    log.write_text("step,loss,rate\n1,3,0.5\n2,2,0.5\n3,,0.5\n4,1,0.5\n5,0,0.5\n")
    [line] = drawn(*run, tmp_path)
    assert line == "M0,0 80,50M240,100 320,150"
    assert "Never changed: rate 0.5." in page_of(*run, tmp_path)


def test_a_method_keeps_colour_and_shape_whoever_else_is_shown(make: Any, tmp_path: Path) -> None:
    def sign(*methods: str) -> str:
        rows = [make.row(method, make.score()) for method in methods]
        page = page_of(Results(rows), tmp_path, tmp_path, alder="prior")
        found = re.search(
            r'<svg class="sign (\w+)"[^>]*><use href="#(\w+)"/></svg>\s*<span>alder', page
        )
        assert found
        return f"{found[1]} {found[2]}"

    assert sign("alder") == sign("aaa", "alder", "zzz") != ""
    assert sign("alder").startswith("prior ")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_and_signs_have_the_contrast_of_wcag_aa() -> None:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    found = re.findall(r"--(\w[\w-]*): light-dark\((#\w{6}), (#\w{6})\)", style)
    for theme in (0, 1):
        colours = {name: pair[theme] for name, *pair in found}

        def ratio(a: str, b: str, colours: dict[str, str] = colours) -> float:
            high, low = sorted((luminance(colours[a]), luminance(colours[b])), reverse=True)
            return (high + 0.05) / (low + 0.05)

        for paper in ("paper", "card", "raised"):
            assert ratio("ink", paper) >= 4.5
            assert ratio("soft", paper) >= 4.5
        assert ratio("tint-ink", "tint") >= 4.5
        assert ratio("warn-ink", "warn") >= 4.5
        assert ratio("tick", "card") >= 3
        assert ratio("tick", "tint") >= 3
        for family in ("interpolation", "regression", "adversarial", "prior", "diffusion"):
            assert ratio(family, "card") >= 3
        for family in ("codebook", "unpaired", "none"):
            assert ratio(family, "card") >= 3


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
