"""Which loss reaches which network, for every variant and stage."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from facesr.bench.contract import Split
from facesr.methods._lrgan import Training
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.lrgan import HighToLow, LowToHigh, ReleasedLowToHigh
from facesr.methods._train.data import Feed

MakeSplit = Callable[..., Split]
Reach = dict[str, dict[str, set[str]]]

LOW = {"d_lr/hinge": {"d_lr"}, "h2l/pixel": {"h2l"}, "h2l/gan": {"h2l"}}
HIGH = {"d_hr/hinge": {"d_hr"}, "l2h/pixel": {"l2h"}, "l2h/gan": {"l2h"}}
JOINT = {
    "d_lr/hinge": {"d_lr"},
    "d_hr/hinge": {"d_hr"},
    "h2l+l2h/low_pixel": {"h2l"},
    "h2l+l2h/low_gan": {"h2l"},
    "h2l+l2h/high_pixel": {"h2l", "l2h"},
    "h2l+l2h/high_gan": {"h2l", "l2h"},
}
TABLE: dict[str, Reach] = {
    "full": {"high-to-low": LOW, "low-to-high": HIGH, "joint": JOINT},
    "pixel_only": {"high-to-low": LOW, "low-to-high": {"l2h/pixel": {"l2h"}}},
    "bilinear": {"low-to-high": HIGH},
    "blur_bilinear": {"low-to-high": HIGH},
}
NETS = {
    "full": ("h2l", "d_lr", "l2h", "d_hr"),
    "pixel_only": ("h2l", "d_lr", "l2h"),
    "bilinear": ("l2h", "d_hr"),
    "blur_bilinear": ("l2h", "d_hr"),
}


def build(data: Split, variant: str, released: bool = False, d_steps: int = 2) -> Training:
    torch.manual_seed(0)
    every: dict[str, nn.Module] = {
        "h2l": HighToLow(data.hr.size, 8, 0.05),
        "l2h": (ReleasedLowToHigh if released else LowToHigh)(0.05),
        "d_lr": Discriminator(data.lr.size, 0.05),
        "d_hr": Discriminator(data.hr.size, 0.05),
    }
    nets = {name: every[name] for name in NETS[variant]}
    feed = Feed(data, 0, torch.device("cpu"))
    return Training(nets, feed, variant, 2, d_steps, 1.0, 0.05, 8, 0)


class Recorder:
    """Stands in for a trainer: notes what each loss alone reaches and changes nothing.

    A discriminator that a generator's loss passes through is no part of that update, which
    `Trainer.minimise` leaves without gradients.
    """

    def __init__(self, run: Training) -> None:
        self.run = run
        self.found: dict[str, set[str]] = {}
        self.unreached: set[str] = set()

    def minimise(self, names: str | tuple[str, ...], **losses: Tensor) -> None:
        updated = (names,) if isinstance(names, str) else names
        judged = any(name.startswith("d_") for name in updated)
        for term, loss in losses.items():
            reached = set()
            for name, net in self.run.nets.items():
                if judged or not name.startswith("d_"):
                    mine = dict(net.named_parameters())
                    grads = torch.autograd.grad(
                        loss, list(mine.values()), retain_graph=True, allow_unused=True
                    )
                    if any(g is not None and bool(g.abs().sum()) for g in grads):
                        reached.add(name)
                        without = zip(mine, grads, strict=True)
                        self.unreached |= {f"{name}.{k}" for k, g in without if g is None}
            self.found["+".join(updated) + "/" + term] = reached

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(shape)

    def generator(self, _name: str) -> torch.Generator:
        return torch.Generator().manual_seed(0)


def steps(variant: str) -> Iterator[Any]:
    for stage in TABLE[variant]:
        yield pytest.param(variant, stage, id=f"{variant}, {stage}")


@pytest.mark.parametrize("released", [False, True], ids=["paper", "released"])
@pytest.mark.parametrize(("variant", "stage"), [p for v in TABLE for p in steps(v)])
def test_each_loss_reaches_what_the_paper_says(
    make_split: MakeSplit, variant: str, stage: str, released: bool
) -> None:
    run = build(make_split(2, 2, 8, 32), variant, released)
    stages = {one.name: one for one in run.stages(1, 1)}
    assert list(stages) == list(TABLE[variant])
    recorder: Any = Recorder(run)
    stages[stage].step(recorder)
    assert recorder.found == TABLE[variant][stage]
    unused = {"l2h.unused.weight", "l2h.unused.bias"} if released else set()
    assert recorder.unreached == (unused if stage != "high-to-low" else set())
