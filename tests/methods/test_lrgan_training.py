import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.testing import check_method
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._train.engine import CHECKPOINT, Trainer
from facesr.methods.lrgan import ARCHITECTURES, LRGAN

MakeSplit = Callable[..., Split]
Build = Callable[..., LRGAN]


def first_weight(net: nn.Module) -> Tensor:
    return net.state_dict()["first.weight"]


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """What each update was of, and which losses it had."""
    seen: list[tuple[str, tuple[str, ...]]] = []
    minimise = Trainer.minimise

    def spy(self: Trainer, names: str | tuple[str, ...], **losses: Tensor) -> None:
        title = names if isinstance(names, str) else "+".join(names)
        seen.append((title, tuple(losses)))
        minimise(self, names, **losses)

    monkeypatch.setattr(Trainer, "minimise", spy)
    return seen


def test_it_keeps_the_contract_of_methods() -> None:
    assert len(check_method(LRGAN)) > 5


def test_it_is_listed_with_its_settings_without_importing_it() -> None:
    listing = catalog.describe("methods", "lrgan")
    assert listing.title == "LRGAN"
    assert listing.settings["beta"] == 0.05
    assert set(listing.budgets) == {"paper", "short", "smoke"}
    assert listing.trainable


def test_defaults_are_the_papers() -> None:
    method = LRGAN()
    assert (method.alpha, method.beta, method.learning_rate) == (1, 0.05, 1e-4)
    assert (method.steps, method.joint_steps, method.d_steps) == (570_000, 2_000, 5)
    assert method.ema == 0
    assert LRGAN.budgets["paper"] == {}


def test_full_trains_three_stages_with_five_discriminator_updates_each_time(
    trained: Build, data: Split, tmp_path: Path, updates: list[tuple[str, tuple[str, ...]]]
) -> None:
    trained(data, tmp_path / "out", steps=2, joint_steps=1, d_steps=5)
    both = ("low_pixel", "low_gan", "high_pixel", "high_gan")
    assert updates == [
        *(([("d_lr", ("hinge",))] * 5 + [("h2l", ("pixel", "gan"))]) * 2),
        *(([("d_hr", ("hinge",))] * 5 + [("l2h", ("pixel", "gan"))]) * 2),
        *([("d_lr", ("hinge",)), ("d_hr", ("hinge",))] * 5),
        ("h2l+l2h", both),
    ]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("bilinear", {"d_hr": 4, "l2h": 2}),
        ("blur_bilinear", {"d_hr": 4, "l2h": 2}),
        ("pixel_only", {"d_lr": 4, "h2l": 2, "l2h": 2}),
    ],
)
def test_each_variant_trains_what_the_paper_says(
    trained: Build,
    data: Split,
    tmp_path: Path,
    updates: list[tuple[str, tuple[str, ...]]],
    variant: str,
    expected: dict[str, int],
) -> None:
    method = trained(data, tmp_path / "out", variant=variant, d_steps=2)
    assert Counter(title for title, _ in updates) == expected
    losses = dict(updates)["l2h"]
    assert losses == (("pixel",) if variant == "pixel_only" else ("pixel", "gan"))
    assert (method.degrader is not None) == (variant == "pixel_only")
    kept = tmp_path / "out" / "high_to_low.safetensors"
    assert kept.is_file() == (variant == "pixel_only")


def test_each_stage_changes_only_its_own_networks(
    trained: Build, data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history: list[tuple[str, dict[str, Tensor]]] = []
    step = Trainer._step

    def spy(self: Trainer, stage: Any, number: int) -> None:
        step(self, stage, number)
        weights = {
            k: torch.cat([p.flatten() for p in n.parameters()]) for k, n in self.nets.items()
        }
        history.append((stage.name, {k: v.detach().clone() for k, v in weights.items()}))

    monkeypatch.setattr(Trainer, "_step", spy)
    trained(data, tmp_path / "out", steps=2, joint_steps=2)
    changed = {
        name: {k for k in after if not torch.equal(before[k], after[k])}
        for (other, before), (name, after) in itertools.pairwise(history)
        if other == name
    }
    assert changed == {
        "high-to-low": {"h2l", "d_lr"},
        "low-to-high": {"l2h", "d_hr"},
        "joint": {"h2l", "l2h", "d_lr", "d_hr"},
    }


def gradient_of_h2l(
    trained: Build, data: Split, tmp_path: Path, name: str, alpha_scale: float
) -> Tensor:
    """Return High-to-Low's gradient in the joint stage when Low-to-High's losses are scaled."""
    grads: list[Tensor] = []
    minimise = Trainer.minimise

    def scaled(self: Trainer, names: str | tuple[str, ...], **losses: Tensor) -> None:
        if isinstance(names, tuple):
            losses = {k: v * (alpha_scale if k == name else 1) for k, v in losses.items()}
        minimise(self, names, **losses)
        if isinstance(names, tuple):
            reached = [p.grad for p in self._parameters["h2l"]]
            grads.append(torch.cat([g.flatten() for g in reached if g is not None]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "minimise", scaled)
        trained(data, tmp_path / f"{name}{alpha_scale}", steps=1, joint_steps=1)
    return grads[0]


@pytest.mark.parametrize("name", ["low_pixel", "low_gan", "high_pixel", "high_gan"])
def test_every_loss_of_the_joint_stage_reaches_high_to_low(
    trained: Build, data: Split, tmp_path: Path, name: str
) -> None:
    plain = gradient_of_h2l(trained, data, tmp_path, name, 1.0)
    without = gradient_of_h2l(trained, data, tmp_path, name, 0.0)
    assert not torch.allclose(plain, without, rtol=1e-4, atol=0)


def test_both_discriminators_keep_a_spectral_norm_of_one(data: Split, tmp_path: Path) -> None:
    held: list[nn.Module] = []
    for cls_size in (16, 64):
        held.append(Discriminator(cls_size, 0.25))
    for net in held:
        adam = torch.optim.Adam(net.parameters(), 1e-3, betas=(0.0, 0.9))
        size = 64 if net is held[1] else 16
        for _ in range(12):
            adam.zero_grad()
            net(torch.randn(4, 3, size, size)).square().mean().backward()
            adam.step()
        for _ in range(20):  # power iterations without updates
            net(torch.randn(1, 3, size, size))
        layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(layers) == 14  # two per block, the first shortcut, the verdict
        for layer in layers:
            assert parametrize.is_parametrized(layer, "weight")
            largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
            assert 0.97 < largest.item() < 1.03


def test_the_same_seed_gives_the_same_bytes_and_two_seeds_two_models(
    trained: Build, data: Split, tmp_path: Path
) -> None:
    one, same, other = (
        trained(data, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    for key, value in one.net.state_dict().items():
        assert value.numpy().tobytes() == same.net.state_dict()[key].numpy().tobytes()
    assert not torch.equal(first_weight(one.net), first_weight(other.net))
    a, b, c = (tmp_path / f"{n}/high_to_low.safetensors" for n in "abc")
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


def test_an_interrupted_training_ends_like_an_undisturbed_one(
    trained: Build, data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(data, tmp_path / "whole", ema=0.5)
    step = Trainer._step
    for stop in (1, 2, 4):

        def interrupted(self: Trainer, *a: Any, stop: int = stop) -> None:
            if self.done == stop:
                raise KeyboardInterrupt
            step(self, *a)
            self._save()

        monkeypatch.setattr(Trainer, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(data, tmp_path / "parts", ema=0.5)
    monkeypatch.setattr(Trainer, "_step", step)
    parts = trained(data, tmp_path / "parts", ema=0.5)
    for key, value in whole.net.state_dict().items():
        assert torch.equal(value, parts.net.state_dict()[key])
    assert whole.degrader
    assert parts.degrader
    for key, value in whole.degrader.state_dict().items():
        assert torch.equal(value, parts.degrader.state_dict()[key])


def test_every_stage_trains_in_mixed_precision(
    trained: Build, data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = Trainer.__post_init__

    def on_a_cpu_too(self: Trainer) -> None:
        prepare(self)
        self.mixed = True

    exact = trained(data, tmp_path / "exact")
    monkeypatch.setattr(Trainer, "__post_init__", on_a_cpu_too)
    mixed = trained(data, tmp_path / "mixed")
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    gap = (first_weight(mixed.net) - first_weight(exact.net)).abs().max()
    assert 0 < gap < 0.01


def test_the_moving_average_is_what_is_kept(trained: Build, data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path / "out", ema=0.9)
    saved = torch.load(tmp_path / "out" / CHECKPOINT, weights_only=True)
    average, last = saved["averages"]["l2h"]["net"], saved["nets"]["l2h"]
    assert torch.equal(first_weight(method.net), average["first.weight"])
    assert not torch.equal(first_weight(method.net), last["first.weight"])


def test_samples_show_genuine_and_degraded_faces(
    trained: Build, data: Split, tmp_path: Path
) -> None:
    trained(data, tmp_path / "out")
    from facesr.bench.faces import read_image

    grids = sorted((tmp_path / "out" / "samples").iterdir())
    assert [p.name for p in grids] == [f"{i:07}.png" for i in range(1, 6)]
    assert read_image(grids[0]).shape == (5 * 66 - 2, 7 * 66 - 2, 3)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_overfits_eight_faces(
    build: Build, trained: Build, make_split: MakeSplit, tmp_path: Path, architecture: str
) -> None:
    data = make_split(lr=8, hr=8)
    settings: dict[str, Any] = {"batch": 8, "augment": "none", "steps": 100, "joint_steps": 0}
    settings |= {"learning_rate": 5e-4, "beta": 0.005}  # the pixel loss leads
    method = trained(data, tmp_path / "out", architecture=architecture, **settings)
    hr = data.hr.pixels().float() / 255
    lr = F.avg_pool2d(hr, 4)
    fresh = build(architecture=architecture)
    fresh.net.eval()
    with torch.no_grad():
        before, after = (F.mse_loss(m.upscale(lr), hr).item() for m in (fresh, method))
        degraded = method.degrade(hr, torch.randn(8, 64))
    assert after < 0.5 * before
    assert F.mse_loss(degraded, lr).item() < 0.5 * F.mse_loss(torch.full_like(lr, 0.5), lr).item()
