"""The splits of papers: how many faces of which data set, on whatever part of them is here."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facesr.bench import catalog
from facesr.bench.contract import Dataset, Part, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets._align import Kind
from facesr.datasets._half import INDEPENDENT, Among, Side, Source, account, crowded, half
from facesr.datasets._official import Official
from facesr.datasets._partners import degraded
from facesr.datasets._record import PARTS, Record
from facesr.datasets._verify import differences

SIDES: tuple[Side, ...] = ("lr", "hr")


@dataclass(frozen=True)
class Ask:
    """Faces that a paper took from one data set.

    Args:
        set: Name of the data set.
        n: How many are taken, the first in a seeded order; None for all.
        parts: Of these parts of the authors; empty for any.
        settings: Of the data set.
        rule: What differs from the usual `Rule`, in pixels of the photograph.
    """

    set: str
    n: int | None = None
    parts: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Portion:
    """One half of one part of a paper's split.

    Args:
        asks: Where its faces come from.
        paper: How many the paper had; None where it does not say.
        skip: How many of the first faces are left to another portion of the same asks.
        n: How many are taken after these; None for all others.
    """

    asks: tuple[Ask, ...]
    paper: int | None = None
    skip: int = 0
    n: int | None = None


@dataclass
class Recipe(Dataset):
    """The split of a paper, from data sets in the layouts of their authors.

    On a disk that lacks some of them it takes what is there, says how many faces the paper had,
    and marks its rows as partial. Nothing is padded.

    Args:
        finder: What finds the faces of every set, so that both halves are framed alike; where the
            papers name a detector that is not public, this is ours.
        frame: How a face is framed: `square` around its landmarks, upright; `box`, upright, around
            its box; `ffhq` or `arcface`, turned onto a template.
        margin: Of `square`, its side in spreads of the landmarks (5); of `box`, what is added on
            each side, as a share of the longer side (0).
        exclude: File of names of faces or photographs to leave out, one per line, as papers do
            that removed faces by hand.
        seed: Draws what the papers drew.
    """

    finder: str = "mtcnn"
    frame: Kind = "square"
    margin: float | None = None
    exclude: Path | None = None
    seed: int = 0

    @abstractmethod
    def portion(self, part: Part, side: Side) -> Portion:
        """Return what one half of a part is made of."""

    def degradation(self, part: Part) -> str:
        """Return the chain that makes low-resolution faces of the others; empty if none does."""
        return ""

    @property
    def name(self) -> str:
        """The name on the command line."""
        return type(self).__module__.rpartition(".")[2]

    def sets(self) -> tuple[str, ...]:
        """Name the data sets that the split is made of."""
        asks = (ask for part in PARTS for side in SIDES for ask in self._asks(part, side))
        return tuple(dict.fromkeys(ask.set for ask in asks))

    def missing(self) -> str:
        """See `Dataset.missing`; one data set for each half is enough for a partial split."""
        for part in PARTS:
            for side in SIDES:
                lacking = [self._set(ask).missing() for ask in self._asks(part, side)]
                if lacking and all(lacking):
                    return f"{part} part, {side} half of {self.name}: {'; '.join(lacking)}"
        return ""

    def split(self, part: Part) -> Split:
        """See `Dataset.split`."""
        if absent := self.missing():
            raise BadData(absent)
        chain = self.degradation(part)
        hr = self._faces(part, "hr")
        if chain:
            lr = degraded(hr, chain, self.lr_size, self.seed)
            lr = replace(lr, title=f"{self.name}/{part}/lr[{chain}]")
        else:
            lr = self._faces(part, "lr")
        halves: dict[Side, Faces] = {"hr": hr} if chain else {"lr": lr, "hr": hr}
        lr, hr = (faces.take(range(len(faces))[: self.limit]) for faces in (lr, hr))
        halves = {side: {"lr": lr, "hr": hr}[side] for side in halves}
        partial = [self._partial(part, side, faces) for side, faces in halves.items()]
        notes = [account(faces) for faces in halves.values()]
        notes += filter(None, (self._shared(part, side) for side in halves))
        if any(crowded(faces) for faces in halves.values()):
            notes.append(INDEPENDENT)
        return Split(lr, hr, bool(chain), tuple(notes), "; ".join(filter(None, partial)))

    def verify(self, folder: Path) -> Iterator[str]:
        """See `Dataset.verify`."""
        return differences(folder, self.data)

    def _asks(self, part: Part, side: Side) -> tuple[Ask, ...]:
        """Name what a half is made of; nothing if it is made of the other half."""
        made = side == "lr" and self.degradation(part)
        return () if made else self.portion(part, side).asks

    def _set(self, ask: Ask) -> Official:
        kind = catalog.load("datasets", ask.set)
        found: Official = kind.beside(
            self,
            finder=self.finder,
            frame=self.frame,
            margin=self.margin,
            exclude=self.exclude,
            seed=self.seed,
            **ask.settings,
        )
        return found

    def _faces(self, part: Part, side: Side) -> Faces:
        portion = self.portion(part, side)
        last = self._last(portion)
        sources = []
        for ask in portion.asks:
            found = self._set(ask)
            if not found.missing():
                n = min((x for x in (ask.n, last) if x is not None), default=None)
                source = found.source(side, Among(ask.parts), n, **ask.rule)
                sources.append(replace(source, records=_told_apart(source)))
        size = self.lr_size if side == "lr" else self.hr_size
        title = f"{self.name}/all/{side}"
        faces = half(self.cache, title, sources, size, self.seed, self.workers)
        ours = faces.take(range(len(faces))[portion.skip : last])
        if not len(ours):
            raise BadData(
                f"{self.name} found {len(faces)} {side} faces and keeps the first {portion.skip} "
                f"for its other part, so none is left for its {part} part"
            )
        return replace(ours, title=f"{self.name}/{part}/{side}")

    def _last(self, portion: Portion) -> int | None:
        """Return the position after the last face that is needed; None for all."""
        ends = [portion.skip + n for n in (portion.n, self.limit) if n is not None]
        return min(ends, default=None)

    def _partial(self, part: Part, side: Side, faces: Faces) -> str:
        """Say how much of what the paper had was found; empty if all of it was."""
        paper = self.portion(part, side).paper
        absent = any(self._set(ask).missing() for ask in self._asks(part, side))
        if paper is None or (len(faces) >= min(paper, self.limit or paper) and not absent):
            return ""
        had = Counter(name.partition("-")[0] for name in faces.names)
        shares = ", ".join(
            f"{ask.set} {had[ask.set]:,}" + (f" of {ask.n:,}" if ask.n else "")
            for ask in self._asks(part, side)
        )
        return f"{part}/{side} has {len(faces):,} of the paper's {paper:,} faces ({shares})"

    def _shared(self, part: Part, side: Side) -> str:
        """Say that the parts may show the same people; empty if they are of different sets."""
        mine = self.portion(part, side)
        other: Part = "train" if part == "test" else "test"
        if self._asks(other, side) != mine.asks or self.portion(other, side) == mine:
            return ""
        return (
            f"{side}: the paper divides {', '.join(ask.set for ask in mine.asks)} by face, so a "
            "person or a photograph may be in both parts"
        )


def _told_apart(source: Source) -> Callable[[], Iterator[Record]]:
    """Let the people of two data sets never be the same by accident of their labels."""

    def records() -> Iterator[Record]:
        for record in source.records():
            who = f"{source.name}/{record.identity}" if record.identity else ""
            yield replace(record, identity=who)

    return records
