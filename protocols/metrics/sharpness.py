"""Whether faces are as sharp as their originals: too soft and too noisy both count.

Measure: variance of the Laplacian of brightness (Pech-Pacheco et al., Diatom autofocusing in
brightfield microscopy: a comparative study, ICPR 2000), as a ratio to that of the original, in
powers of two. It sees neither where detail lies nor whether it is right; it tells blur from noise
where other numbers only say that something is amiss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._checks import too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array, Pixels, luma
from facesr.protocols._pairs import PairMetric

VERSION = 1
LEAST = 4


def sharpness(x: Array, y: Array) -> Array:
    """Compare images.

    Args:
        x: Brightness, (n, h, w), sides of 4 or more.
        y: That of the originals, (n, h, w).

    Returns:
        Logarithm to base 2 of the ratio of variances, (n,); 0 if equally sharp, below 0 if softer
        than the original; NaN where one of the two has no edge.
    """
    mine, other = _edges(x), _edges(y)
    ratio = np.where((mine > 0) & (other > 0), mine, np.nan) / np.where(other > 0, other, 1)
    return np.log2(ratio)


def _edges(image: Array) -> Array:
    around = image[:, 2:, 1:-1] + image[:, :-2, 1:-1] + image[:, 1:-1, 2:] + image[:, 1:-1, :-2]
    laplacian = around - 4 * image[:, 1:-1, 1:-1]
    # adding up fractions leaves crumbs where there is no edge
    return np.where(np.ptp(laplacian, axis=(1, 2)) > 1e-9, laplacian.var(axis=(1, 2)), 0)


@dataclass(frozen=True)
class Sharpness(PairMetric):
    """Mean over pictures of how far each is from the sharpness of its original, in powers of 2."""

    undefined: ClassVar[str] = "have no edge, or their originals have none"
    smallest: ClassVar[float] = 0.01

    @property
    def column(self) -> str:
        """See `PairMetric.column`."""
        return "sharpness"

    def label(self, reference: Faces) -> str:
        """See `PairMetric.label`."""
        version = versions(VERSION, _luma.VERSION)
        return identity("sharpness", "laplacian", "y", version=version, reference=reference)

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        return too_small(sr, LEAST)

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        return lambda sr, hr: sharpness(luma(sr), luma(hr))

    def summary(self, values: Array, sr: Faces, label: str, note: str = "") -> Score:
        """See `PairMetric.summary`; says on which side faces lie."""
        softer = int((values < 0).sum())
        note = f"{softer} of {len(values)} are softer than their originals" if softer else ""
        return super().summary(np.abs(values), sr, label, note)
