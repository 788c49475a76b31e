"""SCRFD: the detector of the insightface packs.

Paper: Guo et al. 2022, https://arxiv.org/abs/2105.04714
Weights: `det_10g.onnx` (buffalo_l), `det_2.5g.onnx` (buffalo_m) or `det_500m.onnx` (buffalo_s) of
https://github.com/deepinsight/insightface. A photograph is searched at its own size, padded with
black to a multiple of 32; insightface resizes it to 640 pixels first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from facesr.bench import assets
from facesr.bench.detectors import _onnx
from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.detectors._boxes import Decoded, OneByOne, cells, padded

_STEPS = (8, 16, 32)  # of the three grids, in pixels
_PER_CELL = 2


@dataclass(frozen=True)
class Scrfd(OneByOne):
    """SCRFD with landmarks. Other settings: see `OneByOne`.

    Args:
        size: Cost of the network for a 640 x 480 picture, in operations.
    """

    size: Literal["10g", "2.5g", "500m"] = "10g"

    @property
    def _asset(self) -> str:
        return f"scrfd_{self.size}"

    @property
    def recipe(self) -> dict[str, Any]:
        """See `Detector.recipe`."""
        weights = assets.asset(self._asset).sha256[:16]
        return {"detector": f"scrfd@{weights}", "arithmetic": "float32", **asdict(self)}

    def missing(self) -> str:
        """See `Named.missing`."""
        return _onnx.missing(self._asset)

    def decoded(self, pixels: Pixels) -> Decoded:
        """See `OneByOne.decoded`."""
        black = padded(pixels, _STEPS[-1])
        rgb = (black.transpose(2, 0, 1)[None] - np.float32(127.5)) / np.float32(128)
        return decode(list(_onnx.network(self._asset)(rgb).values()), black.shape[:2])


def decode(outputs: Sequence[_onnx.Values], size: tuple[int, ...]) -> tuple[Points, Points, Points]:
    """Turn the network's outputs into boxes (n, 4), scores (n,) and landmarks (n, 5, 2).

    Two candidates per cell each give their distances to the four sides of a box and to five
    landmarks, in steps of the grid from the cell's upper left corner.

    Args:
        outputs: Scores (m, 1) of the three grids, finest first, then distances to the sides
            (m, 4) of the three, then landmarks (m, 10); a leading 1 is allowed.
        size: Height and width of the padded picture.
    """
    parts = []
    for i, step in enumerate(_STEPS):
        at = np.repeat(cells(size[0] // step, size[1] // step), _PER_CELL, 0)
        scores, sides, shape = (
            outputs[i + part].astype(np.float64).reshape(len(at), -1) for part in (0, 3, 6)
        )
        boxes = np.concatenate([at - sides[:, :2], at + sides[:, 2:]], 1) * step
        parts.append((boxes, scores[:, 0], (at[:, None] + shape.reshape(-1, 5, 2)) * step))
    boxes, scores, points = (np.concatenate(part) for part in zip(*parts, strict=True))
    return boxes, scores, points
