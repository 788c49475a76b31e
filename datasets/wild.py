"""LFW and CelebA photographs as high-resolution faces, genuine low-resolution faces as input.

The low-resolution half shows other people: small faces of group photographs, as unpaired methods
are trained and judged since Bulat, Yang and Tzimiropoulos, "To learn image super-resolution, use
a GAN to learn how to do image degradation first", ECCV 2018. One detector and one rule crop both
halves, because distances between sets of faces measure the framing before anything else.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from facesr.bench.contract import About, Dataset, Part, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.datasets._census import walk
from facesr.datasets._degrade import chain_of
from facesr.datasets._half import INDEPENDENT, Among, Source, account, half
from facesr.datasets._official import Official
from facesr.datasets._partners import degraded
from facesr.datasets._prepared import details
from facesr.datasets._record import Record, draw
from facesr.datasets._verify import differences
from facesr.datasets.celeba import Celeba
from facesr.datasets.lfw import Lfw

_GROUPS = ("lowres_wild/photos", "widerface/WIDER_train/images", "widerface/WIDER_val/images")
_TEST = 0.3  # share of the people, and about that of the small faces
_VALIDATION = 0.1
_TEST_FACES = 150  # with fewer, faces are held out instead of photographs
_LOW = 0.4  # share of the people who are only seen degraded


@dataclass
class Wild(Dataset):
    """Unpaired faces in the wild, from LFW, CelebA and group photographs.

    High-resolution: the most central face of each portrait; the people of the test split are not
    in the training split (LFW and CelebA name people independently, so someone famous may be in
    both). Low-resolution: every sure face of a group photograph whose crop is natively 0.75 to 3
    input sides wide; no group photograph gives faces to both splits unless the notes say so.

    Args:
        per_source: At most about this many portraits of LFW, and as many of CelebA.
        per_person: At most this many portraits of one person.
        photos: At most this many group photographs.
        judge: On which held-out faces methods are judged: `test`, or `validation` to choose
            settings; neither is ever trained on.
        hold_out: Whether whole group `photographs` are kept from training or, as the notes then
            say, only `faces`; also where the photographs leave fewer than 150 test faces.
        degradation: `none` for small faces of group photographs. Otherwise a chain that degrades
            portraits of two fifths of the people instead, such as `wild`, which draws blur, colour,
            noise and compression: what was lost is known then, and nothing else sets the halves
            apart.
        seed: Chooses portraits, group photographs, the split and the order of faces.
    """

    about: ClassVar[About | None] = About(
        "Wild",
        family="made",
        licence="LFW: research; CelebA: non-commercial research; WIDER FACE: research",
        shareable=False,
        holds="portraits of LFW and CelebA, small faces of group photographs of WIDER FACE",
        layout="the folders of lfw, celeba and widerface (or lowres_wild/photos) side by side",
    )

    per_source: int = 3000
    per_person: int = 3
    photos: int = 100
    judge: Literal["test", "validation"] = "test"
    hold_out: Literal["photographs", "faces"] = "photographs"
    degradation: str = "none"
    seed: int = 0

    def missing(self) -> str:
        """See `Dataset.missing`."""
        lacking = [source.missing() for source in self._portraits if source.missing()]
        if self.data is None:
            return (
                "needs photographs: name with --data a folder that holds lfw, celeba, and "
                "widerface or lowres_wild"
            )
        if self.degradation == "none" and next(self._crowds(), None) is None:
            lacking.append(
                f"{self.data} holds no group photographs: widerface/WIDER_val/images "
                "(http://shuoyang1213.me/WIDERFACE/) or lowres_wild/photos"
            )
        return "; ".join(lacking)

    def split(self, part: Part) -> Split:
        """See `Dataset.split`.

        The first call searches the photographs, which takes minutes; what it finds is stored as
        it goes.
        """
        if absent := self.missing():
            raise BadData(absent)
        if self.degradation == "none":
            hr, (lr, apart) = self._large(part, *self._stretches()[part]), self._small(part)
            notes = [account(hr), account(lr), apart, INDEPENDENT]
        else:
            hr, lr = self._halves(part, self.degradation)
            notes = [account(hr), f"made by {self.degradation} of portraits of other people"]
        return Split(
            lr.take(range(len(lr))[: self.limit]),
            hr.take(range(len(hr))[: self.limit]),
            notes=tuple(notes),
        )

    def verify(self, folder: Path) -> Iterator[str]:
        """See `Dataset.verify`."""
        return differences(folder, self.data)

    @cached_property
    def _portraits(self) -> tuple[Official, Official]:
        found = {"finder": "mtcnn", "frame": "square", "margin": None, "seed": self.seed}
        return Lfw.beside(self, **found), Celeba.beside(self, **found)

    def _stretches(self) -> dict[str, tuple[float, float]]:
        validation = _TEST + _VALIDATION
        held = {"test": (0.0, _TEST), "validation": (_TEST, validation)}
        return {"test": held[self.judge], "train": (validation, 1.0)}

    def _halves(self, part: Part, chain: str) -> tuple[Faces, Faces]:
        """Return portraits, and those of other people degraded."""
        chain_of(chain)  # a wrong name is an error before photographs are searched
        low, high = self._stretches()[part]
        between = high - _LOW * (high - low)
        sharp = self._large(part, between, high)
        return self._large(part, low, between), degraded(sharp, chain, self.lr_size, self.seed)

    def _large(self, part: Part, low: float, high: float) -> Faces:
        n = round(self.per_source * (high - low))
        sources = []
        for portraits in self._portraits:
            source = portraits.source("hr", Among(units=(low, high)), n)
            recipe = {**source.recipe, "per_person": self.per_person, "which": "central"}
            records = _central(source, self.per_person, self.seed)
            sources.append(replace(source, recipe=recipe, records=records))
        title = f"wild/{self.judge if part == 'test' else part}/hr"
        return half(self.cache, title, sources, self.hr_size, self.seed, self.workers)

    def _small(self, part: Part) -> tuple[Faces, str]:
        """Return small faces, and how they were divided."""
        usual = self._portraits[0].source("lr", Among())
        source = replace(
            usual,
            name="groups",
            recipe={**usual.recipe, "photos": self.photos},
            census=digest_of([(record.photo, record.labels) for record in self._chosen]),
            records=lambda: iter(self._chosen),
            cutter=replace(usual.cutter, root=self.data or Path()),
        )
        faces = half(self.cache, "wild/all/lr", [source], self.lr_size, self.seed, self.workers)
        keys = [known["photo"] for known in details(faces)]
        parts, apart = divided(keys, self.seed), "no group photograph gives faces to both splits"
        few = sum(parts[photo] == "test" for photo in keys) < _TEST_FACES
        if few or self.hold_out == "faces":
            keys = list(faces.names)
            parts = divided(keys, self.seed)
            apart = "training and test faces come from the same group photographs"
            if self.hold_out == "photographs":
                apart += (
                    f", because holding photographs out left fewer than {_TEST_FACES} test faces"
                )
        wanted = self.judge if part == "test" else part
        ours = faces.take([at for at, key in enumerate(keys) if parts[key] == wanted])
        return replace(ours, title=f"wild/{wanted}/lr"), apart

    @cached_property
    def _chosen(self) -> list[Record]:
        """Group photographs, each content once, as many as wanted."""
        found = [record for record in self._crowds() if not record.flaw]
        found.sort(key=lambda record: draw(self.seed, "order", record.name))
        return sorted(found[: self.photos], key=lambda record: record.name)

    def _crowds(self) -> Iterator[Record]:
        if self.data is None:
            return
        seen: set[str] = set()
        lengths: dict[int, list[Path]] = {}
        for path in (path for place in _GROUPS for path in walk(self.data / place, (".jpg",))):
            alike = lengths.setdefault(path.stat().st_size, [])
            twin = any(path.read_bytes() == other.read_bytes() for other in alike)
            alike.append(path)
            if path.name not in seen and not twin:
                seen.add(path.name)
                photo = path.relative_to(self.data).as_posix()
                length = {"bytes": path.stat().st_size}
                yield Record(photo, f"group-{path.stem}", which="every", labels=length)


def divided(keys: Sequence[str], seed: int) -> dict[str, str]:
    """Divide keys so that test and validation get about their shares of all occurrences.

    Keys are gone through in an order that depends on the seed; one that would make a part larger
    than 1.25 times its share goes to training.
    """
    sizes = Counter(keys)
    parts, wanted = {}, {"test": _TEST * len(keys), "validation": _VALIDATION * len(keys)}
    counts = dict.fromkeys(wanted, 0)
    for key in sorted(sizes, key=lambda key: draw(seed, "test", key)):
        open_ = (
            part
            for part, share in wanted.items()
            if counts[part] < share and counts[part] + sizes[key] <= 1.25 * share
        )
        parts[key] = next(open_, "train")
        if parts[key] in counts:
            counts[parts[key]] += sizes[key]
    return parts


def _central(source: Source, per_person: int, seed: int) -> Callable[[], Iterator[Record]]:
    """Ask for the central face of each portrait, of the first few portraits of each person."""

    def records() -> Iterator[Record]:
        firsts: dict[str, list[float]] = {}
        for record in source.records():
            mine = firsts.setdefault(record.kept_together, [])
            mine.append(draw(seed, "order", record.name))
            mine.sort()
            del mine[per_person:]
        for record in source.records():
            if record.flaw or draw(seed, "order", record.name) <= firsts[record.kept_together][-1]:
                who = f"{source.name}/{record.identity}" if record.identity else ""
                yield replace(record, box=None, points=None, identity=who, which="central")

    return records
