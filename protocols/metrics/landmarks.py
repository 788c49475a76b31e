"""Landmarks: how far a detector's points move from where they belong.

Hou et al., Semi-cycled generative adversarial networks for real-world face super-resolution, TIP
2022, section 4.4.3, compare the points that RetinaFace finds on outputs with those that it finds on
the originals, by the l1 norm. Inferred, because the paper is silent: that the norm is the mean over
coordinates, in pixels of the output. The normalised mean error is that of Sagonas et al., 300 faces
in-the-wild challenge, ICCVW 2013 (distance of the eyes), and of Zafeiriou et al., The Menpo
challenge, CVPRW 2017 (side of the face).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.detectors._base import detector
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.bench.score import Better, Score
from facesr.protocols._checks import called, given, same_names, same_size
from facesr.protocols._identity import DIGITS, identity
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.found import recipe, surest

VERSION = 1

Array = NDArray[np.float64]
Finder = Literal["mtcnn", "retinaface", "yunet", "scrfd"]
Truth = Literal["detected", "annotated"]
Norm = Literal["eyes", "box", "l1"]


def error(points: Array, truth: Array, size: int, norm: Norm = "eyes") -> Array:
    """Compare points with where they belong.

    A face whose points are not there, or lie further away, counts as one whose points lie one
    distance of the eyes away: leaving a face unrecognisable never pays.

    Args:
        points: Both eyes, nose, both mouth corners, left ones first, (n, 5, 2), in pixels; NaN
            where no face was found.
        truth: The same, (n, 5, 2), never NaN.
        size: Side of the pictures, in pixels.
        norm: `eyes`, mean distance in per cent of the distance of the eyes; `box`, in per cent of
            the side of the crop; `l1`, mean absolute difference of coordinates, in pixels.

    Returns:
        (n,).
    """
    apart = np.linalg.norm(truth[:, 1] - truth[:, 0], axis=1)
    away = np.abs(points - truth)
    if norm == "l1":
        found, unit = away.mean(axis=(1, 2)), 1.0
    else:
        found, unit = np.linalg.norm(away, axis=2).mean(axis=1), 100.0
    missed = np.where(np.isnan(found), apart, np.minimum(np.nan_to_num(found), apart))
    return unit * missed / {"eyes": apart, "box": float(size), "l1": 1.0}[norm]


def five(points: Array) -> Array:
    """Reduce 68 landmarks in the order of 300-W to five; five stay as they are.

    Args:
        points: (n, 5, 2) or (n, 68, 2).
    """
    if points.shape[1] == 5:
        return points
    eyes = [points[:, part].mean(axis=1) for part in (slice(36, 42), slice(42, 48))]
    return np.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], axis=1)


@dataclass(frozen=True)
class Landmarks(Metric):
    """Mean over pictures of the error of five landmarks.

    Args:
        detector: `mtcnn`, `retinaface`, `yunet` or `scrfd`.
        truth: `detected`, what the same detector finds on the originals; `annotated`, what the data
            set says.
        norm: See `error`.
    """

    needs: ClassVar[Needs] = "pairs"
    better: ClassVar[Better] = "lower"
    smallest: ClassVar[float] = 0.1

    detector: Finder = "retinaface"
    truth: Truth = "detected"
    norm: Norm = "eyes"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("detector", self.detector, get_args(Finder)),
            ("truth", self.truth, get_args(Truth)),
            ("norm", self.norm, get_args(Norm)),
        ):
            if value not in known:
                raise BadName(f"no {name} named {value!r}; known: {', '.join(known)}")

    @property
    def column(self) -> str:
        """Name of the column."""
        truth = () if self.truth == "detected" else (self.truth,)
        norm = () if self.norm == "eyes" else (self.norm,)
        return f"landmarks[{','.join((*truth, *norm, self.detector))}]"

    def missing(self) -> str:
        """Say which package or file is absent."""
        return detector(self.detector).missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`.

        Pictures without a truth, because no face is found on the original, are left out for every
        method alike and counted in the note.
        """
        name = self.column
        hr = same_names(sr, same_size(sr, given(reference, name), name), name)
        finds = detector(self.detector)
        label = identity(
            "landmarks",
            f"{self.detector}@{digest_of(recipe(finds))[:DIGITS]}",
            truth=self.truth,
            norm=self.norm,
            missed="eyes",
            version=VERSION,
            reference=hr,
        )
        if why := self.missing() or self._unknown(hr):
            return absent(name, sr, why, better="lower", identity=label, group="detection")
        truth = self._truth(hr)
        known = np.flatnonzero(np.isfinite(truth).all(axis=(1, 2)))
        if not len(known):
            why = f"{self.detector} finds no face on any original of {called(hr)}"
            return absent(name, sr, why, better="lower", identity=label, group="detection")
        points = _points(surest(sr, finds))[known]
        seen = ~np.isnan(points[:, 0, 0])
        values = error(points, truth[known], sr.size, self.norm)
        return per_picture(
            name,
            values,
            hr.take(known.tolist()),
            better="lower",
            identity=label,
            group="detection",
            unit="px" if self.norm == "l1" else "%",
            note=_said(values, seen, len(hr)),
        )

    def _unknown(self, hr: Faces) -> str:
        """Say why the data set gives no truth; empty if it does or need not."""
        if self.truth == "detected":
            return ""
        if hr.landmarks is None:
            return f"{called(hr)} has no landmarks; truth=detected takes those on its pictures"
        if hr.landmarks.shape[1] not in (5, 68):
            return f"{called(hr)} has {hr.landmarks.shape[1]} landmarks, expected 5 or 68"
        return ""

    def _truth(self, hr: Faces) -> Array:
        if self.truth == "annotated":
            assert hr.landmarks is not None
            return five(hr.landmarks.astype(np.float64))
        return _points(surest(hr, detector(self.detector)))


def _points(rows: Array) -> Array:
    return rows[:, 5:].reshape(-1, 5, 2)


def _said(values: Array, seen: NDArray[np.bool_], pictures: int) -> str:
    notes = []
    if not seen.all():
        others = f", {values[seen].mean():.3g} on the others" if seen.any() else ""
        lost = f"no face is found on {(~seen).sum():,} of {len(seen):,}, "
        notes.append(f"{lost}each counted as one distance of the eyes{others}")
    if pictures > len(seen):
        notes.append(f"{pictures - len(seen):,} originals show no face to the detector, left out")
    return "; ".join(notes)
