"""What every face detector promises, and how one is named.

Coordinates are continuous, x first: pixel `i` covers `i` to `i + 1`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadName

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

DETECTORS = {"mtcnn": "Mtcnn", "retinaface": "RetinaFace", "scrfd": "Scrfd", "yunet": "YuNet"}


@dataclass(frozen=True, eq=False)
class Found:
    """The faces found in one photograph, surest first.

    Args:
        boxes: Left, top, right, bottom in pixels of the photograph, (n, 4).
        scores: Confidences in [0, 1], (n,).
        points: Both eyes, nose and both mouth corners, left ones first as the picture shows
            them, in pixels of the photograph, (n, 5, 2).
    """

    boxes: Points
    scores: Points
    points: Points

    def __len__(self) -> int:
        return len(self.scores)


class Detector(Protocol):
    """Finds faces and their five landmarks."""

    @property
    def recipe(self) -> dict[str, Any]:
        """Name, version and every parameter that decides what is found; JSON values only."""
        ...

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        """Search photographs.

        Args:
            photos: RGB pixels, (h, w, 3) each, of any sizes.

        Returns:
            What was found in each, in the same order; it does not depend on the others.
        """
        ...


class Named(Detector, Protocol):
    """A detector that `detector` knows by name."""

    def missing(self) -> str:
        """Say in a sentence which package or file is absent; empty if none is."""
        ...


def detector(name: str, **settings: Any) -> Named:
    """Build a detector.

    Args:
        name: One of `DETECTORS`.
        settings: Fields of its class; all have `enlarge` and `threshold`.

    Raises:
        BadName: If there is no such detector or setting.
    """
    if name not in DETECTORS:
        raise BadName(f"no detector named {name!r}{_near(name, list(DETECTORS))}")
    kind = getattr(import_module(f"facesr.bench.detectors.{name}"), DETECTORS[name])
    known = [field.name for field in fields(kind)]
    for setting in settings:
        if setting not in known:
            raise BadName(f"detector {name} has no setting {setting!r}{_near(setting, known)}")
    return kind(**settings)


def nothing() -> Found:
    """Return what a photograph without faces gives."""
    return Found(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))


def _near(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
