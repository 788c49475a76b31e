"""What there is to know of data sets, read from their sources without importing them."""

import ast
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench import catalog
from facesr.bench.catalog import ancestry, assigned, class_node
from facesr.bench.errors import BenchError, sentence
from facesr.bench.files import cache_folder

if TYPE_CHECKING:
    from rich.console import RenderableType

_GROUPS = {
    "photographs": "photographs, as their authors distribute them",
    "recipe": "splits of papers, made of these",
    "made": "rendered, put together here, or your own",
}
_WIDEST = 100  # columns, of a card
_COPIED = ("paper", "year", "url", "holds", "licence", "shareable", "withdrawn", "layout")
_SIZES = ("lr_size", "scale")  # the protocol decides these
_DRAWN = (
    "the authors do not divide it: seeded draws do, which keep people or photographs together and "
    "give a fifth to the test"
)


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
        classes = list(ancestry(entry.path, class_node(entry))) if entry.path else []
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
        parts = assigned(node, "parts")
        if isinstance(parts, ast.Dict):
            ours: dict[str, list[str]] = {}
            for theirs, part in zip(parts.keys, parts.values, strict=True):
                if isinstance(theirs, ast.Constant) and isinstance(part, ast.Constant):
                    ours.setdefault(str(part.value), []).append(str(theirs.value))
            said = "; ".join(f"{p}: the authors' {', '.join(t)}" for p, t in ours.items())
            return f"{said}; by seeded draws where one of these is not there" if said else _DRAWN
    return ""


def table(cards: Sequence[Card]) -> str:
    """Lay cards out for a person: one line each, in groups, as wide as the terminal."""
    return _rendered(_table(cards))


def text(card: Card) -> str:
    """Lay out all that there is to know of one data set."""
    return _rendered(_card(card))


def _table(cards: Sequence[Card]) -> Iterator["RenderableType"]:
    """One line per data set, in groups."""
    from rich.table import Table

    names = {card.name: card.name + (" †" if card.withdrawn else "") for card in cards}
    name, state = max(map(len, names.values())), max(len(card.state) for card in cards)
    title = min(14, max(len(card.title) for card in cards))
    rest = _width() - name - title - state - 8
    for family, words in _GROUPS.items():
        here = [card for card in cards if card.family == family]
        table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for width in (name, title, rest - 2 * rest // 5, 2 * rest // 5, state):
            table.add_column(width=width, no_wrap=True, overflow="ellipsis")
        for card in here:
            holds = card.holds or card.summary
            table.add_row(names[card.name], card.title, holds, card.licence, card.state)
        if here:
            yield _text(words, "bold")
            yield table
            yield ""
    if any(card.withdrawn for card in cards):
        yield "† withdrawn by its authors"
    yield "More of one: bench data list SET" + (
        "" if any(card.found is not None for card in cards) else "; what is here: --data FOLDER"
    )


def _card(card: Card) -> Iterator["RenderableType"]:
    """All there is to know of one data set."""
    from rich.table import Table

    yield _text(f"{card.title} ({card.name})", "bold")
    if card.withdrawn:
        yield _text(f"WITHDRAWN {card.withdrawn}", "bold red")
    yield ""
    facts = {
        "holds": card.holds or card.summary,
        "paper": card.paper,
        "year": str(card.year or ""),
        "from": card.url,
        "licence": card.licence,
        "pictures": "may be published" if card.shareable else "are not to be published",
        "layout": card.layout,
        "divided": card.divided,
        "here": {"-": "say where to look with --data FOLDER"}.get(card.state, card.state)
        + (f": {card.missing}" if card.missing else ""),
    }
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for key, words in facts.items():
        if words:
            table.add_row(key, words)
    yield table
    for paragraph in card.about.split("\n\n"):
        yield ""
        yield " ".join(paragraph.split())
    if card.settings:
        yield ""
        yield _text("settings", "bold")
        table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for setting in card.settings:
            default = "none" if setting.default in (None, "") else str(setting.default)
            table.add_row(f"  {setting.name}={default}", setting.about)
        yield table
    yield ""
    yield _text("prepare it", "bold")
    yield f"  {_how(card)}"


def _how(card: Card) -> str:
    """Return the command that prepares a data set."""
    named = {"toy": "toy:celeba", "folder": "folder:PATH"}.get(card.name, card.name)
    source = "" if named != card.name or card.name == "embedded" else " --source FOLDER"
    return f"bench data prepare {named}{source}"


def _rendered(parts: Iterator["RenderableType"]) -> str:
    from rich.console import Console

    console = Console(file=sys.stdout, width=_width(), highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    lines = (line.rstrip() for line in captured.get().splitlines())
    return "\n".join(lines) + "\n"


def _text(words: str, style: str) -> "RenderableType":
    from rich.text import Text

    return Text(words, style)


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size().columns)
