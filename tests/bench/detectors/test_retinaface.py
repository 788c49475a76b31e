import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from facesr.bench import assets
from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.detectors.mtcnn import Mtcnn
from facesr.bench.detectors.retinaface import Network, RetinaFace, anchors, decode, prepared
from facesr.bench.errors import BenchError
from facesr.bench.faces import read_image


@pytest.mark.parametrize(("height", "width"), [(64, 96), (33, 70), (20, 17)])
def test_there_is_an_anchor_for_every_output(height: int, width: int) -> None:
    torch.manual_seed(0)
    photo = np.zeros((height, width, 3), np.uint8)
    outputs = Network().double().eval()(prepared(photo))
    at = anchors(height, width)
    assert [output.shape for output in outputs] == [(len(at), k) for k in (2, 4, 10)]


def test_the_network_has_as_many_parameters_as_the_published_one() -> None:
    assert sum(p.numel() for p in Network().parameters()) == 426_608


def test_outputs_are_decoded_as_a_loop_over_cells_does() -> None:
    height, width = 40, 70
    rng = np.random.default_rng(0)
    count = len(anchors(height, width))
    outputs = tuple(rng.normal(0, 1, (count, k)) for k in (2, 4, 10))
    boxes, scores, points = decode(outputs, (height, width))
    i = 0
    for step, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        for row in range(int(np.ceil(height / step))):
            for column in range(int(np.ceil(width / step))):
                for side in sides:
                    x, y = (column + 0.5) * step, (row + 0.5) * step
                    shift, shape = outputs[1][i], outputs[2][i]
                    cx, cy = x + 0.1 * shift[0] * side, y + 0.1 * shift[1] * side
                    w, h = side * np.exp(0.2 * shift[2]), side * np.exp(0.2 * shift[3])
                    expected = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
                    assert boxes[i] == pytest.approx(expected)
                    for k in range(5):
                        at = x + 0.1 * shape[2 * k] * side, y + 0.1 * shape[2 * k + 1] * side
                        assert points[i, k] == pytest.approx(at)
                    odds = np.exp(outputs[0][i])
                    assert scores[i] == pytest.approx(odds[1] / odds.sum())
                    i += 1
    assert i == count


def test_colours_reach_the_network_as_blue_green_red_less_the_mean() -> None:
    photo = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    assert prepared(photo).flatten().tolist() == [30 - 104, 20 - 117, 10 - 123]


def test_a_portrait_is_found_where_mtcnn_finds_it(
    weights: Path, portrait: Pixels, check_order: Callable[[Found], None]
) -> None:
    (found,), (other,) = RetinaFace().find([portrait]), Mtcnn().find([portrait])
    assert len(found) == 1
    assert found.scores[0] > 0.99
    check_order(found)
    width = other.boxes[0, 2] - other.boxes[0, 0]
    assert found.points[0] == pytest.approx(other.points[0], abs=0.08 * width)


def test_published_detections_of_group_photographs_are_repeated(weights: Path) -> None:
    table = weights.parent / "data" / "lowres_wild" / "faces.csv"
    if not table.is_file():
        pytest.skip("group photographs are not below ../shared/data")
    with table.open(newline="") as file:
        faces = [face for face in csv.DictReader(file) if face["photo"] == "ultralight_8.jpg"]
    photo = read_image(table.parent / "photos" / "ultralight_8.jpg")
    (found,) = RetinaFace(enlarge=2).find([photo])
    assert faces
    for face in faces:
        box = [float(face[side]) for side in ("x1", "y1", "x2", "y2")]
        k = int(np.abs(found.boxes - box).sum(1).argmin())
        names = ["lex", "ley", "rex", "rey", "nx", "ny", "lmx", "lmy", "rmx", "rmy"]
        assert found.boxes[k] == pytest.approx(box, abs=0.11)  # the table has one decimal
        points = [float(face[name]) for name in names]
        assert found.points[k].ravel() == pytest.approx(points, abs=0.11)
        assert found.scores[k] == pytest.approx(float(face["score"]), abs=0.002)


def test_neither_neighbours_nor_threads_change_what_is_found(
    weights: Path, portrait: Pixels
) -> None:
    other = np.ascontiguousarray(portrait[30:, 20:220])
    blank = np.zeros((40, 50, 3), np.uint8)
    alone = RetinaFace().find([portrait])[0]
    before = torch.get_num_threads()
    torch.set_num_threads(2 if before == 1 else 1)
    try:
        among = RetinaFace().find([blank, other, portrait])
    finally:
        torch.set_num_threads(before)
    assert [len(found) for found in among] == [0, 1, 1]
    assert among[2].points.round(3).tolist() == alone.points.round(3).tolist()
    assert among[2].boxes.round(3).tolist() == alone.boxes.round(3).tolist()


def test_a_mirrored_portrait_has_mirrored_landmarks(weights: Path, portrait: Pixels) -> None:
    mirrored = np.ascontiguousarray(portrait[:, ::-1])
    (found,), (flipped,) = RetinaFace().find([portrait]), RetinaFace().find([mirrored])
    back = flipped.points[0, [1, 0, 2, 4, 3]] * [-1, 1] + [portrait.shape[1], 0]
    assert found.points[0] == pytest.approx(back, abs=2.5)


def test_an_enlarged_photograph_gives_the_same_face_in_its_own_pixels(
    weights: Path, portrait: Pixels
) -> None:
    (found,), (large,) = RetinaFace().find([portrait]), RetinaFace(enlarge=1.7).find([portrait])
    assert large.points[0] == pytest.approx(found.points[0], abs=3)
    assert len(RetinaFace(threshold=1.0).find([portrait])[0]) == 0
    assert len(RetinaFace(threshold=0.02).find([portrait])[0]) >= 1


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7)])
def test_tiny_photographs_are_searched_without_complaint(
    weights: Path, shape: tuple[int, int]
) -> None:
    (found,) = RetinaFace().find([np.full((*shape, 3), 120, np.uint8)])
    assert found.points.shape == (0, 5, 2)


def test_without_the_weights_the_sentence_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facesr.bench.detectors import retinaface

    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    retinaface._network.cache_clear()
    with pytest.raises(BenchError, match=r"needs the asset 'retinaface': get RetinaFace_\w+\.pth"):
        RetinaFace().find([np.zeros((64, 64, 3), np.uint8)])
    assert RetinaFace().recipe["detector"] == "retinaface@" + assets.asset("retinaface").sha256[:16]
