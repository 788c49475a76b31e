"""What a reader is told first: what the numbers are not, and which pictures are not for others."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from facesr.bench.score import Row
from facesr.bench.store import Store
from facesr.reports._conditions import (
    changed_of,
    licence_of,
    limit_of,
    partial_of,
    shareable,
    trained_on,
)
from facesr.reports._words import first_look

Notice = tuple[str, str]


def rehearsal(rows: Sequence[Row]) -> list[Notice]:
    """Say plainly what numbers of a rehearsal are not: titles and sentences."""
    found = []
    budgets = {row.budget for row in rows}
    if "smoke" in budgets:
        found.append(
            (
                "Rehearsal",
                "Methods that learn were trained at the budget smoke: a few steps, to show that "
                "everything runs. These numbers say nothing about how good a method is.",
            )
        )
    if "short" in budgets:
        found.append(
            (
                "Short training",
                "Methods were trained at the budget short, less than their papers ask for. These "
                "numbers are not those of the papers.",
            )
        )
    if own := _own_settings(rows):
        found.append(
            (
                "Settings of their own",
                f"The budget says paper, but settings were changed by hand: {'; '.join(own)}. "
                "These numbers are not those of the papers.",
            )
        )
    for limit in sorted({limit for row in rows if (limit := limit_of(row)) is not None}):
        of = ", ".join(sorted({row.dataset for row in rows if limit_of(row) == limit}))
        title, _, sentence = first_look(limit, of).partition(": ")
        found.append((title, sentence[0].upper() + sentence[1:]))
    lacks = {f"{row.dataset}: {partial_of(row)}" for row in rows if partial_of(row)}
    if lacks:
        found.append(
            (
                "Partial data",
                f"{'; '.join(sorted(lacks))}. Rows on it compare with no published number.",
            )
        )
    if any(row.dataset.partition("[")[0] == "embedded" for row in rows):
        found.append(
            (
                "Embedded faces",
                "The data set embedded comes with the software and is small; its reference faces "
                "are rendered, not photographed. Its numbers compare with no paper's.",
            )
        )
    return found


def keep_private(reasons: Iterable[str]) -> list[Notice]:
    """Say that a page with pictures is not for others, and why."""
    sentences = (part for reason in reasons for part in re.split(r"(?<=\)\.) ", reason) if part)
    given = " ".join(dict.fromkeys(sentences))
    return [("Keep this page to yourself", given)] if given else []


def private(rows: Sequence[Row], dataset: str) -> str:
    """Say why pictures of a data set may not be published; empty if they may."""
    own = [row for row in rows if row.dataset == dataset]
    if own and all(shareable(row) for row in own):
        return ""
    licence = next((terms for row in own if (terms := licence_of(row))), "")
    terms = f"licence {licence.rstrip('.')}" if licence else "no licence is recorded"
    return f"Pictures of {dataset} may not be published ({terms})."


def private_training(rows: Sequence[Row], method: str, folder: Path) -> str:
    """Say why the samples of a training may not be published; empty if they may.

    Args:
        rows: Rows that say what was trained on.
        method: Label of the method.
        folder: Where it was trained.
    """
    store = Store(folder.parent.parent)
    own = [r for r in rows if (data := trained_on(r)) and store.training(method, data) == folder]
    if not own:
        return f"Samples of {method} may not be published (their data set is not recorded)."
    return " ".join(filter(None, (private(rows, name) for name in {r.dataset: 0 for r in own})))


def _own_settings(rows: Sequence[Row]) -> list[str]:
    """Name changed settings of methods at the budget paper, unless their label names them."""
    found = []
    for row in rows:
        names = [name for name in changed_of(row) if f"{name}=" not in row.method]
        if row.budget == "paper" and names:
            found.append(f"{row.method} {', '.join(names)}")
    return list(dict.fromkeys(found))
