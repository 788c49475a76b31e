"""Frechet inception distance.

Paper: Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash
equilibrium, NeurIPS 2017. Weights and resize as in pytorch-fid, statistics in float64 without a
general matrix root. Resizing decides the number (Parmar et al., CVPR 2022), so it is named in the
identity; without the Inception weights there is no FID, and nothing else is called so.
"""

from dataclasses import dataclass
from typing import ClassVar

from facesr.protocols._features import OnInception
from facesr.protocols.metrics.fd import Frechet


@dataclass(frozen=True)
class Fid(OnInception, Frechet):
    """Frechet inception distance to the reference faces; not ranked below 12,288 of each.

    Args:
        resize: How faces come to 299x299: `clean`, `legacy-pytorch` or `legacy-tensorflow`.
    """

    smallest: ClassVar[float] = 0.5
