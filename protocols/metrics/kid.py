"""Kernel inception distance.

Paper: Binkowski et al., Demystifying MMD GANs, ICLR 2018. Weights and resize as for the FID. The
estimate uses all pairs once, not the mean of 100 random subsets of 1,000 as in the paper's code:
the same quantity, without a seed, for sets of any size.
"""

from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import Metric, Needs
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._identity import identity, versions
from facesr.protocols.features.inception import Inception, Resize
from facesr.protocols.metrics.kd import VERSION, kernel_score


@dataclass(frozen=True)
class Kid(Metric):
    """Kernel inception distance to the reference faces.

    Args:
        resize: How faces come to 299x299: `legacy-pytorch` or `legacy-tensorflow`.
    """

    needs: ClassVar[Needs] = "faces"

    resize: Resize = "legacy-pytorch"

    def __post_init__(self) -> None:
        Inception(self.resize)

    def missing(self) -> str:
        """Say how to get the Inception weights."""
        return Inception(self.resize).missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        extractor = Inception(self.resize)
        version = versions(VERSION, extractor.version)
        label = identity("kid", extractor.label, version=version, reference=reference)
        return kernel_score("kid", label, extractor, sr, reference)
