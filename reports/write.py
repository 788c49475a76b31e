"""Results to files: the same rows give the same bytes."""

from collections.abc import Sequence
from pathlib import Path

from facesr.bench.errors import BadName
from facesr.bench.files import write_text
from facesr.bench.store import Results
from facesr.reports._families import families
from facesr.reports._layout import tables
from facesr.reports._ranks import Tests
from facesr.reports._sheets import compare, csv_sheets, html_context, latex_sheets, markdown_sheets
from facesr.reports._table import Table
from facesr.reports._terminal import terminal_sheets
from facesr.reports.plots import write_plots
from facesr.reports.table import comma_separated, latex, markdown

FILES = {"md": "table.md", "csv": "table.csv", "latex": "table.tex", "html": "index.html"}
PUBLISHED_FILES = {
    "md": "published.md",
    "csv": "published.csv",
    "latex": "published.tex",
    "html": "published.html",
}
TEXTS = ("md", "csv", "latex")
_SHEETS = {"md": markdown_sheets, "csv": csv_sheets, "latex": latex_sheets}


def text(results: Results, format: str, intervals: bool = False) -> str:
    """Render results as text.

    Args:
        results: Rows and failures.
        format: `md`, `csv` or `latex`.
        intervals: Whether numbers in `md` and `latex` are followed by the half-width of their
            interval; `csv` always has both ends.

    Raises:
        BadName: If there is no such format.
        BenchError: If numbers would stand side by side that cannot be compared, see `tables`.
    """
    if format not in TEXTS:
        raise BadName(f"no text format named {format!r}; known: {', '.join(TEXTS)}")
    return _rendered(tables(results.rows, results.failures, families(results)), format, intervals)


def _rendered(boards: Sequence[Table], format: str, intervals: bool) -> str:
    if format == "csv":
        return comma_separated(boards)
    return (latex if format == "latex" else markdown)(boards, intervals)


def write(
    results: Results,
    root: Path,
    out: Path,
    formats: Sequence[str] = ("md", "csv", "latex", "html"),
    pictures: bool = True,
    intervals: bool = False,
    tests: Tests | None = None,
    figures: Sequence[str] = (),
) -> list[Path]:
    """Write `table.md`, `table.csv`, `table.tex` and `index.html`, and `figures/` if wanted.

    Args:
        results: Rows and failures.
        root: Run folder they come from; its pictures and training logs are shown.
        out: Folder to write to, made if absent.
        formats: Which of `md`, `csv`, `latex` and `html`.
        pictures: Whether page and figures show pictures of data sets that may not be published;
            they then ask to be kept private.
        intervals: As of `text`.
        tests: As of `tables`.
        figures: Formats of figures: some of `png`, `svg` and `pdf`; none are drawn without.

    Returns:
        The files, figures first, then in the order of `formats`.

    Raises:
        BadName: If there is no such format.
        BenchError: If numbers would stand side by side that cannot be compared, see `tables`.
    """
    for name in formats:
        if name not in FILES:
            raise BadName(f"no format named {name!r}; known: {', '.join(FILES)}")
    known = families(results)
    boards = tables(results.rows, results.failures, known, tests)
    paths: list[Path] = []
    if figures:
        paths += write_plots(results, root, out / "figures", known, boards, pictures, figures)
    for name in formats:
        paths.append(out / FILES[name])
        if name in TEXTS:
            write_text(paths[-1], _rendered(boards, name, intervals))
        else:
            from facesr.reports.site import write_page

            write_page(boards, results, root, out, known, pictures, tests=tests)
    return paths


def terminal_published(results: Results) -> None:
    """Print published numbers beside those of a run folder."""
    terminal_sheets(compare(results))


def text_published(results: Results, format: str) -> str:
    """Render published numbers beside those of a run folder as text.

    Args:
        results: Rows and failures.
        format: `md`, `csv` or `latex`; only `csv` lists what was not measured.

    Raises:
        BadName: If there is no such format.
    """
    if format not in _SHEETS:
        raise BadName(f"no text format named {format!r}; known: {', '.join(_SHEETS)}")
    return _SHEETS[format](compare(results))


def write_published(results: Results, out: Path, formats: Sequence[str]) -> list[Path]:
    """Write `published.md`, `published.csv`, `published.tex` and `published.html`.

    Args:
        results: Rows and failures.
        out: Folder to write to, made if absent.
        formats: Which of `md`, `csv`, `latex` and `html`.

    Returns:
        The files, in the order of `formats`.

    Raises:
        BadName: If there is no such format.
    """
    for name in formats:
        if name not in PUBLISHED_FILES:
            raise BadName(f"no format named {name!r}; known: {', '.join(PUBLISHED_FILES)}")
    comparison, paths = compare(results), [out / PUBLISHED_FILES[name] for name in formats]
    for name, path in zip(formats, paths, strict=True):
        if name in _SHEETS:
            write_text(path, _SHEETS[name](comparison))
        else:
            from facesr.reports.site import _environment

            template = _environment().get_template("published_page.html")
            write_text(path, template.render(html_context(comparison)))
    return paths
