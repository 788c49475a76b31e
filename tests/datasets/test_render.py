from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from facesr.datasets import _render
from facesr.datasets._render import RENDER_VERSION, draw, five, render
from facesr.datasets._render_traits import person, shot


def test_the_same_numbers_give_the_same_bytes_in_any_order() -> None:
    first = [render(0, i, 1, 32) for i in (3, 9)]
    again = [render(0, i, 1, 32) for i in (9, 3)][::-1]
    for a, b in zip(first, again, strict=True):
        assert a.pixels.tobytes() == b.pixels.tobytes()
        assert np.array_equal(a.landmarks, b.landmarks)


def test_other_pixels_need_another_version() -> None:
    drawn = b"".join(render(0, who, who % 4, 64).pixels.tobytes() for who in range(6))
    assert (RENDER_VERSION, sha256(drawn).hexdigest()[:16]) == (1, "cace73282f4df3f9")


@pytest.mark.parametrize("other", [(1, 3, 1), (0, 4, 1), (0, 3, 2)])
def test_seed_identity_and_shot_each_change_the_picture(other: tuple[int, int, int]) -> None:
    assert not np.array_equal(render(0, 3, 1, 32).pixels, render(*other, 32).pixels)


@pytest.mark.parametrize("size", [16, 45, 64, 200, 256])
def test_every_size_shows_the_same_face(size: int) -> None:
    drawn, reference = render(0, 5, 0, size), render(0, 5, 0, 128)
    assert drawn.pixels.shape == (size, size, 3)
    assert drawn.pixels.dtype == np.uint8
    assert np.allclose(drawn.landmarks / size, reference.landmarks / 128, atol=1e-3)
    small = [
        np.asarray(Image.fromarray(d.pixels).resize((16, 16), Image.Resampling.BOX), float)
        for d in (drawn, reference)
    ]
    assert np.abs(small[0] - small[1]).mean() < 4


def test_traits_belong_to_the_person_and_conditions_to_the_shot() -> None:
    assert person(0, 7).nose_width == person(0, 7).nose_width != person(0, 8).nose_width
    assert shot(0, 7, 0).yaw == shot(0, 7, 0).yaw != shot(0, 7, 1).yaw


def test_people_differ_in_every_visible_trait() -> None:
    people = [person(0, i) for i in range(200)]
    assert len({p.hair_style for p in people}) >= 7
    for trait in ("glasses", "beard", "freckles"):
        share = np.mean([getattr(p, trait) > 0 for p in people])
        assert 0.02 < share < 0.5, trait
    brightness = np.array([p.skin.mean() for p in people])
    assert brightness.max() > 10 * brightness.min()


@pytest.fixture(scope="module")
def many() -> list[_render.Rendered]:
    return [render(0, i, 0, 64) for i in range(100)]


def test_landmarks_lie_where_a_face_has_them(many: list[_render.Rendered]) -> None:
    for drawn in many:
        points = drawn.landmarks
        assert points.shape == (68, 2)
        assert ((points[17:] > 0) & (points[17:] < 64)).all()
        assert ((points[:17] > -8) & (points[:17] < 72)).all()
        left, right, tip, *corners = five(points)
        middle = (corners[0] + corners[1]) / 2
        axis = middle - (left + right) / 2
        assert right[0] > left[0] + 10
        assert 0.25 < (tip - left) @ axis / (axis @ axis) < 0.9
        assert points[8, 1] > middle[1]
        assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]
        assert points[0, 0] < points[8, 0] < points[16, 0]


def test_five_points_come_from_the_sixty_eight() -> None:
    points = np.arange(136.0).reshape(68, 2)
    expected = [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]]
    assert np.array_equal(five(points), expected)
    assert np.array_equal(five(np.stack([points, points]))[1], expected)


def test_eyes_are_painted_where_the_landmarks_say() -> None:
    for i in range(12):
        how = replace(shot(0, i, 0), eye_close=0.0, smile=0.0, bare=True)
        who = replace(person(0, i), iris=np.array([0.0, 1.0, 0.0]), eye_open=0.11)
        green = draw(who, how, 128)
        red = draw(replace(who, iris=np.array([1.0, 0.0, 0.0])), how, 128)
        moved = np.abs(green.pixels.astype(float) - red.pixels).sum(-1)
        for eye in five(green.landmarks)[:2]:
            rows, columns = np.mgrid[:128, :128] + 0.5
            near = np.hypot(columns - eye[0], rows - eye[1]) < 14
            weight = moved * near
            centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
            assert np.hypot(*(centre - eye)) < 4.5


def test_a_turn_of_the_head_moves_the_nose_against_the_eyes() -> None:
    who, how = person(0, 2), replace(shot(0, 2, 0), pitch=0.0, roll=0.0)
    offsets = []
    for yaw in (-0.4, 0.0, 0.4):
        left, right, tip, *_ = five(draw(who, replace(how, yaw=yaw), 64).landmarks)
        offsets.append(tip[0] - (left[0] + right[0]) / 2)
    assert offsets[0] < -2 < offsets[1] < 2 < offsets[2]


def test_light_from_one_side_brightens_that_side() -> None:
    who = replace(person(0, 2), hair_style="bald", glasses=0.0)
    how = replace(shot(0, 2, 0), yaw=0.0, pitch=0.0, roll=0.0)
    for side in (-1, 1):
        light = np.array([0.8 * side, -0.2, 0.5])
        pixels = draw(who, replace(how, light=light / np.linalg.norm(light)), 64).pixels
        cheeks = pixels[28:44].mean((0, 2))
        assert side * (cheeks[40:50].mean() - cheeks[14:24].mean()) > 15


def test_a_face_detector_finds_the_faces(many: list[_render.Rendered]) -> None:
    dlib = pytest.importorskip("dlib")
    detector = dlib.get_frontal_face_detector()
    found = 0
    for drawn in many:
        image = Image.fromarray(drawn.pixels).resize((128, 128), Image.Resampling.BICUBIC)
        found += len(detector(np.array(image), 1)) > 0
    assert found >= 90


def test_two_shots_of_a_person_are_closer_than_two_people() -> None:
    feature = pytest.importorskip("skimage.feature")

    def embed(pixels: np.ndarray) -> np.ndarray:
        grey = np.array(Image.fromarray(pixels).convert("L"))
        cells = []
        for radius in (1, 2):
            codes = feature.local_binary_pattern(grey, 8, radius, "uniform").astype(int)
            blocks = codes.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
            cells += [np.bincount(block, minlength=10) for block in blocks]
        vector = np.sqrt(np.concatenate(cells))
        return vector / np.linalg.norm(vector)

    people = 60
    vectors = np.stack([embed(render(0, i, s, 64).pixels) for i in range(people) for s in (0, 1)])
    alike = vectors @ vectors.T
    owner = np.arange(2 * people) // 2
    same = alike[(owner[:, None] == owner) & ~np.eye(2 * people, dtype=bool)]
    other = alike[owner[:, None] != owner]
    area = np.mean(same[:, None] > other)
    assert area > 0.7
