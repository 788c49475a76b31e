from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.testing import check_method
from facesr.methods.scgan import SCGAN

MakeSplit = Callable[..., Split]
Build = Callable[..., SCGAN]


@pytest.fixture
def build() -> Build:
    """Build a tiny SCGAN."""

    def build(seed: int = 0, **settings: Any) -> SCGAN:
        torch.manual_seed(seed)
        tiny: dict[str, Any] = {"width": 0.01, "d_width": 0.01, "batch": 4, "steps": 1}
        return SCGAN(seed=seed, **(tiny | settings))

    return build


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cycle": "released", "sharing": "SM"},
        {"architecture": "wo_dsl", "adversarial": "H1"},
        {"architecture": "wo_dhl", "losses": "wo_cl"},
        {"architecture": "fully_cycled", "losses": "wo_al"},
    ],
    ids=str,
)
def test_it_keeps_the_contract_of_methods(settings: dict[str, Any]) -> None:
    assert len(check_method(SCGAN, settings | {"width": 0.01, "d_width": 0.01})) > 5


def test_it_is_listed_with_its_settings_without_importing_it() -> None:
    listing = catalog.describe("methods", "scgan")
    assert listing.title == "SCGAN"
    assert listing.settings["adversarial"] == "L1+L2+H1+H2"
    assert set(listing.budgets) == {"paper", "short", "smoke"}
    assert listing.trainable


def test_defaults_are_the_papers() -> None:
    method = SCGAN()
    assert (method.alpha, method.beta, method.theta, method.gamma) == (1, 0.05, 1, 0.05)
    assert (method.learning_rate, method.d_learning_rate, method.final_rate) == (1e-4, 1e-4, 0.1)
    assert method.steps * method.batch == 200 * 20_000
    assert (method.swings, method.ema, method.augment) == (1, 0, "none")
    assert SCGAN.budgets["paper"] == {}
    assert sum(p.numel() for p in method.net.parameters()) == 15_476_323


def test_noise_decides_how_a_face_is_degraded(build: Build, data: Split, tmp_path: Path) -> None:
    method = build(learning_rate=1e-3, steps=5)
    method.train(data, tmp_path)
    hr = data.hr.pixels().float() / 255
    one, two = torch.randn(7, 64), torch.randn(7, 64)
    degraded = method.degrade(hr, one)
    assert degraded.shape == (7, 3, 16, 16)
    assert degraded.min() >= 0
    assert degraded.max() <= 1
    assert torch.equal(degraded, method.degrade(hr, one))
    assert (degraded - method.degrade(hr, two)).abs().mean() > 1e-5


def test_the_degrader_can_be_read_back(build: Build, data: Split, tmp_path: Path) -> None:
    method, again = build(), build(seed=3)
    method.train(data, tmp_path)
    with pytest.raises(BenchError, match="no forward degrader yet"):
        again.degrade(torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))
    again.load_degrader(tmp_path / "degrader.safetensors")
    hr, noise = torch.rand(2, 3, 64, 64), torch.randn(2, 64)
    assert torch.equal(again.degrade(hr, noise), method.degrade(hr, noise))


def test_weights_of_another_degrader_are_refused(build: Build, data: Split, tmp_path: Path) -> None:
    method = build()
    method.train(data, tmp_path)
    with pytest.raises(BenchError, match=r"does not fit scgan of width 0\.01 with 32 numbers"):
        build(noise=32).load_degrader(tmp_path / "degrader.safetensors")
    save_file(method.net.state_dict(), tmp_path / "restorer.safetensors")
    with pytest.raises(BenchError, match="does not fit scgan"):
        build().load_degrader(tmp_path / "restorer.safetensors")


def test_without_the_forward_half_there_is_no_degrader(
    build: Build, data: Split, tmp_path: Path
) -> None:
    method = build(architecture="wo_dhl")
    method.train(data, tmp_path)
    assert not (tmp_path / "degrader.safetensors").exists()
    with pytest.raises(BenchError, match="another architecture than 'wo_dhl'"):
        method.degrade(torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))


def test_images_reach_the_network_from_minus_one_to_one(build: Build) -> None:
    method = build()
    seen: list[Tensor] = []

    class Echo(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x

    method.net = Echo()
    lr = torch.rand(1, 3, 4, 4)
    assert torch.allclose(method.upscale(lr), lr, atol=1e-6)
    assert torch.equal(seen[0], lr * 2 - 1)


def test_weights_of_another_width_are_refused(build: Build, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(build(width=0.1).net.state_dict(), path)
    with pytest.raises(BenchError, match=r"does not fit scgan of width 0\.01"):
        build().load(path)
    method = build(width=0.1, seed=5)
    method.load(path)
    assert torch.equal(method.net.state_dict()["first.weight"], load_file(path)["first.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 8}, "scgan enlarges by 4 only, 8 was asked for"),
        ({"cycle": "full"}, "no cycle 'full'; known: paper, released"),
        ({"architecture": "fc"}, "known: semi_cycled, wo_dsl, wo_dhl, fully_cycled"),
        ({"sharing": "SX"}, "no sharing 'SX'; known: none, SA, SE, SD, SM"),
        ({"losses": "wo_xl"}, "no losses 'wo_xl'; known: all, wo_al, wo_pl, wo_cl"),
        ({"adversarial": "L1,H1"}, r"is 'L1,H1', expected some of L1, L2, H1, H2 joined by \+"),
        ({"sharing": "SA", "architecture": "wo_dsl"}, "only architecture 'semi_cycled' has two"),
        ({"d_width": 0}, r"scgan\.d_width is 0, expected a positive number"),
        ({"swings": 0}, r"scgan\.swings is 0, expected a positive"),
        ({"gamma": -1}, r"scgan\.gamma is -1, expected no negative"),
        ({"final_rate": 1.0}, r"scgan\.final_rate is 1\.0, expected a number from 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((BenchError, BadName), match=message):
        SCGAN(**settings)


def test_a_variant_without_any_loss_for_the_restorer_is_refused() -> None:
    nothing: dict[str, Any] = {"architecture": "wo_dsl", "losses": "wo_cl", "adversarial": "L1"}
    with pytest.raises(BenchError, match="no loss of scgan reaches the restorer"):
        SCGAN(**nothing)
    second: dict[str, Any] = {"architecture": "wo_dhl", "losses": "wo_pl", "adversarial": "L2"}
    SCGAN(cycle="paper", width=0.01, **second)
    with pytest.raises(BenchError, match="with cycle=released, architecture=wo_dhl"):
        SCGAN(cycle="released", width=0.01, **second)


def test_faces_of_sizes_that_do_not_belong_together_are_refused(
    build: Build, make_split: MakeSplit, tmp_path: Path
) -> None:
    data = make_split()
    with pytest.raises(BadData, match="scgan was given faces of 16 and 16 px, expected 4 times"):
        build().train(replace(data, hr=data.lr), tmp_path)


def test_one_face_of_each_kind_and_a_larger_batch_are_enough(
    build: Build, make_split: MakeSplit, tmp_path: Path
) -> None:
    method = build(batch=3)
    method.train(make_split(1, 1), tmp_path)
    with torch.no_grad():
        assert method.net.eval()(torch.zeros(1, 3, 16, 16)).isfinite().all()


def test_grey_pictures_are_trained_on_like_coloured_ones(
    build: Build, make_split: MakeSplit, tmp_path: Path
) -> None:
    data = make_split(3, 3)
    for faces in (data.lr, data.hr):
        for name in faces.names:
            with Image.open(faces.root / name) as image:
                grey = image.convert("L")
            grey.save(faces.root / name)
    build().train(data, tmp_path / "out")
    assert (tmp_path / "out" / "degrader.safetensors").is_file()


def test_a_loss_that_is_not_finite_ends_the_training_with_a_sentence(
    build: Build, data: Split, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match="of training scgan; lower the learning rate"):
        build(learning_rate=1e30, steps=4).train(data, tmp_path)
