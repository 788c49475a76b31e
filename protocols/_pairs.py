"""What all metrics share that compare each face with its partner, its original or its input.

Such a metric is a pure function of two batches of pixels, with its parameters and its name.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, get_args

import numpy as np

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.bench.score import Group, Score
from facesr.protocols import _luma
from facesr.protocols._checks import called, given, same_names, same_size, too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array, Channel, Convention, Pixels, planes
from facesr.protocols._scores import absent, per_picture


@dataclass(frozen=True)
class PairMetric(Metric):
    """Mean over pictures of a comparison of each face with its partner.

    `undefined` says in words what is the matter with pictures for which a comparison gives NaN; a
    metric that leaves it empty is defined for all. `at_once` is how many pixels make a batch: few,
    so that it stays in the processor's cache.
    """

    needs: ClassVar[Needs] = "pairs"
    group: ClassVar[Group] = "fidelity"
    unit: ClassVar[str] = ""
    undefined: ClassVar[str] = ""
    at_once: ClassVar[int] = 1 << 14

    @property
    @abstractmethod
    def column(self) -> str:
        """Name of the column."""

    @abstractmethod
    def label(self, reference: Faces) -> str:
        """Write down everything that decides the number."""

    @abstractmethod
    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """Return what turns two batches, (n, 3, h, w) uint8, into one value per picture, (n,).

        It is asked for once per set of faces, so that weights are read once.
        """

    def unfit(self, sr: Faces) -> str:
        """Say in a sentence why faces cannot be measured; empty if they can."""
        return self.missing()

    def partner(self, sr: Faces, reference: Faces | None) -> Faces:
        """Return the reference after checking that it belongs to the faces.

        Raises:
            BadData: If it does not, or is absent.
        """
        hr = same_size(sr, given(reference, self.column), self.column)
        return same_names(sr, hr, self.column)

    def summary(self, values: Array, sr: Faces, label: str, note: str = "") -> Score:
        """Summarise one value per picture."""
        return per_picture(
            self.column,
            values,
            sr,
            better=self.better,
            identity=label,
            group=self.group,
            unit=self.unit,
            note=note,
        )

    def absent(self, sr: Faces, label: str, why: str) -> Score:
        """Leave the place of the number empty and say why."""
        return absent(self.column, sr, why, better=self.better, identity=label, group=self.group)

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        partner = self.partner(sr, reference)
        label = self.label(partner)
        if why := self.unfit(sr):
            return self.absent(sr, label, why)
        values = np.concatenate(list(self._values(sr, partner)))
        lost = np.flatnonzero(np.isnan(values).reshape(len(sr), -1).any(axis=1))
        if self.undefined and len(lost):
            some = f"{len(lost)} of {len(sr)} faces, such as {sr.names[lost[0]]}"
            return self.absent(sr, label, f"{some}, {self.undefined}")
        return self.summary(values, sr, label)

    def _values(self, sr: Faces, partner: Faces) -> Iterator[Array]:
        step, compare = max(1, self.at_once // sr.size**2), self.comparison()
        with progress(f"{self.column} of {called(sr)}", len(sr)) as advance:
            for start in range(0, len(sr), step):
                part = range(start, min(start + step, len(sr)))
                batch, other = (faces.take(part).pixels().numpy() for faces in (sr, partner))
                yield compare(batch, other)
                advance(len(part))


class Rules(NamedTuple):
    """What a convention compares unless told otherwise."""

    convention: Convention
    channel: Channel
    crop: int


RULES = {
    rules.convention: rules
    for rules in (
        Rules("facesr", "rgb", 0),
        Rules("dic", "y", 8),  # the border is the factor, 8 in all of its experiments
        Rules("basicsr", "rgb", 0),
        Rules("matlab", "y", 0),
    )
}


@dataclass(frozen=True)
class PlaneMetric(PairMetric):
    """A comparison of colours or brightness, 0 to 255.

    Args:
        channel: `rgb`, or `y` for brightness; None for what the convention compares.
        crop: Border that is left out, in pixels; None for that of the convention.
    """

    name: ClassVar[str]

    channel: Channel | None = None
    crop: int | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and self.channel not in get_args(Channel):
            known = ", ".join(get_args(Channel))
            raise BadName(f"no channel named {self.channel!r}; known: {known}")
        if self.crop is not None and self.crop < 0:
            raise BadName(f"crop={self.crop} is negative; give the border to leave out, in pixels")

    @abstractmethod
    def measure(self, x: Array, y: Array) -> Array:
        """Compare two batches, (n, c, h, w), 0 to 255; the result is (n,)."""

    @property
    @abstractmethod
    def code(self) -> tuple[int, ...]:
        """Versions of the code that compares, a metric's own first."""

    @property
    def least(self) -> int:
        """Smallest side it is defined for, after the border is left out."""
        return 1

    @property
    def defaults(self) -> Rules:
        """What is compared unless told otherwise."""
        return RULES["facesr"]

    @property
    def rules(self) -> Rules:
        """What is compared."""
        rules = self.defaults
        channel = rules.channel if self.channel is None else self.channel
        crop = rules.crop if self.crop is None else self.crop
        return Rules(rules.convention, channel, crop)

    @property
    def parameters(self) -> dict[str, object]:
        """Settings that have a name in the identity."""
        return {"crop": self.rules.crop}

    @property
    def marks(self) -> tuple[str, ...]:
        """What tells the column from that of the plain metric."""
        used = self.rules
        convention = () if used.convention == "facesr" else (used.convention,)
        channel = () if used.channel == self.defaults.channel else (used.channel,)
        return (*convention, *channel)

    @property
    def column(self) -> str:
        """See `PairMetric.column`."""
        return f"{self.name}[{','.join(self.marks)}]" if self.marks else self.name

    def label(self, reference: Faces) -> str:
        """See `PairMetric.label`."""
        used = self.rules
        plain = used.convention == "facesr"
        converted = used.channel == "y" or not plain
        return identity(
            self.name,
            *(() if plain else (used.convention,)),
            used.channel,
            **self.parameters,
            version=versions(*self.code, *([_luma.VERSION] if converted else [])),
            reference=reference,
        )

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        return too_small(sr, self.least, self.rules.crop)

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        return lambda sr, reference: self.measure(self._planes(sr), self._planes(reference))

    def _planes(self, rgb: Pixels) -> Array:
        convention, channel, crop = self.rules
        inner = slice(crop, rgb.shape[-1] - crop)
        return planes(rgb[:, :, inner, inner], channel, convention)


@dataclass(frozen=True)
class ConventionMetric(PlaneMetric):
    """A comparison that published code makes in more than one way.

    Args:
        convention: Whose way, with its quirks: `facesr`, `dic`, `basicsr` or `matlab`.
    """

    convention: Convention = "facesr"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.convention not in RULES:
            raise BadName(f"no convention named {self.convention!r}; known: {', '.join(RULES)}")

    @property
    def defaults(self) -> Rules:
        """See `PlaneMetric.defaults`."""
        return RULES[self.convention]
