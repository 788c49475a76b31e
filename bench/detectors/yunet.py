"""YuNet: a tiny detector without anchors.

Paper: Wu, Peng and Yu 2023, https://doi.org/10.1007/s11633-023-1423-y
Weights and their meaning: https://github.com/ShiqiYu/libfacedetection.train. A photograph is
searched at its own size, padded with black to a multiple of 32.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from facesr.bench import assets
from facesr.bench.detectors import _onnx
from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.detectors._boxes import Decoded, OneByOne, cells, padded

_STEPS = (8, 16, 32)  # of the three grids, in pixels


@dataclass(frozen=True)
class YuNet(OneByOne):
    """YuNet, variant n. Settings: see `OneByOne`."""

    threshold: float = 0.6
    overlap: float = 0.3

    @property
    def recipe(self) -> dict[str, Any]:
        """See `Detector.recipe`."""
        weights = assets.asset("yunet").sha256[:16]
        return {"detector": f"yunet_n@{weights}", "arithmetic": "float32", **asdict(self)}

    def missing(self) -> str:
        """See `Named.missing`."""
        return _onnx.missing("yunet")

    def decoded(self, pixels: Pixels) -> Decoded:
        """See `OneByOne.decoded`."""
        black = padded(pixels, _STEPS[-1])
        bgr = np.ascontiguousarray(black[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        return decode(_onnx.network("yunet")(bgr), black.shape[:2])


def decode(
    outputs: Mapping[str, _onnx.Values], size: tuple[int, ...]
) -> tuple[Points, Points, Points]:
    """Turn the network's outputs into boxes (n, 4), scores (n,) and landmarks (n, 5, 2).

    A score is the geometric mean of the confidences that a cell holds something and that this is
    a face; shifts and sides are in steps of the grid, from a cell's upper left corner.

    Args:
        outputs: `cls_S`, `obj_S` (1, m, 1), `bbox_S` (1, m, 4) and `kps_S` (1, m, 10) for each
            step `S` of the grids.
        size: Height and width of the padded picture.
    """
    parts = []
    for step in _STEPS:
        cls, obj, box, shape = (
            outputs[f"{kind}_{step}"][0].astype(np.float64)
            for kind in ("cls", "obj", "bbox", "kps")
        )
        corner = cells(size[0] // step, size[1] // step)
        middle, half = corner + box[:, :2], np.exp(box[:, 2:]) / 2
        boxes = np.concatenate([middle - half, middle + half], 1) * step
        points = (corner[:, None] + shape.reshape(-1, 5, 2)) * step
        parts.append((boxes, np.sqrt(cls.clip(0, 1) * obj.clip(0, 1))[:, 0], points))
    boxes, scores, points = (np.concatenate(part) for part in zip(*parts, strict=True))
    return boxes, scores, points
