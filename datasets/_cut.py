"""From photographs and annotations to crops: which face, where, and why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import decoded
from facesr.datasets._align import Frame, Placed, cut, into
from facesr.datasets._crop import outside
from facesr.datasets._record import Dropped, Made, Record
from facesr.datasets._search import Search
from facesr.datasets._which import Face, choose, head, unusable

_PIXELS = 16_000_000  # of photographs decoded at once; bounds the memory


@dataclass(frozen=True)
class Rule:
    """Which faces are used, by what a crop is natively.

    Args:
        least_side: Native side of the crop below which a face is too small, in pixels.
        most_side: Native side above which it is too large; None for any.
        least_score: Confidence below which a detector's finding is no face.
        most_outside: Share of the crop that may lie outside the photograph.
    """

    least_side: float = 0.0
    most_side: float | None = None
    least_score: float = 0.95
    most_outside: float = 0.1

    def judge(self, side: float, outside: float, score: float) -> str:
        """Say why a face is not used; empty if it is."""
        if score < self.least_score:
            return "unsure"
        if side < self.least_side:
            return "too small"
        if self.most_side is not None and side > self.most_side:
            return "too large"
        return "cut off by the border" if outside > self.most_outside else ""


@dataclass(frozen=True, slots=True)
class Read:
    """A photograph that was read: its name, SHA-256 and length in bytes."""

    photo: str
    content: str
    length: int


Result = Made | Dropped | Read


@dataclass(frozen=True, eq=False)
class _Opened:
    image: Image.Image
    content: str
    turned: bool
    records: Sequence[Record]

    @cached_property
    def pixels(self) -> Pixels:
        return np.asarray(self.image)


@dataclass(frozen=True, eq=False, slots=True)
class _View:
    """The part of a photograph that is searched: its name, its pixels, where it begins."""

    key: str
    pixels: Pixels
    left: int = 0
    top: int = 0

    def back(self, found: Found) -> Found:
        """Move what was found in the part to where it is in the photograph."""
        by = np.array([self.left, self.top], np.float64)
        return Found(found.boxes + np.tile(by, 2), found.scores, found.points + by)


@dataclass(frozen=True)
class Cutter:
    """Turns photographs into crops.

    Args:
        root: Folder that names of photographs are relative to.
        frame: How a face is framed.
        rule: Which faces are used.
        size: Side of the crops, in pixels.
        search: Finds boxes and landmarks; None to take the annotated ones.
    """

    root: Path
    frame: Frame
    rule: Rule
    size: int
    search: Search | None = None

    def cut(self, photos: Sequence[Sequence[Record]]) -> list[Result]:
        """Cut faces out of photographs.

        Args:
            photos: For each photograph the faces that are wanted from it.

        Returns:
            What became of each, in order, with the photographs that were read.
        """
        results: list[Result] = []
        waiting: list[_Opened] = []
        for records in photos:
            opened = self._open(records, results)
            if opened is None:
                continue
            waiting.append(opened)
            if (
                self.search is None
                or sum(p.image.width * p.image.height for p in waiting) > _PIXELS
            ):
                results += self._faces(waiting)
                waiting.clear()
        return results + self._faces(waiting)

    def _open(self, records: Sequence[Record], results: list[Result]) -> _Opened | None:
        usable = []
        for record in records:
            if record.flaw:
                reason, _, detail = record.flaw.partition(": ")
                results.append(Dropped(record.name, reason, detail))
            else:
                usable.append(record)
        if not usable:
            return None
        photo = usable[0].photo
        path = self.root / photo
        try:
            if _leads_out(photo):
                reason, detail = "photograph outside the folder", photo
            elif not path.is_file():
                reason, detail = "missing photograph", photo
            else:
                content = path.read_bytes()
                read = Read(photo, sha256(content).hexdigest(), len(content))
                results.append(read)
                image, turned = decoded(content, photo)
                return _Opened(image, read.content, turned, usable)
        except BadImage as error:
            reason, detail = "unreadable photograph", str(error)
        except OSError as error:
            reason, detail = "unreadable photograph", f"{photo}: {(error.strerror or '').lower()}"
        results += [Dropped(record.name, reason, detail) for record in usable]
        return None

    def _faces(self, photos: Sequence[_Opened]) -> list[Result]:
        wanted = [(photo, record) for photo in photos for record in photo.records]
        if self.search is None:
            return [r for photo, record in wanted for r in self._crops(photo, record, None)]
        views = [_view(photo, record) for photo, record in wanted]
        unlike = {view.key: view for view in views}
        found = self.search.find([(view.key, view.pixels) for view in unlike.values()])
        faces = {key: unlike[key].back(f) for key, f in zip(unlike, found, strict=True)}
        results: list[Result] = []
        taken: dict[tuple[str, str], str] = {}
        for (photo, record), view in zip(wanted, views, strict=True):
            for result in self._crops(photo, record, faces[view.key]):
                if isinstance(result, Made) and record.which != "every":
                    face = (record.photo, str((result.details or {})["box"]))
                    if taken.setdefault(face, record.name) != record.name:
                        result = Dropped(record.name, "same face as another", taken[face])
                results.append(result)
        return results

    def _crops(self, photo: _Opened, record: Record, found: Found | None) -> Iterator[Result]:
        size, sure = photo.image.size, self.rule.least_score
        for face in choose(record, size, found, sure, turned=photo.turned):
            yield face if isinstance(face, Dropped) else self._crop(face, photo)

    def _crop(self, face: Face, photo: _Opened) -> Made | Dropped:
        width, height = photo.image.size
        try:
            square = self.frame.place(width, height, face.box, face.points)
            if not isfinite(sum(square.box)):
                raise BadData(f"the frame {square.box} is not finite")
        except BadData as error:
            return Dropped(face.name, "not annotated well enough to be framed", str(error))
        reason = self.rule.judge(square.side, _outside(square, width, height), face.score)
        if reason:
            return Dropped(face.name, reason, f"{square.side:.1f} px")
        record = face.record
        points = face.points if record.points is None else record.points
        if points is not None and not np.isfinite(points).all():
            points = None
        return Made(
            name=f"{face.name}.png",
            pixels=cut(photo.pixels if square.angle else photo.image, square, self.size),
            identity=record.identity or None,
            landmarks=None if points is None else into(points, square.matrix(self.size)).round(3),
            details=_details(face, square),
        )


def _outside(square: Placed, width: int, height: int) -> float:
    """Return what `square.outside` does; faster for the many that are not turned."""
    return square.outside(width, height) if square.angle else outside(square.box, width, height)


def _leads_out(photo: str) -> bool:
    return photo.startswith("/") or ".." in photo.split("/")


def _view(photo: _Opened, record: Record) -> _View:
    """Return what is searched for a face: where it is and as much around it, or everything."""
    width, height = photo.image.size
    fits = record.box is None or not unusable(record.box, width, height)
    boxed = record.which == "given" and record.box is not None
    if not fits or not (boxed or record.which in ("head", "person")):
        return _View(photo.content, photo.pixels)
    left, top, right, bottom = head(record, width, height)
    share = 1.0 if boxed else 0.5  # a face needs some head around it, a head does not
    x, y = (right - left) * share, (bottom - top) * share
    x1, y1 = max(0, int(left - x)), max(0, int(top - y))
    x2, y2 = min(width, int(right + x) + 1), min(height, int(bottom + y) + 1)
    return _View(f"{photo.content}:{x1},{y1},{x2},{y2}", photo.pixels[y1:y2, x1:x2], x1, y1)


def _details(face: Face, square: Placed) -> dict[str, Any]:
    record = face.record
    details: dict[str, Any] = {
        "photo": record.photo,
        "box": [round(edge, 3) for edge in square.box],
        "side": round(square.side, 2),
    }
    if square.angle:
        details["angle"] = round(square.angle, 5)
    if record.part:
        details["part"] = record.part
    if face.score < 1:
        details["score"] = round(face.score, 4)
    return details | dict(record.labels)
