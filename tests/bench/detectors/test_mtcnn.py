from collections.abc import Callable

import numpy as np
import pytest

from facesr.bench.detectors._base import Found, Pixels
from facesr.bench.detectors.mtcnn import Mtcnn
from facesr.datasets._crop import crop, square_from_landmarks


def test_mtcnn_finds_a_portrait_and_names_its_landmarks_in_order(
    portrait: Pixels, check_order: Callable[[Found], None]
) -> None:
    (found,) = Mtcnn().find([portrait])
    assert found.scores[0] > 0.95
    assert found.scores.tolist() == sorted(found.scores, reverse=True)
    check_order(found)


def test_a_reduced_face_is_framed_like_the_original(portrait: Pixels) -> None:
    small = crop(portrait, (0.0, 0.0, 250.0, 250.0), 50)  # the face is then 18 pixels wide
    (large_found,), (small_found,) = Mtcnn().find([portrait]), Mtcnn(enlarge=4).find([small])
    box = np.array(square_from_landmarks(large_found.points[0], margin=5))
    other = np.array(square_from_landmarks(small_found.points[0], margin=5)) * 5
    assert other == pytest.approx(box, abs=0.03 * (box[2] - box[0]))


def test_photos_of_several_sizes_come_back_in_order(portrait: Pixels) -> None:
    cut = np.ascontiguousarray(portrait[20:, 10:])
    blank = np.zeros((90, 90, 3), np.uint8)
    found = Mtcnn().find([portrait, portrait, cut, blank, portrait])
    assert [len(f) > 0 for f in found] == [True, True, True, False, True]
    assert found[2].points[0] + [10, 20] == pytest.approx(found[0].points[0], abs=4)
    assert found[4].points == pytest.approx(found[0].points, abs=1e-9)


def test_a_photo_smaller_than_the_smallest_face_has_no_faces() -> None:
    (found,) = Mtcnn(smallest=30).find([np.zeros((20, 200, 3), np.uint8)])
    assert found.points.shape == (0, 5, 2)
    assert found.boxes.shape == (0, 4)


def test_every_parameter_is_part_of_the_recipe() -> None:
    recipe = Mtcnn(enlarge=4, threshold=0.9, smallest=20).recipe
    assert recipe["detector"].startswith("mtcnn, facenet-pytorch ")
    assert (recipe["enlarge"], recipe["smallest"]) == (4, 20)
    assert recipe["thresholds"] == (0.6, 0.7, 0.9)
    assert recipe["factor"] == 0.709
