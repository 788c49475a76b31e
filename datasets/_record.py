"""What the annotation of a data set says of one face, and the two ways it can fare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Part

Points = NDArray[np.float64]
Box = tuple[float, float, float, float]
PARTS: tuple[Part, ...] = ("train", "test")
Which = Literal["given", "central", "every", "head", "person"]


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """A face, or a photograph in which faces have to be found.

    Coordinates are continuous, x first: pixel `i` covers `i` to `i + 1`.

    Args:
        photo: The file, relative to the folder of the distribution, with slashes.
        name: A name that no other face of the data set has; no slashes, no ending.
        box: Left, top, right, bottom in pixels of the photograph, where annotated.
        points: Landmarks in pixels of the photograph, (k, 2), where annotated.
        identity: Who is shown, where known.
        part: The authors' own part, such as `train`, where they have one.
        unit: What must not be divided between training and test: a person, a photograph.
        which: Which face is meant: the annotated one, the most central one, every one, or the one
            in a box that holds a whole head or a whole person, in the picture if there is no box.
        labels: What else is annotated; JSON values only.
        flaw: Why the face, or this line of the annotation, cannot be used, as `reason: detail`;
            empty if it can.
    """

    photo: str
    name: str
    box: Box | None = None
    points: Points | None = None
    identity: str = ""
    part: str = ""
    unit: str = ""
    which: Which = "given"
    labels: Mapping[str, Any] = field(default_factory=dict)
    flaw: str = ""

    @property
    def kept_together(self) -> str:
        """What must not be divided: the unit, else the person, else the photograph."""
        return self.unit or self.identity or self.photo


@dataclass(frozen=True, eq=False, slots=True)
class Made:
    """A face on its way into a prepared folder.

    Args:
        name: Its name, which no other face of the folder has.
        pixels: The crop, (size, size, 3), uint8.
        identity: Who is shown, where known.
        landmarks: Points in pixels of the crop, (k, 2), x first, where known.
        details: What else is known of it, such as drawn parameters; JSON values only.
    """

    name: str
    pixels: NDArray[np.uint8]
    identity: str | None = None
    landmarks: NDArray[np.floating] | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A face that is not used.

    Args:
        name: Its name, or that of a photograph or line.
        reason: One of few, so that they can be counted, such as `too small`.
        detail: What exactly came; may be empty.
    """

    name: str
    reason: str
    detail: str = ""


def draw(seed: int, *words: str) -> float:
    """Return a number in [0, 1) that depends on nothing but its arguments.

    >>> draw(0, "a") == draw(0, "a") != draw(1, "a")
    True
    """
    text = "\0".join((str(seed), *words))
    return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:7], "big") / 2**56
