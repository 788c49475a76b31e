"""Frechet inception distance.

Paper: Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash
equilibrium, NeurIPS 2017. Weights and resize as in pytorch-fid, statistics in float64 without a
general matrix root. Resizing decides the number (Parmar et al., CVPR 2022), so it is named in the
identity; without the Inception weights there is no FID, and nothing else is called so.
"""

from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import Metric, Needs
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._identity import identity, versions
from facesr.protocols.features.inception import Inception, Resize
from facesr.protocols.metrics.fd import VERSION, frechet_score


@dataclass(frozen=True)
class Fid(Metric):
    """Frechet inception distance to the reference faces; not ranked below 12,288 of each.

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
        label = identity("fid", extractor.label, version=version, reference=reference)
        return frechet_score("fid", label, extractor, sr, reference)
