"""Where numbers come from: what is the same for all of them once, the rest cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facesr.bench.score import Row

NOT_FACTS = ("notes",)


@dataclass(frozen=True)
class Fact:
    """A condition and its value.

    Args:
        name: What it is, such as `versions / torch`.
        value: As text.
    """

    name: str
    value: str


@dataclass(frozen=True)
class Origin:
    """The conditions of one method on one data set.

    Args:
        method: Label of the method.
        dataset: Label of the data set.
        protocol: Name of the protocol.
        facts: Conditions that differ between cells.
        settings: Settings of the method.
        timing: Seconds and speeds.
    """

    method: str
    dataset: str
    protocol: str
    facts: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    timing: tuple[Fact, ...]


def shared(rows: Sequence[Row]) -> list[Fact]:
    """Return the conditions that are equal in every row."""
    facts = [_conditions(row) for row in _cells(rows)]
    if not facts:
        return []
    same = {k: v for k, v in facts[0].items() if all(other.get(k) == v for other in facts)}
    return _facts(same)


def origins(rows: Sequence[Row]) -> list[Origin]:
    """Return, per cell, the conditions that are not the same everywhere."""
    common = {fact.name for fact in shared(rows)}
    return [
        Origin(
            row.method,
            row.dataset,
            row.protocol,
            tuple(f for f in _facts(_conditions(row)) if f.name not in common),
            tuple(_facts(row.settings)),
            tuple(_facts({k.replace("_", " "): v for k, v in row.timing.items() if v})),
        )
        for row in _cells(rows)
    ]


def _cells(rows: Sequence[Row]) -> list[Row]:
    cells: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        cells.setdefault((row.dataset, row.protocol, row.method), row)
    return list(cells.values())


def _conditions(row: Row) -> dict[str, Any]:
    given = {k: v for k, v in row.provenance.items() if k not in NOT_FACTS}
    return {"budget": row.budget, "seed": row.seed} | _flat(given)


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, part in value.items():
        name = f"{before} / {key}" if before else str(key)
        flat |= _flat(part, name) if isinstance(part, Mapping) else {name: part}
    return flat


def _facts(values: Mapping[str, Any]) -> list[Fact]:
    return [
        Fact(name.replace("_", " "), _text(value)) for name, value in values.items() if value != ""
    ]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value) or "none"
    return "none" if value is None else f"{value}"
