import numpy as np
import pytest
from PIL import Image

from facesr.bench.detectors._base import Pixels
from facesr.datasets._crop import (
    Box,
    Placed,
    crop,
    cut,
    into_crop,
    outside,
    placed,
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


def noise() -> Pixels:
    return np.random.default_rng(7).integers(0, 256, (160, 200, 3), dtype=np.uint8)


def plain_crop(image: Pixels, box: Box, size: int) -> Pixels:
    """The same by repeating the border around the whole picture first."""
    reach = int(np.ceil(2 * max(1.0, (box[2] - box[0]) / size)))
    low = np.floor(box[:2]).astype(int) - reach
    high = np.ceil(box[2:]).astype(int) + reach
    rows = np.arange(low[1], high[1]).clip(0, image.shape[0] - 1)
    columns = np.arange(low[0], high[0]).clip(0, image.shape[1] - 1)
    inside = (box[0] - low[0], box[1] - low[1], box[2] - low[0], box[3] - low[1])
    whole = Image.fromarray(image[np.ix_(rows, columns)])
    return np.asarray(whole.resize((size, size), Image.Resampling.BICUBIC, box=inside))


@pytest.mark.parametrize("seed", range(8))
def test_random_crops_in_and_out_of_the_picture_equal_plain_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(25):
        height, width = rng.integers(5, 200, 2)
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        side = float(np.exp(rng.uniform(0, 5.5)))
        x, y = float(rng.uniform(-side, width)), float(rng.uniform(-side, height))
        box, size = (x, y, x + side, y + side), int(rng.integers(4, 100))
        assert (crop(image, box, size) == plain_crop(image, box, size)).all()


@pytest.mark.parametrize("side", [50.0, 75.5, 120.0])
def test_a_barely_turned_warp_is_nearly_the_crop(side: float) -> None:
    image, box = blob(90, 75, 200, 200, sigma=20), (30.25, 40.5, 30.25 + side, 40.5 + side)
    upright = cut(image, Placed(box), 64).astype(int)
    assert np.abs(cut(image, Placed(box, 1e-6), 64) - upright).max() <= 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("side", [64.0, 100.0])
def test_a_quarter_turn_turns_the_crop_exactly(quarters: int, side: float) -> None:
    box = (40.0, 30.0, 40 + side, 30 + side)
    expected = np.rot90(crop(noise(), box, 64), quarters)
    assert (cut(noise(), Placed(box, quarters * np.pi / 2), 64) == expected).all()


def test_a_turned_picture_of_fine_checkers_turns_grey() -> None:
    checkers = (np.indices((300, 300)).sum(0) % 2 * 255).astype(np.uint8)
    result = cut(np.repeat(checkers[..., None], 3, 2), Placed((50, 50, 250, 250), 0.5), 32)
    assert np.abs(result.astype(int) - 127).max() <= 3


@pytest.mark.parametrize("size", [24, 96])
def test_outside_the_picture_a_turned_crop_repeats_the_border(size: int) -> None:
    padded = np.pad(noise(), ((90, 90), (90, 90), (0, 0)), mode="edge")
    result = cut(noise(), Placed((-20.0, -25.0, 40.0, 35.0), 0.7), size)
    assert (result == cut(padded, Placed((70.0, 65.0, 130.0, 125.0), 0.7), size)).all()


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.8])
def test_corners_and_matrix_of_a_square_agree(angle: float) -> None:
    square = Placed((10.0, 20.0, 50.0, 60.0), angle)
    corners = np.array([[0, 0], [32, 0], [32, 32], [0, 32]])
    matrix = square.matrix(32)
    assert square.corners() @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(corners)
    again = placed(square.matrix(32), 32)
    assert again.box == pytest.approx(square.box)
    assert again.angle == pytest.approx(angle)
    assert again.side == pytest.approx(40)


@pytest.mark.parametrize(
    "square",
    [
        Placed((10.0, 10.0, 50.0, 50.0), 0.7),
        Placed((-10.0, 5.0, 30.0, 45.0), 0.3),
        Placed((60.0, 40.0, 120.0, 100.0), -1.2),
        Placed((-50.0, -50.0, 150.0, 150.0), 0.5),
        Placed((200.0, 0.0, 220.0, 20.0), 0.2),
    ],
)
def test_the_share_outside_is_the_share_of_points_outside(square: Placed) -> None:
    grid = (np.indices((400, 400)).reshape(2, -1).T + 0.5) / 400
    backward = np.linalg.inv(square.matrix(1)[:, :2])
    at = (grid - square.matrix(1)[:, 2]) @ backward.T
    share = 1 - ((at >= 0) & (at <= [90, 70])).all(1).mean()
    assert square.outside(90, 70) == pytest.approx(share, abs=0.004)


@pytest.mark.parametrize("angle", [0.3, 0.8, 2.2])
@pytest.mark.parametrize("side", [20.0, 45.5])
def test_the_edge_of_a_turned_crop_sees_what_lies_beyond(angle: float, side: float) -> None:
    x, y = 100.3, 80.6
    small, large = (
        Placed((x - s / 2, y - s / 2, x + s / 2, y + s / 2), angle) for s in (side, 2 * side)
    )
    inner = cut(noise(), large, 64)[16:48, 16:48].astype(int)
    assert np.abs(cut(noise(), small, 32) - inner).max() <= 1
