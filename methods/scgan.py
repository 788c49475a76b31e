"""SCGAN: two degraders around one restorer, trained in two half cycles.

Paper: Hou, Hu, Xu, Hou, Wei, Shen, "Semi-Cycled Generative Adversarial Networks for Real-World
Face Super-Resolution", IEEE TIP 2023, https://arxiv.org/abs/2205.03777
Weights: https://github.com/HaoHou-98/SCGAN (the restorer only, without a licence).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from facesr.bench.contract import About, Method, Split
from facesr.bench.errors import BadName, BenchError
from facesr.methods._nets.scgan import SHARED, Degrader, Discriminator, Restorer
from facesr.methods._nets.scgan_file import from_released, released_state
from facesr.methods._nets.weights import fit, keep, read_state
from facesr.methods._scgan import (
    HALVES,
    JUDGES,
    RESTORING,
    SCALE,
    WITHOUT,
    Training,
    judges_in,
    judges_of,
    terms_of,
)
from facesr.methods._train.augment import AUGMENTATIONS, augmentation
from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Trainer
from facesr.methods._train.settings import (
    require_known,
    require_no_negative,
    require_positive,
    require_scale,
    require_share,
    require_sizes,
)

CYCLES = ("paper", "released")


@dataclass
class SCGAN(Method):
    """Degrade and restore real faces; restore and degrade genuine low-resolution ones (Fig. 4).

    Args:
        cycle: How far a loss reaches. `paper`: both networks of its half, so that the consistency
            of each half trains the restorer, as Section 3.2 says; inferred: Eqs. 2, 6 and 12 are
            added up. `released`: the second network of its half only, by a stop-gradient before
            it, so that the second degrader never influences the restorer.
        architecture: Table 1. `semi_cycled`; `wo_dsl` has the forward half only and `wo_dhl` the
            backward half only; `fully_cycled` has one degrader for both.
        sharing: Table 2: layers that both degraders of `semi_cycled` share; see `Degrader.share`.
        losses: Table 3: `all`, or without the adversarial (`wo_al`), pixel (`wo_pl`) or
            cycle-consistency (`wo_cl`) losses.
        adversarial: Table 4: which of the adversarial losses are used, as far as the architecture
            has them, such as `L1+H1`; `none` for none.
        width: Factor of the channels of the generators.
        d_width: Factor of the channels of the discriminators, half of all arithmetic at 1.
        steps: Updates of all networks; derived: 200 epochs of 20,000 faces.
        batch: Faces per update and resolution.
        learning_rate: Of Adam with betas (0.9, 0.999).
        d_learning_rate: The same for the discriminators; the paper has one rate for all.
        final_rate: Share of the learning rates that is left in the end, 1e-5 of 1e-4.
        swings: Half cosines in a training. One takes the rates down once; inferred from "decayed
            to" in Section 3.6. The released code has 20: down and up in turn, 10 epochs each.
        alpha: Weight of the pixel and cycle-consistency losses.
        beta: Weight of the adversarial losses. As printed, Eqs. 2, 7, 8 and 12 give these alpha
            and the others beta, with the same values; the released code is followed, which agrees
            with LRGAN. For what is printed set alpha=0.05 and beta=1.
        theta: Weight of the forward half in the loss of the restorer, Eq. 6.
        gamma: Weight of the backward half there.
        noise: Length of the noise vector, which the paper makes as large as the face; as released,
            and as there both degraders get the same.
        augment: `full` flips, turns and recolours, see `augmentation`; `flip` or `none` do less.
            The paper has none.
        ema: Decay of a moving average of the restorer that is used instead of it; the paper has
            none.
        mixed: Whether training runs in bfloat16; None for where that is fast, on CUDA devices.

    Inferred, too: weights start as torch's convolutions do, by He's uniform rule with a = sqrt(5),
    which fits "Kaiming initialization" and is what was released; with a gain of sqrt(2) the
    degraders, which have no normalisation, saturate their tanh at once and never learn. The
    adversarial loss of a generator is minus the mean verdict, as in the work that the paper
    follows for Eq. 3.
    """

    about = About(
        "SCGAN",
        paper="Hou, Hu, Xu, Hou, Wei, Shen: Semi-Cycled Generative Adversarial Networks for "
        "Real-World Face Super-Resolution. IEEE TIP 2023",
        year=2023,
        url="https://arxiv.org/abs/2205.03777",
        family="unpaired",
        scales=(4,),
    )
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "short": {
            "steps": 4000,
            "width": 0.5,
            "d_width": 0.25,
            "batch": 32,
            "learning_rate": 5e-4,
            "beta": 0.005,
            "augment": "full",
            "ema": 0.998,
        },
        "smoke": {
            "steps": 60,
            "width": 0.125,
            "d_width": 0.0625,
            "batch": 4,
            "learning_rate": 5e-4,
            "augment": "flip",
        },
    }

    cycle: Literal["paper", "released"] = "paper"
    architecture: Literal["semi_cycled", "wo_dsl", "wo_dhl", "fully_cycled"] = "semi_cycled"
    sharing: Literal["none", "SA", "SE", "SD", "SM"] = "none"
    losses: Literal["all", "wo_al", "wo_pl", "wo_cl"] = "all"
    adversarial: str = "L1+L2+H1+H2"
    width: float = 1.0
    d_width: float = 1.0
    steps: int = 62_500
    batch: int = 64
    learning_rate: float = 1e-4
    d_learning_rate: float = 1e-4
    final_rate: float = 0.1
    swings: int = 1
    alpha: float = 1.0
    beta: float = 0.05
    theta: float = 1.0
    gamma: float = 0.05
    noise: int = 64
    augment: Literal["full", "flip", "none"] = "none"
    ema: float = 0.0
    mixed: bool | None = None

    def __post_init__(self) -> None:
        self._check()
        self.net = Restorer(self.width)
        self.degrader: Degrader | None = None

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; the forward degrader is kept as `degrader.safetensors`."""
        require_sizes(self, data, multiple=16, least=8)
        nets = self._build(data.lr.size, data.hr.size)
        feed = Feed(data, self.seed, self.device, augment=augmentation(self.augment))
        run = Training(self, nets, feed)  # pyright: ignore[reportArgumentType]
        trainer = Trainer(
            "scgan",
            nets,
            self._optimisers(nets),
            feed,
            out,
            self.seed,
            averages={"ls": self.ema},
            sample=run.sample,
            mixed=self.mixed,
        )
        trainer.run(run.stages())
        self.net.load_state_dict(trainer.average("ls").state_dict())
        if self.degrader is not None:
            keep(self.degrader.state_dict(), out / "degrader.safetensors")

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        return (self.net(lr * 2 - 1) + 1) / 2

    def degrade(self, hr: Tensor, noise: Tensor) -> Tensor:
        """Make low-resolution faces as the forward degrader learned to (Eq. 1).

        Args:
            hr: (n, 3, h, w), float32 in [0, 1].
            noise: (n, noise), normally distributed; another one degrades in another way.

        Returns:
            (n, 3, h / 4, w / 4), float32 in [0, 1].

        Raises:
            BenchError: If this variant has not learned to degrade, or not yet.
        """
        if self.degrader is None:
            raise BenchError(
                "scgan has no forward degrader yet; train it with another architecture than "
                "'wo_dhl', or give its weights to load_degrader"
            )
        with torch.no_grad():
            return (self.degrader.eval()(hr * 2 - 1, noise) + 1) / 2

    def load(self, weights: Path) -> None:
        """Read the restorer: what the harness saved, or the authors' `pretrained_model.pth`.

        Raises:
            BenchError: If the weights belong to another network or width.
        """
        state = read_state(weights)
        released = released_state(state)
        wanted = f"scgan of width {self.width}"
        fit(self.net, from_released(released) if released else state, weights, wanted)

    def load_degrader(self, weights: Path) -> None:
        """Read the forward degrader from the `degrader.safetensors` that `train` left.

        Raises:
            BenchError: If the weights belong to another network, width or length of noise.
        """
        state = read_state(weights)
        pixels = len(state["project.bias"]) if "project.bias" in state else 64 * 64
        degrader = Degrader(int(pixels**0.5), self.noise, self.width)
        wanted = f"scgan of width {self.width} with {self.noise} numbers of noise"
        fit(degrader, state, weights, wanted)
        self.degrader = degrader.to(self.device)

    def _build(self, low: int, high: int) -> dict[str, nn.Module]:
        """Build what the variant needs; a network starts alike in all variants that have it."""
        nets: dict[str, nn.Module] = {"ls": self.net}
        if self.architecture != "wo_dhl":
            self.degrader = nets["hl"] = self._degrader("hl", high)
        if self.architecture in ("semi_cycled", "wo_dhl"):
            nets["sl"] = second = self._degrader("sl", high)
            if self.degrader is not None:
                second.share(self.degrader, self.sharing)
        for judge in judges_of(terms_of(self.architecture, self.losses, self.adversarial)):
            name, size = f"d_{judge.lower()}", low if judge in ("L1", "L2") else high
            torch.manual_seed(derived_seed(self.seed, "scgan", name))
            nets[name] = Discriminator(size, self.d_width)
        return nets

    def _degrader(self, name: str, size: int) -> Degrader:
        torch.manual_seed(derived_seed(self.seed, "scgan", name))
        return Degrader(size, self.noise, self.width)

    def _optimisers(self, nets: Mapping[str, nn.Module]) -> dict[str, Adam]:
        """Give every parameter to one optimiser, shared ones to that of the first degrader."""
        taken: set[nn.Parameter] = set()
        adam = {}
        for name in sorted(nets):  # hl before sl
            own = [p for p in nets[name].parameters() if p not in taken]
            taken.update(own)
            rate = self.d_learning_rate if name.startswith("d_") else self.learning_rate
            adam[name] = Adam(own, rate, betas=(0.9, 0.999))
        return adam

    def _check(self) -> None:
        require_scale(self, SCALE)
        require_known(
            self,
            cycle=CYCLES,
            architecture=tuple(HALVES),
            sharing=tuple(SHARED),
            losses=tuple(WITHOUT),
            augment=AUGMENTATIONS,
        )
        require_positive(
            self, "width", "d_width", "batch", "learning_rate", "d_learning_rate", "noise", "swings"
        )
        require_no_negative(self, "steps", "alpha", "beta", "theta", "gamma")
        require_share(self, "ema", "final_rate")
        self._check_variant()

    def _check_variant(self) -> None:
        try:
            judges_in(self.adversarial)
        except ValueError:
            raise BadName(
                f"scgan.adversarial is {self.adversarial!r}, expected some of {', '.join(JUDGES)} "
                "joined by +, or none"
            ) from None
        if self.sharing != "none" and self.architecture != "semi_cycled":
            raise BenchError(
                f"scgan.sharing is {self.sharing!r}, but only architecture 'semi_cycled' has two "
                "degraders; leave one of the two settings at its default"
            )
        terms = terms_of(self.architecture, self.losses, self.adversarial)
        if not set(terms) & set(RESTORING[self.cycle]):
            raise BenchError(
                f"no loss of scgan reaches the restorer with cycle={self.cycle}, architecture="
                f"{self.architecture}, losses={self.losses} and adversarial={self.adversarial}; "
                "leave one of these at its default"
            )
