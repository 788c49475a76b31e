"""Which loss reaches which network, for every variant of Tables 1 to 4."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facesr.bench.contract import Split
from facesr.methods._scgan import SCALE, Training, enlarged, judges_in
from facesr.methods._train.data import Feed
from facesr.methods.scgan import SCGAN

MakeSplit = Callable[..., Split]
Reach = dict[str, set[str]]

RELEASED: Reach = {
    "pix_sL": {"hl"},
    "adv_L1": {"hl"},
    "cyc_sS": {"ls"},
    "adv_H1": {"ls"},
    "pix_rS": {"ls"},
    "adv_H2": {"ls"},
    "cyc_rL": {"sl"},
    "adv_L2": {"sl"},
}
PAPER: Reach = RELEASED | {
    "cyc_sS": {"hl", "ls"},
    "adv_H1": {"hl", "ls"},
    "cyc_rL": {"ls", "sl"},
    "adv_L2": {"ls", "sl"},
}
CYCLES = {"paper": PAPER, "released": RELEASED}
BACKWARD = {"pix_rS", "adv_H2", "cyc_rL", "adv_L2"}
FORWARD = set(PAPER) - BACKWARD
SHARED = {
    "SA": {"down.0", "down.1", "down.2", "down.3", "up.0", "up.1"},
    "SE": {"down.0", "down.1", "down.2", "down.3"},
    "SD": {"up.0", "up.1"},
    "SM": {"down.2", "down.3", "up.0", "up.1"},
}
ALL = SHARED["SA"] | {"project", "first", "last"}


def variants() -> Iterator[Any]:
    """Yield settings, and the terms that they take away."""
    tables: list[tuple[dict[str, str], set[str]]] = [
        ({}, set()),
        ({"architecture": "wo_dsl"}, BACKWARD),
        ({"architecture": "wo_dhl"}, FORWARD),
        ({"losses": "wo_al"}, {"adv_L1", "adv_L2", "adv_H1", "adv_H2"}),
        ({"losses": "wo_pl"}, {"pix_sL", "pix_rS"}),
        ({"losses": "wo_cl"}, {"cyc_sS", "cyc_rL"}),
    ]
    for n in range(4):  # the 15 of Table 4
        for kept in itertools.combinations(("L1", "L2", "H1", "H2"), n):
            gone = {f"adv_{judge}" for judge in {"L1", "L2", "H1", "H2"} - set(kept)}
            tables.append(({"adversarial": "+".join(kept) or "none"}, gone))
    assert len(tables) == 6 + 15
    for settings, gone in tables:
        yield pytest.param(settings, gone, id=",".join(settings.values()) or "full")


@pytest.fixture
def training(make_split: MakeSplit) -> Callable[..., Training]:
    def training(**settings: Any) -> Training:
        torch.manual_seed(0)
        method = SCGAN(width=0.01, d_width=0.01, **settings)
        feed = Feed(make_split(2, 2), 0, torch.device("cpu"))
        return Training(method, method._build(16, 64), feed)

    return training


def terms(run: Training) -> dict[str, torch.Tensor]:
    """Compute the losses of one batch."""
    generator = torch.Generator().manual_seed(5)
    hr = torch.rand((2, 3, 64, 64), generator=generator) * 2 - 1
    lr = torch.rand((2, 3, 16, 16), generator=generator) * 2 - 1
    return run.losses(run.images(hr, lr, torch.randn((2, 64), generator=generator)))


def reached(loss: torch.Tensor, run: Training) -> dict[str, set[str]]:
    """Return the layers of each generator that receive a gradient; groups count as one layer."""
    owned = [(n, k, p) for n in run.generators for k, p in run.nets[n].named_parameters()]
    parameters = [p for _, _, p in owned]
    grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    found: dict[str, set[str]] = {}
    for (net, name, _), grad in zip(owned, grads, strict=True):
        if grad is not None and bool(grad.abs().sum()):
            part = name.split(".")
            layer = ".".join(part[:2]) if part[0] in ("down", "up") else part[0]
            found.setdefault(net, set()).add(layer)
    return found


@pytest.mark.parametrize("cycle", CYCLES)
@pytest.mark.parametrize(("settings", "gone"), list(variants()))
def test_each_loss_reaches_what_the_paper_says(
    training: Callable[..., Training], cycle: str, settings: dict[str, str], gone: set[str]
) -> None:
    run = training(cycle=cycle, **settings)
    losses = terms(run)
    found = {term: set(reached(loss, run)) for term, loss in losses.items()}
    assert found == {t: nets for t, nets in CYCLES[cycle].items() if t not in gone}
    judges = {f"d_{t[4:].lower()}" for t in found if t.startswith("adv")}
    assert {n for n in run.nets if n.startswith("d_")} == judges


@pytest.mark.parametrize("cycle", CYCLES)
def test_fully_cycled_has_one_degrader_for_both_halves(
    training: Callable[..., Training], cycle: str
) -> None:
    run = training(cycle=cycle, architecture="fully_cycled")
    assert run.generators == ("hl", "ls")
    for term, loss in terms(run).items():
        nets = {{"sl": "hl"}.get(net, net) for net in CYCLES[cycle][term]}
        assert set(reached(loss, run)) == nets, term


@pytest.mark.parametrize("sharing", SHARED)
@pytest.mark.parametrize("cycle", CYCLES)
def test_shared_layers_learn_from_both_halves_and_others_from_one(
    training: Callable[..., Training], cycle: str, sharing: str
) -> None:
    run = training(cycle=cycle, sharing=sharing)
    for term, loss in terms(run).items():
        nets, found = CYCLES[cycle][term], reached(loss, run)
        for net, other in (("hl", "sl"), ("sl", "hl")):
            expected = ALL if net in nets else SHARED[sharing] if other in nets else set()
            assert found.get(net, set()) == expected, (term, net)


def test_terms_are_weighted_as_in_equations_2_6_and_12(training: Callable[..., Training]) -> None:
    plain = terms(training(alpha=1, beta=1, theta=1, gamma=1))
    weighted = terms(training(alpha=2, beta=3, theta=5, gamma=7))
    factors = {
        "pix_sL": 2,
        "adv_L1": 3,
        "cyc_sS": 5 * 2,
        "adv_H1": 5 * 3,
        "pix_rS": 7 * 2,
        "adv_H2": 7 * 3,
        "cyc_rL": 2,
        "adv_L2": 3,
    }
    assert set(plain) == set(factors)
    for term, factor in factors.items():
        assert weighted[term].item() == pytest.approx(factor * plain[term].item(), rel=1e-4), term


def test_every_distance_is_l1_to_the_image_that_the_paper_names(
    training: Callable[..., Training],
) -> None:
    run = training(gamma=1, adversarial="none")
    names = {"rH": 64, "sS": 64, "rS": 64, "rL": 16, "sL": 16, "cL": 16}
    images = {n: torch.full((1, 3, side, side), 0.0) for n, side in names.items()}
    for name, value in (("rH", 0.5), ("rL", -0.25), ("sL", 0.1), ("sS", 0.2), ("rS", 0.3)):
        images[name] += value
    found = {term: round(loss.item(), 6) for term, loss in run.losses(images).items()}
    assert found == {"pix_sL": 0.4, "cyc_sS": 0.3, "pix_rS": 0.55, "cyc_rL": 0.25}


def test_enlarged_faces_keep_their_corners() -> None:
    lr = torch.rand(1, 3, 16, 16)
    hr = enlarged(lr)
    assert hr.shape[-1] == SCALE * 16
    for y, x in itertools.product((0, -1), repeat=2):
        assert torch.allclose(hr[..., y, x], lr[..., y, x], atol=1e-5)


def test_judges_are_read_in_the_order_of_the_paper() -> None:
    assert judges_in("H2+L1") == ("L1", "H2")
    assert judges_in("none") == ()
    for wrong in ("", "L3", "L1+L1", "L1,H1"):
        with pytest.raises(ValueError, match="^" + wrong.replace("+", r"\+") + "$"):
            judges_in(wrong)


def test_the_step_trains_all_networks_of_the_variant(
    make_split: MakeSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: dict[str, list[torch.Tensor]] = {}
    kept: dict[str, nn.Module] = {}
    build = SCGAN._build

    def spy(self: SCGAN, low: int, high: int) -> dict[str, nn.Module]:
        kept.update(build(self, low, high))
        before.update({n: [p.detach().clone() for p in m.parameters()] for n, m in kept.items()})
        return kept

    monkeypatch.setattr(SCGAN, "_build", spy)
    SCGAN(width=0.01, d_width=0.01, steps=1, batch=2).train(make_split(2, 2), tmp_path)
    assert set(kept) == {"ls", "hl", "sl", "d_l1", "d_l2", "d_h1", "d_h2"}
    for name, net in kept.items():
        pairs = zip(before[name], net.parameters(), strict=True)
        moved = [not torch.equal(a, b) for a, b in pairs]
        if name.startswith("d_"):  # some of so few channels are dead
            assert moved.count(True) > len(moved) / 2, name
        else:
            assert moved.count(False) == (2 if name == "ls" else 0), name  # a2 is never used
