from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.errors import BadData
from facesr.datasets._align import (
    ARCFACE,
    FFHQ,
    Frame,
    Kind,
    Template,
    ffhq_quad,
    five_from_68,
    five_from_194,
    five_from_aflw,
    into,
    similarity,
    square_from_box,
    warp,
)
from facesr.datasets._crop import Placed, crop, cut

HELEN = Path(__file__).parents[2].parent / "shared" / "data" / "helen"
RNG = np.random.default_rng(7)
NOISE = RNG.integers(0, 256, (160, 200, 3), dtype=np.uint8)


def turned(angle: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Points:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def pattern(x: Points, y: Points) -> Points:
    waves = np.sin(0.11 * x + 0.05 * y + 0.3), np.cos(0.06 * x - 0.09 * y), np.sin(0.08 * y)
    return 127.5 + 100 * np.stack(waves, -1)


def drawn(width: int, height: int) -> Pixels:
    y, x = np.mgrid[:height, :width] + 0.5
    return pattern(x, y).round().astype(np.uint8)


# similarity


@pytest.mark.parametrize("seed", range(20))
def test_a_similarity_that_moved_the_points_is_recovered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = turned(rng.uniform(-3, 3), np.exp(rng.uniform(-3, 3)), tuple(rng.normal(0, 300, 2)))
    points = rng.normal(0, 40, (5, 2)) + rng.normal(0, 500, 2)
    assert similarity(points, into(points, matrix)) == pytest.approx(matrix, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mirrored", [False, True])
def test_noisy_points_give_the_matrix_of_scikit_image(mirrored: bool) -> None:
    transform: Any = pytest.importorskip("skimage.transform")
    rng = np.random.default_rng(3)
    for _ in range(20):
        points = FFHQ.at(80) + rng.normal(0, 6, (5, 2))
        points[:, 0] *= -1 if mirrored else 1
        expected = transform.estimate_transform("similarity", points, ARCFACE.at(112)).params[:2]
        if mirrored:  # its own solution may flip less than it turns; ours must fit as well
            assert residual(similarity(points, ARCFACE.at(112)), points) <= 1e-9 + residual(
                expected, points
            )
        else:
            assert similarity(points, ARCFACE.at(112)) == pytest.approx(expected, abs=1e-8)


def residual(matrix: Points, points: Points) -> float:
    return float(np.linalg.norm(into(points, matrix) - ARCFACE.at(112)))


def test_a_mirrored_face_is_not_reflected() -> None:
    matrix = similarity(FFHQ.at(64) * [-1, 1], FFHQ.at(64))
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize(
    "points",
    [np.full((5, 2), 123.4), np.full((5, 2), np.nan), np.array([[1.0, np.inf]] * 5)],
)
def test_points_that_fix_nothing_are_refused(points: Points) -> None:
    with pytest.raises(BadData, match=r"fix no position|not all finite"):
        similarity(points, ARCFACE.at(112))


@pytest.mark.parametrize("template", [ARCFACE, FFHQ])
def test_a_template_scales_with_the_crop(template: Template) -> None:
    assert template.at(template.side) == pytest.approx(np.array(template.points))
    assert template.at(64) * 2 == pytest.approx(template.at(128))
    left_eye, right_eye, nose, left_mouth, right_mouth = template.at(1)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1] < 1


# resampling


@pytest.mark.parametrize("angle", [0.3, -1.1, 2.6])
@pytest.mark.parametrize("scale", [0.35, 0.8, 1.0, 2.5])
def test_a_smooth_pattern_is_warped_as_its_formula_says(angle: float, scale: float) -> None:
    image, size = drawn(400, 380), 60
    middle = np.array([203.3, 188.6])
    linear = turned(angle, scale)[:, :2]
    matrix = np.column_stack([linear, size / 2 - linear @ middle])
    v, u = np.mgrid[:size, :size] + 0.5
    at = np.linalg.solve(linear, np.stack([u, v]).reshape(2, -1) - matrix[:, 2:])
    expected = pattern(*at).reshape(size, size, 3)
    error = warp(image, matrix, size).astype(float) - expected
    # of 255: the filter dims the fastest wave, 0.12 per pixel, and 8 bit are rounded to twice
    assert np.abs(error).max() < 2.0
    assert abs(error.mean()) < 0.1


@pytest.mark.parametrize("size", [16, 37, 64, 128])
def test_without_a_turn_a_warp_is_the_crop_to_the_byte(size: int) -> None:
    for box in [(30.5, 20.25, 110.5, 100.25), (-20.0, -10.0, 90.0, 100.0)]:
        upright = crop(NOISE, box, size)
        assert (warp(NOISE, Placed(box).matrix(size), size) == upright).all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1.0, 0.2, 0.0], [0.0, 1.0, 0.0]]),
        np.array([[-1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]),
        np.zeros((2, 3)),
        np.full((2, 3), np.nan),
    ],
)
def test_a_matrix_that_is_no_similarity_is_refused(matrix: Points) -> None:
    with pytest.raises(BadData, match="no similarity"):
        warp(NOISE, matrix, 16)


@pytest.mark.parametrize("template", [ARCFACE, FFHQ])
@pytest.mark.parametrize(("angle", "scale"), [(0.4, 3.0), (-0.9, 1.0), (2.0, 0.6)])
def test_dots_on_a_turned_face_land_on_the_template(
    template: Template, angle: float, scale: float
) -> None:
    size = 96
    # the template at 96 px, laid into a photograph `scale` times as large
    points = into(template.at(size) - size / 2, turned(angle, scale, (200, 190)))
    for number, (x, y) in enumerate(points):
        rows, columns = np.mgrid[:380, :400] + 0.5
        dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (2.5 * scale) ** 2))
        image = np.repeat(dot.round().astype(np.uint8)[..., None], 3, 2)
        frame = Frame("arcface" if template is ARCFACE else "ffhq")
        result = frame_cut(frame, image, points, size)[..., 0].astype(float)
        v, u = np.mgrid[:size, :size] + 0.5
        landed = np.array([(u * result).sum(), (v * result).sum()]) / result.sum()
        assert landed == pytest.approx(template.at(size)[number], abs=0.05)


def frame_cut(frame: Frame, image: Pixels, points: Points, size: int) -> Pixels:
    return cut(image, frame.place(image.shape[1], image.shape[0], points=points), size)


# landmarks


def face_68(down: float = 60.0) -> Points:
    points = np.random.default_rng(1).normal(0, 5, (68, 2)) + 100
    points[36:42] = np.array([70, 100]) + np.random.default_rng(2).normal(0, 3, (6, 2))
    points[42:48] = np.array([130, 100]) + np.random.default_rng(3).normal(0, 3, (6, 2))
    points[30], points[48], points[54] = (100, 130), (80, 100 + down), (120, 100 + down)
    return points


@pytest.mark.parametrize("down", [40.0, 90.0])  # eyes decide the side, or the mouth does
@pytest.mark.parametrize("angle", [0.0, 0.6])
def test_the_crop_of_ffhq_is_the_oriented_rectangle_of_its_paper(down: float, angle: float) -> None:
    points = into(face_68(down), turned(angle, 1.7, (30, -20)))
    eye_left, eye_right = points[36:42].mean(0), points[42:48].mean(0)
    eyes, mouth = (eye_left + eye_right) / 2, (points[48] + points[54]) / 2
    to_eye, to_mouth = eye_right - eye_left, mouth - eyes
    x = to_eye - np.array([-to_mouth[1], to_mouth[0]])
    x *= max(2 * np.hypot(*to_eye), 1.8 * np.hypot(*to_mouth)) / np.hypot(*x)
    y = np.array([-x[1], x[0]])
    c = eyes + 0.1 * to_mouth
    corners = np.stack([c - x - y, c + x - y, c + x + y, c - x + y])
    moved = into(corners, ffhq_quad(points, 64))
    assert moved == pytest.approx(np.array([[0, 0], [64, 0], [64, 64], [0, 64]]), abs=1e-9)


def test_real_faces_cropped_as_ffhq_have_its_template_on_average() -> None:
    files = sorted(HELEN.rglob("*.pts"))
    if not files:
        pytest.skip("Helen is not below ../shared/data")
    crops = []
    for file in files:
        lines = file.read_text().split("{")[1].split("}")[0].split()
        points = np.array(lines, np.float64).reshape(-1, 2)
        crops.append(into(five_from_68(points), ffhq_quad(points, 1)))
    assert np.mean(crops, 0) == pytest.approx(FFHQ.at(1), abs=0.01)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 1.3, 3.0])
def test_five_points_of_helen_do_not_depend_on_its_sides(mirrored: bool, angle: float) -> None:
    points = np.zeros((194, 2))
    around = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.stack([np.cos(around), np.sin(around)], 1)
    eyes = [ring * [12, 5] + [140, 100], ring * [12, 5] + [60, 100]]
    points[114:134], points[134:154] = reversed(eyes) if mirrored else eyes
    points[45:54] = np.array([100, 140]) + ring[:9] - ring[:9].mean(0)
    lips = np.stack([np.cos(np.linspace(0, 7, 56)) * 30 + 100, np.full(56, 180.0)], 1)
    lips[[0, 28]] = [[70, 180], [130, 180]]
    points[58:114] = lips[::-1] if mirrored else lips
    matrix = turned(angle, 0.8, (11, 5))
    expected = np.array([[60, 100], [140, 100], [100, 140], [70, 180], [130, 180]])
    assert five_from_194(into(points, matrix)) == pytest.approx(into(expected, matrix), abs=1e-9)


def test_five_points_of_aflw_need_all_five() -> None:
    points = {
        8: (60, 100),
        11: (140, 100),
        15: (100, 140),
        18: (75, 180),
        20: (125, 180),
        13: (1, 1),
    }
    five = five_from_aflw(points)
    assert five is not None
    assert five.tolist() == [[60, 100], [140, 100], [100, 140], [75, 180], [125, 180]]
    swapped = {**points, 8: points[11], 11: points[8]}
    again = five_from_aflw(swapped)
    assert again is not None
    assert again.tolist() == five.tolist()
    assert five_from_aflw({k: v for k, v in points.items() if k != 15}) is None


@pytest.mark.parametrize("reduce", [five_from_68, five_from_194, lambda p: ffhq_quad(p, 64)])
def test_landmarks_of_another_number_or_not_finite_are_refused(
    reduce: Callable[[Points], Points],
) -> None:
    with pytest.raises(BadData, match=r"came"):
        reduce(np.zeros((21, 2)))
    for count in (68, 194):
        with pytest.raises(BadData, match=r"came|not finite"):
            reduce(np.full((count, 2), np.nan))


# frames


def test_the_house_square_is_upright_and_a_template_turns_with_the_face() -> None:
    points = into(FFHQ.at(64), turned(0.5, 1.0, (60, 40)))
    assert Frame().place(200, 160, points=points).angle == 0
    for kind in ("ffhq", "arcface"):
        square = Frame(kind).place(200, 160, points=points)
        assert square.angle == pytest.approx(0.5, abs=0.03)
    ffhq = Frame("ffhq").place(200, 160, points=points)
    assert ffhq.side == pytest.approx(64)


def test_boxes_become_squares_and_whole_pictures_their_middle() -> None:
    assert Frame("box", 0.1).place(200, 160, (10.0, 10.0, 20.0, 30.0)).box == (3, 8, 27, 32)
    assert Frame("box").place(200, 160, (10.0, 10.0, 20.0, 30.0)).side == 20
    assert Frame("whole").place(200, 160).box == (20, 0, 180, 160)
    assert square_from_box((0.0, 0.0, 4.0, 2.0), 0.0) == (0, -1, 4, 3)


def test_points_of_68_place_every_frame_by_landmarks() -> None:
    points = face_68()
    five = five_from_68(points)
    for kind in ("square", "ffhq", "arcface"):
        assert Frame(kind).place(99, 99, points=points) == Frame(kind).place(99, 99, points=five)
    assert Frame("ffhq68").place(99, 99, points=points).side == pytest.approx(
        2 * max(2 * np.hypot(*(five[1] - five[0])), 1.8 * 60), rel=0.1
    )


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_frame_says_what_it_lacks(kind: Kind) -> None:
    if kind == "whole":
        assert Frame(kind).place(10, 10).side == 10
        return
    with pytest.raises(BadData, match="without"):
        Frame(kind).place(10, 10)
    with pytest.raises(BadData, match=r"coincide|fix no|no area"):
        Frame(kind).place(10, 10, (5.0, 5.0, 5.0, 9.0), np.full((68, 2), 5.1))


def test_the_recipe_names_what_decides_and_nothing_else() -> None:
    assert Frame().recipe == {"frame": "square", "margin": 5.0, "lift": 0.35}
    assert Frame("box", 0.2).recipe == {"frame": "box", "margin": 0.2}
    assert Frame("whole").recipe == {"frame": "whole"}
    assert Frame("ffhq").recipe != Frame("arcface").recipe
    assert Frame("ffhq", margin=3).recipe == Frame("ffhq").recipe
