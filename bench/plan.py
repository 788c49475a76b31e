"""Choices to objects: everything is built and checked before the first expensive second."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facesr.bench import assets, catalog
from facesr.bench.choices import Choice
from facesr.bench.contract import Dataset, Method, Metric, Protocol
from facesr.bench.errors import BadName, BenchError

BUDGETS = ("paper", "short", "smoke")


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
    settings |= typed(cls, by_hand, choice.name)
    torch.manual_seed(settings["seed"])  # before the method exists: its weights are drawn then
    method: Method = cls(**settings)
    return method


def build_dataset(
    choice: Choice, protocol: Protocol, data: Path | None, limit: int | None
) -> Dataset:
    """Build a data set at the sizes of a protocol."""
    cls = catalog.load("datasets", choice.name)
    _check_class(cls, Dataset, choice.name)
    settings = typed(cls, choice.settings, choice.name)
    sizes = {"lr_size": protocol.lr_size, "scale": protocol.scale}
    dataset: Dataset = cls(**(settings | sizes | {"data": data, "limit": limit}))
    return dataset


def build_protocol(choice: Choice) -> Protocol:
    """Build a protocol."""
    cls = catalog.load("protocols", choice.name)
    _check_class(cls, Protocol, choice.name)
    protocol: Protocol = cls(**typed(cls, choice.settings, choice.name))
    return protocol


def build_metric(choice: Choice) -> Metric:
    """Build a metric."""
    cls = catalog.load("metrics", choice.name)
    _check_class(cls, Metric, choice.name)
    metric: Metric = cls(**typed(cls, choice.settings, choice.name))
    return metric


def settings_of(method: Method) -> dict[str, Any]:
    """Return the fields a method was built with."""
    return {f.name: getattr(method, f.name) for f in fields(method) if f.init}


def files_of(method: Method) -> dict[str, Path]:
    """Return the files that settings name, such as weights to start from, by setting."""
    named = {name: value for name, value in settings_of(method).items() if isinstance(value, str)}
    return {name: Path(value) for name, value in named.items() if value and Path(value).is_file()}


def changed(method: Method, choice: Choice, budget: str) -> list[str]:
    """Name the settings that differ from those of the budget and are not part of the label."""
    defaults = {f.name: f.default for f in fields(method) if f.init}
    expected = defaults | dict(method.budgets.get(budget, {}))
    now = settings_of(method)
    said = {"scale", "seed", *choice.settings}
    return sorted(name for name in now.keys() - said if now[name] != expected[name])


def unable(choice: Choice, scale: int) -> str:
    """Say why a method cannot take part in a run at this factor; empty if it can."""
    about = catalog.describe("methods", choice.name).about
    scales = about.get("scales") or ()
    if scales and scale not in scales:
        supported = ", ".join(f"x{known}" for known in scales)
        return f"{choice.label} supports {supported}, this run asks for x{scale}"
    absent = [assets.missing(need) for need in about.get("needs") or ()]
    return next((f"{choice.label} {sentence}" for sentence in absent if sentence), "")


def default_datasets(data: Path | None, protocol: Protocol) -> list[Choice]:
    """Choose data sets when none is named.

    Returns:
        The first of the protocol's own data sets that lies below `data`; the embedded faces if
        there is no `data`.

    Raises:
        BenchError: If `data` is no folder, or none of them is in it.
    """
    if data is None:
        return [Choice("datasets", "embedded"), Choice("datasets", "embedded", {"test": "real"})]
    if not data.is_dir():
        raise BenchError(f"{data} is not a folder; give the folder that holds the data sets")
    absent = {}
    for name in protocol.datasets:
        absent[name] = catalog.load("datasets", name)(data=data).missing()
        if not absent[name]:
            return [Choice("datasets", name)]
    reasons = "; ".join(f"{name}: {sentence}" for name, sentence in absent.items())
    raise BenchError(
        f"{data} holds none of the data sets that this protocol uses by itself "
        f"({reasons or 'it names none'}); name another with --datasets (`bench data list`), or "
        "images of your own with folder:PATH"
    )


def _check_class(cls: type[Any], base: type[Any], name: str) -> None:
    noun = base.__name__.lower()
    if not issubclass(cls, base):
        raise BadName(f"{name} is {cls.__name__}, which does not derive from facesr's {noun} class")
    if not is_dataclass(cls) or "__dataclass_params__" not in vars(cls):
        raise BadName(f"{cls.__name__} is not a dataclass; put @dataclass above it")


def typed(cls: type[Any], given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Turn text into the types of a dataclass's fields.

    Raises:
        BadName: If a field does not exist or a value cannot be read.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(cls)
    typed = {}
    for key, value in given.items():
        if key not in hints:
            raise BadName(f"{name} has no setting {key!r}; {catalog.suggest(key, list(hints))}")
        try:
            typed[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError:
            wish = _wish(hints[key])
            raise BadName(f"{name}.{key} is {value!r}, expected {wish}") from None
    return typed


def _wish(hint: Any) -> str:
    """Say in words what values a type takes.

    >>> _wish(int), _wish(Literal["y", "rgb"])
    ('a whole number', 'y or rgb')
    """
    if get_origin(hint) is Literal:
        return " or ".join(str(choice) for choice in get_args(hint))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words.get(hint, str(hint))
