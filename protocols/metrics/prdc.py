"""Precision and recall, density and coverage: do faces look real, and are all kinds among them.

Papers: Kynkaanniemi et al., Improved precision and recall metric for assessing generative models,
NeurIPS 2019, eqs. 1 and 2 (k = 3, balls closed as in its code); Naeem et al., Reliable fidelity and
diversity metrics for generative models, ICML 2020, eqs. 3 and 4 (k = 5, balls open as in its code).
A ball reaches from a face to its k-th nearest other face of the same set.

With the real faces fixed, precision and density are means over pictures, so they are ranked, with
the intervals of means. Recall and coverage depend on how many pictures there are, and by how much
depends on the method, so they are not; their intervals, by leaving groups out, are about what as
many pictures of the same kind would show, and wide: on clouds of 60 to 500 points in 6 dimensions
they held it in 98 to 100 of 100 cases (those of precision in 96 to 98, of density in 93 to 95).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Score
from facesr.protocols._cache import Rows, stored
from facesr.protocols._features import AT_ONCE, Extractor, Named, features, folder, rows
from facesr.protocols._intervals import Positions, groups, rate
from facesr.protocols._scores import per_group, per_picture

VERSION = 1
CLOSED, OPEN = 3, 5  # which neighbour a ball reaches: precision and recall, density and coverage
Part = Literal["precision", "recall", "density", "coverage"]
_SAME = 1e-10  # squared distances below this share of the squared norms are rounding

Array = NDArray[np.float64]


class Found(NamedTuple):
    """What one look at two sets tells.

    Args:
        precision: Whether each x lies among y, (n,), 0 or 1.
        density: In how many balls of y each x lies, over k, (n,).
        recall: Share of y that lie among x, of all x and without each part, (1 + parts,).
        coverage: Share of y with an x in their ball, of all x and without each part, (1 + parts,).
    """

    precision: Array
    density: Array
    recall: Array
    coverage: Array


def prdc(
    x: Rows | Array,
    y: Rows | Array,
    parts: Sequence[Positions] = (),
    near: Array | None = None,
) -> Found:
    """Compare two sets of features.

    Args:
        x: What is measured, (n, d), n > 3.
        y: Real, (m, d), m > 5.
        parts: Positions of x that are left out together.
        near: `nearest(y)`, if it is known.
    """
    near = nearest(y) if near is None else near
    closed, opened = near[:, CLOSED - 1], near[:, OPEN - 1]
    reach, inside = _reach(x, parts), _membership(len(x), parts)
    precision, density = np.zeros(len(x)), np.zeros(len(x))
    recall, coverage = np.zeros((2, 1 + len(parts), len(y)), bool)
    for a in _slices(len(x)):
        xs = rows(x, a)
        for b in _slices(len(y)):
            squares = _squares(xs, rows(y, b))
            precision[a] = np.maximum(precision[a], (squares <= closed[b]).any(axis=1))
            within = squares < opened[b]
            density[a] += within.sum(axis=1) / OPEN
            for g in range(1 + len(parts)):
                recall[g, b] |= (squares <= reach[a, g, None]).any(axis=0)
                coverage[g, b] |= within[inside[a, g]].any(axis=0)
    return Found(precision, density, recall.mean(axis=1), coverage.mean(axis=1))


def nearest(y: Rows | Array, k: int = OPEN) -> Array:
    """Return squared distances from each row to its k nearest others, (m, k), increasing."""
    return _nearest(y, [np.arange(len(y))], k)[:, 0]


@dataclass(frozen=True)
class Prdc(Named):
    """Precision, recall, density or coverage; all four are found in one look.

    Args:
        features: The network, see `Named`.
        part: Which of the four.
    """

    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.01
    code: ClassVar[int] = VERSION
    least: ClassVar[int] = OPEN + 1

    part: Part = "precision"

    def __post_init__(self) -> None:
        if self.part not in get_args(Part):
            known = ", ".join(get_args(Part))
            raise BadName(f"prdc has no part {self.part!r}; known: {known}")

    @property
    def base(self) -> str:
        """See `Distance.base`."""
        return self.part

    def parameters(self, sr: Faces, real: Faces) -> dict[str, object]:
        """See `Distance.parameters`."""
        return {"k": CLOSED if self.part in ("precision", "recall") else OPEN}

    def measured(self, sr: Faces, real: Faces, label: str) -> Score:
        """See `Distance.measured`."""
        parts, name = groups(len(sr), sr.identities)
        if parts and len(sr) - max(map(len, parts)) <= CLOSED:
            parts = ()
        found = _looked(sr, real, self.extractor, parts)
        if self.part in ("precision", "density"):
            values = found.precision if self.part == "precision" else found.density
            interval = None
            if self.part == "precision":
                bound = rate(values, sr.identities)
                if bound.low is not None and bound.high is not None:
                    interval = bound._replace(low=bound.low / 100, high=bound.high / 100)
            return per_picture(
                self.column,
                values,
                sr,
                better=self.better,
                identity=label,
                group="realism",
                interval=interval,
            )
        shares = found.recall if self.part == "recall" else found.coverage
        note = (
            f"{len(sr)} faces against {len(real)}: {self.part} depends on both numbers, and by how "
            "much depends on the method, so it is not ranked"
        )
        score = per_group(
            self.column,
            float(shares[0]),
            shares[1:].tolist(),
            name,
            sr,
            identity=label,
            least=0.0,
            note=note,
            ranked=False,
        )
        high = None if score.high is None else min(1.0, score.high)
        return replace(score, better=self.better, high=high)


def _looked(sr: Faces, real: Faces, extractor: Extractor, parts: Sequence[Positions]) -> Found:
    """Look once for all four parts, and at the real faces once for all methods."""
    x, y, place = features(sr, extractor), features(real, extractor), folder(extractor)

    def compute() -> Array:
        near = stored(place, f"{real.fingerprint}.nearest-v{VERSION}", lambda: nearest(y))
        return np.concatenate(prdc(x, y, parts, near))

    key = f"{sr.fingerprint}.{real.fingerprint[:16]}.prdc-v{VERSION}"
    packed = stored(place, key, compute)
    n = len(sr)
    return Found(*np.split(packed, [n, 2 * n, 2 * n + 1 + len(parts)]))


def _slices(n: int) -> list[slice]:
    return [slice(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE)]


def _membership(n: int, parts: Sequence[Positions]) -> NDArray[np.bool_]:
    """Say which of n are left by leaving nothing out, and each part: (n, 1 + parts)."""
    left = np.ones((n, 1 + len(parts)), bool)
    for g, part in enumerate(parts):
        left[part, 1 + g] = False
    return left


def _reach(x: Rows | Array, parts: Sequence[Positions]) -> Array:
    """Return squared radii among all x, and among those that each part leaves: (n, 1 + parts).

    Members of a part have no ball without it: -1.
    """
    near = _nearest(x, parts or [np.arange(len(x))], CLOSED)
    reach = np.full((len(x), 1 + len(parts)), -1.0)
    reach[:, 0] = _smallest(near.reshape(len(x), -1), CLOSED)[:, -1]
    for g, part in enumerate(parts):
        others = np.delete(near, g, axis=1).reshape(len(x), -1)
        reach[:, 1 + g] = _smallest(others, CLOSED)[:, -1]
        reach[part, 1 + g] = -1
    return reach


def _nearest(x: Rows | Array, parts: Sequence[Positions], k: int) -> Array:
    """Return squared distances to the k nearest others in each part: (n, parts, k).

    Infinite where a part holds fewer.
    """
    near = np.full((len(x), len(parts), k), np.inf)
    for a in _slices(len(x)):
        xs = rows(x, a)
        for g, part in enumerate(parts):
            for b in _slices(len(part)):
                squares = _squares(xs, rows(x, part[b]))
                squares[np.arange(a.start, a.stop)[:, None] == part[b]] = np.inf
                near[a, g] = _smallest(np.hstack([near[a, g], squares]), k)
    return near


def _smallest(values: Array, k: int) -> Array:
    return np.sort(np.partition(values, k - 1, axis=1)[:, :k], axis=1)


def _squares(a: Array, b: Array) -> Array:
    """Return squared distances between rows, (n, d) and (m, d): (n, m); 0 for equal rows."""
    norms = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)
    squares = norms - 2 * a @ b.T
    squares[squares < _SAME * norms] = 0
    return squares
