"""A tiny adversarial training run of two stages, also as a process that can be killed.

python tests/methods/_train/toy.py FACES OUT [PAUSE]
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from facesr.bench.contract import Split
from facesr.bench.faces import folder
from facesr.methods._nets.spectral import spectral
from facesr.methods._train.augment import Augment
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import hinge_discriminator, hinge_generator, pixel_l2

STEPS = (7, 9)


def build(data: Split, out: Path, seed: int = 4, **options: Any) -> Trainer:
    """Build networks, optimisers and a feed that use all that a checkpoint must hold."""
    torch.manual_seed(0)
    nets = {
        "g": nn.Sequential(
            nn.Conv2d(4, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(6, 3, 3, padding=1),
        ),
        "d": nn.Sequential(
            spectral(nn.Conv2d(3, 4, 3, 2)), nn.ReLU(), nn.Flatten(), spectral(nn.Linear(196, 1))
        ),
    }
    adam = {name: torch.optim.Adam(net.parameters(), 1e-2) for name, net in nets.items()}
    changes = {"hr": Augment(0.5, 0.1, 10, 0.1), "lr": Augment(flip=0.5)}
    feed = Feed(data, seed, torch.device("cpu"), augment=changes)
    settings: dict[str, Any] = {
        "averages": {"g": 0.9},
        "clip": 1.0,
        "checkpoint_share": float("inf"),
    }
    return Trainer("toy", nets, adam, feed, out, seed, **(settings | options))


def stages(after: Callable[[Trainer], None] = lambda trainer: None) -> list[Stage]:
    """Return one stage without and one with the discriminator, and what follows each step."""

    def make(trainer: Trainer) -> tuple[torch.Tensor, torch.Tensor]:
        target = avg_pool2d(trainer.feed.hr(3), 4)
        noise = trainer.noise(3, 1, 16, 16)
        return target, trainer.nets["g"](torch.cat([target, noise], 1))

    def first(trainer: Trainer) -> None:
        target, made = make(trainer)
        trainer.minimise("g", pixel=pixel_l2(made, target))
        after(trainer)

    def second(trainer: Trainer) -> None:
        target, made = make(trainer)
        d = trainer.nets["d"]
        trainer.minimise("d", hinge=hinge_discriminator(d(trainer.feed.lr(2)), d(made.detach())))
        trainer.minimise("g", pixel=pixel_l2(made, target), gan=0.05 * hinge_generator(d(made)))
        after(trainer)

    return [Stage("first", STEPS[0], first), Stage("second", STEPS[1], second, lambda x: 1 - x)]


if __name__ == "__main__":
    faces, out = Path(sys.argv[1]), Path(sys.argv[2])
    pause = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    torch.set_num_threads(1)
    split = Split(folder(faces / "lr16"), folder(faces / "hr64"))
    build(split, out).run(stages(lambda trainer: time.sleep(pause)))
