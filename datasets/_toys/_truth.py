"""Twins: miniatures of data sets in the layout of their authors, made from rendered faces.

A twin shows nobody and is small enough for every test, yet its folders, file names and annotations
are those of the real distribution, so that a loader which reads the twin reads the real set. The
writers share no code with the loaders: a wrong idea of a format shows as a disagreement.

Coordinates in `Truth` are continuous, x first: pixel `i` covers `i` to `i + 1`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadName

Points = NDArray[np.float64]
Box = tuple[float, float, float, float]
Label = str | int | float


@dataclass(frozen=True, eq=False)
class Face:
    """One face that a loader must find.

    Args:
        photo: Path of its photograph below the twin's root, with forward slashes.
        five: Where eyes, tip of the nose and corners of the mouth were drawn, left ones first as
            the picture shows them, (5, 2); known for every face, annotated or not.
        box: Left, top, right, bottom as annotated; None where the format has none.
        landmarks: Points as annotated, (k, 2); None where the format has none.
        identity: Who is shown, as the set spells it; None where the set does not tell.
        part: Name of the official part; empty where there is none.
        labels: What else the set says of the face, such as `blur`, in the set's own words.
    """

    photo: str
    five: Points
    box: Box | None = None
    landmarks: Points | None = None
    identity: str | None = None
    part: str = ""
    labels: Mapping[str, Label] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Truth:
    """What a twin holds.

    Args:
        name: Name of the set, with its variant after a colon.
        faces: Every face, in the order of the annotations.
        photos: Every photograph, sorted; some may show no face.
        annotations: Every file that is no photograph, sorted.
        offset: What the files' landmark numbers exceed continuous coordinates by: 0.5 where the
            authors count pixel centres from 1, as Matlab does.
        splits: Lists that belong to no single face, such as folds of pairs.
    """

    name: str
    faces: tuple[Face, ...]
    photos: tuple[str, ...]
    annotations: tuple[str, ...]
    offset: float = 0.0
    splits: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    def part(self, name: str) -> tuple[Face, ...]:
        """Return the faces of one official part."""
        return tuple(face for face in self.faces if face.part == name)


class Writer(Protocol):
    """Writes a twin."""

    def __call__(
        self, root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
    ) -> Truth:
        """Write below `root`; the same bytes for the same arguments.

        Args:
            root: Folder that the distribution unpacks to, made if absent.
            seed: Seed of the rendered population and of the layout of photographs.
            people: How many identities there are.
            shots: How many pictures of each.
            size: Shorter side of a photograph in pixels; None for what the set has.
        """
        ...


_IMAGES = (".jpg", ".png")


def survey(root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the photographs and the other files of a twin, both sorted."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    masks = "-anno/"
    photos = tuple(name for name in files if name.endswith(_IMAGES) and masks not in name)
    return photos, tuple(name for name in files if name not in set(photos))


_PLACES = {
    "widerface": ("widerface", "write"),
    "lr_pipa": ("lr_pipa", "write"),
    "lr_dukemtmc": ("lr_dukemtmc", "write"),
    "lr_dukemtmc:plain": ("lr_dukemtmc", "write_plain"),
    "lr_dukemtmc:reid": ("lr_dukemtmc", "write_reid"),
    "helen": ("helen", "write"),
    "helen:pts": ("helen", "write_pts"),
    "ls3dw": ("ls3dw", "write"),
    "ls3dw:mat": ("ls3dw", "write_mat"),
    "ffhq": ("ffhq", "write"),
    "celeba": ("celeba", "write"),
    "celeba:flat": ("celeba", "write_flat"),
    "celebahq": ("celebahq", "write"),
    "celebahq:folder": ("celebahq", "write_folder"),
    "aflw": ("aflw", "write"),
    "vggface2": ("vggface2", "write"),
    "lfw": ("lfw", "write"),
    "webface": ("webface", "write"),
    "scgan": ("scgan", "write"),
}


class _Writers(Mapping[str, Writer]):
    """Writers by name; the module of one is imported when it is asked for."""

    def __getitem__(self, name: str) -> Writer:
        module, function = _PLACES[name]
        writer: Writer = getattr(import_module(f"facesr.datasets._toys.{module}"), function)
        return writer

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


WRITERS: Mapping[str, Writer] = _Writers()


def known(name: str) -> str:
    """Return the name if there is a twin of it.

    Raises:
        BadName: If there is none.
    """
    if name not in _PLACES:
        raise BadName(f"no twin named {name!r}; known: {', '.join(_PLACES)}")
    return name
