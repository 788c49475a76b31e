from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.testing import check_method
from facesr.methods.selfsr import DEGRADER_FILE, SelfSR

MakeSplit = Callable[..., Split]
TINY: dict[str, Any] = {"width": 0.01, "batch": 4, "steps": 4, "degradation_steps": 1}


def build(seed: int = 0, **settings: Any) -> SelfSR:
    torch.manual_seed(seed)
    return SelfSR(seed=seed, **(TINY | settings))


def trained(data: Split, out: Path, **settings: Any) -> SelfSR:
    method = build(**settings)
    method.train(data, out)
    method.net.eval()
    return method


def not_zero(net: nn.Module) -> None:
    for p in net.parameters():
        nn.init.normal_(p, std=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"degradation": "cyclegan", "identity_loss": False},
        {"degradation": "none", "conditioning": "concat"},
        {"training": "paired", "progressive": False},
        {"training": "unpaired", "r1": False},
    ],
)
def test_it_keeps_the_contract_of_methods(settings: dict[str, Any]) -> None:
    assert len(check_method(SelfSR, {"width": 0.01, "batch": 4} | settings)) > 5


def test_it_is_listed_with_its_settings_without_importing_it() -> None:
    listing = catalog.describe("methods", "selfsr")
    assert listing.title == "SelfSR"
    assert listing.settings["lambda_rec"] == 150
    assert listing.settings["steps"] is None
    assert set(listing.budgets) == {"paper", "short", "smoke"}
    assert listing.trainable


def test_defaults_are_the_papers() -> None:
    method = SelfSR(width=0.01)
    weights = method.lambda_idt, method.lambda_s, method.lambda_rec, method.lambda_r1
    assert weights == (10, 1, 150, 3)
    assert (method.degradation_steps, method.degradation_rate) == (180_000, 2e-4)
    assert (method.learning_rate, method.d_learning_rate, method.batch) == (0.003, 0.003, 48)
    assert (method.augment, method.ema) == ("flip", 0)
    assert SelfSR.budgets["paper"] == {}


@pytest.mark.parametrize(
    ("settings", "steps", "parts"),
    [
        ({}, 160_000, [60_000, 100_000]),
        ({"scale": 8, "training": "paired"}, 160_000, [20_000, 60_000, 80_000]),
        ({"scale": 8, "training": "unpaired"}, 280_000, [40_000, 80_000, 160_000]),
        ({"scale": 8}, 160_000, [20_000, 60_000, 80_000]),
        ({"training": "unpaired"}, 280_000, [105_000, 175_000]),
        ({"scale": 16}, 160_000, [40_000] * 4),
        ({"scale": 2}, 160_000, [160_000]),
        ({"progressive": False}, 160_000, [160_000]),
    ],
)
def test_it_grows_at_the_papers_steps(
    settings: dict[str, Any], steps: int, parts: list[int]
) -> None:
    growth = SelfSR(width=0.01, **settings).growth()
    assert growth.steps == steps
    assert list(growth.parts()) == parts


def test_degradation_is_drawn_along_a_disturbed_flow(data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path / "out")
    hr = data.hr.pixels().float() / 255
    plain, disturbed = method.degrade(hr), method.degrade(hr, disturbed=1.0)
    assert plain.shape == (7, 3, 16, 16)
    assert 0 <= plain.min() <= plain.max() <= 1
    assert torch.equal(plain, method.degrade(hr, seed=1))
    assert torch.equal(disturbed, method.degrade(hr, disturbed=1.0))
    assert not torch.equal(disturbed, method.degrade(hr, disturbed=1.0, seed=1))
    assert 1e-3 < (disturbed - plain).abs().mean() < 0.2


def test_the_degradation_network_can_be_read_back(data: Split, tmp_path: Path) -> None:
    for degradation in ("flow", "cyclegan"):
        out = tmp_path / degradation
        wide = {"degradation": degradation, "degradation_width": 0.1}
        method, again = trained(data, out, **wide), build(degradation_width=0.1)
        again.load_degrader(out / DEGRADER_FILE)
        hr = torch.rand(2, 3, 64, 64)
        assert torch.equal(again.degrade(hr), method.degrade(hr))


def test_without_a_degradation_network_or_a_flow_the_message_says_so(tmp_path: Path) -> None:
    method, hr = build(), torch.rand(2, 3, 64, 64)
    with pytest.raises(BenchError, match="no degradation network yet; train it with"):
        method.degrade(hr)
    save_file(build().net.state_dict(), tmp_path / "net.safetensors")
    with pytest.raises(BenchError, match="does not fit the degradation network of selfsr of"):
        method.load_degrader(tmp_path / "net.safetensors")
    other = build(degradation="cyclegan")
    other._networks(16)
    with pytest.raises(BenchError, match="predicts no flow to disturb"):
        other.degrade(hr, disturbed=1.0)


def test_condition_maps_come_level_by_level() -> None:
    method, lr = build(), torch.rand(2, 3, 16, 16)
    not_zero(method.net)
    maps = method.condition_maps(lr)
    assert [m.shape for m in maps[::4]] == [(2, 8, 16, 16), (2, 8, 32, 32), (2, 8, 64, 64)]
    assert not maps[0].requires_grad
    assert not torch.equal(maps[0], method.condition_maps(1 - lr)[0])
    with pytest.raises(BenchError, match=r"'concat' has no condition maps; set"):
        build(conditioning="concat").condition_maps(lr)


@pytest.mark.parametrize("conditioning", ["self", "concat"])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_neighbours_in_a_batch_do_not_matter(conditioning: str, scale: int) -> None:
    method = build(conditioning=conditioning, scale=scale)
    lr = torch.rand(5, 3, 16, 16)
    with torch.no_grad():
        together, alone = method.upscale(lr), method.upscale(lr[2:3])
    assert together.shape == (5, 3, 16 * scale, 16 * scale)
    assert torch.allclose(together[2:3], alone, atol=1e-5)
    assert 0 <= together.min() <= together.max() <= 1


def test_weights_of_another_network_are_refused_with_both_named(tmp_path: Path) -> None:
    save_file(build(width=0.05).net.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=r"not fit selfsr x4 with conditioning 'self' and width"):
        build().load(tmp_path / "w.safetensors")
    method = build(width=0.05)
    method.load(tmp_path / "w.safetensors")
    kept = load_file(tmp_path / "w.safetensors")["first.weight"]
    assert torch.equal(method.net.state_dict()["first.weight"], kept)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 6}, "doubles the side again and again, a factor of 6 .* 2, 4, 8, 16, 32"),
        ({"scale": 1}, "a factor of 1 was asked for"),
        ({"scale": 0}, "a factor of 0 was asked for"),
        ({"scale": -4}, "a factor of -4 was asked for"),
        ({"scale": 64}, "a factor of 64 was asked for"),
        ({"training": "wild"}, "no training 'wild'; known: realworld, paired, unpaired"),
        ({"degradation": "blur"}, "no degradation 'blur'; known: flow, cyclegan, none"),
        ({"conditioning": "both"}, "no conditioning 'both'; known: self, concat"),
        ({"augment": "some"}, "no augment 'some'; known: full, flip, none"),
        ({"width": 0}, r"selfsr\.width is 0, expected a positive number"),
        ({"degradation_width": 0}, r"selfsr\.degradation_width is 0, expected a positive number"),
        ({"lambda_r1": 0}, r"selfsr\.lambda_r1 is 0, expected a positive"),
        ({"steps": -1}, r"selfsr\.steps is -1, expected no negative"),
        ({"ema": 1.0}, r"selfsr\.ema is 1\.0, expected a number from 0"),
        ({"fade_in": 0.7}, r"fades in over 0\.7 of the training"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((BenchError, BadName), match=message):
        SelfSR(**settings)


@pytest.mark.parametrize(("lr_size", "hr_size"), [(16, 16), (16, 128), (4, 16), (18, 72)])
def test_faces_of_sizes_that_do_not_fit_are_refused(
    make_split: MakeSplit, tmp_path: Path, lr_size: int, hr_size: int
) -> None:
    data = make_split(lr_size=lr_size, hr_size=hr_size)
    with pytest.raises(BadData, match=f"faces of {lr_size} and {hr_size} px, expected 4 times"):
        build().train(data, tmp_path)


def test_degradation_of_small_faces_of_another_size_than_a_power_of_two_is_refused(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    data = make_split(lr_size=12, hr_size=48)
    with pytest.raises(BenchError, match="images of 12 px"):
        build().train(data, tmp_path / "realworld")
    trained(data, tmp_path / "none", degradation="none")


@pytest.mark.parametrize("training", ["realworld", "paired", "unpaired"])
def test_a_split_without_faces_is_refused(data: Split, tmp_path: Path, training: str) -> None:
    empty = replace(data, lr=data.lr.take([]))
    with pytest.raises(BadData, match="no low-resolution faces"):
        build(training=training).train(empty, tmp_path)
