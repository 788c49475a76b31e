"""WIDER FACE: `wider_face_{train,val}_bbx_gt.txt` and `wider_face_test_filelist.txt`.

Yang, Luo, Loy and Tang, "WIDER FACE: A Face Detection Benchmark", CVPR 2016,
http://shuoyang1213.me/WIDERFACE/. Layout: `wider_face_split/readme.txt` of the release. A photo is
a line with its path below `WIDER_*/images`, a line with the number of boxes, and one line per box:
`x y w h blur expression illumination invalid occlusion pose`, with a blank at its end. A photo
without a face has the number 0 and yet one line, of zeros.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from facesr.datasets._formats.lines import (
    Bad,
    Lines,
    Source,
    fields,
    is_picture,
    path_inside,
    picture,
    rows,
    shown,
    whole,
)

_MOST_BOXES = 65536  # per photo; the release has at most 1,968


@dataclass(frozen=True, slots=True)
class Box:
    """A face as the file gives it; boxes without area or partly outside do occur.

    Args:
        x: Left edge, in pixels.
        y: Upper edge, in pixels.
        w: Width, in pixels.
        h: Height, in pixels.
        blur: 0 clear, 1 normal, 2 heavy.
        expression: 0 typical, 1 exaggerated.
        illumination: 0 normal, 1 extreme.
        invalid: 1 if the authors say that the picture is not to be used.
        occlusion: 0 none, 1 partial, 2 heavy.
        pose: 0 typical, 1 atypical.
    """

    x: int
    y: int
    w: int
    h: int
    blur: int
    expression: int
    illumination: int
    invalid: int
    occlusion: int
    pose: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo and the faces on it.

    Args:
        path: Relative to `WIDER_*/images`.
        boxes: The faces, in the order of the file.
        declared: How many boxes the file says there are; `len(boxes)` unless flaws were reported.
        line: Number of the line with the path.
    """

    path: str
    boxes: tuple[Box, ...]
    declared: int
    line: int


def photos(source: Source, bad: Bad) -> Iterator[Photo]:
    """Read `wider_face_{train,val}_bbx_gt.txt`, one photo at a time.

    Reading starts anew at every line that is a path. No box is taken beyond the number that the
    photo declares, so that a damaged path never lends its boxes to the photo before it.

    Args:
        source: The file.
        bad: Told of lines that cannot be used and of counts that are wrong.

    Raises:
        BadData: If no photo can be read.
    """
    lines = Lines(source, "a WIDER FACE ground truth (path, number of boxes, boxes)", bad)
    reader = _Reader(lines)
    for number, text in lines:
        if is_picture(text):
            yield from reader.finished()
            reader.begin(number, text)
        else:
            reader.take(number, text)
    yield from reader.finished()


class _Reader:
    """What is known of the photo that is being read."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._path = ""  # empty while lines belong to no photo
        self._line = 0
        self._declared: int | None = None
        self._seen = 0
        self._boxes: list[Box] = []

    def begin(self, number: int, text: str) -> None:
        self._path, self._line, self._declared, self._seen = "", number, None, 0
        self._boxes = []
        try:
            self._path = path_inside(text)
        except ValueError as error:
            self._lines.flaw(number, str(error))

    def take(self, number: int, text: str) -> None:
        if not self._path:
            self._lines.flaw(number, f"belongs to no photo: {shown(text)}")
        elif self._declared is None:
            self._count(number, text)
        elif self._seen >= max(self._declared, 1):
            self._lines.flaw(
                number, f"is line {self._seen + 1} of {self._declared} boxes: {shown(text)}"
            )
            self._seen += 1
        else:
            self._box(number, text)

    def _count(self, number: int, text: str) -> None:
        try:
            self._declared = whole(text, 0, _MOST_BOXES)
            self._lines.good = True
        except ValueError as error:
            self._lines.flaw(number, f"should be the number of boxes of {self._path}: {error}")
            self._path = ""

    def _box(self, number: int, text: str) -> None:
        self._seen += 1
        parts = text.split()
        if len(parts) == 1:  # a damaged path or a number: what follows may be another photo's
            self._lines.flaw(number, f"is no box: {shown(text)}")
            self._seen = _MOST_BOXES
            return
        try:
            values = [whole(part) for part in fields(text, 10)]
        except ValueError as error:
            self._lines.flaw(number, str(error))
            return
        if self._declared:
            self._boxes.append(Box(*values))
        elif any(values):
            self._lines.flaw(number, f"is a box of a photo that declares none: {shown(text)}")

    def finished(self) -> Iterator[Photo]:
        """Yield the photo, unless its path or its number of boxes was unusable."""
        if not self._path:
            return
        if self._declared is None:
            self._lines.flaw(self._line, f"{self._path} has no number of boxes")
            return
        if len(self._boxes) != self._declared:
            self._lines.flaw(
                self._line,
                f"{self._path} declares {self._declared} boxes and has {len(self._boxes)}",
            )
        yield Photo(self._path, tuple(self._boxes), self._declared, self._line)


def filelist(source: Source, bad: Bad) -> Iterator[str]:
    """Read `wider_face_test_filelist.txt`: the paths of the photos of the test set.

    Raises:
        BadData: If no path can be read.
    """
    return rows(Lines(source, "a list of WIDER FACE test photos", bad), picture)
