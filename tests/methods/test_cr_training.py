import csv
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from facesr.bench.contract import Split
from facesr.bench.faces import read_image
from facesr.methods._cr import Training, shrink
from facesr.methods._train.engine import CHECKPOINT, Trainer
from facesr.methods._train.identity import LabelledFeed
from facesr.methods.cr import CR

MakeSplit = Callable[..., Split]
WHO = ("zoe", "amy", "zoe", "bob", "amy", "zoe", "amy")
CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "width": 0.125,
    "batch": 3,
    "learning_rate": 1e-3,
    "steps": 2,
    "cr_steps": 2,
    "embedder_steps": 2,
    "joint_steps": 2,
}


@pytest.fixture
def data(make_split: MakeSplit) -> Split:
    plain = make_split(hr=len(WHO))
    return replace(plain, hr=replace(plain.hr, identities=WHO))


def tiny(seed: int = 0, **settings: Any) -> CR:
    torch.manual_seed(seed)
    return CR(seed=seed, **(TINY | settings))


def trained(data: Split, out: Path, seed: int = 0, **settings: Any) -> CR:
    method = tiny(seed, **settings)
    method.train(data, out)
    method.net.eval()
    return method


def prepared(data: Split, **settings: Any) -> Training:
    """Build a training whose networks have left their starts."""
    method = tiny(**settings)
    feed = LabelledFeed(data, 0, CPU)
    nets = method.networks(data, feed.people)
    for net in nets.values():
        for parameter in net.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
    return Training(method, nets, feed)


def reached(training: Training, term: Tensor) -> set[str]:
    """Name the networks that a term alone gives a gradient."""
    found = set()
    for name, net in training.nets.items():
        learning = [p for p in net.parameters() if p.requires_grad]
        if not learning:
            continue
        grads = torch.autograd.grad(term, learning, retain_graph=True, allow_unused=True)
        if any(g is not None and bool(g.any()) for g in grads):
            found.add(name)
    return found


# by stage: what is updated, then by term the networks that it reaches; the discriminators among
# them and, in `sr`, the regulariser (through batch statistics only) are those of the chain rule
REACH: dict[str, dict[str, dict[str, set[str]]]] = {
    "super_resolution": {
        "d_sr": {"gan": {"d_sr"}},
        "sr": {"sr": {"sr"}, "sr_gan": {"sr", "d_sr"}},
    },
    "recognition": {
        "fr+classifier": {"softmax": {"fr", "classifier"}, "centre": {"fr"}},
    },
    "characteristics": {
        "d_inverse": {"gan": {"d_inverse"}},
        "inverse": {"gan": {"inverse", "d_inverse"}},
        "d_cr": {"gan": {"d_cr"}},
        "cr": {"cr": {"cr"}, "gan": {"cr", "d_cr"}},
    },
    "joint": {
        "d_cr": {"gan": {"d_cr"}},
        "d_sr": {"gan": {"d_sr"}},
        "d_fr": {"gan": {"d_fr"}},
        "cr+sr": {
            "cr": {"cr"},
            "gan": {"cr", "d_cr"},
            "sr": {"sr", "cr"},
            "sr_gan": {"sr", "cr", "d_sr"},
            "cr_sr": {"sr", "cr"},
            "cr_gan": {"sr", "cr", "d_fr"},
        },
    },
}
JOINT = REACH["joint"]
SR_ONLY = {
    "sr": {"sr"},
    "sr_gan": {"sr", "d_sr"},
    "cr_sr": {"sr"},
    "cr_gan": {"sr", "d_fr"},
}


def without(updates: dict[str, dict[str, set[str]]], *terms: str) -> dict[str, Any]:
    kept = {k: {t: r for t, r in v.items() if t not in terms} for k, v in updates.items()}
    return {k: v for k, v in kept.items() if k not in terms}


@pytest.mark.parametrize(
    ("stage", "settings", "expected"),
    [
        *((stage, {}, expected) for stage, expected in REACH.items()),
        ("joint", {"embedder": "none"}, JOINT),
        ("joint", {"variant": "without_unsupervised_loss"}, without(JOINT, "cr_sr")),
        ("joint", {"lambda_cr_sr": 0}, without(JOINT, "cr_sr")),
        ("joint", {"lambda_cr_gan": 0}, without(JOINT, "cr_gan", "d_fr")),
        ("joint", {"lambda_sr_gan": 0}, without(JOINT, "sr_gan", "d_sr")),
        (
            "joint",
            {"variant": "without_cr"},
            {k: v for k, v in JOINT.items() if k in ("d_sr", "d_fr")} | {"sr": SR_ONLY},
        ),
        (
            "super_resolution",
            {"lambda_sr_gan": 0},
            {"sr": {"sr": {"sr"}}},
        ),
    ],
)
def test_each_loss_reaches_the_networks_it_should(
    data: Split, stage: str, settings: dict[str, Any], expected: dict[str, dict[str, set[str]]]
) -> None:
    training = prepared(data, **settings)
    found = {
        names if isinstance(names, str) else "+".join(names): {
            term: reached(training, value) for term, value in terms.items()
        }
        for names, terms in getattr(training, stage)()
    }
    assert found == expected


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("lambda_cr", "cr"),
        ("lambda_cr", "gan"),
        ("lambda_gan", "gan"),
        ("lambda_cr_sr", "cr_sr"),
        ("lambda_cr_gan", "cr_gan"),
        ("lambda_sr_gan", "sr_gan"),
    ],
)
def test_every_lambda_weighs_its_term_of_equation_9(data: Split, name: str, term: str) -> None:
    def values(weight: float) -> dict[str, float]:
        terms = list(prepared(data, **{name: weight}).joint())[-1][1]
        return {key: value.item() for key, value in terms.items()}

    one, three = values(0.5), values(1.5)
    assert three[term] == pytest.approx(3 * one[term], rel=1e-4)
    weighed = {"lambda_cr": {"cr", "gan"}}.get(name, {term})
    for other in one.keys() - weighed:
        assert three[other] == pytest.approx(one[other], rel=1e-4)


def test_the_pixel_losses_are_equations_1_6_and_7(data: Split) -> None:
    training = prepared(data, lambda_cr=1.0, lambda_cr_sr=1.0)
    for net in training.nets.values():
        net.eval()
    same_draw = LabelledFeed(data, 0, CPU)
    hr, lr = same_draw.hr(3), same_draw.lr(3)
    terms = list(training.joint())[-1][1]
    cr, sr, inverse = (training.nets[name] for name in ("cr", "sr", "inverse"))
    with torch.no_grad():
        artificial, regulated = shrink(hr), cr(lr)
        expected = {
            "sr": (sr(artificial) - hr).square().mean(),
            "cr": (cr(inverse(artificial)) - artificial).square().mean(),
            "cr_sr": (shrink(sr(regulated)) - regulated).square().mean(),
        }
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_faces_are_shrunk_to_a_quarter_by_bicubic_interpolation() -> None:
    hr = torch.rand(2, 3, 64, 64)
    pixels = (hr * 255).round().byte().permute(0, 2, 3, 1).numpy()
    small = [Image.fromarray(p).resize((16, 16), Image.Resampling.BICUBIC) for p in pixels]
    expected = torch.stack([torch.from_numpy(np.array(s)).permute(2, 0, 1) for s in small])
    assert (shrink(hr) * 255 - expected.float()).abs().max() < 1.5


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("full", ["super-resolution", "recognition", "characteristics", "joint"]),
        (
            "without_unsupervised_loss",
            ["super-resolution", "recognition", "characteristics", "joint"],
        ),
        ("without_cr", ["super-resolution", "recognition", "joint"]),
        ("without_sr_ri", ["super-resolution", "characteristics"]),
    ],
)
def test_each_variant_has_the_stages_the_paper_says(
    data: Split, variant: str, expected: list[str]
) -> None:
    assert [stage.name for stage in prepared(data, variant=variant).stages()] == expected


def test_each_stage_changes_only_its_own_networks(
    data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history: list[tuple[str, dict[str, Tensor]]] = []
    step = Trainer._step

    def spy(self: Trainer, stage: Any, number: int) -> None:
        step(self, stage, number)
        history.append((stage.name, {k: flat(n) for k, n in self.nets.items()}))

    monkeypatch.setattr(Trainer, "_step", spy)
    trained(data, tmp_path / "out", steps=2, cr_steps=3)
    changed: dict[str, set[str]] = {}
    for (_, before), (name, after) in itertools.pairwise(history):
        changed.setdefault(name, set()).update(
            k for k in after if not torch.equal(before[k], after[k])
        )
    assert changed == {
        "super-resolution": {"sr", "d_sr"},
        "recognition": {"fr", "classifier"},
        "characteristics": {"cr", "inverse", "d_cr", "d_inverse"},
        "joint": {"cr", "sr", "d_cr", "d_sr", "d_fr"},
    }


def flat(net: nn.Module) -> Tensor:
    """Return all weights and statistics, but what spectral norm tracks."""
    state = {k: v for k, v in net.state_dict().items() if not k.endswith((".u", ".v"))}
    return torch.cat([v.detach().flatten().double() for v in state.values()])


def same(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(v.numpy().tobytes() == other[k].numpy().tobytes() for k, v in a.state_dict().items())


def test_the_same_seed_gives_the_same_bytes_and_two_seeds_two_models(
    data: Split, tmp_path: Path
) -> None:
    one, again, other = (
        trained(data, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(one.net, again.net)
    assert not same(one.net, other.net)
    a, b, c = (tmp_path / f"{n}/embedder.safetensors" for n in "abc")
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


def test_an_interrupted_training_ends_like_an_undisturbed_one(
    data: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"ema": 0.5, "augment": "full"}
    whole = trained(data, tmp_path / "whole", **settings)
    step = Trainer._step
    for stop in (1, 2, 3, 4, 5, 6, 7):  # within stages and at their ends

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
    kept = [tmp_path / name / "embedder.safetensors" for name in ("whole", "parts")]
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_the_moving_averages_of_both_networks_are_what_is_kept(data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path / "out", ema=0.9)
    saved = torch.load(tmp_path / "out" / CHECKPOINT, weights_only=True)
    for name, net in (("cr", method.cascade.regulariser), ("sr", method.cascade.restorer)):
        average, last = saved["averages"][name]["net"], saved["nets"][name]
        mine = net.state_dict()["first.0.weight"]
        assert torch.equal(mine, average["first.0.weight"])
        assert not torch.equal(mine, last["first.0.weight"])


def test_averages_reach_back_as_far_as_they_are_told(data: Split, tmp_path: Path) -> None:
    short, far = (
        trained(data, tmp_path / str(reach), ema=0.9, ema_reach=reach).net.state_dict()
        for reach in (1 / 9, 9.0)
    )
    assert not torch.equal(short["restorer.last.weight"], far["restorer.last.weight"])


def test_every_network_learns_at_its_own_rate(data: Split, tmp_path: Path) -> None:
    trained(data, tmp_path, cr_learning_rate=2e-4, d_learning_rate=3e-4)
    with (tmp_path / "log.csv").open(newline="") as file:
        logged = {entry for row in csv.DictReader(file) for entry in row.items() if entry[1]}
    said = "learning_rate/"
    found = {(n.removeprefix(said), float(v)) for n, v in logged if n.startswith(said)}
    wanted = {"cr": 2e-4, "inverse": 2e-4}
    wanted |= dict.fromkeys(("d_sr", "d_cr", "d_inverse", "d_fr"), 3e-4)
    wanted |= dict.fromkeys(("sr", "fr", "classifier"), 1e-3)
    assert found == set(wanted.items())


@pytest.mark.parametrize(("variant", "columns"), [("full", 9), ("without_cr", 6)])
def test_samples_show_genuine_regulated_and_artificial_faces(
    data: Split, tmp_path: Path, variant: str, columns: int
) -> None:
    trained(data, tmp_path / "out", variant=variant)
    grid = sorted((tmp_path / "out" / "samples").iterdir())[-1]
    assert read_image(grid).shape == (5 * 66 - 2, columns * 66 - 2, 3)
    log = (tmp_path / "out" / "log.csv").read_text()
    assert Counter(line.split(",")[1] for line in log.splitlines()[1:])["joint"] == 2


def test_every_stage_trains_in_mixed_precision(data: Split, tmp_path: Path) -> None:
    exact, mixed = (trained(data, tmp_path / str(m), mixed=m) for m in (False, True))
    assert all(p.dtype == torch.float32 for p in mixed.net.parameters())
    gaps = [
        (a - b).abs().max()
        for a, b in zip(mixed.net.parameters(), exact.net.parameters(), strict=True)
    ]
    assert 0 < max(gaps) < 0.05
