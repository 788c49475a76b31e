"""A twin of Labeled Faces in the Wild, deep funneled.

Layout: `lfw-deepfunneled/NAME/NAME_0001.jpg`, 250x250, with the lists of both views beside it.
From the official README (vis-www.cs.umass.edu/lfw/README.txt) and the official `pairs.txt`: fields
are separated by tabs; `pairs.txt` starts with the number of sets and of matched pairs per set, each
set has its matched pairs (name, two numbers) before as many mismatched ones (two names, two
numbers); `people.txt` starts with the number of sets, each set with the number of its people, and
no person is in two sets. The lists of the first view have one set without its own header.
"""

from itertools import combinations
from pathlib import Path

import numpy as np

from facesr.bench.errors import BadData
from facesr.datasets._toys._draw import Who, aligned, save, write_lines
from facesr.datasets._toys._truth import Face, Truth, survey

_FIRST = ("Abel", "Aino", "Berta", "Carlos", "Dmitri", "Emilia", "Farid", "Grete", "Hana", "Ivo")
_LAST = ("Aaltonen", "al-Bakr", "Calle", "da_Silva", "Eriksen", "Fontaine", "Gruber", "Horvat")
_TEMPLATE = np.array([[102, 114], [148, 114], [125, 138], [107, 160], [143, 160]], np.float64)
_MOST_SETS = 10


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot of every person and the lists of pairs and people; see `Writer`.

    Raises:
        BadData: If there are fewer than two people or two shots, which leaves no pairs.
    """
    if people < 2 or shots < 2:
        raise BadData(f"people={people} and shots={shots} leave no pairs, expected two of each")
    side = size or 250
    names = sorted(_name(i) for i in range(people))
    faces = []
    for identity, name in enumerate(names):
        for number in range(shots):
            path = f"lfw-deepfunneled/{name}/{name}_{number + 1:04d}.jpg"
            photo = aligned(seed, Who(identity, number), side, side, _TEMPLATE * (side / 250))
            save(photo.pixels, root / path)
            faces.append(Face(path, photo.faces[0].five, identity=name))
    sets = min(_MOST_SETS, people // 2)
    folds = [names[k::sets] for k in range(sets)]
    pairs = [_pairs(fold, shots) for fold in folds]
    each = min(len(matched) for matched, _ in pairs)
    pairs = [(matched[:each], mismatched[:each]) for matched, mismatched in pairs]
    view2 = [line for matched, mismatched in pairs for line in matched + mismatched]
    write_lines(root / "pairs.txt", [f"{sets}\t{each}", *view2])
    counted = [[f"{name}\t{shots}" for name in fold] for fold in folds]
    write_lines(
        root / "people.txt",
        [str(sets), *(line for fold in counted for line in (str(len(fold)), *fold))],
    )
    for view, (matched, mismatched), fold in (
        ("DevTrain", pairs[0], counted[0]),
        ("DevTest", pairs[-1], counted[-1]),
    ):
        write_lines(root / f"pairs{view}.txt", [str(each), *matched, *mismatched])
        write_lines(root / f"people{view}.txt", [str(len(fold)), *fold])
    write_lines(root / "lfw-names.txt", [f"{name}\t{shots}" for name in names])
    splits = {"folds": tuple(tuple(m + x) for m, x in pairs), "people": tuple(map(tuple, folds))}
    return Truth("lfw", tuple(faces), *survey(root), splits=splits)


def _name(i: int) -> str:
    again = f"_{i // (len(_FIRST) * len(_LAST)) + 1}" if i >= len(_FIRST) * len(_LAST) else ""
    return f"{_FIRST[i % len(_FIRST)]}_{_LAST[(i + i // len(_FIRST)) % len(_LAST)]}{again}"


def _pairs(fold: list[str], shots: int) -> tuple[list[str], list[str]]:
    """Pair everyone with themselves, and as many times with somebody else of the fold."""
    matched = [
        f"{name}\t{a + 1}\t{b + 1}" for a, b in combinations(range(shots), 2) for name in fold
    ]
    mismatched = [
        f"{one}\t{a + 1}\t{other}\t{b + 1}"
        for a in range(shots)
        for b in range(shots)
        for one, other in combinations(fold, 2)
    ]
    few = min(len(matched), len(mismatched))
    return matched[:few], mismatched[:few]
