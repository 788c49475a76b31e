"""Which face of a photograph an annotation means."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facesr.bench.detectors._base import Found
from facesr.datasets._record import Box, Dropped, Points, Record

_OVERLAP = 0.3  # intersection over union from which a found face is the annotated one


@dataclass(frozen=True, eq=False, slots=True)
class Face:
    """A face that may become a crop.

    Args:
        name: Its name.
        box: Left, top, right, bottom in pixels of the photograph.
        points: Landmarks in pixels of the photograph.
        score: Confidence of the detector; 1 for an annotated face.
        record: What the annotation says.
    """

    name: str
    box: Box | None
    points: Points | None
    score: float
    record: Record


def choose(
    record: Record, size: tuple[int, int], found: Found | None, sure: float, *, turned: bool = False
) -> Iterator[Face | Dropped]:
    """Find the faces that a record means.

    Args:
        record: What the annotation says.
        size: Width and height of the photograph, in pixels.
        found: What a detector found; None to take the annotation.
        sure: Confidence from which a finding is a face.
        turned: Whether the photograph was turned by its EXIF, so that boxes may not fit.
    """
    width, height = size
    annotated = record.box is not None or record.points is not None
    if annotated and turned:
        yield Dropped(record.name, "turned by its EXIF, so the annotation may not fit")
        return
    reason = "" if record.box is None else unusable(record.box, width, height)
    if reason:
        yield Dropped(record.name, reason, str(record.box))
    elif found is None:
        yield Face(record.name, record.box, record.points, 1.0, record)
    elif record.which == "every":
        if not len(found):
            yield Dropped(record.name, "no face found")
        for at in range(len(found)):
            yield _taken(found, at, f"{record.name}-{at:03d}", record)
    else:
        middle = np.array([width, height]) / 2
        if record.which in ("head", "person"):
            at, reason = _within(head(record, width, height), found, sure)
        else:
            at, reason = _matching(record, found) if annotated else _central(found, middle, sure)
        yield Dropped(record.name, reason) if reason else _taken(found, at, record.name, record)


def _taken(found: Found, at: int, name: str, record: Record) -> Face:
    left, top, right, bottom = found.boxes[at].tolist()
    score = float(found.scores[at])
    return Face(name, (left, top, right, bottom), found.points[at], score, record)


def unusable(box: Box, width: int, height: int) -> str:
    """Say why a box marks no face; empty if it may."""
    left, top, right, bottom = box
    if not np.isfinite(box).all() or right <= left or bottom <= top:
        return "empty box"
    outside = right <= 0 or bottom <= 0 or left >= width or top >= height
    return "box outside the photograph" if outside else ""


def _matching(record: Record, found: Found) -> tuple[int, str]:
    """Find the face that overlaps most with the annotated box, or covers the landmarks' middle."""
    if not len(found):
        return 0, "not found by the detector"
    if record.box is None:  # five landmarks lie deep in a face: a box around them overlaps little
        assert record.points is not None
        at, reason = _central(found, record.points.mean(0), 0.0)
        return at, reason and "not found by the detector"
    box = np.array(record.box)
    low, high = np.maximum(found.boxes[:, :2], box[:2]), np.minimum(found.boxes[:, 2:], box[2:])
    common = np.clip(high - low, 0, None).prod(1)
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    overlap = common / (sides.prod(1) + (box[2:] - box[:2]).prod() - common)
    at = int(overlap.argmax())
    return at, "" if overlap[at] >= _OVERLAP else "not found by the detector"


def head(record: Record, width: int, height: int) -> Box:
    """Return where a head is: the box, or the upper third of a person's."""
    left, top, right, bottom = record.box or (0.0, 0.0, float(width), float(height))
    whole = record.which != "person"
    return left, top, right, bottom if whole else top + (bottom - top) / 3


def _within(region: Box, found: Found, sure: float) -> tuple[int, str]:
    """Find the face whose middle is nearest to that of a region, and in it; sure ones first.

    A face need not overlap much with the box of its head: seen from the side it fills half of it.
    """
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    inside = ((middles > region[:2]) & (middles < region[2:])).all(1)
    if not inside.any():
        return 0, "not found by the detector"
    if (inside & (found.scores >= sure)).any():
        inside &= found.scores >= sure
    centre = (np.array(region[:2]) + region[2:]) / 2
    distance = np.linalg.norm(middles - centre, axis=1)
    return int(np.where(inside, distance, np.inf).argmin()), ""


def _central(found: Found, middle: Points, sure: float) -> tuple[int, str]:
    """Find the sure face nearest to the middle, which covers it: one beside it is someone else."""
    if not (found.scores >= sure).any():
        return 0, "no face found"
    covers = (found.boxes[:, :2] <= middle).all(1) & (found.boxes[:, 2:] >= middle).all(1)
    over = covers & (found.scores >= sure)
    distance = np.linalg.norm((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - middle, axis=1)
    at = int(np.where(over, distance, np.inf).argmin())
    return at, "" if over.any() else "no face in the middle"
