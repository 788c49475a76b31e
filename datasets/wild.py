"""LFW and CelebA photographs as high-resolution faces, genuine low-resolution faces as input.

The low-resolution half shows other people: small faces of group photographs, as unpaired methods
are trained and judged since Bulat, Yang and Tzimiropoulos, "To learn image super-resolution, use
a GAN to learn how to do image degradation first", ECCV 2018. One detector and one rule crop both
halves, because distances between sets of faces measure the framing before anything else.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, Literal

from facesr.bench.contract import About, Dataset, Part, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces, read_image
from facesr.bench.files import digest_of, write_json
from facesr.bench.progress import track
from facesr.datasets import _sources
from facesr.datasets._choose import (
    Choice,
    Chosen,
    Rule,
    central,
    held_faces,
    held_people,
    held_photographs,
    small,
)
from facesr.datasets._crop import Mtcnn, crop, into_crop
from facesr.datasets._detections import search
from facesr.datasets._prepared import Made, prepared
from facesr.datasets._sources import Photo, draw

Half = Literal["lr", "hr"]

_FORM = 1  # raised when code changes what the settings below lead to
_PORTRAITS = Mtcnn(enlarge=1, smallest=30)
_GROUPS = Mtcnn(enlarge=4, smallest=30)
_TEST = 0.3  # share of the people, and about that of the small faces
_TEST_FACES = 150  # with fewer, faces are held out instead of photographs


_INDEPENDENT = "intervals treat the faces of one group photograph as independent"


@dataclass
class Wild(Dataset):
    """Unpaired faces in the wild, from LFW, CelebA and group photographs.

    High-resolution: the most central face of each portrait; the people of the test split are not
    in the training split (LFW and CelebA name people independently, so someone famous may be in
    both). Low-resolution: every sure face of a group photograph whose crop is natively 0.75 to 3
    input sides wide; no group photograph gives faces to both splits unless the notes say so.

    Args:
        per_source: At most this many portraits of LFW, and as many of CelebA, showing as many
            people as possible.
        photos: At most this many group photographs.
        seed: Chooses portraits, group photographs, the split and the order of faces.
    """

    about: ClassVar[About | None] = About(
        "Wild",
        licence="LFW: research; CelebA: non-commercial research; WIDER FACE: research",
        shareable=False,
    )

    per_source: int = 3000
    photos: int = 100
    seed: int = 0

    def missing(self) -> str:
        """See `Dataset.missing`."""
        return _sources.missing(self.data)

    def split(self, part: Part) -> Split:
        """See `Dataset.split`.

        The first call searches the photographs, which takes minutes; what it finds is stored as
        it goes.
        """
        if absent := self.missing():
            raise BadData(absent)
        work = _Work(replace(self))
        lr, hr = work.half(part, "lr"), work.half(part, "hr")
        return Split(
            lr.take(range(len(lr))[: self.limit]),
            hr.take(range(len(hr))[: self.limit]),
            notes=(*work.manifest()["notes"], _INDEPENDENT),
        )


class _Work:
    """One preparation; each step is done when something first asks for it."""

    def __init__(self, data: Wild) -> None:
        self._data = data
        self._sizes = {"lr": data.lr_size, "hr": data.hr_size}
        self._rules = {
            "lr": Rule(0.95, least_side=0.75 * data.lr_size, most_side=3 * data.lr_size),
            "hr": Rule(0.95, least_side=0.9 * data.hr_size),
        }

    def half(self, part: Part, half: Half) -> Faces:
        """Return all faces of one half of a part."""
        size = self._sizes[half]

        def make() -> Iterator[Made]:
            chosen = self._parts[half][part]
            made = (_made(face, size) for face in chosen)
            return track(made, f"cropping wild/{part}/{half}", len(chosen))

        return prepared(self._place / part / half, f"wild/{part}/{half}", size, make)

    def manifest(self) -> dict[str, Any]:
        """Return what was chosen and left out, and why."""
        place = self._place / "manifest.json"
        if not place.is_file():
            write_json(place, self._described())
        return json.loads(place.read_text(encoding="utf-8"))

    @cached_property
    def _portraits(self) -> list[Photo]:
        return [
            photo
            for listed in (_sources.lfw(self._root), _sources.celeba(self._root))
            for photo in _sources.sample(listed, self._data.per_source, self._data.seed)
        ]

    @cached_property
    def _groups(self) -> list[Photo]:
        return _sources.sample(_sources.groups(self._root), self._data.photos, self._data.seed)

    @property
    def _root(self) -> Path:
        assert self._data.data is not None
        return self._data.data

    @cached_property
    def _recipe(self) -> dict[str, Any]:
        data = self._data
        return {
            "form": _FORM,
            "detectors": {"lr": _GROUPS.recipe, "hr": _PORTRAITS.recipe},
            "rules": {half: asdict(rule) for half, rule in self._rules.items()},
            "test": {"share": _TEST, "least_faces": _TEST_FACES},
            "sizes": self._sizes,
            "chosen": {"per_source": data.per_source, "photos": data.photos, "seed": data.seed},
        }

    @cached_property
    def _place(self) -> Path:
        files = [(p.name, p.path.stat().st_size) for p in (*self._portraits, *self._groups)]
        key = digest_of({"recipe": self._recipe, "files": files})[:16]
        return self._data.cache / "wild" / key

    @cached_property
    def _choices(self) -> dict[Half, Choice]:
        store = self._data.cache / "wild" / "detections"
        portraits = search(self._portraits, _PORTRAITS, store, "finding faces in portraits")
        label = "finding faces in group photographs"
        groups = search(self._groups, _GROUPS, store, label, every=4)
        choices: dict[Half, Choice] = {
            "lr": small(groups, self._rules["lr"]),
            "hr": central(portraits, self._rules["hr"]),
        }
        for half, choice in choices.items():
            if not choice.chosen:
                raise BadData(
                    f"{self._root} gives no {half} face for 'wild' at {self._sizes[half]} px: "
                    + ", ".join(f"{n} {reason}" for reason, n in choice.counts.items())
                )
        return choices

    @cached_property
    def _held(self) -> dict[Half, set[str]]:
        """Names of the test faces."""
        lr, hr = self._choices["lr"].chosen, self._choices["hr"].chosen
        seed = self._data.seed
        people = held_people(hr, _TEST, seed)
        photographs = held_photographs(lr, _TEST, seed)
        small_faces = {face.name for face in lr if face.photo.name in photographs}
        if len(small_faces) < _TEST_FACES:
            small_faces = held_faces(lr, _TEST, seed)
        return {"lr": small_faces, "hr": {f.name for f in hr if f.photo.identity in people}}

    @cached_property
    def _parts(self) -> dict[Half, dict[Part, list[Chosen]]]:
        parts: dict[Half, dict[Part, list[Chosen]]] = {}
        for half, choice in self._choices.items():
            # mixed, so that the first faces of a limited run come from every source
            mixed = sorted(
                choice.chosen, key=lambda face: draw(self._data.seed, "order", face.name)
            )
            held = self._held[half]
            parts[half] = {
                "train": [face for face in mixed if face.name not in held],
                "test": [face for face in mixed if face.name in held],
            }
        return parts

    def _described(self) -> dict[str, Any]:
        lr = self._parts["lr"]
        photographs = {part: sorted({f.photo.name for f in lr[part]}) for part in lr}
        apart = set(photographs["train"]).isdisjoint(photographs["test"])
        return {
            "recipe": self._recipe,
            "counts": {half: dict(choice.counts) for half, choice in self._choices.items()},
            "faces": {
                half: {part: len(faces) for part, faces in parts.items()}
                for half, parts in self._parts.items()
            },
            "photographs": photographs,
            "notes": [
                *_hr_notes(self._choices["hr"], self._sizes["hr"], self._rules["hr"]),
                *_lr_notes(self._choices["lr"], self._sizes["lr"]),
                "no group photograph gives faces to both splits"
                if apart
                else "training and test faces come from the same group photographs, because "
                f"holding photographs out left fewer than {_TEST_FACES} test faces",
            ],
        }


def _made(face: Chosen, size: int) -> Made:
    return Made(
        name=face.name,
        pixels=crop(read_image(face.photo.path), face.box, size),
        identity=face.photo.identity or None,
        landmarks=into_crop(face.points, face.box, size),
        details={
            "photo": face.photo.name,
            "side": round(face.side, 2),
            "score": round(face.score, 4),
        },
    )


def _hr_notes(choice: Choice, size: int, rule: Rule) -> tuple[str, ...]:
    n = choice.counts
    least = min(face.side for face in choice.chosen)
    enlarged = sum(face.side < size for face in choice.chosen)
    return (
        f"high-resolution faces: {n['kept']} from {n['searched']} portraits of LFW and CelebA; "
        f"left out: {n['no face found']} with no face found, {n['no face in the middle']} with "
        f"none in the middle, {n['too small']} natively under {rule.least_side:g} px, "
        f"{n['cut off']} cut off by the border, {n['unreadable']} unreadable",
        f"in {n['several faces']} portraits with several faces the most central one was taken",
        f"{enlarged} high-resolution faces were enlarged, by a factor of at most "
        f"{max(1.0, size / least):.2f}",
    )


def _lr_notes(choice: Choice, size: int) -> tuple[str, ...]:
    n = choice.counts
    sides = [face.side for face in choice.chosen]
    photographs = len({face.photo.name for face in choice.chosen})
    return (
        f"low-resolution faces: {n['kept']} from {photographs} of {n['searched']} group "
        f"photographs, natively {min(sides):.0f} to {max(sides):.0f} px wide (median "
        f"{median(sides):.0f}), "
        f"{sum(side < size for side in sides)} of them enlarged to {size} px; left out: "
        f"{n['unsure']} unsure, {n['too small']} too small, {n['too large']} too large, "
        f"{n['cut off']} cut off by the border",
    )
