"""What a figure of the critical resolution shows: methods, their curves, colours and markers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from facesr.bench.score import Curve, Score

REFERENCE, LEVEL = "input", "level"  # how columns call the reduced faces, and what is to be kept
NOT_RESTORED = "input, not restored"
IN_COLOUR = 6
PLAIN = "#87838f"
PANELS = {"cosine": "matching score\n(mean cosine)", "accuracy": "verification\naccuracy"}
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "up": "^", "down": "v", "plus": "P"}
DASHES: Mapping[str, Any] = {
    "circle": "-",
    "square": (0, (6, 2)),
    "diamond": (0, (2, 2)),
    "up": (0, (6, 2, 2, 2)),
    "down": (0, (1, 2)),
    "plus": (0, (8, 3, 2, 3)),
}


@dataclass
class Member:
    """What one method, or the reduced faces themselves, has to show.

    Args:
        title: What is written beside it.
        colour: As everywhere in a report.
        marker: As everywhere in a report.
        dash: Follows from the marker.
        strong: Whether it is drawn in colour and labelled.
        curves: By metric.
        critical: Where its accuracy crosses the level.
    """

    title: str
    colour: str
    marker: str
    dash: Any
    strong: bool = True
    curves: dict[str, Curve] = field(default_factory=dict)
    critical: Score | None = None


@dataclass
class Plot:
    """One protocol on one data set.

    Args:
        protocol: Label of the protocol.
        dataset: Label of the data set.
        embedder: Who recognises faces.
        members: The reduced faces first, then methods, best first.
        level: The accuracy that is to be kept.
    """

    protocol: str
    dataset: str
    embedder: str
    members: list[Member]
    level: Curve

    @property
    def side(self) -> tuple[float, float]:
        """The least and the largest resolution."""
        return self.level.x[0], self.level.x[-1]


@cache
def colours() -> dict[str, str]:
    """Read the colours of families where the page has them, so that there is one list."""
    css = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([a-z]+): light-dark\((#[0-9a-f]{6}),", css))
