"""A twin of DukeMTMC, in frames and as the crops of DukeMTMC-reID.

The set was withdrawn in 2019; only its form is imitated here.

`write`: `frames/camera1/000001.jpg` (1920x1080, as `%06d.jpg` of the authors' download script;
`write_plain` names it `1.jpg`, as their page does) and `ground_truth/trainval.mat` with
`trainData`, one row of eleven doubles per person and frame: camera, ID, frame, left, top, width,
height, worldX, worldY, feetX, feetY; cameras and frames are counted from 1, feet are in [0, 1] of
the frame (vision.cs.duke.edu/DukeMTMC/details.html). Boxes hold whole people; their faces are a
small part.

`write_reid`: `DukeMTMC-reID/{bounding_box_train,query,bounding_box_test}/0001_c2_f0046182.jpg`:
identity, camera, frame. Training and test people differ, a query is one picture of each test person
and camera, some gallery people are never asked for.

Inferred: fractions of pixels in boxes, nothing else in the Matlab file.
"""

from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Photo, Pixels, Shown, Who, backdrop, save
from facesr.datasets._toys._truth import Box, Face, Points, Truth, survey
from facesr.datasets._toys.ls3dw import save_matlab

CAMERAS = 8
_SIDES = (120, 84, 56, 36, 26, 15)


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write frames of up to six people; shot n is taken by camera n modulo 8; see `Writer`."""
    return _write("lr_dukemtmc", "{:06d}", root, seed, people, shots, size)


def write_plain(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write frames whose names are plain numbers; else as `write`."""
    return _write("lr_dukemtmc:plain", "{}", root, seed, people, shots, size)


def _write(
    name: str, number_form: str, root: Path, seed: int, people: int, shots: int, size: int | None
) -> Truth:
    height = size or 1080
    faces: list[Face] = []
    rows: list[list[float]] = []
    for number in range(shots):
        for first in range(0, people, len(_SIDES)):
            crew = [Who(i, number) for i in range(first, min(first + len(_SIDES), people))]
            camera, frame = number % CAMERAS + 1, 49700 + 120 * (first // len(_SIDES)) + number
            path = f"frames/camera{camera}/{number_form.format(frame)}.jpg"
            photo = backdrop(height * 16 // 9, height, np.random.default_rng([seed, number, first]))
            for place, who in enumerate(crew):
                side = round(_SIDES[(place + number) % len(_SIDES)] * height / 1080)
                step = photo.pixels.shape[1] // len(_SIDES)
                shown, box = _stand(photo, seed, who, step * place + step // 4, height // 3, side)
                rows.append(_row(photo.pixels, camera, who.identity + 1, frame, box))
                identity = str(who.identity + 1)
                labels = {"camera": camera, "frame": frame}
                faces.append(
                    Face(path, shown.five, box, identity=identity, part="trainval", labels=labels)
                )
            save(photo.pixels, root / path)
    (root / "ground_truth").mkdir(parents=True, exist_ok=True)
    save_rows(root / "ground_truth/trainval.mat", np.array(rows))
    return Truth(name, tuple(faces), *survey(root))


def save_rows(path: Path, rows: Points) -> None:
    """Write the ground truth: people in frames, (n, 11)."""
    save_matlab(path, {"trainData": rows})


def write_reid(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write crops of whole people, half of them for training; see `Writer`.

    The last person is in the gallery only.
    """
    faces = []
    for identity in range(people):
        for number in range(shots):
            camera = number % 2 * 4 + identity % 4 + 1
            frame = 46182 + 600 * identity + 37 * number
            if identity < people // 2:
                part = "bounding_box_train"
            elif number < 2 and identity < people - 1:
                part = "query"
            else:
                part = "bounding_box_test"
            side = size or (36, 52, 84)[(identity + number) % 3]
            rng = np.random.default_rng([seed, identity, number])
            photo = backdrop(round(side * 1.7), round(side * 4.2), rng)
            shown, _ = _stand(
                photo, seed, Who(identity, number), side * 35 // 100, side // 10, side
            )
            path = f"DukeMTMC-reID/{part}/{identity + 1:04d}_c{camera}_f{frame:07d}.jpg"
            save(photo.pixels, root / path)
            labels = {"camera": camera, "frame": frame}
            who = f"{identity + 1:04d}"
            faces.append(Face(path, shown.five, identity=who, part=part, labels=labels))
    return Truth("lr_dukemtmc:reid", tuple(faces), *survey(root))


def _stand(photo: Photo, seed: int, who: Who, left: int, top: int, side: int) -> tuple[Shown, Box]:
    """Draw a person: a plain body four squares high with a face on top of it."""
    colour = np.random.default_rng([seed, who.identity]).integers(40, 200, 3)
    body = (
        slice(top + side * 9 // 10, top + 4 * side),
        slice(left - side // 4, left + side * 5 // 4),
    )
    photo.pixels[body] = colour
    shown = photo.paste(seed, who, left, top, side)
    wide = side * 1.5
    box = (left - side * 0.25, float(top), left - side * 0.25 + wide, top + side * 4.0)
    return shown, box


def _row(pixels: Pixels, camera: int, identity: int, frame: int, box: Box) -> list[float]:
    left, top, right, bottom = box
    feet = ((left + right) / 2 / pixels.shape[1], bottom / pixels.shape[0])
    return [camera, identity, frame, left, top, right - left, bottom - top, 1.5, -2.25, *feet]
