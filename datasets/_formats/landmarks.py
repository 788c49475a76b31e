"""Landmarks in text files: iBUG's `.pts` and Helen's own annotation.

A file describes one face. A point whose line is damaged becomes NaN, so that the others keep their
places; if lines are missing or in excess, nobody can tell which, and the file is refused.

Coordinates come back continuous, x first: pixel `i` covers `i` to `i + 1`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import (
    Bad,
    Lines,
    Source,
    fields,
    picture,
    real,
    shown,
    whole,
)

Points = NDArray[np.float64]
_MOST_POINTS = 4096
HELEN_POINTS = 194


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """A face of Helen.

    Args:
        name: Name of the photo, without its ending.
        points: (194, 2), continuous coordinates; NaN where a line was damaged.
    """

    name: str
    points: Points


def from_one_based(points: NDArray[np.floating]) -> Points:
    """Turn coordinates that count pixels from 1 (MATLAB, Lua) into continuous ones.

    The centre of the first pixel is 1 there and 0.5 here.

    >>> from_one_based(np.array([[1.0, 2.0]])).tolist()
    [[0.5, 1.5]]
    """
    return np.asarray(points, np.float64) - 0.5


def pts(source: Source, bad: Bad) -> Points:
    """Read a `.pts` file of any number of points.

    Layout: the release of 300-W (Sagonas et al., "300 Faces in-the-Wild Challenge: The First
    Facial Landmark Localization Challenge", ICCV workshops 2013): `version: 1`, `n_points: 68`,
    `{`, a line `x y` per point, `}`. Its coordinates are MATLAB's: pixels are counted from 1.

    Args:
        source: The file.
        bad: Told of damaged lines.

    Returns:
        (n, 2), continuous coordinates; NaN where a line was damaged.

    Raises:
        BadData: If the number of points is absent or wrong, or no point can be read.
    """
    lines = Lines(source, "a .pts file (version, n_points, { points })", bad)
    declared: int | None = None
    inside = closed = False
    points: list[tuple[float, float]] = []
    for number, text in lines:
        try:
            if closed:
                raise ValueError(f"comes after the closing brace: {shown(text)}")
            if text in ("{", "}"):
                inside, closed = text == "{", text == "}"
            elif inside:
                if len(points) == _MOST_POINTS:
                    raise BadData(f"{lines.name} has more than {_MOST_POINTS} points")
                points.append(_point(lines, number, fields(text, 2)))
            else:
                declared = _header(text, declared)
        except ValueError as error:
            if inside:
                points.append((np.nan, np.nan))
            lines.flaw(number, str(error))
    return from_one_based(_whole_face(lines, points, declared))


def _header(text: str, declared: int | None) -> int | None:
    key, colon, value = text.partition(":")
    if key.strip() == "n_points" and colon:
        return whole(value.strip(), 1, _MOST_POINTS)
    if key.strip() != "version":
        raise ValueError(f"is neither version nor n_points nor a brace: {shown(text)}")
    return declared


def helen(source: Source, bad: Bad) -> Annotation:
    """Read one of Helen's files `annotation/1.txt` to `annotation/2330.txt`.

    Le, Brandt, Lin, Bourdev and Huang, "Interactive Facial Feature Localization", ECCV 2012,
    http://www.ifp.illinois.edu/~vuongle2/helen/. Layout, as public readers of it agree: the name
    of the photo without its ending, then 194 lines `x , y`. The authors do not say where they
    count from; the numbers are taken as continuous coordinates, half a pixel at worst.

    Args:
        source: The file.
        bad: Told of damaged lines.

    Raises:
        BadData: If there is no name, or there are not 194 points.
    """
    lines = Lines(source, "an annotation of Helen (name of the photo, 194 lines `x , y`)", bad)
    name = ""
    points: list[tuple[float, float]] = []
    for number, text in lines:
        if not name:
            if "," in text:
                raise BadData(f"{lines.name} does not begin with the name of a photo")
            try:
                name = picture(text + ".jpg").removesuffix(".jpg")
            except ValueError as error:
                raise BadData(f"{lines.name} does not begin with a name: {error}") from None
            continue
        if len(points) > HELEN_POINTS:
            break
        try:
            points.append(_point(lines, number, fields(text, 2, separator=",")))
        except ValueError as error:
            points.append((np.nan, np.nan))
            lines.flaw(number, str(error))
    return Annotation(name, _whole_face(lines, points, HELEN_POINTS))


def _point(lines: Lines, number: int, pair: list[str]) -> tuple[float, float]:
    x, y = (real(value.strip()) for value in pair)
    lines.good = True
    return x, y


def _whole_face(lines: Lines, points: list[tuple[float, float]], declared: int | None) -> Points:
    if declared is None:
        raise BadData(f"{lines.name} does not say how many points it has (`n_points: 68`)")
    if len(points) != declared:
        more = "more" if len(points) > declared else f"{len(points)}"
        raise BadData(
            f"{lines.name} should have {declared} points and has {more}; nobody can tell which "
            "are wrong, fetch the file again"
        )
    return np.array(points, np.float64).reshape(-1, 2)
