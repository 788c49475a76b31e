"""Names and settings to objects, all checked before the first expensive second."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from facesr.bench import assets, catalog
from facesr.bench.catalog import Kind
from facesr.bench.contract import Dataset, Method, Metric, Protocol
from facesr.bench.errors import BadName, BenchError

BUDGETS = ("paper", "short", "smoke")
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
    given = {"path": match["path"]} if match["path"] else {}
    for part in filter(None, (match["settings"] or "").split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise BadName(f"cannot read {part!r} in {text!r}; write setting=value")
        given[key.strip()] = value.strip()
    check_settings(kind, name, given)
    return Choice(kind, name, given)


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
        raise BadName(f"{twice[0]!r} is named twice; give each {kind.removesuffix('s')} once")
    if not chosen:
        raise BadName(f"no {kind} named; known: {', '.join(catalog.names(kind))}")
    return chosen


def check_settings(kind: Kind, name: str, given: Iterable[str]) -> None:
    """Check that settings exist, without importing what they belong to.

    Raises:
        BadName: If one does not; near misses are suggested.
    """
    known = catalog.describe(kind, name).settings
    for setting in given:
        if setting == "scale" and kind == "methods":
            raise BadName(f"{name}.scale cannot be set by hand: the protocol decides it")
        if setting not in known:
            hint = catalog.suggest(setting, known) if known else "it has no settings"
            raise BadName(f"{name} has no setting {setting!r}; {hint}")


def parse_settings(pairs: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read `method.setting=value` pairs.

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
        chosen.setdefault(name, {})[setting] = value
    return chosen


def build_method(
    choice: Choice, budget: str, overrides: Mapping[str, Any], scale: int, seed: int
) -> Method:
    """Build a method: its defaults, then the budget, then what was set by hand.

    Raises:
        BadName: If a budget does not exist.
        BenchError: If a value has the wrong type or the method refuses its settings.
    """
    import torch

    if budget not in BUDGETS:
        raise BadName(f"no budget named {budget!r}; {catalog.suggest(budget, list(BUDGETS))}")
    cls = catalog.load("methods", choice.name)
    _check_class(cls, Method, choice.name)
    by_hand = dict(overrides) | dict(choice.settings)
    settings = {"scale": scale, "seed": seed} | dict(cls.budgets.get(budget, {}))
    settings |= _typed(cls, by_hand, choice.name)
    torch.manual_seed(settings["seed"])  # before the method exists: its weights are drawn then
    method: Method = cls(**settings)
    return method


def build_dataset(
    choice: Choice, protocol: Protocol, data: Path | None, limit: int | None
) -> Dataset:
    """Build a data set at the sizes of a protocol."""
    cls = catalog.load("datasets", choice.name)
    _check_class(cls, Dataset, choice.name)
    settings = _typed(cls, choice.settings, choice.name)
    sizes = {"lr_size": protocol.lr_size, "scale": protocol.scale}
    dataset: Dataset = cls(**(sizes | settings | {"data": data, "limit": limit}))
    return dataset


def build_protocol(choice: Choice) -> Protocol:
    """Build a protocol."""
    cls = catalog.load("protocols", choice.name)
    _check_class(cls, Protocol, choice.name)
    protocol: Protocol = cls(**_typed(cls, choice.settings, choice.name))
    return protocol


def build_metric(choice: Choice) -> Metric:
    """Build a metric."""
    cls = catalog.load("metrics", choice.name)
    _check_class(cls, Metric, choice.name)
    metric: Metric = cls(**_typed(cls, choice.settings, choice.name))
    return metric


def settings_of(method: Method) -> dict[str, Any]:
    """Return the fields a method was built with."""
    return {f.name: getattr(method, f.name) for f in fields(method) if f.init}


def unable(method: Method, name: str) -> str:
    """Say why a method cannot take part in a run; empty if it can."""
    about = method.about
    if about and about.scales and method.scale not in about.scales:
        supported = ", ".join(f"x{scale}" for scale in about.scales)
        return f"{name} supports {supported}, this run asks for x{method.scale}"
    absent = [assets.missing(need) for need in (about.needs if about else ())]
    return next((f"{name} {sentence}" for sentence in absent if sentence), "")


def default_datasets(data: Path | None) -> list[Choice]:
    """Choose data sets when none is named: what lies below `data`, else the embedded faces.

    Raises:
        BenchError: If `data` is no folder, or no known data set is in it.
    """
    if data is None:
        return [Choice("datasets", "embedded"), Choice("datasets", "embedded", {"test": "real"})]
    if not data.is_dir():
        raise BenchError(f"{data} is not a folder; give the folder that holds the data sets")
    absent = {}
    for name in catalog.names("datasets"):
        if name in ("embedded", "folder"):
            continue
        absent[name] = catalog.load("datasets", name)(data=data).missing()
    found = [Choice("datasets", name) for name, sentence in absent.items() if not sentence]
    if not found:
        reasons = "; ".join(f"{name}: {sentence}" for name, sentence in absent.items())
        raise BenchError(f"{data} holds none of the known data sets ({reasons})")
    return found


def _check_class(cls: type[Any], base: type[Any], name: str) -> None:
    noun = base.__name__.lower()
    if not issubclass(cls, base):
        raise BadName(f"{name} is {cls.__name__}, which does not derive from facesr's {noun} class")
    if not is_dataclass(cls) or "__dataclass_params__" not in vars(cls):
        raise BadName(f"{cls.__name__} is not a dataclass; put @dataclass above it")


def _typed(cls: type[Any], given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Turn text into the types of a dataclass's fields."""
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(cls)
    typed = {}
    for key, value in given.items():
        if key not in hints:
            raise BadName(f"{name} has no setting {key!r}; {catalog.suggest(key, list(hints))}")
        try:
            typed[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            wish = error.errors()[0]["msg"]
            raise BadName(f"{name}.{key}={value!r}: {wish[0].lower()}{wish[1:]}") from None
    return typed
