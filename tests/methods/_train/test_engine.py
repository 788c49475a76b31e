import csv
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

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.methods._train.engine import CHECKPOINT, Stage, Trainer

TOY = Path(__file__).with_name("toy.py")
MakeSplit = Callable[..., Split]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
