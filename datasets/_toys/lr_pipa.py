"""A twin of PIPA, the photographs that LR-PIPA is cut from.

Layout: `index.txt` and `{train,val,test,leftover}/<photoset>_<photo>.jpg`. One line per head,
separated by single spaces: photoset, photo, xmin, ymin, width, height, identity, subset. Read off
the official index as the repository `coallaoh/PIPA_dataset` keeps it (`all_data.txt`, 63,188
lines). That repository's readme says that subsets 0 to 3 are train, val, test and leftover, but its
own lists of the test split carry a 3, and 29,223 lines a 1, the paper's size of the training part:
0 is leftover, 1 train, 2 val, 3 test. Boxes reach out of the photograph in the real index (some
start above it), and heads of subset 0 share photographs, and identities, with the other subsets, of
which no photograph has two; all this happens here.

Inferred: the names of the photographs' files, and that a photograph of mixed subsets lies in the
folder of the one that is not leftover.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Shown, Who, crowd, save, write_lines
from facesr.datasets._toys._truth import Box, Face, Truth, survey

_PARTS = ("leftover", "train", "val", "test")
_SIDES = (150, 72, 44, 15)


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write photographs of up to four people of one subset; see `Writer`.

    In every photograph of the last shot the last of several heads is leftover; one further
    photograph shows leftover heads only. The largest head of a photograph starts above its edge.
    """
    groups: list[tuple[list[Who], list[int]]] = []
    for shot in range(shots):
        for part in (1, 2, 3):
            crew = [Who(i, shot) for i in range(people) if i % 3 + 1 == part]
            for first in range(0, len(crew), len(_SIDES)):
                group = crew[first : first + len(_SIDES)]
                subsets = [part] * len(group)
                if shot == shots - 1 and len(group) > 1:
                    subsets[-1] = 0
                groups.append((group, subsets))
    strays = [Who(i, shots) for i in range(min(2, people))]
    groups.append((strays, [0] * len(strays)))
    faces = []
    lines = []
    for number, (group, subsets) in enumerate(groups):
        for line, face in _photo(root, seed, number, group, subsets, size or 480):
            lines.append(line)
            faces.append(face)
    write_lines(root / "index.txt", lines)
    return Truth("lr_pipa", tuple(faces), *survey(root))


def _photo(
    root: Path, seed: int, number: int, group: list[Who], subsets: list[int], height: int
) -> Iterator[tuple[str, Face]]:
    """Take a photograph; yields the line and the face of each head."""
    rng = np.random.default_rng([seed, number])
    sides = [round(side * height / 480) for side in _SIDES[: len(group)]]
    photo = crowd(seed, group, sides, height * 4 // 3, height, rng, top=-sides[0] // 8)
    photoset, name = 72157600000000000 + 1000 * (number // 2), 3588900000 + 37 * number
    path = f"{_PARTS[max(subsets)]}/{photoset}_{name}.jpg"
    save(photo.pixels, root / path)
    for shown, subset in zip(photo.faces, subsets, strict=True):
        left, top, right, bottom = box = _head(shown)
        identity = shown.who.identity + 1
        place = f"{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}"
        line = f"{photoset} {name} {place} {identity} {subset}"
        labels = {"subset": subset}
        yield line, Face(path, shown.five, box, None, str(identity), _PARTS[subset], labels)


def _head(shown: Shown) -> Box:
    """The whole head: the face and as much again of hair as the brows are high."""
    left, top, right, bottom = shown.tight
    wide, high = right - left, bottom - top
    return (
        round(left - 0.15 * wide),
        round(top - 0.25 * high),
        round(right + 0.15 * wide),
        round(bottom + 0.05 * high),
    )
