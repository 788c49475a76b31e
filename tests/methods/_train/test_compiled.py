from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.methods._nets.spectral import spectral
from facesr.methods._train.compiled import PAYS_FROM, Compiled
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import CHECKPOINT, Stage, Trainer
from facesr.methods._train.losses import hinge_discriminator, hinge_generator

MakeSplit = Callable[..., Split]


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    return make_split(4, 4, 8, 32)


def build(data: Split, out: Path, **options: Any) -> Trainer:
    torch.manual_seed(0)
    nets: dict[str, nn.Module] = {
        "g": nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)),
        "d": nn.Sequential(spectral(nn.Conv2d(3, 2, 8)), nn.Flatten()),
    }
    sgd = {name: torch.optim.SGD(net.parameters(), 0.05) for name, net in nets.items()}
    settings: dict[str, Any] = {"averages": {"g": 0.5}, "checkpoint_share": float("inf")}
    feed = Feed(data, 0, torch.device("cpu"))
    return Trainer("toy", nets, sgd, feed, out, 0, **(settings | options))


def stages(n: int = 3) -> list[Stage]:
    def step(trainer: Trainer) -> None:
        g, d = trainer.nets["g"], trainer.nets["d"]
        made = g(trainer.feed.lr(2))
        # judged one after the other: the second use must leave the graph of the first intact
        real, fake = d(trainer.feed.lr(2)), d(made.detach())
        trainer.minimise("d", hinge=hinge_discriminator(real, fake))
        trainer.minimise("g", pixel=made.square().mean(), gan=hinge_generator(d(made)))

    return [Stage("first", n, step), Stage("second", n, step)]


def compiled(data: Split, out: Path, backend: Any = "aot_eager") -> Trainer:
    trainer = build(data, out, compiled=True)
    trainer._compiled = Compiled(trainer.nets, backend=backend)
    return trainer


def state(out: Path) -> dict[str, Any]:
    return torch.load(out / CHECKPOINT, weights_only=True)


def weights(trainer: Trainer) -> Tensor:
    return torch.cat([p.detach().flatten() for n in trainer.nets.values() for p in n.parameters()])


def test_compiled_networks_learn_the_same_and_keep_their_names(data: Split, tmp_path: Path) -> None:
    plain, other = build(data, tmp_path / "a"), compiled(data, tmp_path / "b")
    before = weights(plain)
    plain.run(stages())
    other.run(stages())
    assert torch.allclose(weights(plain), weights(other), atol=1e-5)
    assert not torch.allclose(weights(plain), before, atol=1e-3)
    one, two = state(tmp_path / "a"), state(tmp_path / "b")
    for part in ("nets", "averages"):
        for name in one[part]:
            assert list(one[part][name]) == list(two[part][name])
    assert all(net._compiled_call_impl is None for net in other.nets.values())


def test_a_compiled_run_goes_on_from_its_checkpoint(data: Split, tmp_path: Path) -> None:
    whole, parts = compiled(data, tmp_path / "a"), compiled(data, tmp_path / "b")
    whole.run(stages())

    def stop(trainer: Trainer) -> None:
        if trainer.done == 4:
            raise BenchError("stop")
        stages()[0].step(trainer)

    with pytest.raises(BenchError, match="stop"):
        parts.run([Stage(stage.name, 3, stop) for stage in stages()])
    again = compiled(data, tmp_path / "b")
    again.run(stages())
    assert again.done == 6
    assert torch.equal(weights(whole), weights(again))


@pytest.mark.parametrize("backward", [False, True])
def test_where_compiling_fails_training_goes_on_as_if_it_had_not_been_tried(
    data: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str], backward: bool
) -> None:
    def broken(graph: Any, examples: Any) -> Any:
        if not backward:
            raise OSError("no C compiler\nand more")

        def run(*inputs: Any) -> Any:
            raise OSError("no C compiler\nand more")

        return run

    plain = build(data, tmp_path / "a")
    plain.run(stages())
    capsys.readouterr()
    other = compiled(data, tmp_path / "b", broken)
    other.run(stages())
    said = [x for x in capsys.readouterr().err.splitlines() if "torch.compile" in x]
    assert len(said) == 1
    assert said[0].startswith("toy trains without torch.compile, which failed: ")
    assert "no C compiler" in said[0]
    assert torch.equal(weights(plain), weights(other))
    assert torch.equal(
        state(tmp_path / "a")["nets"]["g"]["1.running_mean"],
        state(tmp_path / "b")["nets"]["g"]["1.running_mean"],
    )


def test_pictures_of_progress_are_not_compiled(data: Split, tmp_path: Path) -> None:
    trainer, graphs = build(data, tmp_path, compiled=True), []

    def count(graph: Any, _examples: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    trainer._compiled = Compiled(trainer.nets, backend=count)
    seen: list[int] = []

    def sample() -> list[Tensor]:
        before = len(graphs)
        made = trainer.nets["g"](trainer.feed.fixed("lr", 3))
        seen.append(len(graphs) - before)
        return [made]

    trainer.sample = sample
    trainer.run(stages())
    assert graphs
    assert seen == [0] * 6


def test_only_long_runs_on_cuda_devices_are_compiled(data: Split, tmp_path: Path) -> None:
    trainer = build(data, tmp_path)
    trainer._total = PAYS_FROM
    assert not trainer._compiling()
    trainer.device = torch.device("cuda")
    assert trainer._compiling()
    trainer._total -= 1
    assert not trainer._compiling()
    trainer.compiled = True
    assert trainer._compiling()
