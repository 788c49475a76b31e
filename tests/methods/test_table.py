import subprocess
import sys
from pathlib import Path

import pytest

from facesr.bench import catalog

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


@pytest.fixture(scope="module")
def counted() -> str:
    script = Path(__file__).with_name("table.py")
    words = [sys.executable, str(script), "--sizes"]
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    return [line.strip("| ").split(" | ") for line in lines]


def test_the_page_of_methods_says_what_is_counted_now(counted: str) -> None:
    sizes, _, times = PAGE.read_text(encoding="utf-8").partition("\n## Time\n")
    assert sizes == counted, "write it anew: its first lines say how"
    timed = [line[0] for line in cells(counted) if line[2] == "upscaling"]
    assert [line[0] for line in cells(times)] == timed
    assert all(cell.endswith(" ms") for line in cells(times) for cell in line[2:])


def test_every_method_has_a_line(counted: str) -> None:
    counted_of = {line[0].strip("`").partition("[")[0] for line in cells(counted)}
    assert counted_of == set(catalog.names("methods"))
