"""What a figure of the critical resolution shows: methods and their curves."""

from dataclasses import dataclass, field

from facesr.bench.score import Curve, Score
from facesr.reports._figure import Mark, colours

__all__ = ["colours"]

REFERENCE, LEVEL = "input", "level"  # how columns call the reduced faces, and what is to be kept
NOT_RESTORED = "input, not restored"
PLAIN = "#87838f"
PANELS = {"cosine": "matching score\n(mean cosine)", "accuracy": "verification\naccuracy"}


@dataclass
class Member:
    """What one method, or the reduced faces themselves, has to show.

    Args:
        mark: How it looks, as everywhere in a report.
        strong: Whether it is drawn in colour and labelled.
        curves: By metric.
        critical: Where its accuracy crosses the level.
    """

    mark: Mark
    strong: bool = True
    curves: dict[str, Curve] = field(default_factory=dict)
    critical: Score | None = None

    @property
    def title(self) -> str:
        """What is written beside it."""
        return self.mark.title

    @property
    def colour(self) -> str:
        """As everywhere in a report."""
        return self.mark.colour


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

    @property
    def caption(self) -> list[str]:
        """What to know of it, in sentences."""
        said = [
            f"Dotted level: {self.level.y[0]:.3f}, {self.level.note}. Below: where it is crossed.",
            f"Bands and bars: 95 %, {self.level.interval}; n = {self.level.n:,} faces.",
        ]
        if not all(member.strong for member in self.members):
            strong = sum(member.strong for member in self.members[1:])
            said.append(f"In colour: the {strong} methods of highest mean accuracy.")
        return said
