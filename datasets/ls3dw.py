"""LS3D-W: pictures of five older sets with 68 points of the face in space, projected."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from facesr.bench.contract import About
from facesr.bench.errors import BadData
from facesr.datasets._formats import mat, t7
from facesr.datasets._formats.landmarks import from_one_based
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Points, Record

Subset = Literal["all", "300w", "aflw2000", "menpo", "300vw", "balanced"]
_FOLDERS = {
    "300w": "300W-Testset-3D",
    "aflw2000": "AFLW2000-3D-Reannotated",
    "menpo": "Menpo-3D",
    "300vw": "300VW-3D",
    "balanced": "LS3D-W-balanced-20-03-2017/new_dataset",
}
_PHOTOS, _POINTS = (".jpg", ".png"), (".t7", ".mat")


@dataclass
class Ls3dw(HighResolution):
    """The pictures of all sub-sets or of one, divided by draws that keep a video together.

    The authors train on another set and test on this one, so it has no parts. The balanced
    sub-set repeats pictures of the others and would bring them into both halves: `all` leaves it
    out, unless no other is there.

    Args:
        subset: `all`, `300w`, `aflw2000`, `menpo`, `300vw` or `balanced`.
    """

    about: ClassVar[About | None] = About(
        "LS3D-W",
        paper="Bulat & Tzimiropoulos, How far are we from solving the 2D & 3D Face Alignment "
        "problem? (and a dataset of 230,000 3D facial landmarks), ICCV 2017",
        year=2017,
        url="https://www.adrianbulat.com/face-alignment",
        licence="research; the pictures keep the terms of the sets that they come from",
        holds="about 230,000 pictures with 68 points: the test set of 300-W, AFLW2000-3D, Menpo, "
        "frames of the videos of 300-VW; of these, 7,200 balanced in pose",
        layout="ls3dw/300W-Testset-3D, AFLW2000-3D-Reannotated, Menpo-3D, "
        "300VW-3D/{Trainset,CatA,CatB,CatC}/VIDEO, LS3D-W-balanced-20-03-2017/new_dataset, each "
        "if there: *.jpg or *.png beside *.t7 or *.mat",
    )
    places: ClassVar[tuple[str, ...]] = ("ls3dw", "LS3D-W", "LS3DW", "ls3d-w", ".")
    probes: ClassVar[tuple[str, ...]] = ("|".join(_FOLDERS.values()),)

    subset: Subset = "all"

    def missing(self) -> str:
        """See `Dataset.missing`."""
        absent = super().missing()
        if absent or self.root is None or self._subsets(self.root):
            return absent
        return (
            f"{self.root} does not hold {_FOLDERS[self.subset]}, which subset={self.subset} needs"
        )

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`; points count as pictures do, by names and lengths."""
        return []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        for subset in self._subsets(root):
            for folder, names in _folders(root / subset):
                inside = folder.relative_to(root).as_posix()
                part = folder.parent if subset == _FOLDERS["300vw"] else folder
                for stem, photo in names.items():
                    points, flaw = _points(folder / stem)
                    yield Record(
                        photo=f"{inside}/{photo}",
                        name=f"ls3dw-{inside.replace('/', '-')}-{stem}",
                        points=points,
                        part=part.relative_to(root).as_posix().removesuffix("/new_dataset"),
                        unit=inside if subset == _FOLDERS["300vw"] else "",
                        flaw=flaw,
                    )

    def reading(self) -> dict[str, Any]:
        """See `Official.reading`."""
        return {"subset": self.subset}

    def _subsets(self, root: Path) -> list[str]:
        here = {name: folder for name, folder in _FOLDERS.items() if (root / folder).is_dir()}
        if self.subset != "all":
            return [here[self.subset]] if self.subset in here else []
        return [folder for name, folder in here.items() if name != "balanced" or len(here) == 1]


def _folders(root: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield each folder with pictures or points: the file of the picture by its stem."""
    for name, folders, files in os.walk(root):
        folders.sort()
        found = sorted(Path(file) for file in files if Path(file).suffix in _PHOTOS + _POINTS)
        stems = {path.stem: f"{path.stem}.jpg" for path in found}
        stems |= {path.stem: path.name for path in found if path.suffix in _PHOTOS}
        if stems:
            yield Path(name), stems


def _points(stem: Path) -> tuple[Points | None, str]:
    """Return the points of a picture, and why the face cannot be used."""
    for suffix, read in zip(_POINTS, (t7.landmarks, mat.landmarks), strict=True):
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            try:
                points = from_one_based(np.asarray(read(path)[:, :2]))
            except BadData as error:
                return None, f"unreadable landmarks: {str(error).replace(str(path), path.name)}"
            if len(points) == 68:
                return points, ""
            return None, f"unreadable landmarks: {path.name} has {len(points)} points, expected 68"
    return None, "without landmarks"
