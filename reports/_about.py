"""What there is to know of a method or a data set beside its numbers, read without importing it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from facesr.bench import catalog
from facesr.bench.catalog import Kind
from facesr.bench.errors import BenchError


@dataclass(frozen=True)
class Paper:
    """A method or a data set as its source describes it; empty where it is not installed here.

    Args:
        title: Its own spelling.
        summary: The first line of its file.
        idea: Paragraphs of its description.
        cited: Authors, title, venue.
        year: Of the paper; 0 if unknown.
        url: Where to read more.
        family: What kind of thing it is.
        holds: What a data set holds.
        licence: Terms of a data set.
        withdrawn: When and why a data set was withdrawn.
        trainable: Whether a method learns.
        scales: Factors that a method supports; empty for any.
        needs: Assets that it needs.
        settings: Default and meaning of each setting.
    """

    title: str = ""
    summary: str = ""
    idea: tuple[str, ...] = ()
    cited: str = ""
    year: int = 0
    url: str = ""
    family: str = ""
    holds: str = ""
    licence: str = ""
    withdrawn: str = ""
    trainable: bool = False
    scales: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    settings: dict[str, tuple[Any, str]] = field(default_factory=dict)


def paper(kind: Kind, label: str) -> Paper:
    """Describe what a label names; an empty description if it is not installed here.

    Args:
        kind: `methods` or `datasets`.
        label: As on the board, such as `lrgan[variant=bilinear]`.
    """
    name = re.split(r"[\[:]", label, maxsplit=1)[0]
    try:
        listed = catalog.describe(kind, name)
        found = catalog.entry(kind, name)
        node = catalog.class_node(found) if found.path else None
    except BenchError:
        return Paper()
    classes = list(catalog.ancestry(found.path, node)) if found.path and node else []
    about = listed.about
    meant = dict(argument for node in reversed(classes) for argument in _arguments(node))
    return Paper(
        title=str(listed.title),
        summary=listed.summary.removeprefix(f"{listed.title}: "),
        idea=tuple(_paragraphs(classes[0])) if classes else (),
        cited=str(about.get("paper") or ""),
        year=about.get("year") or 0,
        url=_link(str(about.get("url") or "")),
        family=str(about.get("family") or ""),
        holds=str(about.get("holds") or ""),
        licence=str(about.get("licence") or ""),
        withdrawn=str(about.get("withdrawn") or ""),
        trainable=listed.trainable,
        scales=tuple(about.get("scales") or ()),
        needs=tuple(about.get("needs") or ()),
        settings={name: (value, meant.get(name, "")) for name, value in listed.settings.items()},
    )


def _link(url: str) -> str:
    """Return an address if it is one that a reader may follow."""
    return url if url.startswith(("https://", "http://")) else ""


def _paragraphs(node: ast.ClassDef) -> Iterator[str]:
    """Yield the paragraphs of a class's docstring before its arguments."""
    text = (ast.get_docstring(node) or "").partition("Args:\n")[0]
    for part in text.split("\n\n"):
        if part.strip():
            yield " ".join(part.split())


def _arguments(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield names and meanings below `Args:` in a class's docstring."""
    listed = (ast.get_docstring(node) or "").partition("Args:\n")[2]
    for match in re.finditer(r"^    (\w+): (.*(?:\n {5,}.*)*)", listed, re.MULTILINE):
        yield match[1], " ".join(match[2].split())
