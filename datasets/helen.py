"""Helen: large portraits from Flickr, with outlines of 194 or 68 points."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from facesr.bench.contract import About, Part
from facesr.bench.errors import BadData
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.landmarks import helen, pts
from facesr.datasets._formats.lines import Bad
from facesr.datasets._formats.lists import names
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Record

T = TypeVar("T")
_FOLDERS = ("train_1", "train_2", "train_3", "train_4", "train", "test")


@dataclass
class Helen(HighResolution):
    """The portraits with the points of their authors, or else with those of iBUG.

    iBUG's points (300-W) name pixel centres, counted from 1; the authors do not say what theirs
    name, and they are taken as continuous coordinates.
    """

    about: ClassVar[About | None] = About(
        "Helen",
        paper="Le, Brandt, Lin, Bourdev & Huang, Interactive Facial Feature Localization, ECCV "
        "2012; 68 points: Sagonas, Tzimiropoulos, Zafeiriou & Pantic, 300 Faces in-the-Wild "
        "Challenge, ICCV workshops 2013",
        year=2012,
        url="http://www.ifp.illinois.edu/~vuongle2/helen/",
        licence="none stated for the annotation, iBUG's for research only; the photographs belong "
        "to their owners on Flickr",
        holds="2,330 portraits, faces over 500 pixels wide: 2,000 for training, 330 for test",
        layout="helen/annotation/1.txt, trainnames.txt, testnames.txt, train_1 to train_4/*.jpg "
        "and test/*.jpg; or helen/trainset and testset with *.jpg beside *.pts",
    )
    places: ClassVar[tuple[str, ...]] = ("helen", "Helen", "HELEN", ".")
    probes: ClassVar[tuple[str, ...]] = ("annotation/*.txt|trainset/*.pts|testset/*.pts",)
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "test": "test"}

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        lists = [root / f"{part}names.txt" for part in self.parts]
        beside = sorted(root.glob("*set/*.pts"))
        return [*(path for path in lists if path.is_file()), *_outlines(root), *beside]

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        yield from self._own(root) if _outlines(root) else self._ibug(root)

    def _own(self, root: Path) -> Iterator[Record]:
        listed: dict[str, str] = {}
        for path in (root / f"{part}names.txt" for part in self.parts):
            for row in annotated(path, names) if path.is_file() else ():
                if isinstance(row, Record):
                    yield row
                else:
                    listed.setdefault(row, path.name.removesuffix("names.txt"))
        seen: set[str] = set()
        for path in _outlines(root):
            found, flaw = _read(helen, path)
            if found is None:
                name = _title(path)
                seen.add(name)
                stem = name if name in listed else f"annotation-{path.stem}"
                yield Record("", f"helen-{stem}", flaw=flaw)
                continue
            photo = _photo(root, found.name)
            seen.add(found.name)
            part = listed.get(found.name, "") if listed else photo.partition("/")[0].split("_")[0]
            flaw = flaw or ("" if part else "in no list of names")
            yield Record(photo, f"helen-{found.name}", points=found.points, part=part, flaw=flaw)
        for name in (name for name in listed if name not in seen):
            yield Record(_photo(root, name), f"helen-{name}", flaw="without landmarks")

    def _ibug(self, root: Path) -> Iterator[Record]:
        for part in self.parts:
            folder = root / f"{part}set"
            beside = folder.iterdir() if folder.is_dir() else ()
            for stem in sorted({p.stem for p in beside if p.suffix in (".jpg", ".pts")}):
                points, flaw = _read(pts, folder / f"{stem}.pts")
                photo = f"{folder.name}/{stem}.jpg"
                yield Record(photo, f"helen-{stem}", points=points, part=part, flaw=flaw)


def _outlines(root: Path) -> list[Path]:
    """List the authors' files of points in their order."""
    found = (path for path in (root / "annotation").glob("*.txt") if path.stem.isdecimal())
    return sorted(found, key=lambda path: int(path.stem))


def _title(path: Path) -> str:
    """Return the first line of a file that is damaged otherwise."""
    try:
        with path.open("rb") as file:
            return file.readline(256).decode(errors="replace").strip()
    except OSError:
        return ""


def _photo(root: Path, name: str) -> str:
    places = [f"{folder}/{name}.jpg" for folder in _FOLDERS]
    return next((place for place in places if (root / place).is_file()), places[-1])


def _read(parse: Callable[[Path, Bad], T], path: Path) -> tuple[T | None, str]:
    """Return what a file of points says, and why the face cannot be used."""
    flaws: list[str] = []
    if not path.is_file():
        return None, "without landmarks"
    try:
        found = parse(path, lambda line, reason: flaws.append(f"line {line} {reason}"))
    except BadData as error:
        return None, f"unreadable landmarks: {str(error).replace(str(path), path.name)}"
    return found, f"unreadable landmarks: {flaws[0]}" if flaws else ""
