import numpy as np
import pytest

from facesr.bench.detectors._base import Points
from facesr.bench.detectors._boxes import cells, padded, scaled, sorted_out

ONE = np.ones(2)


def slow_kept(boxes: Points, scores: Points, threshold: float, overlap: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if scores[i] < threshold:
            continue
        if all(intersection_over_union(boxes[i], boxes[k]) <= overlap for k in kept):
            kept.append(i)
    return kept


def intersection_over_union(a: Points, b: Points) -> float:
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = across * down
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@pytest.mark.parametrize("seed", range(10))
def test_the_surest_of_overlapping_boxes_is_kept(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(0, 60, (120, 2)), rng.uniform(5, 30, (120, 2))
    boxes, scores = np.concatenate([corner, corner + sides], 1), rng.uniform(0, 1, 120)
    points = rng.normal(0, 1, (120, 5, 2))
    found = sorted_out(boxes, scores, points, 0.3, 0.4, ONE)
    kept = slow_kept(boxes, scores, 0.3, 0.4)
    assert 0 < len(kept) < (scores >= 0.3).sum()
    assert (found.boxes == boxes[kept]).all()
    assert (found.scores == scores[kept]).all()
    assert (found.points == points[kept]).all()


def test_what_is_found_is_given_in_pixels_of_the_photograph() -> None:
    box, points = np.array([[8.0, 9.0, 16.0, 18.0]]), np.full((1, 5, 2), 12.0)
    found = sorted_out(box, np.array([0.9]), points, 0.5, 0.4, np.array([4.0, 3.0]))
    assert found.boxes.tolist() == [[2, 3, 4, 6]]
    assert found.points[0, 0].tolist() == [3, 4]


def test_nothing_sure_is_nothing_of_the_right_shape() -> None:
    found = sorted_out(np.ones((3, 4)), np.zeros(3), np.ones((3, 5, 2)), 0.5, 0.4, ONE)
    assert (found.boxes.shape, found.points.shape, len(found)) == ((0, 4), (0, 5, 2), 0)


def test_a_photograph_is_enlarged_up_to_the_longest_side() -> None:
    photo = np.zeros((30, 41, 3), np.uint8)
    assert scaled(photo, 1, 100).pixels is photo
    assert scaled(photo, 2, 100).pixels.shape == (60, 82, 3)
    limited = scaled(photo, 4, 100)
    assert limited.pixels.shape == (73, 100, 3)
    assert limited.factor == pytest.approx([100 / 41, 73 / 30])
    assert scaled(photo, 1, 20).pixels.shape == (15, 20, 3)


def test_padding_adds_black_below_and_on_the_right() -> None:
    photo = np.full((31, 64, 3), 9, np.uint8)
    result = padded(photo, 32)
    assert result.shape == (32, 64, 3)
    assert (result[:31] == 9).all()
    assert (result[31] == 0).all()


def test_cells_are_numbered_row_by_row() -> None:
    assert cells(2, 3).tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
