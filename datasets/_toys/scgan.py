"""A twin of the folders that SCGAN's authors prepared.

Layout: `imgs_train/{HIGH,LOW}/*` and `imgs_test/{LS3D-w_balanced,FFHQ,Widerface,WebFace}/*.png`,
from the loaders of github.com/HaoHou-98/SCGAN (`data_train.py` takes any file, `data_test.py` takes
PNG). High-resolution faces are 64x64, low-resolution ones and all test faces 16x16, and the two
halves of the training set show different people. Inferred: the names of the files.
"""

from pathlib import Path

from facesr.datasets._toys._draw import Who, portrait, reduced, save
from facesr.datasets._toys._truth import Face, Truth, survey

_TESTS = ("LS3D-w_balanced", "FFHQ", "Widerface", "WebFace")


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write a third of the people into each training folder, the rest into the tests.

    See `Writer`; `size` is the side of high-resolution faces, low-resolution ones have a quarter.
    """
    high = size or 64
    third = max(1, people // 3)
    faces = []
    for identity in range(people):
        for number in range(shots):
            if identity < 2 * third:
                part = "imgs_train/" + ("HIGH" if identity < third else "LOW")
            else:
                part = "imgs_test/" + _TESTS[(identity + number) % len(_TESTS)]
            side = high if part.endswith("HIGH") else high // 4
            photo = portrait(seed, Who(identity, number), 128, 128)
            path = f"{part}/{identity * shots + number:05d}.png"
            save(reduced(photo, side), root / path)
            faces.append(Face(path, photo.faces[0].five * (side / 128), part=part))
    return Truth("scgan", tuple(faces), *survey(root))
