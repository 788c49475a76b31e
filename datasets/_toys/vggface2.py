"""A twin of VGGFace2.

Layout: `data/{train,test}/n000002/0001_01.jpg` (image, then face in it),
`data/{train,test}_list.txt`, `bb_landmark/loose_{bb,landmark}_{train,test}.csv`,
`meta/identity_meta.csv`. From the readme of the distribution and the header lines that public
loaders quote: names in quotes, without ending, boxes and the five points of MTCNN in pixels of the
loose crop, `identity_meta.csv` with a space behind each comma, a flag of 1 for training, names in
UTF-8. Boxes start outside the picture at times.

Inferred: `bb_landmark` beside `meta`; line feeds as line ends.
"""

from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, portrait, save, write_lines, yaw
from facesr.datasets._toys._truth import Face, Truth, survey

_NAMES = ("Zoë_Nordström", "14th_Rendered_Person", "A._B._Plain", "Ana_O'Tool")


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot of every person, each fourth person into the test part; see `Writer`.

    Photographs have sides from 140 pixels on; the first box of a person starts above its picture.
    The label `yaw` is how far the head is turned, in degrees; no file tells it.
    """
    rng = np.random.default_rng(seed)
    boxes: dict[str, list[str]] = {"train": [], "test": []}
    points: dict[str, list[str]] = {"train": [], "test": []}
    lists: dict[str, list[str]] = {"train": [], "test": []}
    meta = ["Class_ID, Name, Sample_Num, Flag, Gender"]
    faces = []
    for identity in range(people):
        part = "test" if identity % 4 == 0 else "train"
        person = f"n{identity + 1:06d}"
        name = _NAMES[identity % len(_NAMES)] + ("" if identity < 4 else f"_{identity}")
        flag, gender = int(part == "train"), "mf"[identity % 2]
        meta.append(f'{person}, "{name}", {shots}, {flag}, {gender}')
        for number in range(shots):
            width, height = (int(v) for v in rng.integers(140, 200, 2))
            if size:
                width = height = size
            who = Who(identity, number)
            shown = portrait(seed, who, width, height, 0.9)
            key = f"{person}/{number + 1:04d}_01"
            path = f"data/{part}/{key}.jpg"
            save(shown.pixels, root / path)
            left, top, right, bottom = (round(v) for v in shown.faces[0].tight)
            if number == 0:
                top = -3
            five = shown.faces[0].five
            texts = [f"{v:.7g}" for v in five.ravel()]
            boxes[part].append(f'"{key}",{left},{top},{right - left},{bottom - top}')
            points[part].append(f'"{key}",{",".join(texts)}')
            lists[part].append(f"{key}.jpg")
            faces.append(
                Face(
                    path,
                    five,
                    (left, top, right, bottom),
                    np.array(texts, np.float64).reshape(5, 2),
                    person,
                    part,
                    {"yaw": float(np.degrees(yaw(seed, who))), "name": name},
                )
            )
    five_names = ",".join(f"P{k}{axis}" for k in range(1, 6) for axis in "XY")
    for part in ("train", "test"):
        csv = root / "bb_landmark"
        write_lines(csv / f"loose_bb_{part}.csv", ["NAME_ID,X,Y,W,H", *boxes[part]])
        write_lines(csv / f"loose_landmark_{part}.csv", [f"NAME_ID,{five_names}", *points[part]])
        write_lines(root / f"data/{part}_list.txt", lists[part])
    write_lines(root / "meta/identity_meta.csv", meta)
    return Truth("vggface2", tuple(faces), *survey(root))
