"""Which of the faces that a detector found are used, and what became of the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from facesr.datasets._crop import Box, Points, outside, square_from_landmarks
from facesr.datasets._detections import Searched
from facesr.datasets._sources import Photo, draw


@dataclass(frozen=True)
class Rule:
    """When a face is used, and how it is framed.

    Args:
        least_score: Confidence below which it is no face.
        least_side: Native side of the crop below which it is too small, in pixels.
        most_side: Native side above which it is too large; None for any.
        margin: Side of the crop, in spreads of the landmarks.
        lift: How far the crop's centre lies above the landmarks' mean, in spreads.
        most_outside: Share of the crop that may lie outside the photograph.
    """

    least_score: float
    least_side: float
    most_side: float | None = None
    margin: float = 5.0
    lift: float = 0.35
    most_outside: float = 0.1

    def judge(self, box: Box, score: float, width: int, height: int) -> str:
        """Say why a face is not used; empty if it is."""
        side = box[2] - box[0]
        if score < self.least_score:
            return "unsure"
        if side < self.least_side:
            return "too small"
        if self.most_side is not None and side > self.most_side:
            return "too large"
        return "cut off" if outside(box, width, height) > self.most_outside else ""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A face that is used.

    Args:
        photo: Where it is.
        name: File name of its crop.
        box: What is cropped.
        points: Its landmarks, in pixels of the photograph, (5, 2).
        score: The detector's confidence.
    """

    photo: Photo
    name: str
    box: Box
    points: Points
    score: float

    @property
    def side(self) -> float:
        """Native side of the crop, in pixels."""
        return self.box[2] - self.box[0]


@dataclass(frozen=True)
class Choice:
    """Faces that are used, and how many others were not for which reason."""

    chosen: list[Chosen] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def central(searched: Sequence[Searched], rule: Rule) -> Choice:
    """Choose at most one face per photograph: the most central one, which covers its middle.

    Portraits of a named person have that person in the middle; a face beside it is someone else's.
    """
    choice = Choice(counts=Counter(searched=len(searched)))
    for one in searched:
        middle = np.array([one.width, one.height]) / 2
        boxes = one.found.boxes
        sure = one.found.scores >= rule.least_score
        over = sure & (boxes[:, :2] <= middle).all(1) & (boxes[:, 2:] >= middle).all(1)
        if one.problem or not over.any():
            seen = "no face in the middle" if sure.any() else "no face found"
            choice.counts["unreadable" if one.problem else seen] += 1
            continue
        distance = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - middle, axis=1)
        face = int(np.where(over, distance, np.inf).argmin())
        choice.counts["several faces"] += int(sure.sum() > 1)
        _judge(choice, one, face, f"{one.photo.name}.png", rule)
    return choice


def small(searched: Sequence[Searched], rule: Rule) -> Choice:
    """Choose every face of each photograph that a rule accepts."""
    choice = Choice(counts=Counter(searched=len(searched)))
    for one in searched:
        choice.counts["unreadable"] += bool(one.problem)
        for face in range(len(one.found)):
            _judge(choice, one, face, f"{one.photo.name}-{face:03d}.png", rule)
    return choice


def _judge(choice: Choice, one: Searched, face: int, name: str, rule: Rule) -> None:
    points, score = one.found.points[face], float(one.found.scores[face])
    box = square_from_landmarks(points, rule.margin, rule.lift)
    reason = rule.judge(box, score, one.width, one.height)
    choice.counts[reason or "kept"] += 1
    if not reason:
        choice.chosen.append(Chosen(one.photo, name, box, points, score))


def held_people(faces: Sequence[Chosen], share: float, seed: int) -> set[str]:
    """Choose the people held out for the test, each with the same probability."""
    return {f.photo.identity for f in faces if draw(seed, "test", f.photo.identity) < share}


def held_photographs(faces: Sequence[Chosen], share: float, seed: int) -> set[str]:
    """Choose the photographs held out for the test, so that it gets about a share of the faces.

    Photographs are gone through in an order that depends on the seed; one that would make the
    test split larger than 1.25 times its share is left to training.

    Returns:
        Names of photographs.
    """
    sizes = Counter(face.photo.name for face in faces)
    wanted = share * len(faces)
    chosen: set[str] = set()
    count = 0
    for name in sorted(sizes, key=lambda name: draw(seed, "test", name)):
        if count < wanted and count + sizes[name] <= 1.25 * wanted:
            chosen.add(name)
            count += sizes[name]
    return chosen


def held_faces(faces: Sequence[Chosen], share: float, seed: int) -> set[str]:
    """Choose the faces held out for the test, by name, each with the same probability."""
    return {face.name for face in faces if draw(seed, "test", face.name) < share}
