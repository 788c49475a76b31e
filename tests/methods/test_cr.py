from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.testing import check_method
from facesr.methods.cr import CR, VARIANTS

MakeSplit = Callable[..., Split]
WHO = ("zoe", "amy", "zoe", "bob", "amy", "zoe", "amy")
TINY: dict[str, Any] = {
    "width": 0.125,
    "batch": 4,
    "learning_rate": 1e-3,
    "steps": 2,
    "cr_steps": 2,
    "embedder_steps": 2,
    "joint_steps": 2,
}


def tiny(**settings: Any) -> CR:
    torch.manual_seed(0)
    return CR(**(TINY | settings))


def disturbed(method: CR) -> CR:
    """Give a regulariser that changes faces."""
    for part in method.net.parameters():
        part.data += 0.02 * torch.randn_like(part)
    method.net.eval()
    return method


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_keeps_the_contract_of_methods(variant: str) -> None:
    assert len(check_method(CR, {"variant": variant})) > 5


def test_it_is_listed_with_its_settings_without_importing_it() -> None:
    listing = catalog.describe("methods", "cr")
    assert listing.title == "CR"
    assert set(listing.budgets) == {"paper", "short", "smoke"}
    assert listing.trainable


def test_defaults_are_the_papers() -> None:
    method = CR()
    assert (method.lambda_gan, method.lambda_cr) == (0.2, 0.06)
    assert (method.lambda_cr_sr, method.lambda_cr_gan) == (0.01, 0.03)
    rates = (method.learning_rate, method.cr_learning_rate, method.d_learning_rate)
    assert rates == (1e-4, 1e-4, 1e-4)
    epoch = 202_599 / 16
    assert method.batch == 16
    assert method.steps == round(100 * epoch)
    assert method.cr_steps == round(130 * epoch)
    assert method.joint_steps == round(10 * epoch)
    assert (method.ema, method.augment) == (0, "none")
    assert CR.budgets["paper"] == {}


def test_genuine_faces_are_regulated_and_artificial_ones_bypass_it() -> None:
    lr = torch.rand(3, 3, 16, 16)
    genuine, artificial = (disturbed(tiny(inputs=kind)) for kind in ("genuine", "artificial"))
    artificial.net.load_state_dict(genuine.net.state_dict())
    with torch.no_grad():
        regulated = genuine.cascade.regulariser(lr * 2 - 1)
        assert torch.equal(genuine.upscale(lr), (genuine.cascade.restorer(regulated) + 1) / 2)
        assert torch.equal(artificial.upscale(lr), (genuine.cascade.restorer(lr * 2 - 1) + 1) / 2)
        assert not torch.allclose(genuine.upscale(lr), artificial.upscale(lr), atol=1e-3)


def test_regulated_faces_keep_size_and_range_and_are_those_that_are_restored() -> None:
    method, lr = disturbed(tiny()), torch.rand(3, 3, 16, 16)
    regulated = method.regulate(lr)
    assert regulated.shape == lr.shape
    assert 0 <= regulated.min() <= regulated.max() <= 1
    assert torch.equal(regulated, method.regulate(lr))
    assert not torch.allclose(regulated, lr, atol=1e-3)
    with torch.no_grad():
        exact = (method.cascade.regulariser(lr * 2 - 1) + 1) / 2
    assert torch.equal(regulated, exact.clamp(0, 1))


def test_saved_weights_hold_the_regulariser(tmp_path: Path) -> None:
    method, again, lr = disturbed(tiny()), tiny(), torch.rand(2, 3, 16, 16)
    save_file(method.net.state_dict(), tmp_path / "w.safetensors")
    again.load(tmp_path / "w.safetensors")
    assert torch.equal(again.regulate(lr), method.regulate(lr))


def test_the_baseline_has_nothing_to_regulate_with() -> None:
    with pytest.raises(BenchError, match="'without_cr' has no regulariser; use another"):
        tiny(variant="without_cr").regulate(torch.rand(1, 3, 16, 16))


@pytest.mark.parametrize("kind", ["genuine", "artificial"])
def test_neighbours_in_a_batch_do_not_matter(kind: str) -> None:
    method, lr = disturbed(tiny(inputs=kind)), torch.rand(5, 3, 16, 16)
    with torch.no_grad():
        together, alone = method.upscale(lr), method.upscale(lr[2:3])
    assert torch.allclose(together[2:3], alone, atol=1e-5)


def test_the_regulariser_and_its_inverse_may_be_wider_than_the_rest(make_split: MakeSplit) -> None:
    nets = tiny(cr_width=0.5).networks(make_split(2, 2), 2)
    firsts = [next(nets[name].parameters()) for name in ("cr", "inverse", "sr")]
    assert [len(weight) for weight in firsts] == [32, 32, 8]


@pytest.mark.parametrize("settings", [{"width": 0.25}, {"variant": "without_cr"}, {"cr_width": 1}])
def test_weights_of_another_make_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    save_file(tiny(**settings).net.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=r"fit cr with variant 'full' and width 0\.125"):
        tiny().load(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 8}, "cr enlarges by 4 only, 8 was asked for"),
        ({"variant": "ful"}, "no variant 'ful'; known: full, without_cr, without_sr_ri"),
        ({"inputs": "small"}, "no inputs 'small'; known: genuine, artificial"),
        ({"augment": "some"}, "no augment 'some'; known: full, flip, none"),
        ({"width": 0}, r"cr\.width is 0, expected a positive number"),
        ({"cr_width": -1.0}, r"cr\.cr_width is -1\.0, expected a positive number"),
        ({"cr_learning_rate": 0}, r"cr\.cr_learning_rate is 0, expected a positive"),
        ({"ema_reach": 0}, r"cr\.ema_reach is 0, expected a positive"),
        ({"joint_steps": -1}, r"cr\.joint_steps is -1, expected no negative"),
        ({"lambda_cr_gan": -0.1}, r"cr\.lambda_cr_gan is -0\.1, expected no negative"),
        ({"ema": 1.0}, r"cr\.ema is 1\.0, expected a number from 0"),
        ({"embedder": "nowhere.safetensors"}, "expected trained, none, or a file"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((BenchError, BadName), match=message):
        CR(**settings)


def test_faces_of_sizes_that_do_not_belong_together_are_refused(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    data = make_split()
    with pytest.raises(BadData, match="cr was given faces of 16 and 16 px, expected 4 times"):
        tiny(embedder="none").train(replace(data, hr=data.lr), tmp_path)


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (None, "does not say who is shown; .* or set cr.embedder=none to judge images instead"),
        (("amy",) * 7, "shows only 'amy'; .* or set cr.embedder=none"),
    ],
)
def test_a_recogniser_of_nobody_is_refused_before_anything_is_trained(
    make_split: MakeSplit, tmp_path: Path, who: tuple[str, ...] | None, message: str
) -> None:
    data = make_split()
    data = replace(data, hr=replace(data.hr, identities=who))
    with pytest.raises(BadData, match=message):
        tiny().train(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "settings",
    [{"embedder": "none"}, {"variant": "without_sr_ri"}, {"lambda_cr_gan": 0}, {"joint_steps": 0}],
)
def test_nobody_need_be_named_where_no_recogniser_is_trained(settings: dict[str, Any]) -> None:
    assert not tiny(**settings).trains_embedder
    assert tiny().trains_embedder


def test_the_recogniser_of_one_training_serves_another(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    plain = make_split()
    named = replace(plain, hr=replace(plain.hr, identities=WHO))
    tiny().train(named, tmp_path / "first")
    kept = tmp_path / "first" / "embedder.safetensors"
    second = tiny(embedder=str(kept))
    frozen = first_of(second.networks(plain, 0)["fr"])
    assert torch.equal(frozen, load_file(kept)["levels.0.0.weight"])
    second.train(plain, tmp_path / "second")  # nobody is named
    assert not (tmp_path / "second" / "embedder.safetensors").exists()
    with pytest.raises(BenchError, match=r"does not fit the recogniser of cr at width 0\.5"):
        tiny(embedder=str(kept), width=0.5).train(plain, tmp_path / "third")


def first_of(net: nn.Module) -> Tensor:
    return next(net.parameters()).detach()
