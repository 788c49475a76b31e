import csv
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from facesr.bench.contract import Split
from facesr.bench.faces import Faces, read_image, write_images
from facesr.methods._nets.scgan import Degrader
from facesr.methods._train.engine import CHECKPOINT, Trainer
from facesr.methods.scgan import SCGAN

Trained = Callable[..., SCGAN]
MakeSplit = Callable[..., Split]


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    """Smaller faces than usual, as many networks learn from them."""
    return make_split(lr_size=8, hr_size=32)


@pytest.fixture
def trained() -> Trained:
    """Train a tiny SCGAN."""

    def trained(data: Split, out: Path, seed: int = 0, **settings: Any) -> SCGAN:
        tiny: dict[str, Any] = {"width": 0.01, "d_width": 0.01, "batch": 4, "steps": 3}
        tiny |= {"learning_rate": 1e-3} | settings
        torch.manual_seed(seed)
        method = SCGAN(seed=seed, **tiny)
        method.train(data, out)
        method.net.eval()
        return method

    return trained


def same(one: nn.Module, other: nn.Module) -> bool:
    """Tell whether two networks hold the same bytes."""
    theirs = other.state_dict()
    return all(
        value.numpy().tobytes() == theirs[key].numpy().tobytes()
        for key, value in one.state_dict().items()
    )


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("cycle", "unmoved"), [("released", True), ("paper", False)])
def test_the_second_degrader_influences_the_restorer_only_without_the_stop_gradients(
    trained: Trained,
    data: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cycle: str,
    unmoved: bool,
) -> None:
    plain = trained(data, tmp_path / "plain", cycle=cycle)
    without_its_judge = trained(data, tmp_path / "judge", cycle=cycle, adversarial="L1+H1+H2")
    assert same(plain.net, without_its_judge.net) == unmoved
    fresh = SCGAN._degrader

    def other_start(self: SCGAN, name: str, size: int) -> Degrader:
        net = fresh(self, name, size)
        if name == "sl":
            with torch.no_grad():
                net.last[1].get_parameter("weight").add_(0.5)
        return net

    monkeypatch.setattr(SCGAN, "_degrader", other_start)
    started_elsewhere = trained(data, tmp_path / "start", cycle=cycle)
    assert same(plain.net, started_elsewhere.net) == unmoved
    assert plain.degrader
    assert started_elsewhere.degrader
    assert same(plain.degrader, started_elsewhere.degrader) == unmoved


def test_each_setting_of_the_forward_half_moves_the_restorer_also_with_stop_gradients(
    trained: Trained, data: Split, tmp_path: Path
) -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"architecture": "wo_dsl"},
        {"architecture": "fully_cycled"},
        {"sharing": "SM"},
        {"losses": "wo_cl"},
        {"adversarial": "H1"},
        {"adversarial": "L1+H2"},
    ]
    made = [
        trained(data, tmp_path / str(i), cycle="released", **one) for i, one in enumerate(settings)
    ]
    for one, other in itertools.combinations(range(len(made)), 2):
        assert not same(made[one].net, made[other].net), (settings[one], settings[other])


def test_learning_rates_fall_along_the_cosine_of_the_paper(
    trained: Trained, data: Split, tmp_path: Path
) -> None:
    trained(data, tmp_path, steps=4, learning_rate=2e-4, d_learning_rate=1e-4)
    by_hand = [0.1 + 0.9 * (1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)]
    assert by_hand[2] == pytest.approx(0.55)
    for row, factor in zip(rows(tmp_path), by_hand, strict=True):
        for name in ("hl", "ls", "sl"):
            assert float(row[f"learning_rate/{name}"]) == pytest.approx(2e-4 * factor, rel=1e-4)
        for name in ("d_l1", "d_l2", "d_h1", "d_h2"):
            assert float(row[f"learning_rate/{name}"]) == pytest.approx(1e-4 * factor, rel=1e-4)


def test_released_learning_rates_go_down_and_up(
    trained: Trained, data: Split, tmp_path: Path
) -> None:
    trained(data, tmp_path, steps=4, swings=4, d_learning_rate=1e-4)
    rates = [float(row["learning_rate/d_h1"]) for row in rows(tmp_path)]
    assert rates == pytest.approx([1e-4, 1e-5, 1e-4, 1e-5])


def test_every_judge_keeps_a_spectral_norm_of_one_while_training(
    trained: Trained, data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets: dict[str, nn.Module] = {}
    build = SCGAN._build

    def spy(self: SCGAN, low: int, high: int) -> dict[str, nn.Module]:
        nets.update(build(self, low, high))
        return nets

    monkeypatch.setattr(SCGAN, "_build", spy)
    trained(data, tmp_path, steps=8, d_width=0.125)
    judges = [net for name, net in nets.items() if name.startswith("d_")]
    assert len(judges) == 4
    for net, size in zip(judges, (8, 8, 32, 32), strict=True):
        tracked = spectral_norms(net.eval())
        assert len(tracked) >= 6 * 2 + 2 + 2  # all blocks, the widening skips, the verdict
        assert min(tracked) > 0.9
        assert max(tracked) < 1.1  # one power iteration for each update
        net.train()
        for _ in range(40):
            net(torch.zeros(1, 3, size, size))
        assert spectral_norms(net.eval()) == pytest.approx([1] * len(tracked), abs=0.02)


def spectral_norms(net: nn.Module) -> list[float]:
    """Return the largest singular value of the weight of every layer."""
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert all(parametrize.is_parametrized(layer, "weight") for layer in layers)
    return [
        torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item() for layer in layers
    ]


def test_the_same_seed_gives_the_same_bytes_and_two_seeds_two_models(
    trained: Trained, data: Split, tmp_path: Path
) -> None:
    one, again, other = (
        trained(data, tmp_path / name, seed, augment="full")
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(one.net, again.net)
    assert not same(one.net, other.net)
    a, b, c = (tmp_path / name / "degrader.safetensors" for name in "abc")
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


@pytest.mark.parametrize("sharing", ["none", "SM"])
def test_an_interrupted_training_ends_like_an_undisturbed_one(
    trained: Trained, data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharing: str
) -> None:
    settings: dict[str, Any] = {"ema": 0.5, "augment": "full", "sharing": sharing, "steps": 4}
    whole = trained(data, tmp_path / "whole", **settings)
    step = Trainer._step
    for stop in (1, 3):

        def interrupted(self: Trainer, *a: Any, stop: int = stop) -> None:
            if self.done == stop:
                raise KeyboardInterrupt
            step(self, *a)
            self._save()

        monkeypatch.setattr(Trainer, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trained(data, tmp_path / "parts", **settings)
    monkeypatch.setattr(Trainer, "_step", step)
    parts = trained(data, tmp_path / "parts", **settings)
    assert same(whole.net, parts.net)
    assert whole.degrader
    assert parts.degrader
    assert same(whole.degrader, parts.degrader)


def test_the_moving_average_is_what_is_kept(trained: Trained, data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path, ema=0.9)
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    kept = method.net.state_dict()["first.weight"]
    assert torch.equal(kept, saved["averages"]["ls"]["net"]["first.weight"])
    assert not torch.equal(kept, saved["nets"]["ls"]["first.weight"])


@pytest.mark.parametrize(
    ("architecture", "columns"), [("semi_cycled", 9), ("wo_dsl", 8), ("wo_dhl", 5)]
)
def test_samples_show_what_the_architecture_has(
    trained: Trained, data: Split, tmp_path: Path, architecture: str, columns: int
) -> None:
    trained(data, tmp_path, steps=2, architecture=architecture)
    grids = sorted((tmp_path / "samples").iterdir())
    assert [p.name for p in grids] == ["0000001.png", "0000002.png"]
    assert read_image(grids[0]).shape == (5 * 34 - 2, columns * 34 - 2, 3)


def test_it_trains_in_mixed_precision(trained: Trained, data: Split, tmp_path: Path) -> None:
    exact, mixed = (trained(data, tmp_path / str(m), mixed=m) for m in (False, True))
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    gaps = [
        (a - b).abs().max()
        for a, b in zip(mixed.net.parameters(), exact.net.parameters(), strict=True)
    ]
    assert 0 < max(gaps) < 0.02


@pytest.fixture
def matching(make_split: MakeSplit, tmp_path: Path) -> Split:
    """Eight faces and what average pooling makes of them."""
    hr = make_split(hr=8, hr_size=32).hr
    low: Tensor = F.avg_pool2d(hr.pixels().float() / 255, 4)
    write_images(low, hr.names, tmp_path / "low")
    return Split(Faces(tmp_path / "low", hr.names, 8, "low"), hr)


@pytest.mark.slow
def test_it_overfits_eight_faces(trained: Trained, matching: Split, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"width": 0.125, "batch": 8, "steps": 400, "final_rate": 0.01}
    settings |= {"learning_rate": 1e-3, "adversarial": "none"}
    method = trained(matching, tmp_path / "out", **settings)
    hr = matching.hr.pixels().float() / 255
    low = F.avg_pool2d(hr, 4)
    degraded = method.degrade(hr, torch.randn(8, 64))
    with torch.no_grad():
        restored = method.upscale(degraded)
    assert F.l1_loss(degraded, low).item() < 0.03
    assert F.mse_loss(restored, hr).item() < 1e-3
