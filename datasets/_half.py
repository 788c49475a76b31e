"""One half of a split: which candidates of which data sets, prepared once and read back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.datasets._cut import Cutter
from facesr.datasets._fill import Pick, fill, in_order
from facesr.datasets._prepared import details, manifest, read
from facesr.datasets._record import Record, draw
from facesr.datasets._writer import MANIFEST

Side = Literal["lr", "hr"]

INDEPENDENT = "intervals treat the faces of one group photograph as independent"
FORM = 1  # goes up when the same records and settings give other faces


@dataclass(frozen=True)
class Among:
    """Which records of a data set are candidates.

    Args:
        parts: Of these parts of the authors; empty for any.
        units: People, or photographs where people are not known, whose seeded draw lies between
            these numbers: stretches that do not overlap share nobody.
    """

    parts: tuple[str, ...] = ()
    units: tuple[float, float] = (0.0, 1.0)

    def wants(self, record: Record, seed: int) -> bool:
        """Say whether a record is a candidate."""
        if self.parts and record.part not in self.parts:
            return bool(record.flaw) and not record.part
        low, high = self.units
        return (low, high) == (0, 1) or low <= draw(seed, "test", record.kept_together) < high


@dataclass(frozen=True)
class Source:
    """Faces of one data set that go into a half.

    Args:
        name: The data set.
        recipe: What decides the crops; JSON values.
        census: Digest of the files that are read; empty if they are not here.
        annotations: SHA-256 of the files of annotation, by their names.
        records: Goes through all records in the authors' order.
        cutter: Makes crops.
        among: Which records are candidates.
        n: How many faces are wanted; None for all.
    """

    name: str
    recipe: Mapping[str, Any]
    census: str
    annotations: Mapping[str, str]
    records: Callable[[], Iterator[Record]]
    cutter: Cutter
    among: Among = field(default_factory=Among)
    n: int | None = None

    def pick(self, seed: int) -> Pick:
        """Return what `fill` needs."""

        def records() -> Iterator[Record]:
            return (record for record in self.records() if self.among.wants(record, seed))

        return Pick(records, self.cutter, self.n)

    def key(self) -> dict[str, Any]:
        """Return all that decides the faces, files aside."""
        return {
            "set": self.name,
            "among": asdict(self.among),
            "n": self.n,
            "rule": asdict(self.cutter.rule),
            **self.recipe,
        }


def half(
    cache: Path, title: str, sources: Sequence[Source], size: int, seed: int, workers: int = 0
) -> Faces:
    """Return one half of a split, preparing it first if need be.

    Args:
        cache: Folder of everything prepared.
        title: Such as `celeba/train/hr`.
        sources: What it is made of.
        size: Side of the faces.
        seed: Decides which faces come first.
        workers: Processes; 0 for one per core.

    Returns:
        The faces, in a seeded order that mixes sources and people.
    """
    folder = place(cache, title, sources, size, seed)
    if not folder.exists():
        about = {
            "seed": seed,
            "sources": [source.key() for source in sources],
            "read": {source.name: dict(source.annotations) for source in sources},
        }
        fill(folder, title, [source.pick(seed) for source in sources], seed, about, workers)
    faces = read(folder, title)
    return faces.take(in_order(faces.names, seed))


def place(cache: Path, title: str, sources: Sequence[Source], size: int, seed: int) -> Path:
    """Return where a half is prepared; where the files are gone, what was prepared from them.

    Raises:
        BadData: If the files are gone and nothing, or more than one thing, was prepared.
    """
    name, _, rest = title.partition("/")
    if all(source.census for source in sources):
        files = digest_of([source.census for source in sources])[:12]
        return cache / name / f"{_recipe(sources, size, seed)}-{files}" / rest
    there = list(found(cache, title, sources, seed).values())
    if len(there) != 1:
        raise BadData(
            f"the files of {name} are not here, and {len(there) or 'no'} prepared "
            f"{'copies' if len(there) > 1 else 'copy'} of {title} in {cache / name}"
            + ("; keep one of them" if there else "; name their folder with --data")
        )
    return there[0]


def found(cache: Path, title: str, sources: Sequence[Source], seed: int) -> dict[str, Path]:
    """Find what was prepared by the same recipe, by the digest of the files it was made of."""
    name, _, rest = title.partition("/")
    recipe = _recipe(sources, sources[0].cutter.size, seed)
    there = sorted((cache / name).glob(f"{recipe}-*/{rest}"))
    above = len(Path(rest).parts) - 1
    return {folder.parents[above].name.rpartition("-")[2]: folder for folder in there}


def made_at(faces: Faces) -> float:
    """Return when a prepared folder was made, in seconds."""
    return (faces.root / MANIFEST).stat().st_mtime


def _recipe(sources: Sequence[Source], size: int, seed: int) -> str:
    keys = [source.key() for source in sources]
    return digest_of({"form": FORM, "size": size, "seed": seed, "sources": keys})[:12]


def account(faces: Faces) -> str:
    """Say in a sentence what became of the candidates of a half."""
    known, n = manifest(faces.root), len(faces)
    drops = sorted(known["drops"].items(), key=lambda item: (-item[1], item[0]))
    left = ", ".join(f"{n:,} {reason}" for reason, n in drops)
    side = faces.title.rpartition("/")[2]
    of = f" of {known['faces']:,} prepared" if n < known["faces"] else ""
    return f"{side}: {n:,}{of} faces" + (f"; left out: {left}" if left else "")


def crowded(faces: Faces) -> bool:
    """Say whether photographs show several of the faces, and nobody knows who they are."""
    if faces.identities is not None:
        return False
    photos = [known.get("photo") for known in details(faces)]
    return len(set(photos)) < len(photos)
