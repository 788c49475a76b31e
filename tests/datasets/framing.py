"""Measure how the faces of data sets lie in their pictures, and how steadily they are framed.

The fixed boxes of `lfw` and `celeba` follow from the first table, the choice of landmarks over a
detector's box for the house's crop from the second. MTCNN finds the faces.

    python tests/datasets/framing.py --data FOLDER --pictures 300
"""

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.detectors._base import detector
from facesr.datasets._align import Frame
from facesr.datasets._crop import square_from_landmarks

PICTURES = {
    "lfw": "lfw/lfw-deepfunneled/*/*.jpg",
    "celeba": "celeba/img_align_celeba/*.jpg",
}
BOXES = {"lfw": (58.0, 195.0, 58.0, 195.0), "celeba": (26.0, 152.0, 62.0, 188.0)}
WIDTHS = {"lfw": 250, "celeba": 178}  # of the authors' pictures
SMALL, QUALITY, ENLARGED = 16, 75, 8
SURE = 0.95

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """The face nearest to the middle of a picture: its box and landmarks, in pixels."""

    box: Numbers
    points: Numbers

    @property
    def width(self) -> float:
        return float(self.box[2] - self.box[0])

    @property
    def spread(self) -> float:
        return float(np.sqrt(np.square(self.points - self.points.mean(0)).sum(1).mean()))


def pictures(data: Path, name: str, n: int) -> Iterator[Pixels]:
    """Read pictures that lie evenly among all of a set."""
    found = sorted(data.glob(PICTURES[name]))
    for path in found[:: max(1, len(found) // n)][:n]:
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB"))


def searched(images: Sequence[Pixels], enlarge: float = 1.0) -> list[Face | None]:
    """Find the face in the middle of each picture."""
    faces: list[Face | None] = []
    for image, found in zip(images, detector("mtcnn", enlarge=enlarge).find(images), strict=True):
        sure = np.flatnonzero(found.scores >= SURE)
        away = found.points.mean(1) - np.array(image.shape[1::-1]) / 2
        nearest = min(sure, key=lambda at: float(np.hypot(*away[at])), default=None)
        faces.append(None if nearest is None else Face(found.boxes[nearest], found.points[nearest]))
    return faces


def framed(name: str, images: Sequence[Pixels], faces: Sequence[Face]) -> str:
    """Return a line on the mean `square` frame, in pixels of the authors' pictures."""
    margin, lift = Frame("square").recipe["margin"], Frame("square").lift
    per = WIDTHS[name] / images[0].shape[1]
    squares = per * np.array([square_from_landmarks(f.points, margin, lift) for f in faces])
    sides, middles = squares[:, 2] - squares[:, 0], (squares[:, :2] + squares[:, 2:]) / 2
    left, right, _, _ = BOXES[name]
    eyes = per * np.mean([np.hypot(*(f.points[1] - f.points[0])) for f in faces])
    spread = per * np.mean([f.spread for f in faces])
    share = per * np.mean([(f.box[2:] - f.box[:2]).mean() for f in faces]) / sides.mean()
    x, y = middles.mean(0)
    return (
        f"{name}: {len(faces)} faces, a side of {sides.mean():.1f} (deviation {sides.std():.1f}) "
        f"around ({x:.1f}, {y:.1f}), the detector's box {share:.2f} times as large; in the fixed "
        f"box of {right - left:.0f} pixels the eyes are {eyes / (right - left):.1%} apart and the "
        f"landmarks spread over {spread / (right - left):.1%}"
    )


def reduced(image: Pixels, face: Face) -> tuple[Pixels, float]:
    """Make a face 16 pixels wide and compress it; return the factor, too."""
    shares = [round(side * SMALL / face.width) for side in image.shape[1::-1]]
    small = Image.fromarray(image).resize((shares[0], shares[1]), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(file).convert("RGB")), shares[0] / image.shape[1]


def drift(images: Sequence[Pixels], faces: Sequence[Face]) -> str:
    """Return a line on how far faces move when they are found again after `reduced`."""
    small, factors = zip(*(reduced(*each) for each in zip(images, faces, strict=True)), strict=True)
    moved = []
    for face, again, factor in zip(faces, searched(small, ENLARGED), factors, strict=True):
        if again is None:
            continue
        box, points = again.box / factor, again.points / factor
        centre = face.box.reshape(2, 2).mean(0)
        ratio = again.spread / factor / face.spread
        shift = (points.mean(0) - face.points.mean(0)) / face.width
        wide = again.width / factor / face.width
        jump = (box.reshape(2, 2).mean(0) - centre) / face.width
        moved.append((*shift, ratio - 1, *jump, wide - 1))
    x, y, spread, u, v, width = np.mean(moved, 0)
    return (
        f"{len(moved)} of {len(faces)} faces found again at {SMALL} pixels: on average the mean of "
        f"the landmarks moved by {np.hypot(x, y):.1%} of the face's width and their spread by "
        f"{spread:+.1%}, the centre of the box by {np.hypot(u, v):.1%} and its width by "
        f"{width:+.1%}"
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--pictures", type=int, default=300)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in PICTURES:
        images = list(pictures(chosen.data, name, chosen.pictures))
        if not images:
            sys.stdout.write(f"{name}: not in {chosen.data}\n")
            continue
        pairs = zip(images, searched(images), strict=True)
        both = [(image, face) for image, face in pairs if face is not None]
        kept, faces = [image for image, _ in both], [face for _, face in both]
        sys.stdout.write(framed(name, kept, faces) + "\n")
        if name == "lfw":
            sys.stdout.write(drift(kept, faces) + "\n")


if __name__ == "__main__":
    main()
