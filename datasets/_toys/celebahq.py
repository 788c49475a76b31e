"""A twin of CelebA-HQ, in the two forms in which it is passed around as pictures.

`write`: CelebAMask-HQ (github.com/switchablenorms/CelebAMask-HQ): `CelebA-HQ-img/0.jpg` without
zero padding, 1024x1024, `CelebA-HQ-to-CelebA-mapping.txt` with a line of column names and columns
of eleven characters, `CelebAMask-HQ-mask-anno/<index // 2000>/00000_skin.png` (512x512). Parts
follow the repository's `g_partition.py`: the place in CelebA decides.

`write_folder`: `celeba-1024/00000.jpg`, what scripts that rebuild the set from CelebA leave.
Inferred: five digits, JPEG.
"""

from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, portrait, save, write_lines
from facesr.datasets._toys._truth import Face, Points, Truth, survey

_VAL, _TEST = 162771, 182638  # first places in CelebA, counted from 0, of its parts in the code


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write one picture of each person as CelebAMask-HQ does; see `Writer`.

    `shots` is the number of the shot: the set tells nobody apart.
    """
    faces = []
    lines = ["idx        orig_idx   orig_file"]
    for index in range(people):
        place = (119613, 99094, _VAL + 70, _TEST + 3)[index % 4] + 811 * (index // 4)
        part = "test" if place >= _TEST else "val" if place >= _VAL else "train"
        lines.append(f"{index:<11d}{place:<11d}{place + 1:06d}.jpg")
        path = f"CelebA-HQ-img/{index}.jpg"
        face = _portrait(root / path, seed, index, shots, size)
        faces.append(Face(path, face, part=part, labels={"celeba": f"{place + 1:06d}.jpg"}))
        mask = np.zeros((512, 512), np.uint8)
        mask[128:400, 128:384] = 255
        save(mask, root / f"CelebAMask-HQ-mask-anno/{index // 2000}/{index:05d}_skin.png")
    write_lines(root / "CelebA-HQ-to-CelebA-mapping.txt", lines)
    return Truth("celebahq", tuple(faces), *survey(root))


def write_folder(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write one picture of each person into one folder; see `write`."""
    faces = []
    for index in range(people):
        path = f"celeba-1024/{index:05d}.jpg"
        faces.append(Face(path, _portrait(root / path, seed, index, shots, size)))
    return Truth("celebahq:folder", tuple(faces), *survey(root))


def _portrait(path: Path, seed: int, identity: int, shot: int, size: int | None) -> Points:
    side = size or 1024
    photo = portrait(seed, Who(identity, shot), side, side, 0.62)
    save(photo.pixels, path)
    return photo.faces[0].five
