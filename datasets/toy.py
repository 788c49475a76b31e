"""Miniatures of data sets in the layout of their authors: `toy:celeba` on the command line."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from facesr.bench import catalog
from facesr.bench.contract import About, Dataset, Part, Split
from facesr.bench.errors import BadData, BadName
from facesr.bench.files import digest_of
from facesr.bench.progress import track
from facesr.datasets._toys._truth import WRITERS, Truth
from facesr.datasets._verify import differences
from facesr.datasets._writer import locked


@dataclass
class Toy(Dataset):
    """Rendered faces, written as the authors of a data set distribute it and read by its loader.

    It shows that a data set would be read, cropped and divided as it should be, on a machine that
    does not have it. Numbers on a twin say nothing about the data set itself.

    Args:
        path: Name of the data set, with a variant of its layout after a colon, or of a paper's
            split, which then has twins of all its data sets.
        people: How many people a twin shows.
        shots: How many pictures of each.
        seed: Seed of the rendered population.
    """

    about: ClassVar[About | None] = About(
        "Toy",
        year=2026,
        family="made",
        licence="that of this package: the faces are rendered and show nobody",
        shareable=True,
        holds="miniatures of the other data sets, some hundred rendered faces each",
        layout="nothing: they are written when they are first asked for",
    )

    path: str = ""
    people: int = 24
    shots: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        known = [*WRITERS, *_splits()]
        if self.path and self.path not in known:
            raise BadName(f"no toy of {self.path!r}; {catalog.suggest(self.path, known)}")
        if self.people < 1 or self.shots < 1:
            raise BadData(
                f"people={self.people} and shots={self.shots} were asked for, expected at least 1"
            )

    def missing(self) -> str:
        """See `Dataset.missing`."""
        return "" if self.path else "needs the name of a data set: write toy:celeba"

    def split(self, part: Part) -> Split:
        """See `Dataset.split`; the twin is written first if need be."""
        if absent := self.missing():
            raise BadData(absent)
        data = self._place / "data"
        with locked(data):
            if not data.exists():
                self.write(data)
        split = self._real(data=data, cache=self._place).split(part)
        lr, hr = (replace(half, title=f"toy:{half.title}") for half in (split.lr, split.hr))
        note = f"rendered faces in the layout of {self.path}: no number here is one of {self.path}"
        return replace(split, lr=lr, hr=hr, notes=(note, *split.notes))

    def verify(self, folder: Path) -> Iterator[str]:
        """See `Dataset.verify`; the twin itself is not compared."""
        return differences(folder)

    def write(self, out: Path) -> tuple[str, ...]:
        """Write the twin, and those of other data sets that it is read with, side by side.

        Args:
            out: Folder that can then be named as `--data`; made if absent, whole or not at all.

        Returns:
            What each twin holds, in a sentence.

        Raises:
            BadData: If one of them is there already.
        """
        aside = out.parent / f".{out.name}.part"
        shutil.rmtree(aside, ignore_errors=True)
        targets = {name: _folder(name) for name in self.sets()}
        for place in targets.values():
            if (out / place).exists():
                raise BadData(f"{out / place} is there already; name another folder")
        try:
            said = []
            label = f"rendering the toy of {self.path}"
            several = track(targets.items(), label, len(targets), "data sets")
            for name, place in several if len(targets) > 1 else targets.items():
                truth = WRITERS[name](aside / place, self.seed, self.people, self.shots)
                said.append(f"{_told(truth)}, in {out / place}")
            out.mkdir(parents=True, exist_ok=True)
            for place in targets.values():
                (aside / place).rename(out / place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return tuple(said)

    def sets(self) -> tuple[str, ...]:
        """Name the twins that are written: that of the data set, and those it is read with."""
        real = self._real()
        other = getattr(real, "hr", "")
        if asks := getattr(real, "sets", None):
            return tuple(asks())
        return tuple(dict.fromkeys(name for name in (self.path, other) if name))

    def _real(self, **given: Any) -> Dataset:
        kind = catalog.load("datasets", self.path.partition(":")[0])
        shared = {f.name: getattr(self, f.name) for f in fields(Dataset)}
        real: Dataset = kind(**(shared | given))
        return real

    @cached_property
    def _place(self) -> Path:
        """Folder of the twin and of all that is prepared from it, apart from real faces."""
        code = [catalog.code(WRITERS[name].__module__) for name in self.sets()]
        key = digest_of([code, self.sets(), self.people, self.shots, self.seed])[:12]
        return self.cache / "toy" / self.path.replace(":", "-") / key


def _folder(name: str) -> str:
    """Return the folder of a twin, where its loader looks first."""
    base = name.partition(":")[0]
    places = getattr(catalog.load("datasets", base), "places", ())
    return places[0] if places else base


def _splits() -> list[str]:
    """List the splits of papers."""
    names = catalog.names("datasets")
    return [n for n in names if catalog.describe("datasets", n).about.get("family") == "recipe"]


def _told(truth: Truth) -> str:
    people = len({face.identity for face in truth.faces} - {None})
    parts = dict.fromkeys(face.part for face in truth.faces if face.part)
    shares = ", ".join(f"{part} {len(truth.part(part))}" for part in parts)
    return (
        f"{truth.name}: {len(truth.photos)} photographs, {len(truth.faces)} faces"
        + (f" of {people} people" if people else "")
        + (f" ({shares})" if shares else "")
        + f", {len(truth.annotations)} files of annotations"
    )
