from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench import assets
from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.detectors.yunet import YuNet, decode


def random_outputs(height: int, width: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    outputs: dict[str, Any] = {}
    for step in (8, 16, 32):
        cells = (height // step) * (width // step)
        for kind, numbers in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            values = rng.normal(0.5, 0.5, (1, cells, numbers))
            outputs[f"{kind}_{step}"] = values.astype(np.float32)
    return outputs


def test_outputs_are_decoded_as_a_loop_over_cells_does() -> None:
    outputs = random_outputs(64, 96)
    boxes, scores, points = decode(outputs, (64, 96))
    i = 0
    for step in (8, 16, 32):
        for row in range(64 // step):
            for column in range(96 // step):
                k = row * (96 // step) + column
                box, shape = outputs[f"bbox_{step}"][0, k], outputs[f"kps_{step}"][0, k]
                cx, cy = (column + box[0]) * step, (row + box[1]) * step
                w, h = np.exp(box[2]) * step, np.exp(box[3]) * step
                expected = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                assert boxes[i] == pytest.approx(expected, rel=1e-5, abs=1e-4)
                for p in range(5):
                    at = (column + shape[2 * p]) * step, (row + shape[2 * p + 1]) * step
                    assert points[i, p] == pytest.approx(at, rel=1e-5, abs=1e-4)
                cls, obj = (min(1, max(0, outputs[f"{n}_{step}"][0, k, 0])) for n in ("cls", "obj"))
                assert scores[i] == pytest.approx(np.sqrt(cls * obj), abs=1e-6)
                i += 1
    assert i == len(boxes)


def test_a_portrait_is_found_alone_and_among_others(
    weights: Path, portrait: Pixels, check_order: Callable[[Found], None]
) -> None:
    pytest.importorskip("onnxruntime")
    blank = np.zeros((33, 50, 3), np.uint8)
    alone, none, among = YuNet().find([portrait, blank, portrait])
    assert (len(alone), len(none)) == (1, 0)
    check_order(alone)
    assert (alone.points == among.points).all()
    (large,) = YuNet(enlarge=1.5).find([portrait])
    assert large.points[0] == pytest.approx(alone.points[0], abs=4)


@pytest.mark.parametrize("cut", [250, 243])
def test_it_finds_what_opencv_finds(weights: Path, portrait: Pixels, cut: int) -> None:
    pytest.importorskip("onnxruntime")
    cv2: Any = pytest.importorskip("cv2")
    photo = portrait[:cut, :cut]
    path = str(weights / assets.asset("yunet").file)
    reference = cv2.FaceDetectorYN.create(path, "", (cut, cut), 0.6, 0.3, 5000)
    (row,) = reference.detect(np.ascontiguousarray(photo[..., ::-1]))[1]
    (found,) = YuNet().find([photo])
    assert found.boxes[0, :2] == pytest.approx(row[:2], abs=1e-3)
    assert found.boxes[0, 2:] - found.boxes[0, :2] == pytest.approx(row[2:4], abs=1e-3)
    assert found.points[0].ravel() == pytest.approx(row[4:14], abs=1e-3)
    assert found.scores[0] == pytest.approx(row[14], abs=1e-4)
