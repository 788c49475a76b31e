"""One self-contained HTML page of a run: no network, no server, nothing beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facesr.bench.files import write_text
from facesr.bench.store import Results
from facesr.reports._families import families as installed_families
from facesr.reports._layout import tables
from facesr.reports._page import gather
from facesr.reports._table import Table
from facesr.reports._words import visible

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def write_site(
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str] | None = None,
    pictures: bool = True,
) -> Path:
    """Write `out/index.html`.

    The same results and run folder give the same bytes.

    Args:
        results: Rows and failures.
        root: Run folder; its pictures and training logs are shown.
        out: Folder to write to.
        families: Families by method label; looked up among the installed methods if left out.
        pictures: Whether to show pictures of data sets that may not be published; the page then
            asks to be kept private.

    Returns:
        The page.

    Raises:
        BenchError: If numbers would stand side by side that cannot be compared, see `tables`.
    """
    known = dict(installed_families(results) if families is None else families)
    boards = tables(results.rows, results.failures, known)
    return write_page(boards, results, root, out, known, pictures)


def write_page(
    boards: Sequence[Table],
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str],
    pictures: bool = True,
) -> Path:
    """Write `out/index.html` from tables that are there already; else as `write_site`."""
    page = gather(boards, results, root, families, pictures)
    path = out / "index.html"
    write_text(path, _environment().get_template("page.html").render(page=page))
    return path


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _asset
    return environment


def _readable(value: object) -> object:
    return visible(value, keep="\n\t") if type(value) is str else value


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
