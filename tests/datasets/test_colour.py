import colorsys
import json

import numpy as np
import pytest
import torch
from torchvision.transforms import functional

from facesr.datasets._colour import adjust, draw_jitter, jitter, tint, turn_hue
from facesr.datasets._draw import Params

IMAGE = np.random.default_rng(0).random((12, 10, 3))


def test_colour_changes_follow_their_formulas() -> None:
    assert np.allclose(tint(IMAGE, (1.2, 1, 0.8)), IMAGE * (1.2, 1, 0.8))
    assert np.allclose(adjust(IMAGE), IMAGE)
    assert np.allclose(adjust(IMAGE, brightness=0.5), IMAGE / 2)
    grey = adjust(IMAGE, saturation=0)
    assert np.allclose(grey, (IMAGE @ (0.299, 0.587, 0.114))[..., None])
    assert np.allclose(adjust(IMAGE, contrast=0).std((0, 1)), 0)


@pytest.mark.parametrize("turn", [-0.4, -0.1, 0.0, 0.03, 1 / 3, 0.9])
def test_turning_hues_is_adding_in_the_hsv_model(turn: float) -> None:
    def slow(pixel: np.ndarray) -> tuple[float, float, float]:
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        return colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)

    assert np.allclose(turn_hue(IMAGE, turn), np.apply_along_axis(slow, 2, IMAGE), atol=1e-12)


def test_grey_has_no_hue_to_turn() -> None:
    grey = np.repeat(IMAGE[..., :1], 3, 2)
    assert np.array_equal(turn_hue(grey, 0.2), grey)
    assert np.allclose(turn_hue(np.array([[[1.0, 0.0, 0.0]]]), 1 / 3), [[[0, 1, 0]]])


@pytest.mark.parametrize(
    ("name", "amount"), [("brightness", 1.4), ("contrast", 0.6), ("saturation", 1.5), ("hue", -0.1)]
)
def test_each_change_is_that_of_torchvision(name: str, amount: float) -> None:
    theirs = getattr(functional, f"adjust_{name}")(torch.from_numpy(IMAGE).permute(2, 0, 1), amount)
    ours = jitter(IMAGE, {"shift": None, "grey": False, "changes": [[name, amount]]})
    assert np.allclose(ours, theirs.permute(1, 2, 0), atol=3e-4)  # its luma adds up to 0.9999


def test_changes_are_applied_in_order_and_clamped() -> None:
    one = [["brightness", 1.5], ["contrast", 0.5]]
    params = {"shift": [0.05, -0.05, 0.0], "grey": False, "changes": one}
    expected = np.clip(IMAGE + np.array([0.05, -0.05, 0.0]), 0, 1)
    expected = np.clip(adjust(np.clip(expected * 1.5, 0, 1), contrast=0.5), 0, 1)
    assert np.allclose(jitter(IMAGE, params), expected)
    other = jitter(IMAGE, params | {"changes": one[::-1]})
    assert not np.allclose(other, expected)
    nothing: Params = {"shift": None, "grey": False, "changes": []}
    assert np.array_equal(jitter(IMAGE, nothing), IMAGE)
    grey = jitter(IMAGE, nothing | {"grey": True})
    assert np.allclose(grey, grey[..., :1])


def test_jitter_is_drawn_with_the_probabilities_and_ranges_of_gfpgan() -> None:
    rng = np.random.default_rng(0)
    draws = [json.loads(json.dumps(draw_jitter(rng))) for _ in range(6000)]
    n = len(draws)
    for key, p in (("shift", 0.3), ("changes", 0.3), ("grey", 0.01)):
        share = np.mean([bool(draw[key]) for draw in draws])
        assert share == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5)
    shifts = np.array([draw["shift"] for draw in draws if draw["shift"]])
    assert -20 / 255 < shifts.min() < -0.077
    assert 0.077 < shifts.max() <= 20 / 255
    ranges = {
        "brightness": (0.5, 1.5),
        "contrast": (0.5, 1.5),
        "saturation": (0, 1.5),
        "hue": (-0.1, 0.1),
    }
    changed = [dict(draw["changes"]) for draw in draws if draw["changes"]]
    for name, (low, high) in ranges.items():
        amounts = np.array([changes[name] for changes in changed])
        edge = 0.01 * (high - low)
        assert low <= amounts.min() < low + edge
        assert high - edge < amounts.max() <= high
    first = [draw["changes"][0][0] for draw in draws if draw["changes"]]
    for name in ranges:
        assert first.count(name) / len(first) == pytest.approx(0.25, abs=0.05)
