"""Names and settings as people write them, checked without importing what they name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facesr.bench import catalog
from facesr.bench.catalog import Kind
from facesr.bench.errors import BadName
from facesr.bench.store import RESERVED

_SIZES = {"methods": ("scale",), "datasets": ("scale", "lr_size")}
_SPEC = re.compile(r"(?P<name>[A-Za-z0-9_]+)(\[(?P<settings>.*)\]|:(?P<path>.+))?")


@dataclass(frozen=True)
class Choice:
    """A name with settings, as given on the command line.

    Args:
        kind: What it names.
        name: Its name in the catalog.
        settings: Settings given in brackets, as text.
    """

    kind: Kind
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name on the board, settings included."""
        if self.kind == "datasets" and set(self.settings) == {"path"}:
            return f"{self.name}:{Path(self.settings['path']).resolve().name}"
        inner = ",".join(f"{key}={value}" for key, value in sorted(self.settings.items()))
        return f"{self.name}[{inner}]" if inner else self.name


def parse(kind: Kind, text: str) -> Choice:
    """Read `name`, `name[setting=value,...]` or `name:PATH`.

    Raises:
        BadName: If the text has another form, or no such name or setting exists.

    >>> parse("methods", "bicubic[kernel=nearest]").label
    'bicubic[kernel=nearest]'
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise BadName(f"cannot read {text!r}; write name, name[setting=value,...] or name:PATH")
    name = catalog.entry(kind, match["name"]).name
    if kind == "methods" and name in RESERVED:
        raise BadName(f"a method cannot be named {name!r}, which is a folder of every run")
    given = {"path": match["path"]} if match["path"] else {}
    for part in filter(None, (match["settings"] or "").split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            name, key, value = _short(kind, name, key.strip(), text)
        if key:
            given[key.strip()] = value.strip()
    check_settings(kind, name, given)
    return Choice(kind, name, given)


def _short(kind: Kind, name: str, word: str, text: str) -> tuple[str, str, str]:
    """Read the word in `kd[onet]` or `niqe[fit]`, as columns are called: (name, setting, value)."""
    if f"{name}_{word}" in catalog.names(kind):
        return f"{name}_{word}", "", ""
    for setting, default in catalog.describe(kind, name).settings.items():
        if default == word:
            return name, setting, word
    raise BadName(f"cannot read {word!r} in {text!r}; write setting=value")


def choose(kind: Kind, text: str | Sequence[str]) -> list[Choice]:
    """Read several choices, joined by commas outside brackets; `all` takes every name.

    Raises:
        BadName: If one of them does not exist, or two have the same label.
    """
    parts = re.split(r",(?![^\[]*\])", text) if isinstance(text, str) else list(text)
    if [part.strip() for part in parts] == ["all"]:
        parts = catalog.names(kind)
    chosen = [parse(kind, part) for part in parts if part.strip()]
    labels = [choice.label for choice in chosen]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise BadName(
            f"{twice[0]!r} is named twice; give each once, and two folders two names or two --out"
        )
    if not chosen:
        raise BadName(f"no {kind} named; known: {', '.join(catalog.names(kind))}")
    return chosen


def check_settings(kind: Kind, name: str, given: Iterable[str]) -> None:
    """Check that settings exist, without importing what they belong to.

    Raises:
        BadName: If one does not; near misses are suggested.
    """
    given = list(given)
    known = catalog.describe(kind, name).settings if given else {}
    for setting in given:
        if setting in _SIZES.get(kind, ()):
            raise BadName(f"{name}.{setting} cannot be set by hand: the protocol decides it")
        if setting not in known:
            hint = catalog.suggest(setting, known) if known else "it has no settings"
            raise BadName(f"{name} has no setting {setting!r}; {hint}")


def parse_settings(
    pairs: Iterable[str], only: Sequence[str] | None = None
) -> dict[str, dict[str, str]]:
    """Read `method.setting=value` pairs.

    Args:
        pairs: As on the command line.
        only: The methods that take part; all if left out.

    Raises:
        BadName: If a pair has another form, or the method or setting does not exist.

    >>> parse_settings(["bicubic.kernel=nearest"])
    {'bicubic': {'kernel': 'nearest'}}
    """
    chosen: dict[str, dict[str, str]] = {}
    for pair in pairs:
        target, equals, value = pair.partition("=")
        name, dot, setting = target.partition(".")
        if not (equals and dot):
            raise BadName(f"cannot read --set {pair!r}; write method.setting=value")
        catalog.entry("methods", name)
        check_settings("methods", name, [setting])
        if only is not None and name not in only:
            raise BadName(f"--set {pair} is for {name}, which takes no part here")
        chosen.setdefault(name, {})[setting] = value
    return chosen
