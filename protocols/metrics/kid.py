"""Kernel inception distance.

Paper: Binkowski et al., Demystifying MMD GANs, ICLR 2018. Weights and resize as for the FID. By
default the estimate uses all pairs once: the quantity that the mean of 100 random subsets of 1,000
estimates in the paper's code, without a seed, for sets of any size. With `subsets` it is that mean,
drawn as torch-fidelity draws it.
"""

from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._features import OnInception, features
from facesr.protocols.metrics.kd import TIMES, Kernel, subset_distances


@dataclass(frozen=True)
class Kid(OnInception, Kernel):
    """Kernel inception distance to the reference faces.

    Args:
        resize: How faces come to 299x299: `clean`, `legacy-pytorch` or `legacy-tensorflow`.
        subsets: How many random subsets are averaged; 0 for all pairs of the whole sets.
        size: Faces of a subset of either set; all of the smaller set if it holds fewer.
        seed: Of the subsets.
    """

    smallest: ClassVar[float] = 0.2

    subsets: int = 0
    size: int = 1000
    seed: int = 2020

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subsets < 0 or self.size < 2:
            raise BadName(
                f"kid has subsets={self.subsets} and size={self.size}; expected 0 or more subsets "
                "of 2 or more faces"
            )

    @property
    def column(self) -> str:
        """See `Distance.column`."""
        return f"kid[subsets={self.subsets}]" if self.subsets else "kid"

    def parameters(self, sr: Faces, real: Faces) -> dict[str, object]:
        """See `Distance.parameters`."""
        if not self.subsets:
            return {}
        return {"subsets": self.subsets, "size": self._drawn(sr, real), "seed": self.seed}

    def measured(self, sr: Faces, real: Faces, label: str) -> Score:
        """See `Distance.measured`."""
        if not self.subsets:
            return super().measured(sr, real, label)
        x, y = features(sr, self.extractor), features(real, self.extractor)
        size = self._drawn(sr, real)
        values = TIMES * subset_distances(x, y, self.subsets, size, self.seed)
        note = (
            f"mean of {self.subsets} subsets of {size} faces; their standard deviation is "
            f"{values.std():.3g}, which is no interval, as they share faces; kid, of all pairs, "
            "is the one to rank by"
        )
        return Score(
            metric=self.column,
            value=float(values.mean()),
            better=self.better,
            n=len(sr),
            identity=label,
            unit=f"x{TIMES}",
            note=note,
            ranked=False,
        )

    def _drawn(self, sr: Faces, real: Faces) -> int:
        return min(self.size, len(sr), len(real))
