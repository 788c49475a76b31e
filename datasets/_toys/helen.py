"""A twin of Helen: 194 points as its authors ship them, 68 points as iBUG does.

`write`: `annotation/1.txt`... (the name of the photograph, then 194 lines `x , y`),
`trainnames.txt`, `testnames.txt` (names without ending) and the photographs in `train_1` to
`train_4` and `test`. From the authors' page (ifp.illinois.edu/~vuongle2/helen) and public loaders:
points 0-40 follow the jaw, 41-57 the nose, 58-113 the lips (outer, then inner), 114-133 and 134-153
the eyes, 154-173 and 174-193 the brows; only the first line says which photograph a file belongs
to. Inferred: spaces around the comma, three decimals, line feeds; that jaw, eyes and brows start at
the right of the picture (public loaders call points 114-133 the person's left eye, or a right eye).

`write_pts`: `trainset/*.{jpg,pts}`, `testset/*.{jpg,pts}` with 68 points, read off the official
files: two spaces behind `n_points:`, six decimals. iBUG states that the centre of the first pixel
is (1, 1), so the files' numbers exceed continuous coordinates by a half.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, portrait, save, write_lines
from facesr.datasets._toys._truth import Face, Points, Truth, survey

_TRAIN_FOLDERS = 4


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot; the last sixth of the people is the test part; see `Writer`."""
    order = _order(people, shots)
    files = np.random.default_rng(seed).permutation(len(order)) + 1
    faces = []
    names: dict[str, list[str]] = {"train": [], "test": []}
    for place, (name, who, part) in enumerate(order):
        folder = f"train_{place * _TRAIN_FOLDERS // len(order) + 1}" if part == "train" else "test"
        path = f"{folder}/{name}.jpg"
        five, points = _portrait(root / path, seed, who, size)
        dense = many(points).round(3)
        write_lines(
            root / f"annotation/{files[place]}.txt",
            [name, *(f"{x:.3f} , {y:.3f}" for x, y in dense)],
        )
        names[part].append(name)
        faces.append(Face(path, five, landmarks=dense, part=part))
    for part, listed in names.items():
        write_lines(root / f"{part}names.txt", listed)
    return Truth("helen", tuple(faces), *survey(root))


def write_pts(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot with its 68 points; the parts are those of `write`; see `Writer`."""
    faces = []
    for name, who, part in _order(people, shots):
        path = f"{part}set/{name}.jpg"
        five, points = _portrait(root / path, seed, who, size)
        counted = (points + 0.5).round(6)
        lines = [f"{x:.6f} {y:.6f}" for x, y in counted]
        write_lines(
            (root / path).with_suffix(".pts"), ["version: 1", "n_points:  68", "{", *lines, "}"]
        )
        faces.append(Face(path, five, landmarks=counted - 0.5, part=part))
    return Truth("helen:pts", tuple(faces), *survey(root), offset=0.5)


def many(points: Points) -> Points:
    """Spread 68 landmarks over the 194 places of Helen, along the same outlines.

    Args:
        points: In iBUG order, (68, 2).
    """
    outlines: tuple[tuple[Sequence[int], int], ...] = (
        (range(16, -1, -1), 41),
        ((42, 35, 34, 33, 32, 31, 39), 17),
        ((54, 53, 52, 51, 50, 49, 48), 14),
        ((48, 59, 58, 57, 56, 55, 54), 14),
        ((64, 63, 62, 61, 60), 15),
        ((60, 67, 66, 65, 64), 13),
        ((45, 44, 43, 42, 47, 46, 45), 20),
        ((36, 37, 38, 39, 40, 41, 36), 20),
        ((26, 25, 24, 23, 22, 23, 24, 25, 26), 20),
        ((17, 18, 19, 20, 21, 20, 19, 18, 17), 20),
    )
    return np.concatenate([_along(points[list(which)], count) for which, count in outlines])


def _along(line: Points, count: int) -> Points:
    far = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, far[-1], count)
    return np.stack([np.interp(at, far, line[:, axis]) for axis in (0, 1)], -1)


def _order(people: int, shots: int) -> list[tuple[str, Who, str]]:
    test = people - max(1, people // 6)
    return [
        (f"{100032540 + 7919 * i}_{n + 1}", Who(i, n), "test" if i >= test else "train")
        for i in range(people)
        for n in range(shots)
    ]


def _portrait(path: Path, seed: int, who: Who, size: int | None) -> tuple[Points, Points]:
    height = size or 480
    photo = portrait(seed, who, height * 5 // 4, height, 0.7)
    save(photo.pixels, path)
    return photo.faces[0].five, photo.faces[0].points
