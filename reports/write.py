"""Results to files: the same rows give the same bytes."""

from collections.abc import Sequence
from pathlib import Path

from facesr.bench.errors import BadName
from facesr.bench.files import write_text
from facesr.bench.store import Results
from facesr.reports._curves import write_curves
from facesr.reports._families import families
from facesr.reports._layout import tables
from facesr.reports.table import comma_separated, latex, markdown

FILES = {"md": "table.md", "csv": "table.csv", "latex": "table.tex", "html": "index.html"}
_TEXT = {"md": markdown, "csv": comma_separated, "latex": latex}


def text(results: Results, format: str) -> str:
    """Render results as text.

    Args:
        results: Rows and failures.
        format: `md`, `csv` or `latex`.

    Raises:
        BadName: If there is no such format.
        BenchError: If numbers would stand side by side that cannot be compared, see `tables`.
    """
    if format not in _TEXT:
        raise BadName(f"no text format named {format!r}; known: {', '.join(_TEXT)}")
    return _TEXT[format](tables(results.rows, results.failures, families(results)))


def write(
    results: Results,
    root: Path,
    out: Path,
    formats: Sequence[str] = ("md", "csv", "latex", "html"),
    pictures: bool = True,
) -> list[Path]:
    """Write `table.md`, `table.csv`, `table.tex` and `index.html`, with figures of curves if any.

    Args:
        results: Rows and failures.
        root: Run folder they come from; its pictures and training logs are shown.
        out: Folder to write to, made if absent.
        formats: Which of `md`, `csv`, `latex` and `html`.
        pictures: Whether the page shows pictures of data sets that may not be published; it then
            asks to be kept private.

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
    boards = tables(results.rows, results.failures, known)
    paths = write_curves(results, out, known) if formats else []
    for name in formats:
        paths.append(out / FILES[name])
        if name in _TEXT:
            write_text(paths[-1], _TEXT[name](boards))
        else:
            from facesr.reports.site import write_page

            write_page(boards, results, root, out, known, pictures)
    return paths
