from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from facesr.bench.contract import Split
from facesr.bench.faces import read_image
from facesr.methods._nets.flow import Degrader
from facesr.methods._selfsr import Training, colours, shrink
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import CHECKPOINT, Stage, Trainer
from facesr.methods.selfsr import DEGRADER_FILE, SelfSR

MakeSplit = Callable[..., Split]
TINY: dict[str, Any] = {
    "width": 0.01,
    "batch": 4,
    "steps": 6,
    "degradation_steps": 2,
    "fade_in": 0.4,  # growth after 2 steps, two steps of fading in
}


def trained(data: Split, out: Path, seed: int = 0, **settings: Any) -> SelfSR:
    torch.manual_seed(seed)
    method = SelfSR(seed=seed, **(TINY | settings))
    method.train(data, out)
    return method


def training(data: Split, **settings: Any) -> Training:
    torch.manual_seed(0)
    method = SelfSR(**(TINY | settings))
    nets = method._networks(16)
    for net in nets.values():  # no parameter at zero, or it would hide those before it
        for p in net.parameters():
            if not p.any():
                nn.init.normal_(p, std=0.2)
    feed = Feed(data, 0, torch.device("cpu"))
    run = Training(method, nets, feed)
    run.grown = float(run.doublings)
    return run


def terms(run: Training) -> dict[str, Tensor]:
    """Return every loss of a step of both stages, by the optimiser's name and its own."""
    hr, lr = run.feed.hr(4), run.feed.lr(4)
    losses: dict[str, dict[str, Tensor]] = {}
    clean = shrink(hr, run.size)
    made = run.degrade(clean)
    if "degrader" in run.nets:
        losses["d_lr"] = run.judge_lr("d_lr", lr, made.lr)
        losses["degrader"] = run.flow_losses(clean, made)
    if "cleaner" in run.nets:
        cleaned = run.nets["cleaner"](lr).lr
        losses["d_clean"] = run.judge_lr("d_clean", clean, cleaned)
        losses["degrader"] = run.cycle_losses(clean, lr, made, cleaned)
    small, hr = run._batch()
    assert not small.requires_grad  # super-resolution does not train what degrades
    sr = run.nets["sr"](small)
    losses["d_hr"] = run.judge_hr(hr, sr)
    losses["sr"] = run.restoration_losses(small, hr, sr)
    return {f"{net}/{name}": v for net, part in losses.items() for name, v in part.items()}


def reached(loss: Tensor, net: nn.Module) -> bool:
    gradients = torch.autograd.grad(
        loss, list(net.parameters()), retain_graph=True, allow_unused=True
    )
    return any(g is not None and bool(g.any()) for g in gradients)


SR = {"d_hr/hinge": "d_hr", "d_hr/r1": "d_hr", "sr/rec": "sr", "sr/adv": "sr d_hr"}
FLOW = {
    "d_lr/adv": "d_lr",
    "degrader/adv": "degrader d_lr",
    "degrader/idt": "degrader",
    "degrader/smooth": "degrader",
}
CYCLE = {
    "d_lr/adv": "d_lr",
    "d_clean/adv": "d_clean",
    "degrader/adv": "degrader d_lr",
    "degrader/idt": "degrader",
    "degrader/adv_clean": "cleaner d_clean",
    "degrader/cycle": "degrader cleaner",
}


def without(table: dict[str, str], *names: str) -> dict[str, str]:
    return {name: nets for name, nets in table.items() if name not in names}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, FLOW | SR),
        ({"identity_loss": False}, without(FLOW, "degrader/idt") | SR),
        ({"r1": False}, FLOW | without(SR, "d_hr/r1")),
        ({"degradation": "cyclegan"}, CYCLE | SR),
        (
            {"degradation": "cyclegan", "identity_loss": False},
            without(CYCLE, "degrader/idt") | SR,
        ),
        ({"degradation": "none"}, SR),
        ({"training": "paired"}, SR),
        ({"training": "unpaired"}, SR),
        ({"training": "unpaired", "conditioning": "concat", "progressive": False}, SR),
    ],
)
def test_every_loss_reaches_the_networks_it_should(
    data: Split, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    run = training(data, **settings)
    found = {
        name: {key for key, net in run.nets.items() if reached(loss, net)}
        for name, loss in terms(run).items()
    }
    assert found == {name: set(nets.split()) for name, nets in expected.items()}


def test_each_update_changes_only_what_it_names(data: Split, tmp_path: Path) -> None:
    run = training(data)
    adam = {k: torch.optim.Adam(n.parameters(), 1e-3) for k, n in run.nets.items()}
    trainer = Trainer("x", run.nets, adam, run.feed, tmp_path, 0)
    for step, changed in ((run.degradation, "degrader d_lr"), (run.super_resolution, "sr d_hr")):
        trainer._stage = Stage("x", 1, step)
        before = {k: [p.clone() for p in n.parameters()] for k, n in run.nets.items()}
        step(trainer)
        after = {k: list(n.parameters()) for k, n in run.nets.items()}
        differ = {k for k in before if not all(map(torch.equal, before[k], after[k]))}
        assert differ == set(changed.split())


def test_identity_is_asked_of_the_image_and_smoothness_of_the_flow(data: Split) -> None:
    run = training(data)
    losses, net = terms(run), run.nets["degrader"]
    assert isinstance(net, Degrader)
    assert net.flow is not None
    heads = net.image, net.flow
    table = {
        name: tuple(reached(losses[f"degrader/{name}"], head) for head in heads)
        for name in ("adv", "idt", "smooth")
    }
    assert table == {"adv": (True, True), "idt": (True, False), "smooth": (False, True)}


def test_weights_of_the_losses_are_those_of_the_settings(data: Split) -> None:
    one = terms(training(data))
    twice = terms(
        training(data, lambda_rec=300, lambda_r1=6, lambda_idt=20, lambda_s=2, identity_loss=True)
    )
    for name, value in one.items():
        factor = 1 if name.endswith(("adv", "hinge")) else 2
        assert twice[name].item() == pytest.approx(factor * value.item(), rel=1e-4)


def test_r1_touches_real_images_only(data: Split) -> None:
    run = training(data)
    real, fake = torch.rand(4, 3, 64, 64), torch.rand(4, 3, 64, 64)

    def gradient(real: Tensor, fake: Tensor) -> Tensor:
        loss = run.judge_hr(real, fake)["r1"]
        parts = torch.autograd.grad(loss, list(run.nets["d_hr"].parameters()), allow_unused=True)
        return torch.cat([p.flatten() for p in parts if p is not None])

    plain = gradient(real, fake)
    assert torch.equal(plain, gradient(real, 1 - fake))
    assert not torch.allclose(plain, gradient(1 - real, fake))


def test_r1_has_the_papers_weights(data: Split) -> None:
    run = training(data)

    class Linear(nn.Module):
        def forward(self, images: Tensor, _grown: float) -> Tensor:
            return 2 * images.flatten(1).sum(1, keepdim=True)

    run.nets["d_hr"] = Linear()
    r1 = run.judge_hr(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8))["r1"]
    assert r1.item() == pytest.approx(3 * 10 / 2 * (4 * 3 * 8 * 8))  # Eqs. 9 and 10


def test_unpaired_faces_are_compared_made_small_again(data: Split) -> None:
    run = training(data, training="unpaired")
    lr, hr = run._batch()
    assert torch.equal(lr, Feed(data, 0, torch.device("cpu")).lr(4))  # genuine
    sr = torch.rand(4, 3, 64, 64)
    expected = 150 * (shrink(sr, 16) - lr).abs().mean()
    assert run.restoration_losses(lr, hr, sr)["rec"].item() == pytest.approx(expected.item())


def test_pairs_are_those_of_the_split_or_made_by_bicubic_interpolation(data: Split) -> None:
    lr, hr = training(data, training="paired")._batch()
    assert torch.equal(lr, shrink(hr, 16))
    low = data.lr.take([0, 1, 2])
    pairs = replace(data, lr=low, hr=data.hr.take([0, 1, 2]), paired=True)
    run = training(pairs, training="paired")
    lr, hr = run._batch()
    assert not torch.allclose(lr, shrink(hr, 16), atol=0.05)
    known = low.pixels().float() / 127.5 - 1
    assert all(any(torch.equal(face, k) for k in known) for face in lr)


def test_pseudo_pairs_are_what_the_network_degrades(data: Split) -> None:
    run = training(data)
    lr, hr = run._batch()
    assert torch.equal(lr, run.degrade(shrink(hr, 16)).lr)
    vanilla, hr = training(data, degradation="none")._batch()
    assert torch.equal(vanilla, shrink(hr, 16))


def test_flows_are_shown_in_colour() -> None:
    flow = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1)
    assert torch.equal(colours(flow).flatten(), torch.tensor([1.0, 0, 0]))
    assert torch.equal(colours(-flow).flatten(), torch.tensor([-1.0, 0, 0]))


def same(one: SelfSR, other: SelfSR) -> bool:
    a, b = one.net.state_dict(), other.net.state_dict()
    return all(a[k].numpy().tobytes() == b[k].numpy().tobytes() for k in a)


def test_the_same_seed_gives_the_same_bytes_and_two_seeds_two_models(
    data: Split, tmp_path: Path
) -> None:
    one, again, other = (
        trained(data, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(one, again)
    assert not same(one, other)
    a, b, c = (tmp_path / name / DEGRADER_FILE for name in "abc")
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


@pytest.mark.parametrize("degradation", ["flow", "cyclegan"])
def test_an_interrupted_training_ends_like_an_undisturbed_one(
    data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, degradation: str
) -> None:
    settings: dict[str, Any] = {"degradation": degradation, "ema": 0.5}
    whole = trained(data, tmp_path / "whole", **settings)
    step = Trainer._step
    for stop in (1, 2, 3, 4, 5, 7):  # 2: the next stage; 4: the networks grow; 5: amid fading in

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
    assert same(whole, parts)
    files = [tmp_path / name / DEGRADER_FILE for name in ("whole", "parts")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_every_stage_trains_in_mixed_precision(data: Split, tmp_path: Path) -> None:
    exact, mixed = (trained(data, tmp_path / str(m), mixed=m) for m in (False, True))
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    first = [method.net.state_dict()["first.weight"] for method in (exact, mixed)]
    assert 0 < (first[0] - first[1]).abs().max() < 0.05


def test_stages_are_named_by_what_is_reached(data: Split, tmp_path: Path) -> None:
    trained(data, tmp_path / "out", scale=4)
    rows = (tmp_path / "out" / "log.csv").read_text().splitlines()[1:]
    names = [row.split(",")[1] for row in rows]
    assert names == ["degradation"] * 2 + ["super-resolution x2"] * 2 + ["super-resolution x4"] * 4


def test_the_moving_average_is_what_is_kept(data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path / "out", ema=0.9)
    saved = torch.load(tmp_path / "out" / CHECKPOINT, weights_only=True)
    average, last = saved["averages"]["sr"]["net"], saved["nets"]["sr"]
    kept = method.net.state_dict()["first.weight"]
    assert torch.equal(kept, average["first.weight"])
    assert not torch.equal(kept, last["first.weight"])


@pytest.mark.parametrize(("degradation", "columns"), [("flow", 9), ("cyclegan", 7), ("none", 7)])
def test_samples_show_genuine_and_degraded_faces(
    data: Split, tmp_path: Path, degradation: str, columns: int
) -> None:
    trained(data, tmp_path / "out", degradation=degradation)
    grids = sorted((tmp_path / "out" / "samples").iterdir())
    assert read_image(grids[-1]).shape == (5 * 66 - 2, columns * 66 - 2, 3)


@pytest.mark.parametrize("scale", [2, 8])
@pytest.mark.parametrize("kind", ["realworld", "paired", "unpaired"])
def test_it_trains_at_other_factors(
    make_split: MakeSplit, tmp_path: Path, scale: int, kind: str
) -> None:
    data = make_split(lr_size=8, hr_size=8 * scale)
    method = trained(data, tmp_path / "out", scale=scale, training=kind, fade_in=0.1)
    assert method.upscale(torch.rand(1, 3, 8, 8)).shape == (1, 3, 8 * scale, 8 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("conditioning", ["self", "concat"])
def test_it_overfits_eight_faces(make_split: MakeSplit, tmp_path: Path, conditioning: str) -> None:
    data = make_split(lr=8, hr=8)
    settings: dict[str, Any] = {"batch": 8, "steps": 150, "width": 0.05, "learning_rate": 0.02}
    settings |= {"augment": "none", "lambda_rec": 1e4, "conditioning": conditioning}
    method = trained(data, tmp_path / "out", training="paired", **settings)
    hr = data.hr.pixels().float() / 255
    with torch.no_grad():
        sr = method.upscale((shrink(hr * 2 - 1, 16) + 1) / 2)
    assert mse_loss(sr, hr).item() < 1e-3
