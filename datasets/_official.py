"""What all data sets have in common that are read from the layout of their authors."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from facesr.bench import catalog
from facesr.bench.contract import Dataset, Part, Split
from facesr.bench.detectors._base import detector
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.datasets._align import Frame, Kind
from facesr.datasets._census import Census, census
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._formats.lists import names
from facesr.datasets._half import (
    INDEPENDENT,
    Among,
    Side,
    Source,
    account,
    crowded,
    found,
    half,
    made_at,
)
from facesr.datasets._partners import degraded
from facesr.datasets._record import PARTS, Record
from facesr.datasets._search import Search
from facesr.datasets._verify import differences

ANNOTATION = "annotation"
_TEST = 0.2  # share of people or photographs, where the authors did not divide a set
_SMALL = {"enlarge": 4.0}  # detectors look for low-resolution faces in enlarged photographs


@dataclass
class Official(Dataset):
    """A data set read from the layout in which its authors distribute it.

    Args:
        finder: Where boxes and landmarks come from: `annotation`, or a detector: `mtcnn`,
            `retinaface`, `scrfd`, `yunet`.
        frame: How a face is framed: `square` around its landmarks, upright; `box`, upright, around
            its box; `ffhq` or `arcface`, turned onto a template; `whole`, the picture's middle.
        margin: Of `square`, its side in spreads of the landmarks (5); of `box`, what is added on
            each side, as a share of the longer side (0).
        least: Native side of a high-resolution crop below which it is left out, as a share of the
            side that it is brought to.
        exclude: File of names of faces or photographs to leave out, one per line.
        seed: Decides which faces come first and how they are divided and degraded.
    """

    places: ClassVar[tuple[str, ...]] = ()
    probes: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[Mapping[str, Part]] = {}
    form: ClassVar[int] = 1
    side: ClassVar[Side] = "hr"
    box_margin: ClassVar[float | None] = None

    finder: str = "annotation"
    frame: Kind = "square"
    margin: float | None = None
    least: float = 0.9
    exclude: Path | None = None
    seed: int = 0

    @abstractmethod
    def annotations(self, root: Path) -> list[Path]:
        """Return the files that, with the names of photographs, decide what `records` yields."""

    @abstractmethod
    def records(self, root: Path) -> Iterator[Record]:
        """Go through all faces in the authors' order, in constant memory."""

    @classmethod
    def beside(cls, other: Dataset, **settings: Any) -> Self:
        """Build this data set with the sizes, folders and limit of another."""
        shared = {f.name: getattr(other, f.name) for f in fields(Dataset)}
        return cls(**shared, **settings)

    @property
    def name(self) -> str:
        """The name on the command line."""
        return type(self).__module__.rpartition(".")[2]

    @cached_property
    def root(self) -> Path | None:
        """The folder of the distribution; None if it is not here."""
        if self.data is None:
            return None
        for place in (self.data / name for name in self.places):
            if place.is_dir() and all(_holds(place, probe) for probe in self.probes):
                return place
        return None

    def missing(self) -> str:
        """See `Dataset.missing`."""
        if self.root is not None or (self.data is None and self._kept("test", self.side)):
            return ""
        about = type(self).about
        where = f"{self.data} does not hold" if self.data else "needs, in a folder named by --data,"
        assert about is not None
        return f"{where} {about.title}: {about.layout} ({about.url})"

    def source(self, side: Side, among: Among, n: int | None = None, **rule: Any) -> Source:
        """Return faces of this set as part of a half.

        Args:
            side: Whether they are to be low- or high-resolution faces.
            among: Which records are candidates.
            n: How many are wanted; None for all.
            rule: What differs from the usual `Rule` of that side.
        """
        size = self.lr_size if side == "lr" else self.hr_size
        usual = Rule(0.75 * size, 3.0 * size) if side == "lr" else Rule(self.least * size)
        usually = self.box_margin if self.frame == "box" else None
        frame = Frame(self.frame, usually if self.margin is None else self.margin)
        finds = (
            None
            if self.finder == ANNOTATION
            else detector(self.finder, **(_SMALL if side == "lr" else {}))
        )
        if finds is not None and self.root and (absent := finds.missing()):
            raise BadData(f"{self.name}: {absent}")
        search = None if finds is None else Search(finds, self.cache / "found.sqlite")
        return Source(
            name=self.name,
            recipe={
                "form": self.form,
                "settings": self.reading(),
                "excluded": digest_of(sorted(self.excluded)) if self.excluded else "",
                "finder": ANNOTATION if finds is None else finds.recipe,
                "frame": frame.recipe,
            },
            census=self._census.digest if self._census else "",
            annotations=self._census.annotations if self._census else {},
            records=self.listed,
            cutter=Cutter(self.root or Path(), frame, replace(usual, **rule), size, search),
            among=among,
            n=n,
        )

    def listed(self) -> Iterator[Record]:
        """Go through `records`, those on the list `exclude` marked as flawed."""
        for record in self.records(self.root) if self.root else ():
            known = _names(record) & self.excluded
            yield (
                replace(record, flaw=record.flaw or "on the list of exclusions")
                if known
                else record
            )

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Names on the list `exclude`."""
        if self.exclude is None:
            return frozenset()
        flaws: list[str] = []
        found = frozenset(names(self.exclude, lambda line, why: flaws.append(f"{line}: {why}")))
        if flaws:
            raise BadData(f"{self.exclude} line {flaws[0]}; write one name per line")
        return found

    def _idle(self) -> list[str]:
        """Return names on the list `exclude` that match nothing."""
        left = set(self.excluded)
        for record in self.records(self.root) if self.root else ():
            left -= _names(record)
        return sorted(left) if self.root else []

    def reading(self) -> dict[str, Any]:
        """Return the settings that change what `records` yields; JSON values."""
        return {}

    @cached_property
    def _census(self) -> Census | None:
        """The files of the distribution; None if it is not here."""
        return census(self.root, self.annotations(self.root)) if self.root else None

    def among(self, part: Part) -> Among:
        """Return the candidates of a part: the authors' division, or ours where they have none."""
        theirs, ours = self._amongs(part)
        return theirs if self.divided else ours

    def _amongs(self, part: Part) -> tuple[Among, Among]:
        theirs = tuple(name for name, ours in self.parts.items() if ours == part)
        return Among(theirs), Among(units=(0.0, _TEST) if part == "test" else (_TEST, 1.0))

    @cached_property
    def divided(self) -> bool:
        """Whether faces of both parts of the authors' division are here."""
        there: set[Part] = set()
        for record in self.listed() if self.parts else ():
            if record.part in self.parts:
                there.add(self.parts[record.part])
            if len(there) == 2:
                return True
        return False

    def faces(self, part: Part, side: Side) -> Faces:
        """Return the faces of one part, in a seeded order."""
        title = f"{self.name}/{part}/{side}"
        among = self.among(part) if self.root else self._kept(part, side) or self.among(part)
        return self.half(title, self.source(side, among, self.limit))

    def _kept(self, part: Part, side: Side) -> Among | None:
        """Find what was prepared while the files were here."""
        kept: dict[Part, dict[tuple[str, int], Among]] = {}
        for each in PARTS:
            kept[each] = {}
            for scheme, among in enumerate(self._amongs(each)):
                source = self.source(side, among, self.limit)
                title = f"{self.name}/{each}/{side}"
                for files in found(self.cache, title, [source], self.seed):
                    kept[each][files, scheme] = among
        common = kept["train"].keys() & kept["test"].keys()
        if kept["train"] and kept["test"] and not common:
            raise BadData(
                f"the parts of {self.name} in {self.cache / self.name} were prepared from "
                "different files, so somebody may be in both; name their folder with --data"
            )
        return next((kept[part][key] for key in sorted(common or kept[part])), None)

    def half(self, title: str, *sources: Source) -> Faces:
        """Return faces of several sources as one half."""
        size = sources[0].cutter.size
        return half(self.cache, title, sources, size, self.seed, self.workers)

    def verify(self, folder: Path) -> Iterator[str]:
        """See `Dataset.verify`."""
        return differences(folder, self.data)

    def notes(self, *halves: Faces) -> tuple[str, ...]:
        """Say what a split was made of."""
        said = [account(faces) for faces in halves]
        if any(crowded(faces) for faces in halves):
            said.append(INDEPENDENT)
        if self.exclude and (idle := self._idle()):
            said.append(
                f"{len(idle)} names on the list {self.exclude.name} match nothing: {idle[0]}"
            )
        if self._census and any(self._census.newest > made_at(faces) for faces in halves):
            said.append(
                "some files were changed after these faces were prepared from them; `bench data "
                f"verify {self.name} --source` tells which"
            )
        if self.root is None:
            said.append("prepared earlier, from files that are not here")
        elif self.parts and not self.divided:
            said.append(
                "the authors' division is not here in full; training and test were divided by "
                "draws that keep people or photographs together"
            )
        return tuple(said)


@dataclass
class HighResolution(Official):
    """High-resolution faces; their low-resolution partners are made of them.

    Args:
        degradation: How: `bicubic`, `bilinear`, `area`, `nearest`, `lrgan`, `scgan`, `realesrgan`
            or `wild`; with `gaussian`, `defocus`, `motion` or `jitter` before or after it, as in
            `jitter+scgan`.
    """

    degradation: str = "bicubic"

    def split(self, part: Part) -> Split:
        """See `Dataset.split`; both halves show the same pictures."""
        hr = self.faces(part, "hr")
        lr = degraded(hr, self.degradation, self.lr_size, self.seed)
        lr, hr = (faces.take(range(len(faces))[: self.limit]) for faces in (lr, hr))
        return Split(lr, hr, paired=True, notes=self.notes(hr))


@dataclass
class LowResolution(Official):
    """Genuine low-resolution faces, with high-resolution faces of other pictures.

    Args:
        hr: Where high-resolution faces come from; empty for the large faces of this set.
    """

    side: ClassVar[Side] = "lr"

    hr: str = ""

    def split(self, part: Part) -> Split:
        """See `Dataset.split`; the halves are not paired."""
        other = self.other()
        lr, hr = (
            faces.take(range(len(faces))[: self.limit])
            for faces in (self.faces(part, "lr"), other.faces(part, "hr"))
        )
        notes = self.notes(lr, hr)
        if (other.finder, other.frame, other.margin) != (self.finder, self.frame, self.margin):
            notes += (
                f"low-resolution faces are framed by {self.finder}/{self.frame}, high-resolution "
                f"ones by {other.finder}/{other.frame}: distances between them measure that too",
            )
        return Split(lr, hr, notes=notes)

    def other(self) -> Official:
        """Return the data set of the high-resolution half.

        Raises:
            BadData: If it is not here.
        """
        if not self.hr:
            return self
        kind = catalog.load("datasets", self.hr)
        if not issubclass(kind, Official):
            raise BadName(f"hr={self.hr!r} is no set of photographs; name one such as celeba")
        ours = {"finder": self.finder, "frame": self.frame, "margin": self.margin}
        other = kind.beside(self, seed=self.seed, **(ours if self.finder != ANNOTATION else {}))
        if absent := other.missing():
            raise BadData(absent)
        return other

    def missing(self) -> str:
        """See `Dataset.missing`."""
        return super().missing() or (self.other_missing() if self.hr else "")

    def other_missing(self) -> str:
        """Say what the high-resolution half lacks; empty if nothing."""
        try:
            self.other()
        except BadData as error:
            return str(error)
        return ""


def _names(record: Record) -> set[str]:
    """Return what a record may be called on a list of exclusions."""
    return {record.name, f"{record.name}.png", record.photo, Path(record.photo).name}


def _holds(place: Path, probe: str) -> bool:
    """Say whether a folder holds what one of the patterns between `|` matches."""
    return any(next(place.glob(pattern), None) for pattern in probe.split("|"))
