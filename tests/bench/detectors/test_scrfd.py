from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.detectors import _onnx
from facesr.bench.detectors._onnx import Values
from facesr.bench.detectors.scrfd import Scrfd, decode
from facesr.bench.files import digest

STEPS = (8, 16, 32)
FACE = np.array([[30.0, 40.0], [60.0, 41.0], [45.0, 60.0], [33.0, 75.0], [58.0, 76.0]])


def counts(height: int, width: int) -> list[int]:
    return [2 * (height // step) * (width // step) for step in STEPS]


@pytest.mark.parametrize("leading", [False, True])
def test_outputs_are_decoded_as_a_loop_over_anchors_does(leading: bool) -> None:
    rng = np.random.default_rng(0)
    outputs = [
        rng.normal(1, 1, (n, k)).astype(np.float32) for k in (1, 4, 10) for n in counts(64, 96)
    ]
    given = [output[None] for output in outputs] if leading else outputs
    boxes, scores, points = decode(given, (64, 96))
    i = 0
    for grid, step in enumerate(STEPS):
        own = 0
        for y in range(0, 64, step):
            for x in range(0, 96, step):
                for _ in range(2):
                    left, top, right, bottom = outputs[3 + grid][own] * step
                    expected = [x - left, y - top, x + right, y + bottom]
                    assert boxes[i] == pytest.approx(expected, rel=1e-5, abs=1e-4)
                    for k in range(5):
                        dx, dy = outputs[6 + grid][own, 2 * k : 2 * k + 2] * step
                        assert points[i, k] == pytest.approx([x + dx, y + dy], rel=1e-5, abs=1e-4)
                    assert scores[i] == outputs[grid][own, 0]
                    i, own = i + 1, own + 1
    assert i == len(boxes) == sum(counts(64, 96))


def planted(x: Values) -> dict[str, Values]:
    """Answer in the official layout, with one face at `FACE` on two grids and noise elsewhere."""
    assert x.dtype == np.float32
    height, width = x.shape[2:]
    assert height % 32 == width % 32 == 0
    outputs = {}
    for name, numbers in (("score", 1), ("box", 4), ("kps", 10)):
        for step, n in zip(STEPS, counts(height, width), strict=True):
            outputs[f"{name}_{step}"] = np.full((n, numbers), 0.1, np.float32)
    for step, score in ((8, 0.7), (16, 0.95)):
        cell = np.array([48, 48])
        i = 2 * (cell[1] // step * (width // step) + cell[0] // step) + 1
        outputs[f"score_{step}"][i] = score
        low, high = cell - FACE.min(0), FACE.max(0) - cell
        outputs[f"box_{step}"][i] = np.concatenate([low, high]) / step
        outputs[f"kps_{step}"][i] = (FACE - cell).ravel() / step
    return outputs


@pytest.mark.parametrize("enlarge", [1.0, 2.0])
def test_a_planted_face_is_found_once_in_pixels_of_the_photograph(
    enlarge: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_onnx, "network", lambda asset: planted)
    detector = Scrfd(enlarge=enlarge)
    (found,) = detector.find([np.zeros((100, 120, 3), np.uint8)])
    assert found.scores == pytest.approx([0.95])
    assert found.points[0] == pytest.approx(FACE / enlarge, abs=1e-4)
    assert found.boxes[0] == pytest.approx([30 / enlarge, 40 / enlarge, 60 / enlarge, 76 / enlarge])


def test_colours_reach_the_network_as_red_green_blue_around_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def network(x: Values) -> dict[str, Values]:
        seen.append(x)
        return planted(x)

    monkeypatch.setattr(_onnx, "network", lambda asset: network)
    Scrfd().find([np.full((64, 64, 3), (0, 127, 255), np.uint8)])
    assert seen[0][0, :, 0, 0].tolist() == [-127.5 / 128, -0.5 / 128, 127.5 / 128]


@pytest.fixture
def bright_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ONNX file in the official layout: a cell's brightness is its score, in steps its reach."""
    pytest.importorskip("onnxruntime")
    onnx: Any = pytest.importorskip("onnx")
    made = onnx.helper.make_node
    one = onnx.helper.make_tensor("both", onnx.TensorProto.INT64, [2], [-1, 1])
    nodes, outputs = [], []
    for step in STEPS:
        nodes += [
            made(
                "AveragePool", ["x"], [f"pool{step}"], kernel_shape=[step] * 2, strides=[step] * 2
            ),
            made("ReduceMax", [f"pool{step}"], [f"max{step}"], axes=[1]),
            made("Reshape", [f"max{step}", "both"], [f"one{step}"]),
            made("Concat", [f"one{step}"] * 2, [f"two{step}"], axis=1),
            made("Reshape", [f"two{step}", "both"], [f"score{step}"]),
            made("Concat", [f"score{step}"] * 4, [f"box{step}"], axis=1),
            made("Concat", [f"score{step}"] * 10, [f"kps{step}"], axis=1),
        ]
    for kind, numbers in (("score", 1), ("box", 4), ("kps", 10)):
        for step in STEPS:
            shape = [None, numbers]
            outputs.append(onnx.helper.make_tensor_value_info(f"{kind}{step}", 1, shape))
    source = onnx.helper.make_tensor_value_info("x", 1, [1, 3, None, None])
    graph = onnx.helper.make_graph(nodes, "bright", [source], outputs, [one])
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    path = tmp_path / "bright.onnx"
    onnx.save(model, path)
    fake = Asset("scrfd_10g", path.name, digest(path), "", "", "")
    monkeypatch.setattr(assets, "ASSETS", (fake,))
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    _onnx.network.cache_clear()
    yield
    _onnx.network.cache_clear()


@pytest.mark.usefixtures("bright_finder")
def test_a_file_in_the_official_layout_runs() -> None:
    photo = np.zeros((70, 90, 3), np.uint8)
    photo[24:32, 40:48] = 255  # one cell of the finest grid
    assert Scrfd().missing() == ""
    dark, found = Scrfd().find([photo * 0, photo])
    reach = 127.5 / 128 * 8
    assert len(dark) == 0
    assert found.scores == pytest.approx([127.5 / 128])
    assert found.boxes[0] == pytest.approx([40 - reach, 24 - reach, 40 + reach, 24 + reach])
    assert found.points[0] == pytest.approx(np.tile([40 + reach, 24 + reach], (5, 1)))
