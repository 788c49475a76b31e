"""The data set that is always there: rendered faces, and a hundred real ones of 25x25 pixels.

Nothing is downloaded. The real faces are the first hundred rows of `skimage.data.lfw_subset()`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesr.bench.catalog import suggest
from facesr.bench.contract import About, Dataset, Part, Split
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.bench.progress import track
from facesr.datasets._degrade import as_bytes, degrade, generator, resize, version
from facesr.datasets._prepared import prepared
from facesr.datasets._record import Made
from facesr.datasets._render import RENDER_VERSION, render
from facesr.datasets._verify import differences
from facesr.datasets._writer import FORM

REAL_FACES = 100
_TESTS = ("rendered", "real")
_BLOCK = 1_000_000  # each half draws its identities from a block of its own


@dataclass(frozen=True)
class _Half:
    """What determines the pixels of one half of a split."""

    kind: str
    size: int
    sharp: int
    seed: int
    first: int
    shots: int
    count: int
    render: int = RENDER_VERSION
    degrade: int = version("wild")


@dataclass
class Embedded(Dataset):
    """Rendered people, disjoint between training and test, low and high resolution.

    Low-resolution faces are renderings that went through blur, noise, colour casts and compression.
    The halves are never paired: they show different people.

    Args:
        test: What the low-resolution test faces are: `rendered`, or `real` for the hundred faces of
            scikit-image, brought from 25 pixels to `lr_size`.
        seed: Seed of the rendered population.
        identities: How many people each half of the training split shows.
        shots: How many pictures of each person.
    """

    about = About(
        title="Embedded",
        year=2026,
        family="made",
        holds="rendered people, as many as wanted; 100 real faces of 25x25 pixels",
        layout="nothing: they are rendered when they are first asked for",
        url="https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.lfw_subset",
        licence=(
            "Rendered faces: made by this package, they show nobody, under its licence. "
            "Real faces (test=real): photographs of real people from Labeled Faces in the Wild, "
            "meant for research, which scikit-image publishes at 25x25 pixels; not in this package."
        ),
        shareable=True,
    )

    test: str = "rendered"
    seed: int = 0
    identities: int = 256
    shots: int = 4

    def __post_init__(self) -> None:
        if self.test not in _TESTS:
            raise BadName(f"no test faces named {self.test!r}; {suggest(self.test, list(_TESTS))}")
        if not (0 < self.identities < _BLOCK and self.shots > 0):
            raise BadData(
                f"identities={self.identities} and shots={self.shots} were asked for, expected "
                f"1 to {_BLOCK - 1} identities and at least 1 shot"
            )
        if self.limit is not None and self.limit < 1:
            raise BadData(f"limit={self.limit} was asked for, expected at least 1, or None for all")

    def split(self, part: Part) -> Split:
        """Return one part; rendering all of it takes half a minute, once."""
        if part == "train":
            many = self.identities * self.shots
            return Split(self._low(part, 1, many), self._high(part, 0, many))
        high = self._high(part, 3, 512)
        if self.test == "rendered":
            return Split(self._low(part, 2, 256), high)
        note = "the low-resolution test faces are grey photographs of 25x25 pixels, resampled"
        return Split(self._real(), high, notes=(note,))

    def verify(self, folder: Path) -> Iterator[str]:
        """See `Dataset.verify`."""
        return differences(folder, self.data)

    def _high(self, part: Part, block: int, count: int) -> Faces:
        half = self._half("clean", self.hr_size, block, count)
        return self._prepared(half, part, "hr", lambda: _clean(half))

    def _low(self, part: Part, block: int, count: int) -> Faces:
        half = self._half("wild", self.lr_size, block, count)
        return self._prepared(half, part, "lr", lambda: _wild(half))

    def _real(self) -> Faces:
        half = self._half("real", self.lr_size, 0, REAL_FACES)
        return self._prepared(half, "test", "lr", lambda: _real(half))

    def _half(self, kind: str, size: int, block: int, count: int) -> _Half:
        count = count if self.limit is None else min(count, self.limit)
        return _Half(kind, size, self.hr_size, self.seed, block * _BLOCK, self.shots, count)

    def _prepared(
        self, half: _Half, part: Part, name: str, make: Callable[[], Iterable[Made]]
    ) -> Faces:
        key = digest_of({"form": FORM, **asdict(half)})[:16]
        place = self.cache / "embedded" / key / part / name
        title = f"embedded/{part}/{name}"
        return prepared(
            place, title, half.size, lambda: track(make(), f"preparing {title}", half.count)
        )


def _clean(half: _Half) -> Iterator[Made]:
    for i in range(half.count):
        identity, number = half.first + i // half.shots, i % half.shots
        drawn = render(half.seed, identity, number, half.sharp)
        yield Made(
            f"{identity:07d}_{number:02d}.png", drawn.pixels, f"{identity:07d}", drawn.landmarks
        )


def _wild(half: _Half) -> Iterator[Made]:
    for sharp in _clean(half):
        assert sharp.landmarks is not None
        pixels, params = degrade(sharp.pixels, "wild", generator(half.seed, sharp.name), half.size)
        points = sharp.landmarks * (half.size / half.sharp)
        yield Made(sharp.name, pixels, sharp.identity, points, params)


def _real(half: _Half) -> Iterator[Made]:
    try:
        import skimage.data
    except ImportError:
        raise BadData("test=real needs the package scikit-image; install it") from None
    lfw_subset: Callable[[], NDArray[np.float64]] = skimage.data.lfw_subset
    for i, grey in enumerate(lfw_subset()[: half.count]):
        image = np.repeat(grey[..., None], 3, 2)
        yield Made(f"real_{i:03d}.png", as_bytes(resize(image, half.size, "bicubic")))
