"""A twin of LS3D-W and of LS3D-W balanced.

Layout: `300W-Testset-3D/indoor_001.png`, `AFLW2000-3D-Reannotated/image00002.jpg`,
`Menpo-3D/*.jpg`, `300VW-3D/{Trainset,CatA,CatB,CatC}/114/0001.jpg` and
`LS3D-W-balanced-20-03-2017/new_dataset/1.jpg`, each beside a file of the same name with its 68
points. Names from the loaders of public projects; in the balanced set, numbers that leave 1, 2 and
0 when divided by 3 are faces turned up to 30, 60 and 90 degrees. `.t7` is Torch's binary
serialisation (github.com/torch/torch7, `File.lua`, `Tensor.lua`): little-endian, the tensor with
sizes, strides and an offset counted from 1, then its storage. `write_mat` stores the same points
as Matlab files instead, which the authors' own code reads too (`utils.lua` of
github.com/1adrianb/2D-and-3D-face-alignment).

Inferred: doubles in most sub-sets, floats in the balanced one, and a transposed view in Menpo-3D,
all of which Torch writes; the name `pts_3d` (as in 300W-LP's landmark files); where in its pixel a
point lies.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, portrait, save
from facesr.datasets._toys._truth import Face, Points, Truth, survey

_BALANCED = "LS3D-W-balanced-20-03-2017/new_dataset"
_PLACES = (
    ("300W-Testset-3D", "indoor_{:03d}.png"),
    ("AFLW2000-3D-Reannotated", "image{:05d}.jpg"),
    ("Menpo-3D", "aflw__face_{}.jpg"),
    ("300VW-3D/Trainset", "007/{:04d}.jpg"),
    ("300VW-3D/CatA", "114/{:04d}.jpg"),
    ("300VW-3D/CatB", "203/{:04d}.jpg"),
    ("300VW-3D/CatC", "410/{:04d}.jpg"),
    (_BALANCED, "{}.jpg"),
)
Write = Callable[[Path, Points, str], Points]


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot with a `.t7` file, in turn into the sub-sets; see `Writer`."""
    return _write("ls3dw", _t7, root, seed, people, shots, size)


def write_mat(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write every shot with a `.mat` file, in turn into the sub-sets; see `Writer`."""
    return _write("ls3dw:mat", _mat, root, seed, people, shots, size)


def tensor(points: Points, kind: str = "Double", transposed: bool = False) -> bytes:
    """Serialise a matrix as Torch 7 does.

    Args:
        points: (n, m).
        kind: `Double` or `Float`.
        transposed: Whether the tensor is a view that runs down the columns.
    """
    stored = points.astype("<f8" if kind == "Double" else "<f4")
    rows, columns = stored.shape
    strides = (1, rows) if transposed else (columns, 1)
    numbers = np.ascontiguousarray(stored.T if transposed else stored)
    return b"".join(
        (
            _head(1, f"torch.{kind}Tensor"),
            struct.pack("<i2q2qq", 2, rows, columns, *strides, 1),
            _head(2, f"torch.{kind}Storage"),
            struct.pack("<q", numbers.size),
            numbers.tobytes(),
        )
    )


def save_matlab(path: Path, values: dict[str, Points]) -> None:
    """Write a Matlab 5 file without the time that its header would carry."""
    from scipy.io import savemat

    savemat(str(path), values, do_compression=True)
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(116))


def _head(index: int, name: str) -> bytes:
    """An object of Torch: its type, its number in the file, a version and a class."""
    texts = b"".join(struct.pack("<i", len(t)) + t.encode() for t in ("V 1", name))
    return struct.pack("<ii", 4, index) + texts


def _t7(photo: Path, points: Points, place: str) -> Points:
    kind = "Float" if place == _BALANCED else "Double"
    photo.with_suffix(".t7").write_bytes(tensor(points, kind, transposed=place == "Menpo-3D"))
    return points.astype(np.float32 if kind == "Float" else np.float64).astype(np.float64)


def _mat(photo: Path, points: Points, place: str) -> Points:
    save_matlab(photo.with_suffix(".mat"), {"pts_3d": points})
    return points


def _write(
    name: str, put: Write, root: Path, seed: int, people: int, shots: int, size: int | None
) -> Truth:
    side = size or 256
    faces = []
    for number in range(people * shots):
        place, pattern = _PLACES[number % len(_PLACES)]
        path = f"{place}/{pattern.format(number // len(_PLACES) + 1)}"
        photo = portrait(seed, Who(number // shots, number % shots), side, side, 0.8)
        save(photo.pixels, root / path)
        points = put(root / path, photo.faces[0].points.astype(np.float64), place)
        faces.append(
            Face(
                path, photo.faces[0].five, landmarks=points, part=place.removesuffix("/new_dataset")
            )
        )
    return Truth(name, tuple(faces), *survey(root))
