"""A twin of WIDER FACE.

Layout: `WIDER_{train,val,test}/images/<event>/*.jpg` and `wider_face_split/` with
`wider_face_{train,val}_bbx_gt.txt`, `wider_face_test_filelist.txt` and `readme.txt`. Read off the
official annotation file of the validation part (each face line ends in a space, lines end in LF)
and its readme (whose own words are left out here); the test part's list and the lone line of zeros
after a count of 0 follow torchvision's loader and TensorFlow Datasets' (`widerface.py`,
`wider_face.py`). The `.mat` copies of the same annotations are left out.

Sizes: photographs of the set are 1024 pixels wide; these are 640.
"""

from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Photo, Shown, Who, backdrop, crowd, save, write_lines, yaw
from facesr.datasets._toys._truth import Box, Face, Truth, survey

_SIDES = (144, 96, 64, 44, 26, 18)
_EVENTS = (
    ("0--Parade", "0_Parade_marchingband_1_{}.jpg"),
    ("12--Group", "12_Group_Group_12_Group_Group_12_{}.jpg"),
    ("29--Students_Schoolkids", "29_Students_Schoolkids_Students_Schoolkids_29_{}.jpg"),
)
_README = "A twin made of rendered faces, which show nobody.\nx y w h and six labels per line."


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write photographs of up to six people; see `Writer`.

    Half of the photographs go to training, the rest in turn to validation and test; test faces
    are not annotated. The last training photograph shows nobody, as a few do in the set. Faces
    up to 12 pixels wide are marked invalid.
    """
    height = size or 480
    scale = height / 480
    faces: list[Face] = []
    texts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    groups = [
        [Who(i, n) for i in range(first, min(first + len(_SIDES), people))]
        for n in range(shots)
        for first in range(0, people, len(_SIDES))
    ]
    for number, group in enumerate(groups):
        rng = np.random.default_rng([seed, number])
        sides = [round(s * scale) for s in rng.permutation(_SIDES)][: len(group)]
        photo = crowd(seed, group, sides, round(640 * scale), height, rng)
        part = ("train", "val", "train", "test")[number % 4]
        name = _save(root, part, number, photo)
        entries = [
            _entry(seed, shown, side) for shown, side in zip(photo.faces, sides, strict=True)
        ]
        if part == "test":
            texts[part].append(name)
        else:
            texts[part] += [name, str(len(entries)), *(line for line, _, _ in entries)]
        for shown, (_, box, labels) in zip(photo.faces, entries, strict=True):
            path = f"WIDER_{part}/images/{name}"
            if part == "test":
                faces.append(Face(path, shown.five, part=part))
            else:
                faces.append(Face(path, shown.five, box, part=part, labels=labels))
    nobody = backdrop(round(640 * scale), height, np.random.default_rng([seed, len(groups)]))
    texts["train"] += [_save(root, "train", len(groups), nobody), "0", "0 0 0 0 0 0 0 0 0 0 "]
    split = root / "wider_face_split"
    for part in ("train", "val"):
        write_lines(split / f"wider_face_{part}_bbx_gt.txt", texts[part])
    write_lines(split / "wider_face_test_filelist.txt", texts["test"])
    (split / "readme.txt").write_bytes(_README.encode())
    order = {"train": 0, "val": 1, "test": 2}
    return Truth("widerface", tuple(sorted(faces, key=lambda f: order[f.part])), *survey(root))


def _save(root: Path, part: str, number: int, photo: Photo) -> str:
    folder, name = _EVENTS[number % len(_EVENTS)]
    place = f"{folder}/{name.format(100 + 7 * number)}"
    save(photo.pixels, root / f"WIDER_{part}/images/{place}")
    return place


def _entry(seed: int, shown: Shown, side: int) -> tuple[str, Box, dict[str, int]]:
    left, top, right, bottom = shown.tight
    x, y, w, h = round(left), round(top), round(right - left), round(bottom - top)
    labels = {
        "blur": 0 if side >= 64 else 1 if side >= 30 else 2,
        "expression": shown.who.number % 2,
        "illumination": 0,
        "invalid": int(w <= 12),
        "occlusion": shown.who.identity % 3,
        "pose": int(abs(yaw(seed, shown.who)) > 0.5),
    }
    line = " ".join(str(v) for v in (x, y, w, h, *labels.values())) + " "
    return line, (x, y, x + w, y + h), labels
