"""A twin of Flickr-Faces-HQ.

Layout: `images1024x1024/00000/00000.png`, `thumbnails128x128/00000/00000.png` (folders of a
thousand, named after their first image), a `LICENSE.txt` in each, and `ffhq-dataset-v2.json`. From
the readme and `download_ffhq.py` of github.com/NVlabs/ffhq-dataset: the fields, their order, the
digests over file and pixels, `training` for the first 60,000 images, `validation` for the rest. The
photographs in the wild are described but not there, as on most disks.

Inferred: no white space between lines of the JSON; landmarks as floats; where in its pixel a point
lies. Few images stand for many: the numbers 0..., 1000... and 60000... exist.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from facesr.datasets._toys._draw import Photo, Pixels, Who, portrait, reduced, save
from facesr.datasets._toys._truth import Face, Points, Truth, survey

_LICENSE = "Rendered faces: they show nobody.\n"


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write one picture of each person, large and as a thumbnail; see `Writer`.

    `shots` is the number of the shot: the set tells nobody apart.
    """
    side = size or 1024
    described: dict[str, Any] = {}
    faces = []
    for order in range(people):
        index = (0, 1000, 60000)[order % 3] + order // 3
        photo = portrait(seed, Who(order, shots), side, side, 0.62)
        points = photo.faces[0].points.round(6)
        part = "training" if index < 60000 else "validation"
        described[str(index)] = _item(root, index, part, photo, points)
        for folder in (f"images{side}x{side}", "thumbnails128x128"):
            scale = 128 / side if folder.startswith("thumb") else 1.0
            faces.append(
                Face(
                    _place(folder, index),
                    photo.faces[0].five * scale,
                    landmarks=points * scale,
                    part=part,
                    labels={"index": index},
                )
            )
    ordered = {key: described[key] for key in sorted(described, key=int)}
    for folder in ("", f"images{side}x{side}/", "thumbnails128x128/"):
        (root / f"{folder}LICENSE.txt").write_text(_LICENSE, encoding="utf-8")
    (root / "ffhq-dataset-v2.json").write_bytes(json.dumps(ordered).encode())
    by_place = sorted(faces, key=lambda face: face.photo)
    return Truth("ffhq", tuple(by_place), *survey(root))


def _place(folder: str, index: int) -> str:
    return f"{folder}/{index - index % 1000:05d}/{index:05d}.png"


def _item(root: Path, index: int, part: str, photo: Photo, points: Points) -> dict[str, Any]:
    side = len(photo.pixels)
    large = _saved(root, _place(f"images{side}x{side}", index), photo.pixels)
    small = _saved(root, _place("thumbnails128x128", index), reduced(photo, 128))
    wild = points * 0.75 + (640, 240)
    left, top = (float(v) for v in wild.min(0))
    right, bottom = (float(v) for v in wild.max(0))
    return {
        "category": part,
        "metadata": {
            "photo_url": f"https://www.flickr.com/photos/nobody/{index}/",
            "photo_title": f"DSCF{index:04d}.JPG",
            "author": "José Übersøn",
            "country": "",
            "license": "Attribution License",
            "license_url": "https://creativecommons.org/licenses/by/2.0/",
            "date_uploaded": "2007-08-16",
            "date_crawled": "2018-10-10",
        },
        "image": large | {"face_landmarks": points.tolist()},
        "thumbnail": small,
        "in_the_wild": {
            "file_url": "https://drive.google.com/uc?id=0",
            "file_path": _place("in-the-wild-images", index),
            "file_size": 3991569,
            "file_md5": "0" * 32,
            "pixel_size": [2016, 1512],
            "pixel_md5": "0" * 32,
            "face_rect": [round(v) for v in (left, top, right, bottom)],
            "face_landmarks": wild.round(6).tolist(),
            "face_quad": [[left, top], [left, bottom], [right, bottom], [right, top]],
        },
    }


def _saved(root: Path, place: str, pixels: Pixels) -> dict[str, Any]:
    save(pixels, root / place)
    whole = (root / place).read_bytes()
    return {
        "file_url": "https://drive.google.com/uc?id=0",
        "file_path": place,
        "file_size": len(whole),
        "file_md5": hashlib.md5(whole, usedforsecurity=False).hexdigest(),
        "pixel_size": [pixels.shape[1], pixels.shape[0]],
        "pixel_md5": hashlib.md5(
            np.ascontiguousarray(pixels).tobytes(), usedforsecurity=False
        ).hexdigest(),
    }
