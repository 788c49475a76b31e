import csv
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.testing import check_method
from facesr.methods._train.engine import CHECKPOINT, Trainer
from facesr.methods.lrgan import LRGAN

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


def losses(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: float(v) for k, v in row.items() if "/" in k and v} for row in rows]


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


def test_every_stage_trains_in_mixed_precision(trained: Build, data: Split, tmp_path: Path) -> None:
    exact, mixed = (trained(data, tmp_path / str(m), mixed=m) for m in (False, True))
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    gap = (first_weight(mixed.net) - first_weight(exact.net)).abs().max()
    assert 0 < gap < 0.01
    one, two = (losses(tmp_path / str(m)) for m in (False, True))
    assert [set(row) for row in one] == [set(row) for row in two]
    for a, b in zip(one, two, strict=True):
        for name in a:  # bfloat16 has eight bits
            assert b[name] == pytest.approx(a[name], rel=0.05, abs=0.005), name


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
