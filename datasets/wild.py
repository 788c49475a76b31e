"""LFW and CelebA photographs as high-resolution faces, genuine low-resolution faces as input.

The low-resolution half shows other people: small faces of group photographs, as unpaired methods
are trained and judged since Bulat, Yang and Tzimiropoulos, "To learn image super-resolution, use
a GAN to learn how to do image degradation first", ECCV 2018. One detector and one rule crop both
halves, because distances between sets of faces measure the framing before anything else.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

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
    small,
    test_faces,
    test_people,
    test_photographs,
)
from facesr.datasets._crop import Mtcnn, crop, into_crop
from facesr.datasets._detections import search
from facesr.datasets._prepared import Made, prepared
from facesr.datasets._sources import Photo, draw

_PORTRAITS = Mtcnn(enlarge=1, smallest=30)
_GROUPS = Mtcnn(enlarge=4, smallest=30)
_TEST = 0.3  # share of the people, and about that of the small faces
_TEST_FACES = 200  # with fewer, faces are held out instead of photographs


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
        it goes. Detection is floating-point arithmetic: two machines may differ in a few pixels,
        which the fingerprints of the faces then show.
        """
        if absent := self.missing():
            raise BadData(absent)
        lr = self._half(part, "lr", self.lr_size)
        hr = self._half(part, "hr", self.hr_size)
        return Split(lr, hr, notes=tuple(self._manifest()["notes"]))

    def _half(self, part: Part, half: str, size: int) -> Faces:
        def make() -> Iterator[Made]:
            chosen = getattr(self._plan, half)[part]
            label = f"cropping wild/{part}/{half}"
            return track((_made(c, size) for c in chosen), label, len(chosen))

        faces = prepared(self._place / part / half, f"wild/{part}/{half}", size, make)
        return faces.take(range(min(len(faces), self.limit or len(faces))))

    def _manifest(self) -> dict[str, Any]:
        place = self._place / "manifest.json"
        if not place.is_file():
            write_json(place, self._plan.manifest)
        return json.loads(place.read_text(encoding="utf-8"))

    @cached_property
    def _portraits(self) -> list[Photo]:
        assert self.data is not None
        named = (_sources.lfw(self.data), _sources.celeba(self.data))
        return [p for photos in named for p in _sources.sample(photos, self.per_source, self.seed)]

    @cached_property
    def _groups(self) -> list[Photo]:
        assert self.data is not None
        return _sources.sample(_sources.groups(self.data), self.photos, self.seed)

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {
            "lr": Rule(0.95, least_side=0.75 * self.lr_size, most_side=3 * self.lr_size),
            "hr": Rule(0.95, least_side=0.9 * self.hr_size),
        }

    @cached_property
    def _recipe(self) -> dict[str, Any]:
        return {
            "detectors": {"lr": _GROUPS.recipe, "hr": _PORTRAITS.recipe},
            "rules": {half: asdict(rule) for half, rule in self._rules.items()},
            "test": {"share": _TEST, "least_faces": _TEST_FACES},
            "sizes": {"lr": self.lr_size, "hr": self.hr_size},
            "chosen": {"per_source": self.per_source, "photos": self.photos, "seed": self.seed},
        }

    @cached_property
    def _place(self) -> Path:
        files = [(p.name, p.path.stat().st_size) for p in (*self._portraits, *self._groups)]
        key = digest_of({"recipe": self._recipe, "files": files})[:16]
        return self.cache / "wild" / key

    @cached_property
    def _plan(self) -> "_Plan":
        store = self.cache / "wild" / "detections"
        hr = central(
            search(self._portraits, _PORTRAITS, store, "finding faces in portraits"),
            self._rules["hr"],
        )
        lr = small(
            search(self._groups, _GROUPS, store, "finding faces in group photographs"),
            self._rules["lr"],
        )
        people = test_people(hr.chosen, _TEST, self.seed)
        held = test_photographs(lr.chosen, _TEST, self.seed)
        between = sum(face.photo.name in held for face in lr.chosen) >= _TEST_FACES
        if not between:
            held = test_faces(lr.chosen, _TEST, self.seed)
        parts = {
            "hr": self._parts(hr, {f.name for f in hr.chosen if f.photo.identity in people}),
            "lr": self._parts(lr, {f.name for f in lr.chosen if {f.photo.name, f.name} & held}),
        }
        notes = (*_hr_notes(hr, self), *_lr_notes(lr, self, between))
        manifest = {
            "recipe": self._recipe,
            "counts": {"hr": dict(hr.counts), "lr": dict(lr.counts)},
            "faces": {h: {p: len(f) for p, f in parts[h].items()} for h in parts},
            "test": {"split_by": "photograph" if between else "face", "held_out": sorted(held)},
            "photographs": sorted({face.photo.name for face in lr.chosen}),
            "notes": notes,
        }
        return _Plan(parts["lr"], parts["hr"], manifest)

    def _parts(self, choice: Choice, test: set[str]) -> dict[Part, list[Chosen]]:
        # mixed, so that the first few faces of a limited run come from every source
        mixed = sorted(choice.chosen, key=lambda face: draw(self.seed, "order", face.name))
        return {
            "train": [face for face in mixed if face.name not in test],
            "test": [face for face in mixed if face.name in test],
        }


@dataclass(frozen=True)
class _Plan:
    """What is cropped for each part, and what is told about it."""

    lr: dict[Part, list[Chosen]]
    hr: dict[Part, list[Chosen]]
    manifest: dict[str, Any]


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


def _hr_notes(choice: Choice, data: Wild) -> tuple[str, ...]:
    n = choice.counts
    sides = [face.side for face in choice.chosen]
    below = [side for side in sides if side < data.hr_size]
    return (
        f"high-resolution faces: {n['kept']} from {n['searched']} portraits of LFW and CelebA; "
        f"left out: {n['no face found']} with no face found, {n['no face in the middle']} with "
        f"none in the middle, {n['too small']} natively under {0.9 * data.hr_size:g} px, "
        f"{n['cut off']} cut off by the border, {n['unreadable']} unreadable",
        f"of {n['several faces']} portraits with several faces the most central one was taken",
        f"{len(below)} high-resolution faces were enlarged, by a factor of at most "
        f"{data.hr_size / min((*below, data.hr_size)):.2f}",
    )


def _lr_notes(choice: Choice, data: Wild, between: bool) -> tuple[str, ...]:
    n = choice.counts
    sides = [face.side for face in choice.chosen]
    below = sum(side < data.lr_size for side in sides)
    photographs = len({face.photo.name for face in choice.chosen})
    return (
        f"low-resolution faces: {n['kept']} from {photographs} of {n['searched']} group "
        f"photographs, natively {min(sides):.0f} to {max(sides):.0f} px wide, {below} of them "
        f"enlarged to {data.lr_size} px; left out: {n['unsure']} unsure, {n['too small']} too "
        f"small, {n['too large']} too large, {n['cut off']} cut off by the border",
        "no group photograph gives faces to both splits"
        if between
        else f"too few group photographs to hold some out with {_TEST_FACES} faces: training and "
        "test faces come from the same photographs",
    )
