"""Every figure of a report, for print and page: the same rows give the same bytes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from facesr.bench.errors import BenchError
from facesr.bench.files import write_text
from facesr.bench.store import Results
from facesr.reports import (
    _curves,
    _plots_bars,
    _plots_distortion,
    _plots_faces,
    _plots_rates,
    _plots_speed,
    _plots_training,
)
from facesr.reports._escape import md
from facesr.reports._families import families as installed_families
from facesr.reports._figure import FORMATS, Absent, Drawing, marks, save
from facesr.reports._figure_text import short_names
from facesr.reports._layout import tables
from facesr.reports._table import Table

__all__ = ["FORMATS", "drawings", "write_plots"]

INDEX = "figures.md"
_HEADING = re.compile(r"^## `([^`/\\]+)`$", re.MULTILINE)


def drawings(
    results: Results,
    root: Path,
    families: Mapping[str, str],
    boards: Sequence[Table] | None = None,
    pictures: bool = True,
) -> Iterator[Drawing | Absent]:
    """Yield every figure that the results allow, and why there is none of the other kinds.

    Nothing is drawn yet. Arguments as of `write_plots`.

    Raises:
        BenchError: If curves of critical resolution cannot be compared.
    """
    labels = {r.method for r in results.rows} | {f.method for f in results.failures}
    known = marks({label: families.get(label, "") for label in labels})
    laid = tables(results.rows, results.failures, families) if boards is None else boards
    yield from _plots_bars.drawings(laid, known)
    yield from _plots_distortion.drawings(laid, known)
    yield from _plots_speed.drawings(laid, results, known)
    yield from _curves.drawings(results, families)
    yield from _plots_rates.cmc(results, known)
    yield from _plots_rates.roc(results, known)
    yield from _plots_training.drawings(results, root, known)
    yield from _plots_faces.drawings(results, root, known, pictures)


def write_plots(
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str] | None = None,
    boards: Sequence[Table] | None = None,
    pictures: bool = True,
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write every figure that the results allow, and `figures.md` with captions and reasons.

    Figures that an earlier call left in the folder and that are no longer made are removed.

    Args:
        results: Rows and failures, as `Store.results` reads them.
        root: Run folder; its training logs and pictures are drawn.
        out: Folder to write to, made if absent.
        families: Families by method label; looked up among the installed methods if left out.
        boards: The tables of the results; laid out anew if left out.
        pictures: Whether to draw faces of data sets that may not be published.
        formats: Some of `png`, `svg` and `pdf`.

    Returns:
        The files, the list of figures last; none without rows.

    Raises:
        BenchError: If matplotlib is absent, or curves cannot be compared.
    """
    if not results.rows:
        return []
    if find_spec("matplotlib") is None:
        raise BenchError("figures need the package matplotlib: pip install matplotlib")
    known = installed_families(results) if families is None else families
    made = list(drawings(results, root, known, boards, pictures))
    drawn = [item for item in made if isinstance(item, Drawing)]
    old = _listed(out / INDEX) - {drawing.name for drawing in drawn}
    paths = [path for drawing in drawn for path in save(drawing, out, formats)]
    for name in old:
        for form in FORMATS:
            (out / f"{name}.{form}").unlink(missing_ok=True)
    absent = [item for item in made if isinstance(item, Absent)]
    write_text(out / INDEX, _index(drawn, absent, sorted(known)))
    return [*paths, out / INDEX]


def _listed(path: Path) -> set[str]:
    try:
        return set(_HEADING.findall(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()


def _index(drawn: Sequence[Drawing], absent: Sequence[Absent], methods: Sequence[str]) -> str:
    parts = ["# Figures", *(f"## `{d.name}`\n\n{md(d.caption)}" for d in drawn)]
    cut = {short: full for full, short in short_names(methods).items() if short != full}
    if cut:
        lines = [f"- {md(short)}: {md(full)}" for short, full in cut.items()]
        parts.append("\n".join(["## Names that are cut\n", *lines]))
    reasons: dict[tuple[str, str], list[str]] = {}
    for item in absent:
        reasons.setdefault((item.kind, item.reason), []).append(item.of)
    if reasons:
        lines = [
            f"- {kind}: {md(reason)}" + (f" ({md('; '.join(of))})" if any(of) else "")
            for (kind, reason), of in reasons.items()
        ]
        parts.append("\n".join(["## Not drawn\n", *lines]))
    return "\n\n".join(parts) + "\n"
