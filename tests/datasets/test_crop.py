from typing import Any

import numpy as np
import pytest

from facesr.datasets._crop import (
    Box,
    Found,
    Mtcnn,
    Pixels,
    crop,
    into_crop,
    outside,
    square_from_landmarks,
)

FACE = np.array([[40.0, 50.0], [80.0, 52.0], [60.0, 75.0], [45.0, 95.0], [77.0, 97.0]])


def blob(x: float, y: float, width: int, height: int, sigma: float) -> Pixels:
    columns = np.exp(-((np.arange(width) + 0.5 - x) ** 2) / (2 * sigma**2))
    rows = np.exp(-((np.arange(height) + 0.5 - y) ** 2) / (2 * sigma**2))
    grey = (255 * rows[:, None] * columns[None]).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2)


def centroid(pixels: Pixels) -> tuple[float, float]:
    weight = pixels[..., 0].astype(float)
    at = np.arange(len(weight)) + 0.5
    return (weight.sum(0) @ at / weight.sum(), weight.sum(1) @ at / weight.sum())


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((60.3, 31.7, 140.3, 111.7), 16),
        ((60.3, 31.7, 140.3, 111.7), 64),
        ((80.25, 51.5, 120.75, 92.0), 64),
        ((60.0, 30.0, 141.9, 111.9), 37),
    ],
)
def test_a_drawn_dot_lands_where_its_coordinates_say(box: Box, size: int) -> None:
    picture = blob(101.4, 70.8, 200, 160, sigma=6)
    expected = into_crop(np.array([101.4, 70.8]), box, size)
    assert centroid(crop(picture, box, size)) == pytest.approx(expected, abs=0.03)


def test_a_drawn_cross_lands_where_its_coordinates_say() -> None:
    picture = np.zeros((90, 120, 3), np.uint8)
    picture[30:34, :] = 255  # centred on y = 32
    picture[:, 50:54] = 255  # centred on x = 52
    result = crop(picture, (12.0, 4.0, 76.0, 68.0), 16)[..., 0]
    across, down = result[15], result[:, 15]
    assert across.argmax() in (9, 10)  # (52 - 12) / 4 = 10, the edge between pixels 9 and 10
    assert across[9] == across[10] == down[6] == down[7] > 100
    assert result[15, 0] == result[0, 15] == 0


def test_a_crop_on_the_grid_at_its_own_size_changes_no_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert (crop(picture, (11.0, 7.0, 31.0, 27.0), 20) == picture[7:27, 11:31]).all()


def test_pixels_near_the_box_are_seen_by_the_filter() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    whole = crop(picture, (0.0, 0.0, 80.0, 80.0), 20)
    assert (crop(picture, (20.0, 20.0, 60.0, 60.0), 10) == whole[5:15, 5:15]).all()


def test_shrinking_does_not_alias() -> None:
    checkers = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    result = crop(np.repeat(checkers[..., None], 3, 2), (20.0, 20.0, 100.0, 100.0), 16)
    assert np.abs(result.astype(int) - 127).max() <= 2


@pytest.mark.parametrize(
    "box", [(-9.5, 4.0, 30.5, 44.0), (20.0, -12.0, 60.0, 28.0), (30.3, 30.3, 70.3, 70.3)]
)
def test_outside_the_picture_its_border_is_repeated(box: Box) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    padded = np.pad(picture, ((60, 60), (60, 60), (0, 0)), mode="edge")
    left, top, right, bottom = (edge + 60 for edge in box)
    assert (crop(picture, box, 16) == crop(padded, (left, top, right, bottom), 16)).all()


def test_a_box_wholly_outside_still_gives_a_crop() -> None:
    picture = np.full((10, 10, 3), 77, np.uint8)
    assert (crop(picture, (40.0, 40.0, 60.0, 60.0), 8) == 77).all()


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((0.0, 0.0, 10.0, 10.0), 0.0),
        ((-5.0, 0.0, 5.0, 10.0), 0.5),
        ((5.0, 15.0, 15.0, 25.0), 0.5),
        ((-5.0, -5.0, 5.0, 5.0), 0.75),
        ((30.0, 30.0, 40.0, 40.0), 1.0),
    ],
)
def test_the_share_outside_is_that_of_the_area(box: Box, share: float) -> None:
    assert outside(box, width=20, height=20) == pytest.approx(share)


def test_the_square_follows_landmarks_that_are_moved_and_scaled() -> None:
    box = np.array(square_from_landmarks(FACE, margin=5, lift=0.35))
    moved = np.array(square_from_landmarks(FACE * 3 + [10, -4], margin=5, lift=0.35))
    assert moved == pytest.approx(box * 3 + [10, -4, 10, -4])


def test_the_square_is_upright_and_its_side_ignores_rotation() -> None:
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    straight = square_from_landmarks(FACE, margin=5)
    tilted = square_from_landmarks(FACE @ turn.T, margin=5)
    assert tilted[2] - tilted[0] == pytest.approx(straight[2] - straight[0])
    assert tilted[3] - tilted[1] == pytest.approx(tilted[2] - tilted[0])


def test_lift_moves_the_square_up_and_keeps_its_side() -> None:
    low, high = (np.array(square_from_landmarks(FACE, 5, lift)) for lift in (0.0, 0.5))
    spread = (low[2] - low[0]) / 5
    assert low - high == pytest.approx([0, spread / 2, 0, spread / 2])


def test_landmarks_have_the_same_spread_in_every_crop() -> None:
    def spread(points: np.ndarray) -> float:
        return float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).mean()))

    for points in (FACE, FACE * 0.2 + 30, FACE[:, ::-1]):
        inside = into_crop(points, square_from_landmarks(points, margin=5), 64)
        assert spread(inside) == pytest.approx(64 / 5)


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    images: Any = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(images.astronaut()[:250, 100:350])


def check_order(found: Found) -> None:
    left_eye, right_eye, nose, left_mouth, right_mouth = found.points[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_mtcnn_finds_a_portrait_and_names_its_landmarks_in_order(portrait: Pixels) -> None:
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
    recipe = Mtcnn(enlarge=4, smallest=20).recipe
    assert recipe["detector"].startswith("mtcnn, facenet-pytorch ")
    assert (recipe["enlarge"], recipe["smallest"]) == (4, 20)
    assert {"thresholds", "factor"} <= set(recipe)
