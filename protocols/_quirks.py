"""What papers did to outputs, references and networks before they measured, each a named switch.

Nothing here goes by the name of a plain metric: each quirk is a mark in the column and a part of
the identity. Without any, the plain metric is returned.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, ClassVar, Literal, get_args
from typing import Protocol as Shape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.contract import Metric, Needs, Protocol, Split
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._checks import called
from facesr.protocols._remade import remade
from facesr.protocols._scores import absent

VERSION = 1  # goes up when the same faces and quirks give other pixels
QUALITY = 75  # Pillow's own for JPEG

Pixels = NDArray[np.uint8]
Output = Literal["plain", "minmax"]
Rounding = Literal["nearest", "down"]
Storage = Literal["png", "jpeg"]


class Change(Shape):
    """What turns a picture into the one that is measured; `label` says which, without commas."""

    @property
    def label(self) -> str: ...
    def __call__(self, pixels: Pixels) -> Pixels:
        """Turn (h, h, 3) into (k, k, 3)."""
        ...


@dataclass(frozen=True)
class Saving:
    """How outputs were written into files.

    Values that a method computes are not kept, only what the harness rounded once to 8 bits; so a
    stretch here starts from whole numbers, where the papers' started from fractions.

    Args:
        output: `plain`, or `minmax`: each picture stretched so that its darkest value of all
            channels becomes 0 and its brightest 255; a picture of one value becomes black.
        rounding: Of what a stretch leads to: `nearest`, or `down`, as a cast to bytes does. Without
            a stretch values are whole already.
        storage: `png`, or `jpeg` of quality 75 with halved colours, Pillow's default.
    """

    output: Output = "plain"
    rounding: Rounding = "nearest"
    storage: Storage = "png"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("output", self.output, get_args(Output)),
            ("rounding", self.rounding, get_args(Rounding)),
            ("storage", self.storage, get_args(Storage)),
        ):
            if value not in known:
                raise BadName(f"no {name} named {value!r}; known: {', '.join(known)}")

    @property
    def label(self) -> str:
        """The switches that are on, such as `minmax-down-jpeg75`; empty if none is."""
        stretch = ["minmax", *(["down"] if self.rounding == "down" else [])]
        used = stretch if self.output == "minmax" else []
        return "-".join([*used, *([f"jpeg{QUALITY}"] if self.storage == "jpeg" else [])])

    def __call__(self, pixels: Pixels) -> Pixels:
        """See `Change`."""
        if self.output == "minmax":
            pixels = stretched(pixels, self.rounding)
        return recompressed(pixels) if self.storage == "jpeg" else pixels


def stretched(pixels: Pixels, rounding: Rounding = "nearest") -> Pixels:
    """Stretch one picture, of any shape, to the whole range of bytes."""
    low, high = int(pixels.min()), int(pixels.max())
    span, wide = max(1, high - low), 255 * (pixels.astype(np.int64) - low)
    whole = wide // span if rounding == "down" else (2 * wide + span) // (2 * span)
    return whole.astype(np.uint8)


def recompressed(pixels: Pixels) -> Pixels:
    """Return what is left of one picture, (h, w, 3), after a JPEG file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    with Image.open(file) as image:
        return np.array(image)


def stored(faces: Faces, change: Change) -> Faces:
    """Return changed faces, made first if they are not in the cache; see `remade`."""
    size = len(change(next(faces.take([0]).images()))) if len(faces) else faces.size
    what = {"change": change.label, "version": VERSION}
    title = f"{called(faces)} ({change.label})"
    return remade(faces, "changed", what, change, size, title)


def marked(name: str, mark: str) -> str:
    """Put a mark into the brackets of a column or an identity.

    >>> marked("fid", "minmax"), marked("lpips[alex]", "minmax")
    ('fid[minmax]', 'lpips[alex,minmax]')
    """
    return f"{name[:-1]},{mark}]" if name.endswith("]") else f"{name}[{mark}]"


def noted(score: Score, note: str) -> Score:
    """Say more about a score."""
    return replace(score, note="; ".join(filter(None, (score.note, note))))


@dataclass(frozen=True)
class Resaved(Metric):
    """A metric of outputs as they were saved.

    Args:
        metric: What is measured.
        how: What is done to outputs before.
    """

    metric: Metric
    how: Saving

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", self.metric.needs)
        object.__setattr__(self, "better", self.metric.better)
        object.__setattr__(self, "smallest", self.metric.smallest)

    @property
    def column(self) -> str:
        """Name of the column."""
        return marked(self.metric.column, self.how.label)

    def missing(self) -> str:
        """See `Metric.missing`."""
        return self.metric.missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        seen = sr if self.missing() else stored(sr, self.how)
        found = self.metric.score(seen, reference)
        mark = f"saved={self.how.label}-v{VERSION}"
        note = "" if found.value is None else f"of outputs saved as {self.how.label}"
        return replace(
            noted(found, note),
            metric=marked(found.metric, self.how.label),
            identity=marked(found.identity, mark),
        )


def resaved(metric: Metric, how: Saving) -> Metric:
    """Measure outputs as they were saved; the metric itself if saving changed nothing."""
    return Resaved(metric, how) if how.label else metric


@dataclass(frozen=True)
class IfPaired(Metric):
    """A comparison with originals that is asked for only where there are any.

    Args:
        metric: What compares.
    """

    needs: ClassVar[Needs] = "faces"

    metric: Metric

    def __post_init__(self) -> None:
        object.__setattr__(self, "better", self.metric.better)
        object.__setattr__(self, "smallest", self.metric.smallest)

    @property
    def column(self) -> str:
        """Name of the column."""
        return self.metric.column

    def missing(self) -> str:
        """See `Metric.missing`."""
        return self.metric.missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        if reference is not None and sr.stems == reference.stems:
            return self.metric.score(sr, reference)
        why = "compares with originals, faces of the same names, which are not here"
        name, better = self.column, self.better
        return absent(name, sr, why, better=better, identity=name, group="fidelity")


@dataclass
class Preset(Protocol):
    """The evaluation of one paper: its sizes, metrics, conventions and quirks.

    A test with originals and one without are asked for different metrics.

    Args:
        plain: Turns all quirks off, whatever the switches say: every number is then the plain
            metric's.
    """

    without_quirks: ClassVar[Mapping[str, Any]] = {}

    plain: bool = False

    def __post_init__(self) -> None:
        if self.plain:
            for name, value in self.without_quirks.items():
                setattr(self, name, value)

    @abstractmethod
    def asked(self, paired: bool) -> list[Metric]:
        """Return what the paper reports of a test, with originals or without, in its order."""

    def metrics(self) -> list[Metric]:
        """Return the metrics of both kinds of test; none of them insists on originals."""
        both = dict.fromkeys([*self.asked(False), *self.asked(True)])
        return [IfPaired(each) if each.needs == "pairs" else each for each in both]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`."""
        for metric in self.asked(data.paired):
            reference = {"faces": data.hr, "pairs": data.hr, "input": data.lr}.get(metric.needs)
            yield metric(sr, reference)
