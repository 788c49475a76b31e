import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from facesr.bench import catalog, steps
from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.testing import check_method
from facesr.methods._nets.stylegan2 import Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._projection import Projection, Projector, resized
from facesr.methods.two_step import TwoStep

MakeSplit = Callable[..., Split]
TINY: dict[str, Any] = {
    "width": 0.03,
    "generator_width": 1 / 64,
    "projection_steps": 3,
    "compare": "pixels",
}


def build(seed: int = 0, **settings: Any) -> TwoStep:
    torch.manual_seed(seed)
    method = TwoStep(seed=seed, **(TINY | settings))
    method.net.eval()
    if method.whole.generator is not None:
        method.whole.mean.copy_(method.whole.generator.mean(100))
    return method


def generator_file(path: Path, size: int, judge: bool = True) -> str:
    torch.manual_seed(1)
    widths = channels_of(size, width=1 / 64)
    content = {"g_ema": Generator(widths, 16, 2).state_dict()}
    if judge:
        content["d"] = Discriminator(widths).state_dict()
    torch.save(content, path)
    return str(path)


def upscaled(method: TwoStep, lr: Tensor) -> Tensor:
    with torch.inference_mode():
        return method.upscale(lr)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"training": "supervised"},
        {"output": "mid_resolution"},
        {"compare": "discriminator"},
        {"prior": False, "push": 0.0},
    ],
)
def test_it_keeps_the_contract_of_methods(settings: dict[str, Any]) -> None:
    assert len(check_method(TwoStep, {"width": 0.03, "generator_width": 1 / 64} | settings)) > 5


def test_defaults_are_the_papers() -> None:
    listing = catalog.describe("methods", "two_step")
    assert listing.title == "Two-step"
    assert listing.trainable
    paper = {"alpha": 1, "beta": 0.001, "learning_rate": 1e-3, "d_learning_rate": 1e-3, "batch": 32}
    assert {name: listing.settings[name] for name in paper} == paper
    assert listing.settings["supervised_steps"] + listing.settings["unsupervised_steps"] == 143_000
    assert listing.settings["output"] == "final"
    assert listing.settings["prior"] is True
    assert TwoStep.budgets["paper"] == {}


@pytest.mark.parametrize(("scale", "mid"), [(4, 64), (8, 128), (16, 128), (64, 128)])
def test_the_first_step_enlarges_by_8_at_most(scale: int, mid: int) -> None:
    method = build(scale=scale, output="mid_resolution")
    lr = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        first = method.net(lr * 2 - 1)
        made = method.upscale(lr)
    assert first.shape[-1] == mid
    assert made.shape[-1] == 16 * scale
    assert torch.allclose(made, ((resized(first, 16 * scale) + 1) / 2).clamp(0, 1))


def test_a_factor_of_64_makes_faces_of_1024_pixels() -> None:
    method = build(scale=64, projection_steps=1)
    assert method.whole.generator is not None
    assert method.whole.generator.size == 1024
    assert upscaled(method, torch.rand(1, 3, 16, 16)).shape == (1, 3, 1024, 1024)


def test_faces_of_a_larger_generator_become_smaller_by_areas(tmp_path: Path) -> None:
    given = generator_file(tmp_path / "g.pt", 128)
    method = build(generator=given, projection_steps=1, push=0.0, pull=1.0, pull_plus=1.0)
    made = upscaled(method, torch.rand(2, 3, 16, 16))
    net = method.whole
    assert net.generator is not None
    with torch.no_grad():  # pulled onto the mean, both are its face
        mean = net.generator(net.mean[None])
    expected = torch.nn.functional.avg_pool2d((mean + 1) / 2, 2).clamp(0, 1)
    assert torch.allclose(made, expected.expand_as(made), atol=1e-5)


def test_without_the_prior_nothing_is_pulled_to_the_mean() -> None:
    lr = torch.rand(2, 3, 16, 16)
    off, on = (upscaled(build(prior=prior), lr) for prior in (False, True))
    zero = upscaled(build(pull=0.0, pull_plus=0.0), lr)
    assert torch.equal(off, zero)
    assert not torch.allclose(off, on, atol=1e-4)


def test_faces_are_pushed_along_the_normal_by_a_share_of_the_gap() -> None:
    method, lr = build(push=0.5), torch.rand(2, 3, 16, 16)
    plain = upscaled(method, lr)
    method.whole.normal.copy_(torch.eye(len(method.whole.normal))[0])
    assert torch.equal(upscaled(method, lr), plain)  # no gap yet
    method.whole.gap.fill_(5.0)
    assert not torch.allclose(upscaled(method, lr), plain, atol=1e-3)


def test_faces_that_do_not_converge_are_counted() -> None:
    lr = torch.rand(3, 3, 16, 16)
    hard, easy = build(failed=1e-9), build(failed=10.0)
    upscaled(hard, lr)
    upscaled(hard, lr[:2])
    upscaled(easy, lr)
    assert hard.remarks == {"faces did not converge": 5}
    assert not easy.remarks


def test_neighbours_in_a_batch_do_not_matter() -> None:
    method, lr = build(projection_steps=20, at_once=2), torch.rand(5, 3, 16, 16)
    assert torch.allclose(upscaled(method, lr)[3:4], upscaled(method, lr[3:4]), atol=2e-3)


def test_faces_that_were_finished_before_a_kill_are_kept(
    make_split: MakeSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 2)
    lr, method, search = make_split(lr=5).lr, build(failed=1e-9), Projector.project
    whole = steps.upscale(method, "two_step", lr, tmp_path / "whole", {})
    calls = itertools.count(1)

    def killed(self: Projector, faces: Tensor, start: Tensor, label: str) -> Projection:
        if next(calls) == 4:  # in the second batch, after W and before W+
            raise KeyboardInterrupt
        return search(self, faces, start, label)

    monkeypatch.setattr(Projector, "project", killed)
    with pytest.raises(KeyboardInterrupt):
        steps.upscale(method, "two_step", lr, tmp_path / "parts", {})
    assert len(list((tmp_path / "parts" / "images").glob("*.png"))) == 2
    parts = steps.upscale(method, "two_step", lr, tmp_path / "parts", {})
    assert next(calls) == 4 + 1 + 4  # two batches of two searches were left
    assert torch.equal(parts.faces.pixels(), whole.faces.pixels())
    assert parts.remarks == whole.remarks == ("5 of 5 faces did not converge",)


def test_the_first_step_is_taken_from_weights_of_either_output(tmp_path: Path) -> None:
    whole, first = build(seed=1), build(seed=2, output="mid_resolution")
    save_file(whole.net.state_dict(), tmp_path / "whole.safetensors")
    first.load(tmp_path / "whole.safetensors")
    name = "low_to_high.first.weight"
    assert torch.equal(first.net.state_dict()[name], whole.net.state_dict()[name])
    save_file(first.net.state_dict(), tmp_path / "first.safetensors")
    with pytest.raises(BenchError, match="holds no generator, which two_step with"):
        build().load(tmp_path / "first.safetensors")


def test_a_generator_of_another_size_comes_back_with_its_weights(tmp_path: Path) -> None:
    made = build()
    made._adopt(*made._fresh(32))
    save_file(made.net.state_dict(), tmp_path / "w.safetensors")
    again = build(seed=3)
    again.load(tmp_path / "w.safetensors")
    assert again.whole.generator is not None
    assert again.whole.generator.size == 32
    for key, value in load_file(tmp_path / "w.safetensors").items():
        assert torch.equal(again.net.state_dict()[key], value)


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    other = build(width=0.1)
    save_file(other.net.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=r"does not fit two_step with scale 4, width 0\.03"):
        build().load(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 3}, "two_step enlarges by 4 or 8 or 16 or 32 or 64 only, 3 was asked for"),
        ({"training": "both"}, "no training 'both'; known: unsupervised, supervised"),
        ({"output": "mr"}, "no output 'mr'; known: final, mid_resolution"),
        ({"compare": "vgg"}, "no compare 'vgg'; known: discriminator, lpips, pixels"),
        ({"compare": "lpips"}, "two_step.compare=lpips needs the asset 'vgg16': get"),
        ({"pull": 1.5}, r"two_step\.pull is 1\.5, expected a number from 0 to 1"),
        ({"projection_steps": 0}, r"two_step\.projection_steps is 0, expected a positive number"),
        ({"beta": -1}, r"two_step\.beta is -1, expected no negative"),
        ({"generator": "none.pt"}, r"there is no generator at none\.pt; give a StyleGAN2 file"),
    ],
)
def test_bad_settings_are_refused(
    settings: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    with pytest.raises((BenchError, BadName), match=message):
        build(**settings)


def test_a_generator_without_its_discriminator_compares_pixels_only(tmp_path: Path) -> None:
    given = generator_file(tmp_path / "g.pt", 64, judge=False)
    with pytest.raises(BenchError, match=r"holds no discriminator .*compare=pixels"):
        build(generator=given, compare="discriminator")
    assert build(generator=given).whole.judge is None
    whole = generator_file(tmp_path / "h.pt", 64)
    assert build(generator=whole, compare="discriminator").whole.judge is not None


def test_faces_that_no_generator_makes_are_refused(make_split: MakeSplit, tmp_path: Path) -> None:
    data = make_split()
    with pytest.raises(BadData, match="two_step was given faces of 16 and 16 px"):
        build().train(replace(data, hr=data.lr), tmp_path)
    odd = make_split(lr_size=24, hr_size=96)
    with pytest.raises(BadData, match="two_step was given faces of 96 px, expected one of 8, 16"):
        build().train(odd, tmp_path)


def test_a_generator_of_the_wrong_size_is_refused(make_split: MakeSplit, tmp_path: Path) -> None:
    small = build(generator=generator_file(tmp_path / "g.pt", 32))
    with pytest.raises(BenchError, match=r"g\.pt makes faces of 32 px, this run needs 64 px or a"):
        small.train(make_split(), tmp_path)
