"""How both steps train, one after the other, and what is learned of their codes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.methods._nets.two_step import Whole
from facesr.methods._projection import resized
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.stylegan2 import StyleTraining
from facesr.methods._two_step import FirstStep
from facesr.methods._two_step_codes import find_normal

if TYPE_CHECKING:
    from facesr.methods.two_step import TwoStep

_AT_ONCE = 32


def fit_both(method: "TwoStep", net: Whole, data: Split, out: Path) -> None:
    """Train both steps, then find mean and principal normal of the generator's codes.

    Args:
        method: Whose settings hold.
        net: What is trained, in place.
        data: The training split.
        out: Folder of the training.
    """
    feed = Feed(data, method.seed, method.device)
    first, style = FirstStep(method, net.low_to_high, feed), _style(method, net, feed)
    nets, stages = first.nets, list(first.stages())
    optimisers: dict[str, Optimizer] = {
        name: Adam(
            part.parameters(),
            method.d_learning_rate if name.startswith("d_") else method.learning_rate,
        )
        for name, part in nets.items()
    }
    averages = {"l2h": method.ema}
    if style is not None:
        nets, optimisers = nets | style.nets, optimisers | style.optimisers
        averages |= style.averages
        stages.append(Stage("generator", method.generator_steps, style.step))

    def sample() -> list[Tensor]:
        columns = first.sample()
        return columns if style is None else [*columns, style.sample(len(columns[0]))]

    trainer = Trainer(
        "two_step",
        nets,
        optimisers,
        feed,
        out,
        method.seed,
        averages=averages,
        sample=sample,
        mixed=method.mixed,
    )
    trainer.run(stages)
    net.low_to_high.load_state_dict(trainer.average("l2h").state_dict())
    if net.generator is not None:
        if style is not None:
            net.generator.load_state_dict(trainer.average("style_g").state_dict())
        _explore(method, net.eval(), data, out)


def _style(method: "TwoStep", net: Whole, feed: Feed) -> StyleTraining | None:
    if net.generator is None or method.generator:
        return None
    assert net.judge is not None
    return StyleTraining(net.generator, net.judge, feed, method.generator_batch)


def _explore(method: "TwoStep", net: Whole, data: Split, out: Path) -> None:
    """Fill mean, normal and gap."""
    assert net.generator is not None
    net.mean.copy_(net.generator.mean(seed=method.seed))
    if not method.push:
        return
    size = min(data.lr.size * method.factor, net.generator.size)
    with torch.no_grad():
        restored = [resized(net(x), size) for x in _first(data.lr, method)]
        real = [resized(x, size) for x in _first(data.hr, method)]
    faces = torch.cat(restored), torch.cat(real)
    find_normal(net, method.projector(), *faces, method.svm_c, method.seed, out)


def _first(faces: Faces, method: "TwoStep") -> Iterator[Tensor]:
    """Yield the faces of which the normal is learned, some at a time, in [-1, 1]."""
    for batch in faces.take(range(min(len(faces), method.codes))).batches(_AT_ONCE):
        yield batch.to(method.device) * 2 - 1
