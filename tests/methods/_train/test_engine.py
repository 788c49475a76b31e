import csv
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import CHECKPOINT, Stage, Trainer
from facesr.methods._train.losses import pixel_l2

TOY = Path(__file__).with_name("toy.py")
MakeSplit = Callable[..., Split]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def toy() -> dict[str, Any]:
    return runpy.run_path(str(TOY))


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    return make_split()


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Name the places where two states differ; seconds do not count."""
    if isinstance(a, dict):
        keys = set(a) | set(b)
        return [
            d for k in keys - {"seconds"} for d in differences(a.get(k), b.get(k), f"{where}.{k}")
        ]
    if isinstance(a, list | tuple):
        return [
            d
            for i, (x, y) in enumerate(zip(a, b, strict=True))
            for d in differences(x, y, f"{where}.{i}")
        ]
    if isinstance(a, torch.Tensor):
        same = a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()
        return [] if same else [where]
    return [] if a == b else [where]


def state(out: Path) -> dict[str, Any]:
    return torch.load(out / CHECKPOINT, weights_only=True)


def log(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


class _Stop(Exception):
    pass


def stop_at(done: int) -> Callable[[Trainer], None]:
    def stop(trainer: Trainer) -> None:
        if trainer.done == done:
            raise _Stop

    return stop


@pytest.mark.parametrize("done", [1, 5, 6, 7, 8, 14])
def test_a_run_interrupted_in_any_stage_ends_like_an_undisturbed_one(
    toy: dict[str, Any], data: Split, tmp_path: Path, done: int
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    toy["build"](data, whole).run(toy["stages"]())
    with pytest.raises(_Stop):
        toy["build"](data, parts).run(toy["stages"](stop_at(done)))
    assert state(parts)["done"] == done
    toy["build"](data, parts).run(toy["stages"]())
    assert differences(state(whole), state(parts)) == []
    assert log(whole) == log(parts)


def test_the_cadence_of_checkpoints_changes_nothing(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    toy["build"](data, tmp_path / "often", checkpoint_share=float("inf")).run(toy["stages"]())
    toy["build"](data, tmp_path / "rarely", checkpoint_share=0.0).run(toy["stages"]())
    assert differences(state(tmp_path / "often"), state(tmp_path / "rarely")) == []


def test_rarely_saved_runs_are_saved_at_the_end_of_each_stage(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    with pytest.raises(_Stop):
        toy["build"](data, tmp_path, checkpoint_share=0.0).run(toy["stages"](stop_at(10)))
    assert (state(tmp_path)["done"], state(tmp_path)["stage"]) == (7, "first")
    assert [row["step"] for row in log(tmp_path)] == [str(i) for i in range(1, 8)]


def test_pictures_of_progress_change_nothing(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    trainer = toy["build"](data, tmp_path / "shown")

    def sample() -> list[torch.Tensor]:
        assert not trainer.nets["g"].training
        lr = trainer.feed.fixed("lr", 4)
        return [lr, trainer.nets["g"](torch.cat([lr, torch.randn(4, 1, 16, 16)], 1))]

    trainer.sample = sample
    trainer.run(toy["stages"]())
    assert trainer.nets["g"].training
    toy["build"](data, tmp_path / "unseen").run(toy["stages"]())
    assert differences(state(tmp_path / "shown"), state(tmp_path / "unseen")) == []
    assert (tmp_path / "shown" / "samples" / "0000016.png").is_file()


def test_two_seeds_differ(toy: dict[str, Any], data: Split, tmp_path: Path) -> None:
    toy["build"](data, tmp_path / "a").run(toy["stages"]())
    toy["build"](data, tmp_path / "b", seed=5).run(toy["stages"]())
    assert ".nets.g.0.weight" in differences(state(tmp_path / "a"), state(tmp_path / "b"))


def test_a_killed_process_goes_on_bit_for_bit(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    toy["build"](data, tmp_path / "whole").run(toy["stages"]())
    words = [sys.executable, str(TOY), str(tmp_path), str(tmp_path / "killed"), "0.2"]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    file = tmp_path / "killed" / CHECKPOINT
    deadline = time.monotonic() + 60
    while not (file.is_file() and state(file.parent)["done"] >= 4) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 4 <= state(file.parent)["done"] < 16
    toy["build"](data, file.parent).run(toy["stages"]())
    assert differences(state(tmp_path / "whole"), state(file.parent)) == []
    assert log(tmp_path / "whole") == log(file.parent)


def test_a_finished_run_is_not_repeated(toy: dict[str, Any], data: Split, tmp_path: Path) -> None:
    toy["build"](data, tmp_path).run(toy["stages"]())
    before = (tmp_path / CHECKPOINT).read_bytes()
    toy["build"](data, tmp_path).run(toy["stages"](stop_at(15)))
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_rows_after_the_checkpoint_are_cut_off(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    with pytest.raises(_Stop):
        toy["build"](data, tmp_path).run(toy["stages"](stop_at(5)))
    path = tmp_path / "log.csv"
    path.write_text(path.read_text() + "6,first,0.1,-777.5,1\n")
    toy["build"](data, tmp_path).run(toy["stages"]())
    steps = [row["step"] for row in log(tmp_path)]
    assert steps == [str(i) for i in range(1, 17)]
    assert "-777.5" not in path.read_text()


def test_the_log_names_stage_losses_and_learning_rates(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    toy["build"](data, tmp_path).run(toy["stages"]())
    rows = log(tmp_path)
    assert list(rows[0]) == [
        "step",
        "stage",
        "g/pixel",
        "learning_rate/g",
        "d/hinge",
        "g/gan",
        "learning_rate/d",
    ]
    assert rows[6]["stage"] == "first"
    assert rows[6]["d/hinge"] == ""
    assert rows[7]["stage"] == "second"
    assert float(rows[7]["d/hinge"]) > 0
    assert [float(row["learning_rate/g"]) for row in rows[6:9]] == pytest.approx(
        [1e-2, 1e-2, 1e-2 * 8 / 9], rel=1e-5
    )


def test_a_checkpoint_of_other_stages_or_networks_is_refused(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    toy["build"](data, tmp_path).run(toy["stages"]())
    with pytest.raises(BenchError, match="other settings"):
        toy["build"](data, tmp_path).run(toy["stages"]()[:1])
    trainer = toy["build"](data, tmp_path)
    trainer.nets["g"][0] = nn.Conv2d(4, 6, 5)
    with pytest.raises(BenchError, match="other settings"):
        trainer.run(toy["stages"]())


def test_a_damaged_checkpoint_is_named(toy: dict[str, Any], data: Split, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(BenchError, match=r"checkpoint\.pt is no checkpoint .* remove it"):
        toy["build"](data, tmp_path).run(toy["stages"]())


def test_a_checkpoint_cannot_run_code(toy: dict[str, Any], data: Split, tmp_path: Path) -> None:
    torch.save({"done": Path("x")}, tmp_path / CHECKPOINT)  # an object of a class of its own
    with pytest.raises(BenchError, match="no checkpoint that can be read"):
        toy["build"](data, tmp_path).run(toy["stages"]())


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


def test_gradients_are_clipped_to_the_norm(data: Split, tmp_path: Path) -> None:
    net = nn.Conv2d(3, 3, 1)
    before = [p.detach().clone() for p in net.parameters()]
    trainer = plain(data, tmp_path, net, rate=1.0, clip=0.25)
    trainer.run([Stage("only", 1, lambda t: t.minimise("net", far=net(t.feed.lr(2)).sum()))])
    moved = [(p - b).norm() for p, b in zip(net.parameters(), before, strict=True)]
    assert torch.stack(moved).norm().item() == pytest.approx(0.25, rel=1e-4)


def test_the_moving_average_has_its_closed_form(data: Split, tmp_path: Path) -> None:
    conv = nn.Conv2d(3, 3, 1)
    net = nn.Sequential(conv, nn.BatchNorm2d(3))
    history = [conv.weight.detach().clone()]

    def step(trainer: Trainer) -> None:
        lr = trainer.feed.lr(4)
        trainer.minimise("net", pixel=pixel_l2(net(lr), lr))
        history.append(conv.weight.detach().clone())

    trainer = plain(data, tmp_path, net, averages={"net": 0.3})
    trainer.run([Stage("only", 8, step)])
    keeps = [min(0.3, (1 + t) / (10 + t)) for t in range(8)]
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
    toy = runpy.run_path(str(TOY))
    layer = toy["spectral"](nn.Conv2d(3, 8, 3))
    assert parametrize.is_parametrized(layer, "weight")
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.rand(2, 3, 8, 8)).dtype == torch.bfloat16
        weight = layer.weight
    assert weight.dtype == torch.float32
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_noise_is_normal_seeded_and_new_each_time(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    one, two = toy["build"](data, tmp_path), toy["build"](data, tmp_path)
    first, second = one.noise(5000), one.noise(5000)
    assert torch.equal(first, two.noise(5000))
    assert not torch.equal(first, second)
    assert abs(first.mean().item()) < 0.06
    assert first.std().item() == pytest.approx(1, abs=0.05)


def test_stages_without_steps_are_passed_over(
    toy: dict[str, Any], data: Split, tmp_path: Path
) -> None:
    first, second = toy["stages"]()
    none = Stage("none", 0, lambda t: pytest.fail("ran a stage of no steps"))
    for _ in range(2):
        toy["build"](data, tmp_path).run([none, first, none, second, none])
    assert state(tmp_path)["done"] == 16
