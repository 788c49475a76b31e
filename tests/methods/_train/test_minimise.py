from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.methods._nets.spectral import spectral
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import pixel_l2

MakeSplit = Callable[..., Split]


def plain(data: Split, out: Path, net: nn.Module, rate: float = 0.1, **options: Any) -> Trainer:
    sgd = {"net": torch.optim.SGD(net.parameters(), rate)}
    feed = Feed(data, 0, torch.device("cpu"))
    return Trainer("toy", {"net": net}, sgd, feed, out, 0, **options)


def test_a_loss_that_is_nan_stops_with_its_name_and_step(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)

    def step(trainer: Trainer) -> None:
        loss = net(trainer.feed.lr(2)).mean()
        trainer.minimise("net", pixel=loss, far=loss / float(trainer.done != 3) * 0)

    with pytest.raises(
        BenchError, match=r"the loss 'far' of 'net' is nan at step 4 \(stage 'only'\)"
    ):
        plain(data, tmp_path, net).run([Stage("only", 9, step)])
    assert all(p.isfinite().all() for p in net.parameters())


def test_gradients_that_are_not_finite_stop_before_the_update(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.zeros_(net.weight)

    def step(trainer: Trainer) -> None:
        trainer.minimise("net", root=net(trainer.feed.lr(2)).abs().sqrt().mean())

    with pytest.raises(BenchError, match=r"gradients of 'net' are not finite at step 1"):
        plain(data, tmp_path, net).run([Stage("only", 9, step)])
    assert (net.weight == 0).all()


def test_a_loss_that_reaches_nothing_is_named(data: Split, tmp_path: Path) -> None:
    other = nn.Conv2d(3, 3, 1)
    step = lambda t: t.minimise("net", pixel=other(t.feed.lr(1)).mean())  # noqa: E731
    with pytest.raises(BenchError, match="no loss of 'net' reaches its parameters"):
        plain(data, tmp_path, nn.Conv2d(3, 3, 1)).run([Stage("only", 1, step)])


def test_only_the_named_parameters_receive_gradients(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    seen: list[bool] = []

    def after(trainer: Trainer) -> None:
        # of the last update, that of the generator through the discriminator
        d = [p.grad for p in trainer.nets["d"].parameters()]
        seen.append(all(g is None for g in d) or trainer.done >= 7)

    toy["build"](data, tmp_path).run(toy["stages"](after))
    assert all(seen)
    trainer = toy["build"](data, tmp_path / "b")
    trainer._stage = Stage("x", 1, lambda t: None)
    trainer.minimise("g", gan=trainer.nets["d"](trainer.nets["g"](torch.rand(2, 4, 16, 16))).mean())
    assert all(p.grad is None for p in trainer.nets["d"].parameters())
    assert all(p.grad is not None for p in trainer.nets["g"].parameters())


def test_nothing_is_computed_for_parameters_that_are_not_updated(
    data: Split, tmp_path: Path
) -> None:
    g, d = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 5, 3, bias=False)
    sgd = {"g": torch.optim.SGD(g.parameters(), 0.1), "d": torch.optim.SGD(d.parameters(), 0.1)}
    feed = Feed(data, 0, torch.device("cpu"))
    trainer = Trainer("toy", {"g": g, "d": d}, sgd, feed, tmp_path, 0)
    lr = trainer.feed.lr(2)

    def arithmetic(work: Callable[[], Any]) -> int:
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops()

    made = g(lr)
    making, judging = arithmetic(lambda: g(lr)), arithmetic(lambda: d(made))
    # the weights of d once; what was made is detached
    hinge = d(made.detach()).mean()
    assert arithmetic(lambda: trainer.minimise("d", hinge=hinge)) == judging
    # through d to what was made, then the weights of g
    gan = d(made).mean()
    assert arithmetic(lambda: trainer.minimise("g", gan=gan)) == judging + making


def test_gradients_are_clipped_to_the_norm(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)
    before = [p.detach().clone() for p in net.parameters()]
    trainer = plain(data, tmp_path, net, rate=1.0, clip=0.25)
    trainer.run([Stage("only", 1, lambda t: t.minimise("net", far=net(t.feed.lr(2)).sum()))])
    moved = [(p - b).norm() for p, b in zip(net.parameters(), before, strict=True)]
    assert torch.stack(moved).norm().item() == pytest.approx(0.25, rel=1e-4)


@pytest.mark.parametrize(("reach", "behind"), [(None, 10), (0.5, 3)])
def test_the_moving_average_has_its_closed_form(
    data: Split, tmp_path: Path, reach: float | None, behind: int
) -> None:
    conv = nn.Conv2d(3, 3, 1)
    net = nn.Sequential(conv, nn.BatchNorm2d(3))
    history = [conv.weight.detach().clone()]

    def step(trainer: Trainer) -> None:
        lr = trainer.feed.lr(4)
        trainer.minimise("net", pixel=pixel_l2(net(lr), lr))
        history.append(conv.weight.detach().clone())

    further = {} if reach is None else {"reach": reach}
    trainer = plain(data, tmp_path, net, averages={"net": 0.6}, **further)
    trainer.run([Stage("only", 8, step)])
    keeps = [min(0.6, (1 + t) / (behind + t)) for t in range(8)]
    expected = torch.zeros_like(history[0])
    for i, weight in enumerate(history):  # weight i survives the updates i, i+1, ...
        share = 1.0 if i == 0 else 1 - keeps[i - 1]
        for keep in keeps[i:]:
            share *= keep
        expected += share * weight
    average = trainer.average("net")
    assert torch.allclose(average.state_dict()["0.weight"], expected, atol=1e-6)
    assert average.state_dict()["1.num_batches_tracked"] == 8
    assert not torch.equal(average.state_dict()["0.weight"], conv.weight)
    assert not average.training


def test_without_an_average_the_network_itself_is_returned(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)
    assert plain(data, tmp_path, net, averages={"net": 0.0}).average("net") is net


def test_mixed_precision_sees_every_update(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)
    made: list[torch.Tensor] = []

    def step(trainer: Trainer) -> None:
        lr = trainer.feed.lr(2)
        for _ in range(2):
            made.append(net(lr))
            trainer.minimise("net", pixel=pixel_l2(made[-1], -lr))

    trainer = plain(data, tmp_path, net)
    trainer.mixed = True
    trainer.run([Stage("only", 1, step)])
    assert made[0].dtype == torch.bfloat16
    assert net.weight.dtype == torch.float32
    assert not torch.equal(made[0], made[1])  # cached casts would hide the first update


def test_spectral_layers_stay_in_full_precision_under_autocast() -> None:
    layer = spectral(nn.Conv2d(3, 8, 3))
    assert parametrize.is_parametrized(layer, "weight")
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.rand(2, 3, 8, 8)).dtype == torch.bfloat16
        weight = layer.weight
    assert weight.dtype == torch.float32
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
