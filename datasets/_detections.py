"""What a detector found in many photographs, kept so that an interrupted search goes on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facesr.bench.errors import BadImage
from facesr.bench.faces import read_image
from facesr.bench.files import digest_of, write_json
from facesr.bench.progress import progress
from facesr.datasets._crop import Detector, Found
from facesr.datasets._sources import Photo


@dataclass(frozen=True, eq=False)
class Searched:
    """A photograph and the faces found in it.

    Args:
        photo: The photograph.
        width: Its width, in pixels; 0 if it cannot be read.
        height: Its height.
        found: Its faces; coordinates are rounded to 0.001 pixels.
        problem: Why it cannot be read; empty if it can.
    """

    photo: Photo
    width: int
    height: int
    found: Found
    problem: str = ""


def search(
    photos: Sequence[Photo], detector: Detector, store: Path, label: str, every: int = 64
) -> list[Searched]:
    """Find the faces of photographs.

    Args:
        photos: Where to look.
        detector: What looks.
        store: Folder of stored results; their file names depend on the detector's recipe and
            on the names and lengths of the files.
        label: What the progress bar says.
        every: How many photographs are searched between two stores.
    """
    chunks = [photos[i : i + every] for i in range(0, len(photos), every)]
    places = [store / f"{_key(chunk, detector)}.json" for chunk in chunks]
    done = sum(len(c) for c, place in zip(chunks, places, strict=True) if place.is_file())
    searched: list[Searched] = []
    with progress(label, len(photos), done=done) as advance:
        for chunk, place in zip(chunks, places, strict=True):
            if not place.is_file():
                write_json(place, _look(chunk, detector))
                advance(len(chunk))
            entries = json.loads(place.read_text(encoding="utf-8"))
            searched += [_read(p, e) for p, e in zip(chunk, entries, strict=True)]
    return searched


def _key(chunk: Sequence[Photo], detector: Detector) -> str:
    files = [(photo.name, photo.path.stat().st_size) for photo in chunk]
    return digest_of({"detector": detector.recipe, "files": files})[:32]


def _look(chunk: Sequence[Photo], detector: Detector) -> list[dict[str, Any]]:
    pictures, problems = [], []
    for photo in chunk:
        try:
            pictures.append(read_image(photo.path))
            problems.append("")
        except BadImage as error:
            problems.append(str(error))
    readable = iter([_entry(*pair) for pair in zip(pictures, detector.find(pictures), strict=True)])
    return [{"problem": problem} if problem else next(readable) for problem in problems]


def _entry(picture: np.ndarray[Any, Any], found: Found) -> dict[str, Any]:
    return {
        "height": picture.shape[0],
        "width": picture.shape[1],
        "boxes": found.boxes.round(3).tolist(),
        "scores": found.scores.round(6).tolist(),
        "points": found.points.round(3).tolist(),
    }


def _read(photo: Photo, entry: dict[str, Any]) -> Searched:
    found = Found(
        np.array(entry.get("boxes", []), np.float64).reshape(-1, 4),
        np.array(entry.get("scores", []), np.float64),
        np.array(entry.get("points", []), np.float64).reshape(-1, 5, 2),
    )
    sides = entry.get("width", 0), entry.get("height", 0)
    return Searched(photo, *sides, found, entry.get("problem", ""))
