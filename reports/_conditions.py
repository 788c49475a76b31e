"""What a run recorded beside its numbers; an absent or odd entry is no error, it is unknown."""

from collections.abc import Mapping
from typing import Any

from facesr.bench.score import Row


def inputs_of(row: Row) -> str:
    """Return the fingerprint of the faces that a method was tested on; empty if unknown."""
    return str(_part(row, "data").get("input") or "")


def trained_on(row: Row) -> str:
    """Return the fingerprint of the faces that a method learned from; empty if unknown or none."""
    return str(_part(row, "data").get("train") or "")


def changed_of(row: Row) -> tuple[str, ...]:
    """Return the settings that were set by hand and are not the budget's."""
    changed = row.provenance.get("changed")
    return tuple(str(name) for name in changed) if isinstance(changed, list | tuple) else ()


def limit_of(row: Row) -> int | None:
    """Return how many faces per half of the data set were used at most; None without a limit."""
    limit = row.provenance.get("limit")
    return limit if isinstance(limit, int) and not isinstance(limit, bool) else None


def partial_of(row: Row) -> str:
    """Say what a published split had and the faces of this row lack; empty if nothing."""
    return str(row.provenance.get("partial") or "")


def count_of(row: Row, part: str) -> int:
    """Return how many faces there were of a part, such as `input`; 0 if unknown."""
    count = _part(row, "counts").get(part)
    return count if isinstance(count, int) else 0


def shareable(row: Row) -> bool:
    """Tell whether pictures of the data set may be published; unknown means no."""
    return row.provenance.get("shareable") is True


def licence_of(row: Row) -> str:
    """Return the terms of the data set; empty if unknown."""
    return str(row.provenance.get("licence") or "")


def _part(row: Row, name: str) -> Mapping[str, Any]:
    part = row.provenance.get(name)
    return part if isinstance(part, Mapping) else {}
