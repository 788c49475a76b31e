import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.store import Results
from facesr.reports.site import write_site
from facesr.reports.table import comma_separated, tables

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="neither Chromium nor Chrome is installed"),
]


@pytest.fixture
def page(make: Any, tmp_path: Path) -> tuple[Results, Path]:
    """A page of four methods, one of which failed."""
    results = make.board()
    results.rows.append(make.row("doum", make.paired([27.0])[0]))
    make.pictures(tmp_path / "runs", "lfw", ["alder", "birch"], 9)
    return results, write_site(results, tmp_path / "runs", tmp_path, {"alder": "prior"})


def ask(page: Path, script: str, width: int = 1200) -> Any:
    """Run a function body in the page, opened from disk, and return its result."""
    probe = page.with_name("probe.html")
    ending = (
        "<script>addEventListener('load', () => { document.title = 'ANSWER'"
        f" + JSON.stringify((() => {{ {script} }})()); }});</script></body>"
    )
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", ending), encoding="utf-8")
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'profile'}",
            f"--window-size={width},900",
            "--dump-dom",
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "CONSOLE" not in done.stderr
    found = re.search(r"<title>ANSWER(.*?)</title>", done.stdout, re.DOTALL)
    assert found, done.stderr[-1000:]
    return json.loads(html.unescape(found[1]))


def test_a_click_on_a_header_puts_the_best_first_and_what_is_missing_last(
    page: tuple[Results, Path],
) -> None:
    order = """
        const table = document.querySelector('.board table');
        const names = () => [...table.tBodies[0].rows].map((r) => r.cells[0].textContent.trim());
        const button = table.querySelector('[data-sort="0"]');
        button.click();
        const best = names();
        const said = button.parentElement.getAttribute('aria-sort');
        button.click();
        return [best, said, names()];
    """
    assert ask(page[1], order) == [
        ["doum", "alder", "birch", "cedar"],
        "descending",
        ["birch", "alder", "doum", "cedar"],
    ]


def test_the_saved_csv_is_the_one_on_disk(page: tuple[Results, Path]) -> None:
    results, path = page
    saved = ask(path, "return document.getElementById('csv').content.textContent")
    assert saved == comma_separated(tables(results.rows, results.failures, {"alder": "prior"}))


def test_a_click_on_a_face_shows_it_through_every_method(page: tuple[Results, Path]) -> None:
    compare = """
        document.querySelectorAll('.strip.input .face')[1].click();
        const dialog = document.getElementById('compare');
        const captions = () => [...dialog.querySelectorAll('figcaption')].length;
        const first = document.getElementById('compare-title').textContent;
        dialog.querySelector('[data-step="1"]').click();
        return [dialog.open, captions(), first.slice(0, 11),
                document.getElementById('compare-title').textContent.slice(0, 11)];
    """
    assert ask(page[1], compare) == [True, 3, "Face 2 of 8", "Face 3 of 8"]


@pytest.mark.parametrize("width", [500, 768, 1440])
def test_only_tables_scroll_sideways(page: tuple[Results, Path], width: int) -> None:
    wide = "const d = document.documentElement; return d.scrollWidth - d.clientWidth"
    assert ask(page[1], wide, width) == 0
