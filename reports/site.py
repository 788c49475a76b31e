"""The static site of a run: no network, no server, one folder that opens from disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from facesr.bench.errors import BenchError
from facesr.bench.files import read_json, write_json, write_text, write_whole
from facesr.bench.store import Results
from facesr.reports._families import families as installed_families
from facesr.reports._layout import tables
from facesr.reports._links import anchor, dataset_page, method_page, slug
from facesr.reports._matrix import heading, in_script
from facesr.reports._methods_page import MethodPage
from facesr.reports._notices import Notice, keep_private
from facesr.reports._page import Page, gather
from facesr.reports._ranks import Tests
from facesr.reports._section import Section
from facesr.reports._sheets import compare, html_context
from facesr.reports._table import Table
from facesr.reports._words import visible
from facesr.reports.table import comma_separated

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
ASSETS = ("style.css", "published.css", "theme.js", "site.js")
CONTENTS = "site.json"  # what the site wrote, so that it removes nothing else
MENU = (
    ("board", "index.html", "Board"),
    ("methods", "methods.html", "Methods"),
    ("datasets", "datasets.html", "Data sets"),
    ("gallery", "gallery.html", "Gallery"),
    ("provenance", "provenance.html", "Provenance"),
)


@dataclass(frozen=True)
class Extra:
    """A further page, made elsewhere.

    Args:
        path: Its file at the top of the site, such as `published.html`.
        title: What the menu calls it.
        template: A template that extends `base.html`.
        context: What the template reads besides `page`.
    """

    path: str
    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


def write_site(
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str] | None = None,
    pictures: bool = True,
    extras: Sequence[Extra] = (),
    tests: Tests | None = None,
) -> Path:
    """Write `out/index.html` and everything it leads to.

    The same results and run folder give the same bytes. What an earlier site left in `out` and
    this one does not have is removed; no other file is.

    Args:
        results: Rows and failures.
        root: Run folder; its pictures and training logs are shown.
        out: Folder to write to.
        families: Families by method label; looked up among the installed methods if left out.
        pictures: Whether to show pictures of data sets that may not be published; the site then
            asks to be kept private.
        extras: Further pages.
        tests: Where p-values of pairs come from, as in `tables`.

    Returns:
        The first page.

    Raises:
        BenchError: If numbers would stand side by side that cannot be compared, see `tables`.
    """
    known = dict(installed_families(results) if families is None else families)
    boards = tables(results.rows, results.failures, known, tests)
    return write_page(boards, results, root, out, known, pictures, extras, tests)


def write_page(
    boards: Sequence[Table],
    results: Results,
    root: Path,
    out: Path,
    families: Mapping[str, str],
    pictures: bool = True,
    extras: Sequence[Extra] = (),
    tests: Tests | None = None,
) -> Path:
    """Write a site from tables that are there already; else as `write_site`."""
    page = gather(boards, results, root, families, pictures, tests)
    texts = dict(_pages(page, [*_published(results), *extras]))
    texts |= {f"assets/{name}": _asset(name) for name in ASSETS}
    texts["table.csv"] = comma_separated(boards)
    _clear(out, {*texts, *page.album.files})
    write_json(out / CONTENTS, {"files": sorted({*texts, *page.album.files})})
    for place, source in page.album.files.items():
        write_whole(out / place, partial(_copy, source))
    for place, text in texts.items():
        write_text(out / place, text)
    return out / "index.html"


def _published(results: Results) -> list[Extra]:
    """Set published numbers beside those of the run, where there are any of its protocols."""
    found = compare(results)
    if not found.sheets:
        return []
    return [Extra("published.html", "Published", "beside.html", html_context(found))]


def _pages(page: Page, extras: Sequence[Extra]) -> Iterator[tuple[str, str]]:
    """Render every page: its place in the site, and its text."""
    environment = _environment()
    menu = [item for item in MENU if item[0] != "gallery" or page.galleries or _left_out(page)]
    menu[-1:-1] = [(extra.path, extra.path, extra.title) for extra in extras]

    def render(path: str, template: str, here: str, **given: Any) -> tuple[str, str]:
        up = "../" * path.count("/")
        page_of = environment.get_template(template)
        return path, page_of.render(page=page, up=up, here=here, menu=menu, **given)

    for here, path, _ in MENU:
        yield render(path, path, here)
    for method in page.methods:
        yield render(method.path, "method.html", "methods", method=method)
    for dataset in page.datasets:
        yield render(dataset.path, "dataset.html", "datasets", dataset=dataset)
    for extra in extras:
        yield render(extra.path, extra.template, extra.path, **extra.context)


def _copy(source: Path, file: IO[bytes]) -> None:
    file.write(source.read_bytes())


def _left_out(page: Page) -> bool:
    return any(section.private for section in page.sections)


def _clear(out: Path, kept: set[str]) -> None:
    """Remove what an earlier site wrote and this one does not; private pictures must not stay."""
    try:
        former = read_json(out / CONTENTS).get("files", [])
    except BenchError:
        former = []
    for name in former:
        path = out / str(name)
        inside = ".." not in Path(str(name)).parts and not Path(str(name)).is_absolute()
        if inside and name not in kept and path.is_file():
            path.unlink()


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
    environment.globals |= {
        "anchor": anchor,
        "asset": _asset,
        "dataset_page": dataset_page,
        "gallery_data": _gallery_data,
        "heading": heading,
        "in_script": in_script,
        "known_metrics": _known_metrics,
        "keep_private": _keep_private,
        "method_page": method_page,
        "ranking_data": _ranking_data,
        "slug": slug,
        "smallest_of": _smallest_of,
    }
    return environment


def _readable(value: object) -> object:
    return visible(value, keep="\n\t") if type(value) is str else value


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _keep_private(method: MethodPage) -> list[Notice]:
    return keep_private(section.private for section, _ in method.strips)


def _known_metrics(section: Section) -> list[str]:
    return list(section.captions.better)


def _ranking_data(section: Section) -> list[dict[str, Any]]:
    return [ranking.data() for ranking in section.rankings]


def _smallest_of(section: Section) -> dict[str, str]:
    return {ranking.column.metric: ranking.smallest for ranking in section.rankings}


def _gallery_data(section: Section) -> dict[str, Any]:
    """Return what the page needs to change faces: places of pictures, and their numbers."""
    assert section.gallery is not None
    strips = section.gallery.alike
    texts, numbers = section.captions.texts, section.captions.numbers
    kinds = [strip.kind for strip in strips]
    return {
        "faces": list(section.gallery.names),
        "input": kinds.index("input"),
        "better": section.captions.better,
        "start": kinds.index("output") if "output" in kinds else 0,
        "strips": [
            {
                "title": strip.title,
                "slug": slug(strip.title if strip.kind == "output" else f"of:{strip.kind}"),
                "kind": strip.kind,
                "sources": [picture.source if picture else "" for picture in strip.pictures],
                "numbers": texts.get(strip.title) if strip.kind == "output" else None,
                "values": numbers.get(strip.title) if strip.kind == "output" else None,
            }
            for strip in strips
        ],
        "ends": [
            {
                "method": end.method,
                "metric": end.metric,
                **{
                    which: [
                        {
                            "name": shot.name,
                            "text": shot.text,
                            "sources": [picture.source for picture in shot.pictures],
                        }
                        for shot in shots
                    ]
                    for which, shots in (("best", end.best), ("worst", end.worst))
                },
            }
            for end in section.ends
        ],
    }
