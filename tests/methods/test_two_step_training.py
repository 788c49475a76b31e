import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench.contract import Split
from facesr.bench.faces import read_image
from facesr.methods import _two_step_codes
from facesr.methods._projection import Projector
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import CHECKPOINT, Trainer
from facesr.methods._train.relativistic import relativistic_hinge
from facesr.methods._two_step import FirstStep, simulated
from facesr.methods.two_step import TwoStep

MakeSplit = Callable[..., Split]
TINY: dict[str, Any] = {
    "width": 0.03,
    "batch": 4,
    "supervised_steps": 2,
    "degradation_steps": 2,
    "unsupervised_steps": 2,
    "generator_width": 1 / 64,
    "generator_steps": 2,
    "generator_batch": 4,
    "projection_steps": 2,
    "compare": "pixels",
    "codes": 4,
}


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    return make_split()


def trained(data: Split, out: Path, seed: int = 0, **settings: Any) -> TwoStep:
    torch.manual_seed(seed)
    method = TwoStep(seed=seed, **(TINY | settings))
    method.train(data, out)
    method.net.eval()
    return method


def first_step(data: Split, **settings: Any) -> FirstStep:
    torch.manual_seed(0)
    usual: dict[str, Any] = {**TINY, "output": "mid_resolution", **settings}
    method = TwoStep(**usual)
    feed = Feed(data, 0, torch.device("cpu"))
    step = FirstStep(method, method.whole.low_to_high, feed)
    for net in step.nets.values():
        net.train()
    return step


def reached(loss: Tensor, nets: dict[str, nn.Module]) -> set[str]:
    """Name the networks whose parameters a loss has a gradient for."""
    found = set()
    for name, net in nets.items():
        slopes = torch.autograd.grad(
            loss, list(net.parameters()), retain_graph=True, allow_unused=True
        )
        if any(slope is not None and slope.abs().sum() > 0 for slope in slopes):
            found.add(name)
    return found


class Drawn:
    """Stands in for a trainer where only noise is drawn."""

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (
            "pairs",
            {
                "d_hr/hinge": {"d_hr"},
                "l2h/pixel": {"l2h"},
                "l2h/gan": {"l2h", "d_hr"},
            },
        ),
        (
            "degradation",
            {
                "d_lr/hinge": {"d_lr"},
                "h2l/pixel": {"h2l"},
                "h2l/gan": {"h2l", "d_lr"},
            },
        ),
        (
            "loop",
            {
                "d_lr/hinge": {"d_lr"},
                "d_hr/hinge": {"d_hr"},
                "h2l+l2h/low_pixel": {"h2l"},
                "h2l+l2h/low_gan": {"h2l", "d_lr"},
                "h2l+l2h/high_pixel": {"h2l", "l2h"},
                "h2l+l2h/high_gan": {"h2l", "l2h", "d_hr"},
            },
        ),
    ],
)
def test_each_loss_reaches_the_networks_of_the_paper(
    data: Split, stage: str, expected: dict[str, set[str]]
) -> None:
    step = first_step(data)
    batch = step._draw(Drawn())  # type: ignore[arg-type]
    found: dict[str, set[str]] = {}
    for names, losses in getattr(step, stage)(batch):
        title = names if isinstance(names, str) else "+".join(names)
        found |= {f"{title}/{k}": reached(loss, step.nets) for k, loss in losses.items()}
    assert found == expected


def test_the_losses_of_pairs_by_hand(data: Split) -> None:
    step = first_step(data, alpha=2.0, beta=0.5)
    batch = step._draw(Drawn())  # type: ignore[arg-type]
    losses = dict(step.pairs(batch))
    with torch.no_grad():
        sr = step.l2h(simulated(batch.hr, 4))
        real, fake = step.d_hr(batch.hr), step.d_hr(sr)
    hinge = relativistic_hinge(real, fake)
    assert losses["d_hr"]["hinge"].item() == pytest.approx(hinge.item(), rel=1e-4)
    assert losses["l2h"]["pixel"].item() == pytest.approx(2 * F.mse_loss(sr, batch.hr).item())
    gan = 0.5 * relativistic_hinge(fake, real)
    assert losses["l2h"]["gan"].item() == pytest.approx(gan.item(), rel=1e-4)


def test_the_loop_compares_degraded_faces_with_simulated_ones(data: Split) -> None:
    step = first_step(data)
    batch = step._draw(Drawn())  # type: ignore[arg-type]
    assert step.h2l is not None
    both = dict(step.loop(batch))["h2l", "l2h"]
    with torch.no_grad():
        lr = step.h2l(batch.hr, batch.noise)
        low = F.mse_loss(lr, simulated(batch.hr, 4))
        high = F.mse_loss(step.l2h(lr), batch.hr)
    assert both["low_pixel"].item() == pytest.approx(low.item(), rel=1e-4)
    assert both["high_pixel"].item() == pytest.approx(high.item(), rel=1e-4)


def test_discriminators_may_be_wider_than_the_generators(data: Split) -> None:
    step = first_step(data, width=0.03, d_width=0.25)
    assert step.d_lr is not None
    for judge, last in ((step.d_hr, 128), (step.d_lr, 64)):
        assert judge.verdict.in_channels == last
    assert step.l2h.get_submodule("first").out_channels == 8


def test_simulated_faces_are_those_of_antialiased_bicubic_interpolation() -> None:
    hr = torch.rand(1, 3, 64, 64)
    assert torch.equal(
        simulated(hr, 4), F.interpolate(hr, size=(16, 16), mode="bicubic", antialias=True)
    )


def changes(
    data: Split, out: Path, patch: pytest.MonkeyPatch, **settings: Any
) -> dict[str, set[str]]:
    """Return which networks change in each stage."""
    history: list[tuple[str, dict[str, Tensor]]] = []
    step = Trainer._step

    def spy(self: Trainer, stage: Any, number: int) -> None:
        step(self, stage, number)
        flat = {
            k: torch.cat([p.detach().flatten() for p in n.parameters()])
            for k, n in self.nets.items()
            if k != "path"
        }
        history.append((stage.name, flat))

    patch.setattr(Trainer, "_step", spy)
    trained(data, out, **settings)
    return {
        name: {k for k in after if not torch.equal(before[k], after[k])}
        for (other, before), (name, after) in itertools.pairwise(history)
        if other == name
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {},
            {
                "supervised": {"l2h", "d_hr"},
                "degradation": {"h2l", "d_lr"},
                "unsupervised": {"l2h", "h2l", "d_hr", "d_lr"},
                "generator": {"style_g", "style_d"},
            },
        ),
        (
            {"training": "supervised", "output": "mid_resolution"},
            {"supervised": {"l2h", "d_hr"}},
        ),
    ],
)
def test_each_stage_changes_only_its_own_networks(
    data: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    expected: dict[str, set[str]],
) -> None:
    assert changes(data, tmp_path / "out", monkeypatch, **settings) == expected


def state(method: TwoStep) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in method.net.state_dict().items()}


def test_the_same_seed_gives_the_same_bytes_and_two_seeds_two_models(
    data: Split, tmp_path: Path
) -> None:
    one, same, other = (
        state(trained(data, tmp_path / name, seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert all(torch.equal(one[k], same[k]) for k in one)
    for name in ("low_to_high.first.weight", "generator.conv1.conv.weight", "normal", "mean"):
        assert not torch.equal(one[name], other[name])


def test_an_interrupted_training_ends_like_an_undisturbed_one(
    data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(data, tmp_path / "whole", ema=0.5)
    step, search = Trainer._step, Projector.project
    for stop in (1, 3, 5, 7):  # within each stage

        def interrupted(self: Trainer, *a: Any, stop: int = stop) -> None:
            if self.done == stop:
                raise KeyboardInterrupt
            step(self, *a)
            self._save()

        monkeypatch.setattr(Trainer, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(data, tmp_path / "parts", ema=0.5)
    monkeypatch.setattr(Trainer, "_step", step)
    searched: list[str] = []

    def once(self: Projector, faces: Tensor, start: Tensor, label: str) -> Any:
        if searched:
            raise KeyboardInterrupt
        searched.append(label)
        return search(self, faces, start, label)

    monkeypatch.setattr(Projector, "project", once)
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path / "parts", ema=0.5)
    searched.clear()
    parts = trained(data, tmp_path / "parts", ema=0.5)  # the first class was kept
    assert searched == ["projecting real faces"]
    for key, value in state(whole).items():
        assert torch.equal(value, state(parts)[key]), key


def test_a_given_generator_is_not_trained(data: Split, tmp_path: Path) -> None:
    made = trained(data, tmp_path / "a")
    assert made.whole.generator is not None
    torch.save({"g_ema": made.whole.generator.state_dict()}, tmp_path / "g.pt")
    again = trained(data, tmp_path / "b", generator=str(tmp_path / "g.pt"))
    saved = torch.load(tmp_path / "b" / CHECKPOINT, weights_only=True)
    assert "style_g" not in saved["nets"]
    for key, value in made.whole.generator.state_dict().items():
        assert torch.equal(value, again.net.state_dict()[f"generator.{key}"])


def test_the_normal_separates_what_the_first_step_makes_from_real_faces(
    data: Split, tmp_path: Path
) -> None:
    method = trained(data, tmp_path / "out", codes=5, projection_steps=10, svm_c=1e4)
    note = json.loads((tmp_path / "out" / "normal.json").read_text())
    assert note["codes"] == 10
    assert note["accuracy"]["learned"] == 1
    assert method.whole.normal.norm().item() == pytest.approx(1, abs=1e-5)
    assert method.whole.gap > 0


def test_codes_are_kept_by_face_and_held_out_codes_are_counted(
    data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_two_step_codes, "_AT_ONCE", 2)
    trained(data, tmp_path / "out", codes=5)
    kept = sorted(p.name for p in (tmp_path / "out" / "codes").iterdir())
    assert kept == [f"{side}_{i:03}.safetensors" for side in ("real", "restored") for i in range(3)]


def test_samples_show_faces_of_both_steps(data: Split, tmp_path: Path) -> None:
    trained(data, tmp_path / "out")
    grids = sorted((tmp_path / "out" / "samples").iterdir())
    assert read_image(grids[-1]).shape == (5 * 66 - 2, 7 * 66 - 2, 3)


def test_the_first_step_alone_trains_in_mixed_precision(data: Split, tmp_path: Path) -> None:
    exact, mixed = (trained(data, tmp_path / str(m), mixed=m) for m in (False, True))
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    ours, theirs = exact.net.state_dict(), mixed.net.state_dict()
    gaps = [(ours[k] - theirs[k]).abs().max() for k in ours if k.startswith("low_to_high.")]
    assert 0 < max(gaps) < 0.05
    assert all(torch.equal(ours[k], theirs[k]) for k in ours if k.startswith("generator."))


@pytest.mark.slow
def test_it_overfits_eight_faces(make_split: MakeSplit, tmp_path: Path) -> None:
    data = make_split(lr=8, hr=8)
    settings: dict[str, Any] = {"output": "mid_resolution", "training": "supervised", "batch": 8}
    settings |= {"width": 0.125, "supervised_steps": 300, "learning_rate": 3e-3}
    settings |= {"beta": 1e-4}  # the pixel loss leads
    method = trained(data, tmp_path / "out", **settings)
    hr = data.hr.pixels().float() / 255
    lr = simulated(hr, 4).clamp(0, 1)
    with torch.no_grad():
        assert F.mse_loss(method.upscale(lr), hr).item() < 1e-3
