"""What is installed, as data and as text; nothing is imported unless parameters are counted."""

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from facesr.bench import assets, catalog
from facesr.bench.catalog import Kind, _assigned, _chain, _class_node
from facesr.bench.errors import BenchError, sentence
from facesr.bench.files import cache_folder

_COPIED = ("paper", "year", "url", "holds", "licence", "shareable", "withdrawn", "layout")
_SIZES = ("lr_size", "scale")  # the protocol decides these
_DRAWN = (
    "the authors do not divide it: seeded draws do, which keep people or photographs together and "
    "give a fifth to the test"
)


def listing(what: str, params: bool = False) -> list[dict[str, Any]]:
    """List methods, datasets, protocols, metrics or assets.

    Args:
        what: Which of them.
        params: Whether to count the parameters of methods, which builds every network.

    Returns:
        One dictionary per entry, in order of name.
    """
    if what == "assets":
        absent = {known.name: assets.missing(known.name) for known in assets.ASSETS}
        return [asdict(a) | {"present": not absent[a.name]} for a in assets.ASSETS]
    kind = cast(Kind, what)
    return [_entry(kind, name, params) for name in catalog.names(kind)]


def text(entries: list[dict[str, Any]]) -> str:
    r"""Lay entries out in columns, one line each.

    >>> text([{"name": "bicubic", "title": "Bicubic"}, {"name": "lrgan", "title": "LRGAN"}])
    'bicubic  Bicubic\nlrgan    LRGAN'
    """
    columns = [[e["name"], _words(e), _aside(e)] for e in entries]
    widths = [max((len(row[i]) for row in columns), default=0) for i in range(3)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in columns)
    return "\n".join(line.rstrip() for line in lines)


def count_parameters(name: str) -> int:
    """Count the parameters that a method uses at test time, at full width."""
    from facesr.bench.choices import Choice
    from facesr.bench.plan import build_method

    choice = Choice("methods", name)
    about = catalog.describe("methods", name).about
    scale = (about.get("scales") or (4,))[0]
    method = build_method(choice, "paper", {}, scale, 0)
    return sum(parameter.numel() for parameter in method.net.parameters())


@dataclass(frozen=True)
class Setting:
    """A setting of a data set.

    Args:
        name: As in `--set name=value`.
        default: As written in its source.
        about: What it does.
    """

    name: str
    default: Any
    about: str


@dataclass(frozen=True)
class Card:
    """What there is to know of a data set before it is read.

    Args:
        name: As on the command line.
        title: Its own spelling.
        family: `photographs`, as authors distribute them; `recipe`, a paper's split of these; or
            `made`, rendered or one's own.
        summary: The first line of its file.
        about: How it is used here.
        paper: Authors, title, venue.
        year: Of the paper.
        url: Where the authors distribute it.
        holds: What and how many.
        licence: Its terms.
        shareable: Whether its pictures may be published.
        withdrawn: When and why its authors withdrew it; empty if they did not.
        layout: Which files are expected where.
        divided: What becomes training and test; empty if `about` says it.
        settings: What can be set.
        prepared: Whether faces of it lie in the cache.
        found: Whether its files are in the folder that was named; None if none was.
        missing: What is absent from that folder, in a sentence.
    """

    name: str
    title: str
    family: str
    summary: str
    about: str = ""
    paper: str = ""
    year: int = 0
    url: str = ""
    holds: str = ""
    licence: str = ""
    shareable: bool = False
    withdrawn: str = ""
    layout: str = ""
    divided: str = ""
    settings: tuple[Setting, ...] = ()
    prepared: bool = False
    found: bool | None = None
    missing: str = ""

    @property
    def wants_path(self) -> bool:
        """Whether it is written `name:PATH`."""
        return any(setting.name == "path" for setting in self.settings)

    @property
    def state(self) -> str:
        """Whether it is here, in a word: `prepared`, `found`, `absent`, or nothing known."""
        if self.prepared and self.found is not False:
            return "prepared"
        return {True: "found", False: "absent", None: "-"}[self.found]


def cards(data: Path | None = None) -> list[Card]:
    """Describe every data set, from its source.

    Args:
        data: Folder in which each is looked for, which imports them; None to leave that out.
    """
    return [card(name, data) for name in catalog.names("datasets")]


def card(name: str, data: Path | None = None) -> Card:
    """Describe one data set, from its source.

    Raises:
        BadName: If there is none of that name.
    """
    entry = catalog.entry("datasets", name)
    try:
        listed = catalog.describe("datasets", name)
        classes = list(_chain(entry.path, _class_node(entry))) if entry.path else []
    except BenchError as error:
        return Card(name, name, "photographs", f"cannot be read: {error}")
    known = {field: listed.about[field] for field in _COPIED if field in listed.about}
    said = dict(argument for node in reversed(classes) for argument in _arguments(node))
    settings = tuple(
        Setting(field, default, said.get(field, ""))
        for field, default in listed.settings.items()
        if field not in _SIZES
    )
    looked = data is not None and "path" not in listed.settings
    absent = missing(name, data) if looked else ""
    return Card(
        name,
        listed.title,
        listed.about.get("family") or "photographs",
        listed.summary,
        about=_prose(classes[0]) if classes else "",
        divided=_divided(classes),
        settings=settings,
        prepared=next((cache_folder() / name).rglob("manifest.json"), None) is not None,
        found=not absent if looked else None,
        missing=absent,
        **known,
    )


def missing(name: str, data: Path | None) -> str:
    """Say which files of a data set are absent from a folder; empty if none is."""
    try:
        says: str = catalog.load("datasets", name)(data=data).missing()
    except Exception as error:  # a data set of somebody else may raise anything
        return sentence(error)
    return says


def _prose(node: ast.ClassDef) -> str:
    """Return the paragraphs of a class's docstring before its arguments."""
    return (ast.get_docstring(node) or "").partition("Args:\n")[0].strip()


def _arguments(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Read names and descriptions below `Args:` in a class's docstring."""
    listed = (ast.get_docstring(node) or "").partition("Args:\n")[2]
    for match in re.finditer(r"^    (\w+): (.*(?:\n {5,}.*)*)", listed, re.MULTILINE):
        yield match[1], " ".join(match[2].split())


def _divided(classes: list[ast.ClassDef]) -> str:
    """Say what becomes training and test, where the authors' parts are listed in the source."""
    for node in classes:
        parts = _assigned(node, "parts")
        if isinstance(parts, ast.Dict):
            ours: dict[str, list[str]] = {}
            for theirs, part in ast.literal_eval(parts).items():
                ours.setdefault(part, []).append(theirs)
            said = "; ".join(f"{p}: the authors' {', '.join(t)}" for p, t in ours.items())
            return f"{said}; by seeded draws where one of these is not there" if said else _DRAWN
    return ""


def _entry(kind: Kind, name: str, params: bool) -> dict[str, Any]:
    try:
        found = catalog.describe(kind, name)
    except BenchError as error:
        return {"name": name, "title": f"cannot be read: {error}", "settings": {}}
    about = found.about
    entry: dict[str, Any] = {
        "name": name,
        "title": found.title,
        "summary": found.summary,
        "settings": found.settings,
    }
    if kind == "methods":
        entry |= {
            "paper": about.get("paper", ""),
            "year": about.get("year", 0),
            "url": about.get("url", ""),
            "family": about.get("family", ""),
            "scales": list(about.get("scales", ())),
            "trainable": found.trainable,
            "needs": list(about.get("needs", ())),
            "budgets": list(found.budgets),
        }
        if params:
            entry["parameters"] = count_parameters(name)
    elif kind == "datasets":
        entry |= {
            "licence": about.get("licence", ""),
            "url": about.get("url", ""),
            "shareable": about.get("shareable", False),
            "family": about.get("family") or "photographs",
            "holds": about.get("holds", ""),
            "layout": about.get("layout", ""),
            "withdrawn": about.get("withdrawn", ""),
        }
    return entry


def _words(entry: dict[str, Any]) -> str:
    if "used_by" in entry:
        return f"for {entry['used_by']}"
    chosen = entry["title"] if "trainable" in entry else entry.get("summary", entry["title"])
    return str(chosen)


def _aside(entry: dict[str, Any]) -> str:
    if "present" in entry:
        return "present" if entry["present"] else "absent"
    if "trainable" not in entry:
        return ""
    parts = [
        str(entry["year"]) if entry["year"] else "",
        "learns" if entry["trainable"] else "nothing to learn",
        "x" + "/x".join(map(str, entry["scales"])) if entry["scales"] else "any scale",
        f"{entry['parameters']:,} parameters" if "parameters" in entry else "",
    ]
    return ", ".join(part for part in parts if part)
