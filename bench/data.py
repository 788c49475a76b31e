"""What `bench data` does, as typed calls: prepare a data set, verify that, write a miniature.

Data sets are found by name. Besides the contract they are asked for nothing, except that the data
set `toy` has a method `write(out)`, which returns a sentence for each miniature that it wrote.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from facesr.bench import catalog, choices
from facesr.bench.choices import Choice
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.files import cache_folder, read_json

if TYPE_CHECKING:
    from facesr.bench.contract import Dataset, Part
    from facesr.bench.faces import Faces

MANIFEST = "manifest.json"  # of a prepared folder: `title`, `faces`, and `drops`, counts by reason
PARTS: tuple["Part", ...] = ("train", "test")


@dataclass(frozen=True)
class Half:
    """Prepared faces.

    Args:
        half: Whether these are the low- or the high-resolution faces.
        faces: How many there are.
        size: Their side, in pixels.
        people: How many people they show; None where the data set does not know.
        dropped: How many candidates were not used, by reason, most frequent first.
        folder: Where they lie.
        bytes: How much room the folder takes.
    """

    half: Literal["lr", "hr"]
    faces: int
    size: int
    people: int | None
    dropped: dict[str, int]
    folder: Path
    bytes: int


@dataclass(frozen=True)
class Prepared:
    """One part of a data set, ready for a run.

    Args:
        dataset: Its label.
        part: Which part.
        paired: Whether both halves show the same pictures.
        halves: The faces.
        notes: What the data set says of them.
        partial: What a paper's split had and this one lacks; empty if it lacks nothing.
        seconds: How long it took.
    """

    dataset: str
    part: Literal["train", "test"]
    paired: bool
    halves: tuple[Half, Half]
    notes: tuple[str, ...]
    partial: str
    seconds: float


@dataclass(frozen=True)
class Finding:
    """What came of comparing a prepared folder with what was prepared.

    Args:
        folder: The folder.
        title: What its faces are, such as `celeba/train/hr`; empty if it does not say.
        faces: How many it counts.
        difference: A sentence; empty if there is none in the whole folder.
    """

    folder: Path
    title: str
    faces: int
    difference: str = ""


def choose(
    dataset: str,
    settings: Sequence[str] = (),
    protocol: str = "realworld",
    lr_size: int | None = None,
    scale: int | None = None,
) -> tuple[Choice, Choice]:
    """Read which data set and sizes are meant, importing neither.

    Args:
        dataset: Name, `name[setting=value]` or `name:PATH`.
        settings: Texts `setting=value`.
        protocol: Name of the protocol that decides the sizes.
        lr_size: Side of low-resolution faces; None for the protocol's.
        scale: Factor to the high-resolution side; None for the protocol's.

    Raises:
        BadName: If a name or setting does not exist.
    """
    choice, measure = choices.parse("datasets", dataset), choices.parse("protocols", protocol)
    given = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadName(f"cannot read --set {text!r}; write setting=value")
        given[name.strip().removeprefix(f"{choice.name}.")] = value.strip()
    choices.check_settings("datasets", choice.name, given)
    sizes = {"lr_size": lr_size, "scale": scale}
    other = {name: str(size) for name, size in sizes.items() if size is not None}
    choices.check_settings("protocols", measure.name, other)
    return (
        replace(choice, settings={**choice.settings, **given}),
        replace(measure, settings={**measure.settings, **other}),
    )


def prepare(
    choice: Choice,
    measure: Choice,
    *,
    source: Path | None = None,
    parts: Sequence["Part"] = PARTS,
    limit: int | None = None,
    workers: int = 0,
    cache: Path | None = None,
) -> Iterator[Prepared]:
    """Prepare a data set as a run would, so that the run finds it.

    Args:
        choice: The data set, from `choose`.
        measure: The protocol, from `choose`.
        source: Folder that holds data sets as their authors distribute them.
        parts: Which parts.
        limit: At most this many faces per half.
        workers: Processes; 0 for one per core.
        cache: Where prepared faces go; None for where a run looks for them.

    Yields:
        Each part when it is ready.

    Raises:
        BenchError: If files are absent or unusable, with a sentence that names them.
    """
    from facesr.bench import plan

    protocol = plan.build_protocol(measure)
    dataset = plan.build_dataset(choice, protocol, source, limit)
    dataset = replace(dataset, workers=workers, cache=(cache or cache_folder()).resolve())
    if absent := dataset.missing():
        raise BadData(absent)
    failed: BenchError | None = None
    for part in parts:
        try:
            yield _part(choice.label, dataset, part)
        except BenchError as error:  # the other part may do
            failed = failed or error
    if failed:
        raise failed


def _part(label: str, dataset: "Dataset", part: "Part") -> Prepared:
    start = time.monotonic()
    split = dataset.split(part)
    halves = _half("lr", split.lr), _half("hr", split.hr)
    seconds = round(time.monotonic() - start, 2)
    return Prepared(label, part, split.paired, halves, split.notes, split.partial, seconds)


def _half(half: Literal["lr", "hr"], faces: "Faces") -> Half:
    drops: dict[str, int] = read_json(faces.root / MANIFEST).get("drops", {})
    room = sum(path.stat().st_size for path in faces.root.iterdir() if path.is_file())
    ranked = dict(sorted(drops.items(), key=lambda item: (-item[1], item[0])))
    people = len(set(faces.identities)) if faces.identities else None
    return Half(half, len(faces), faces.size, people, ranked, faces.root, room)


def verify(
    target: str, *, source: Path | None = None, cache: Path | None = None
) -> Iterator[Finding]:
    """Compare all that was prepared of a data set, or below a folder, with what it was.

    Args:
        target: Name of a data set, or a folder.
        source: Folder of the original files, to be compared too.
        cache: Where faces were prepared; None for where a run looks for them.

    Yields:
        Each difference as it is found, and each folder without any.

    Raises:
        BadData: If nothing was prepared there.
    """
    if source is not None and not source.is_dir():
        raise BadData(f"{source} is not a folder; name the folder that holds the data sets")
    place = _place(target, cache or cache_folder())
    found = False
    for folder in prepared(place):
        found = True
        yield from _compare(folder, source)
    if not found:
        raise BadData(f"nothing is prepared in {place}; `bench data prepare` does it")


def prepared(place: Path) -> Iterator[Path]:
    """Find the folders of prepared faces at or below a folder, whole or damaged."""
    if _is_prepared(place):
        yield place
    elif place.is_dir():
        for folder in sorted(place.iterdir()):
            if folder.is_dir() and not folder.is_symlink() and not folder.name.startswith("."):
                yield from prepared(folder)


def _is_prepared(folder: Path) -> bool:
    kept = ("faces.jsonl", "faces-*.npy")
    return any(next(folder.glob(name), None) for name in kept) or bool(_said(folder))


def _place(target: str, cache: Path) -> Path:
    name = re.split(r"[:\[]", target)[0]
    if name in catalog.names("datasets"):
        toy_of = choices.parse("datasets", target).settings.get("path", "") if name == "toy" else ""
        return cache / name / toy_of.replace(":", "-")
    if Path(target).is_dir():
        return Path(target)
    if "/" in target:
        raise BadData(f"{target} is not a folder; name one, or a data set")
    return cache / catalog.entry("datasets", name).name  # a typo is named


def _compare(folder: Path, source: Path | None) -> Iterator[Finding]:
    known = _said(folder)
    title, faces = str(known.get("title", "")), known.get("faces", 0)
    finding = Finding(folder, title, faces if isinstance(faces, int) else 0)
    above = [title.partition("/")[0], *(parent.name for parent in folder.resolve().parents)]
    names = [name for name in above if name in catalog.names("datasets")]
    if not names:
        said = f"which data set it belongs to cannot be told from its {MANIFEST}"
        yield replace(finding, difference=said)
        return
    dataset: Dataset = catalog.load("datasets", names[0])(data=source)
    sound = True
    for difference in dataset.verify(folder):
        sound = False
        yield replace(finding, difference=difference)
    if sound:
        yield finding


def _said(folder: Path) -> Mapping[str, object]:
    """Read what a manifest says; nothing if it is absent, damaged, or another kind of file."""
    try:
        known = read_json(folder / MANIFEST)
    except (BenchError, OSError):
        return {}
    return known if "title" in known else {}


def toy(path: str, out: Path, seed: int = 0, people: int = 24, shots: int = 4) -> tuple[str, ...]:
    """Write a miniature of a data set as its authors distribute it, from rendered faces.

    Args:
        path: Name of the data set.
        out: Folder that can then be named as `--source` or `--data`.
        seed: Seed of the rendered faces.
        people: How many people are shown.
        shots: How many pictures of each.

    Returns:
        What was written, a sentence for each data set.

    Raises:
        BadName: If there is no toy of that name.
        BadData: If one of them is there already.
    """
    kind = catalog.load("datasets", "toy")
    written: tuple[str, ...] = kind(path=path, seed=seed, people=people, shots=shots).write(out)
    return written
