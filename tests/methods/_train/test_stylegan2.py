import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facesr.bench.contract import Split
from facesr.methods._nets.stylegan2 import Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import CHECKPOINT, Stage, Trainer
from facesr.methods._train.stylegan2 import PathLength, StyleTraining, lazy_adam

Run = Callable[..., tuple[StyleTraining, Trainer]]


@pytest.fixture
def run(make_split: Callable[..., Split], tmp_path: Path) -> Run:
    """Train a tiny generator for some steps."""

    def run(steps: int = 2, seed: int = 0, out: str = "out", **settings: Any) -> Any:
        data = make_split(hr=8, hr_size=32)
        torch.manual_seed(seed)
        widths = channels_of(32, width=1 / 64)
        feed = Feed(data, seed, torch.device("cpu"))
        usual: dict[str, Any] = {"batch": 4, **settings}
        training = StyleTraining(Generator(widths, 16, 2), Discriminator(widths), feed, **usual)
        nets, optimisers = training.nets, training.optimisers
        trainer = Trainer(
            "toy", nets, optimisers, feed, tmp_path / out, seed, averages=training.averages
        )
        trainer.run([Stage("style", steps, training.step)])
        return training, trainer

    return run


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, float]]]:
    """What each update was of, and the values of its losses."""
    seen: list[tuple[str, dict[str, float]]] = []
    minimise = Trainer.minimise

    def spy(self: Trainer, names: str, **losses: Tensor) -> None:
        seen.append((names, {name: loss.item() for name, loss in losses.items()}))
        minimise(self, names, **losses)

    monkeypatch.setattr(Trainer, "minimise", spy)
    return seen


def test_the_path_length_of_a_linear_generator_by_hand() -> None:
    path, codes = PathLength(), torch.randn(2, 3, 1, requires_grad=True)
    images = codes.sum(1)[:, :, None, None] * torch.ones(1, 3, 2, 2)  # each pixel: sum of codes
    noise = torch.ones(2, 3, 2, 2)
    length = 12 / 2  # 12 pixels' slopes of 1, over sqrt(2 * 2), the same at each of three codes
    first = path(images, codes, noise)
    assert path.mean.item() == pytest.approx(0.01 * length)
    assert first.item() == pytest.approx((0.99 * length) ** 2, rel=1e-5)
    path(images, codes, noise)
    assert path.mean.item() == pytest.approx(0.01 * length * 1.99)


@pytest.mark.parametrize(("name", "every"), [("r1", 16), ("path", 4)])
def test_a_lazy_regulariser_weighs_as_much_as_one_of_every_update(
    run: Run, updates: list[tuple[str, dict[str, float]]], name: str, every: int
) -> None:
    run(steps=every + 1, rate=0.0, **{f"{name}_every": every})
    lazy = [losses[name] for _, losses in updates if name in losses]
    updates.clear()
    run(steps=every + 1, rate=0.0, out="eager", **{f"{name}_every": 1})
    eager = [losses[name] for _, losses in updates if name in losses]
    assert (len(lazy), len(eager)) == (2, every + 1)
    assert lazy[0] == pytest.approx(every * eager[0], rel=1e-4)


def test_lazy_and_eager_penalties_have_the_same_sum(
    run: Run, updates: list[tuple[str, dict[str, float]]]
) -> None:
    sums = []
    for every in (1, 4):
        updates.clear()
        run(steps=8, out=f"every{every}", batch=8, rate=0.0, r1_every=every)  # nothing changes
        sums.append(sum(losses.get("r1", 0) for _, losses in updates))
    assert sums[1] == pytest.approx(sums[0], rel=0.02)  # mirror images differ a little


def test_lazy_optimisers_have_the_rates_of_the_paper() -> None:
    g, d = lazy_adam(nn.Linear(1, 1), 2e-3, 4), lazy_adam(nn.Linear(1, 1), 2e-3, 16)
    assert g.defaults["lr"] == pytest.approx(1.6e-3)
    assert g.defaults["betas"] == (0.0, pytest.approx(0.99199, abs=1e-5))
    assert d.defaults["lr"] == pytest.approx(1.882e-3, abs=1e-6)
    assert d.defaults["betas"][1] == pytest.approx(0.99059, abs=1e-5)


def test_updates_come_in_the_order_of_the_paper(
    run: Run, updates: list[tuple[str, dict[str, float]]]
) -> None:
    run(steps=3, r1_every=2, path_every=3)
    assert [(name, *losses) for name, losses in updates] == [
        *[("style_d", "logistic"), ("style_d", "r1"), ("style_g", "logistic"), ("style_g", "path")],
        *[("style_d", "logistic"), ("style_g", "logistic")],
        *[("style_d", "logistic"), ("style_d", "r1"), ("style_g", "logistic")],
    ]


def test_mixed_faces_have_one_code_up_to_a_layer_and_another_from_there(run: Run) -> None:
    training, trainer = run(steps=0, mixing=1.0)
    codes = training._codes(trainer, 32)
    assert codes.shape == (32, 8, 16)
    changes = [(a != b).any(1) for a, b in itertools.pairwise(codes.unbind(1))]
    assert torch.equal(torch.stack(changes).sum(0), torch.ones(32, dtype=torch.int64))
    training, trainer = run(steps=0, mixing=0.0, out="plain")
    codes = training._codes(trainer, 32)
    assert torch.equal(codes, codes[:, :1].expand_as(codes))


def weights(net: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_the_same_seed_gives_the_same_generator_and_two_seeds_two(run: Run) -> None:
    one, same, other = (
        weights(run(seed=seed, out=out)[0].generator)
        for seed, out in ((0, "a"), (0, "b"), (1, "c"))
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_an_interrupted_training_ends_like_an_undisturbed_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = run(steps=6, out="whole")
    step = Trainer._step

    def interrupted(self: Trainer, *a: Any) -> None:
        if self.done == 5:
            raise KeyboardInterrupt
        step(self, *a)
        self._save()

    monkeypatch.setattr(Trainer, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(steps=6, out="parts")
    monkeypatch.setattr(Trainer, "_step", step)
    parts, trainer = run(steps=6, out="parts")
    assert torch.equal(weights(whole.generator), weights(parts.generator))
    assert torch.equal(whole.path.mean, parts.path.mean)
    assert whole.path.mean > 0
    saved = torch.load(trainer.out / CHECKPOINT, weights_only=True)
    assert torch.equal(saved["nets"]["path"]["mean"], parts.path.mean)


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    flat = nn.functional.avg_pool2d(images, 8).flatten(1).double()
    return flat.mean(0), torch.cov(flat.T)


@pytest.mark.slow
def test_faces_come_closer_to_the_real_ones(run: Run) -> None:
    distances = []
    for steps in (0, 120):
        training, trainer = run(steps=steps, out=f"after{steps}", batch=8)
        net = trainer.average("style_g").eval()
        z = torch.randn((256, 16), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            mean, spread = moments(net(training.generator.map(z)))
        real_mean, real_spread = moments(training.feed.fixed("hr", 8))
        both = torch.linalg.eigvals(spread @ real_spread).real.clamp(min=0).sqrt().sum()
        gap = (mean - real_mean).square().sum()
        distances.append((gap + spread.trace() + real_spread.trace() - 2 * both).item())
    assert distances[1] < 0.5 * distances[0]
