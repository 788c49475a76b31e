"""SelfSR: a network conditioned by its own input, on faces degraded along a learned flow field.

Paper: Zeng, Zhang, Liu, Tian, Liu, "Self-Conditioned Face Super-Resolution in the Wild via Flow
Field Degradation Network", 2021, https://arxiv.org/abs/2112.10683. No code was published; whatever
the paper leaves open is marked as inferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from facesr.bench.contract import About, Method, Split
from facesr.bench.errors import BenchError
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.flow import Degrader, disturbance
from facesr.methods._nets.selfsr import WIDE, GrowingDiscriminator, SuperResolver
from facesr.methods._nets.weights import fit, keep, read_state
from facesr.methods._selfsr import Training, growth, shrink
from facesr.methods._train.augment import AUGMENTATIONS, augmentation
from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Trainer
from facesr.methods._train.growing import Growth
from facesr.methods._train.settings import (
    name_of,
    require_known,
    require_no_negative,
    require_positive,
    require_share,
    require_sizes,
)

TRAININGS = ("realworld", "paired", "unpaired")
DEGRADATIONS = ("flow", "cyclegan", "none")
CONDITIONINGS = ("self", "concat")
DEGRADER_FILE = "degrader.safetensors"
_BETAS = (0.9, 0.99)


@dataclass
class SelfSR(Method):
    """Domain-adaptive degradation, then self-conditioned super-resolution (Section III).

    Args:
        training: `realworld` learns to degrade clean small faces like the genuine ones of the
            split, then learns from what it degrades. `paired` learns from the pairs of the split,
            or from real faces made small by bicubic interpolation if it has none, as the paper
            makes its pairs. `unpaired` learns from the small faces of the split by cycle
            consistency (Eq. 11).
        degradation: Of `realworld` (Table III): `flow`, `cyclegan`, or `none` for clean pairs.
        identity_loss: Whether the degraded image must resemble the clean one (Eq. 3).
        conditioning: `self`, or `concat` for the "vanilla" network (Table IV).
        progressive: Whether networks grow from a factor of 2 on. Growth after 60k of 160k steps
            for x4, 20k and 80k for x8, 40k and 120k of 280k where unpaired; inferred: in equal
            parts for other factors, the nearest of these for other trainings.
        r1: Whether the discriminator's gradients at real faces are penalised (Eq. 9).
        width: Factor of all channels.
        degradation_width: The same for the degradation network and the discriminators of small
            faces, which cost little at their few pixels; None for `width`.
        steps: Updates of the super-resolver; none given: the paper's 160,000, or 280,000 where
            `training` is `unpaired`.
        degradation_steps: Updates of the degradation network.
        batch: Faces per update.
        learning_rate: Of Adam with betas (0.9, 0.99) for the super-resolver, whose layers have an
            equalised learning rate; constant.
        d_learning_rate: The same for its discriminator.
        degradation_rate: Of the degradation network; falls to zero over the last half.
            Inferred: it has plain layers, as this is the usual rate of such.
        d_degradation_rate: The same for the discriminators of small faces. Inferred: they are
            those of LRGAN.
        fade_in: Share of `steps` in which a new level fades in; inferred: 10k of 160k.
        lambda_rec: Weight of the reconstruction, Eq. 10.
        lambda_r1: Weight of the penalty, Eq. 10.
        lambda_idt: Weight of the identity loss, Eq. 5.
        lambda_s: Weight of the smoothness of the flow, Eq. 5.
        lambda_cycle: Weight of cycle consistency in `cyclegan`; inferred: CycleGAN's.
        augment: `flip` as in the paper; `full` or `none` for more or less.
        ema: Decay of a moving average of the super-resolver that is used instead of it; the
            paper has none.
        mixed: Whether training runs in bfloat16; None for where that is fast, on CUDA devices.
    """

    about = About(
        "SelfSR",
        paper="Zeng, Zhang, Liu, Tian, Liu: Self-Conditioned Face Super-Resolution in the Wild "
        "via Flow Field Degradation Network. 2021",
        year=2021,
        url="https://arxiv.org/abs/2112.10683",
        family="unpaired",
        scales=(4, 8, 2, 16, 32),
    )
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "short": {
            "steps": 4000,
            "degradation_steps": 4000,
            "width": 0.5,
            "batch": 32,
            "learning_rate": 0.01,
            "d_degradation_rate": 4e-4,
            "lambda_rec": 40.0,
            "lambda_idt": 5.0,
            "lambda_s": 10.0,
            "augment": "full",
            "ema": 0.998,
        },
        "smoke": {
            "steps": 70,
            "degradation_steps": 40,
            "width": 0.0625,
            "batch": 8,
            "learning_rate": 0.01,
        },
    }

    training: Literal["realworld", "paired", "unpaired"] = "realworld"
    degradation: Literal["flow", "cyclegan", "none"] = "flow"
    identity_loss: bool = True
    conditioning: Literal["self", "concat"] = "self"
    progressive: bool = True
    r1: bool = True
    width: float = 1.0
    degradation_width: float | None = None
    steps: int | None = None
    degradation_steps: int = 180_000
    batch: int = 48
    learning_rate: float = 0.003
    d_learning_rate: float = 0.003
    degradation_rate: float = 2e-4
    d_degradation_rate: float = 2e-4
    fade_in: float = 1 / 16
    lambda_rec: float = 150.0
    lambda_r1: float = 3.0
    lambda_idt: float = 10.0
    lambda_s: float = 1.0
    lambda_cycle: float = 10.0
    augment: Literal["full", "flip", "none"] = "flip"
    ema: float = 0.0
    mixed: bool | None = None

    def __post_init__(self) -> None:
        self._check()
        self.net = SuperResolver(self.scale, self.width, self.conditioning)
        self.degrader: Degrader | None = None

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; the degradation network is kept as `degrader.safetensors`."""
        require_sizes(self, data, multiple=4 * self.scale, least=8)
        torch.manual_seed(derived_seed(self.seed, "selfsr"))
        nets = self._networks(data.lr.size)
        feed = Feed(data, self.seed, self.device, augment=augmentation(self.augment))
        run = Training(self, nets, feed)  # pyright: ignore[reportArgumentType]
        trainer = Trainer(
            "selfsr",
            nets,
            {name: self._adam(name, net) for name, net in nets.items()},
            feed,
            out,
            self.seed,
            averages={"sr": self.ema},
            sample=run.sample,
            mixed=self.mixed,
        )
        trainer.run(list(run.stages()))
        self.net.load_state_dict(trainer.average("sr").state_dict())
        if self.degrader is not None:
            keep(self.degrader.state_dict(), out / DEGRADER_FILE)

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        return (self.net(lr * 2 - 1) + 1) / 2

    def degrade(self, hr: Tensor, disturbed: float = 0.0, seed: int = 0) -> Tensor:
        """Make low-resolution faces as was learned, at will along a disturbed flow (Fig. 8).

        Args:
            hr: (n, 3, h, w), float32 in [0, 1].
            disturbed: Strength of a smooth random flow that is added, in pixels of the small
                faces.
            seed: Of that flow.

        Returns:
            (n, 3, h / scale, w / scale), float32 in [0, 1].

        Raises:
            BenchError: If there is no degradation network, or none that predicts a flow.
        """
        if self.degrader is None:
            raise BenchError(
                "selfsr has no degradation network yet; train it with training 'realworld' and "
                "degradation 'flow' or 'cyclegan', or give its weights to load_degrader"
            )
        if disturbed and self.degrader.flow is None:
            raise BenchError("this degradation network of selfsr predicts no flow to disturb")
        clean = shrink(hr * 2 - 1, hr.shape[-1] // self.scale)
        chance = torch.Generator().manual_seed(derived_seed(seed, "disturbance"))
        added = disturbance(len(clean), clean.shape[-1], disturbed, chance)
        with torch.no_grad():
            return (self.degrader(clean, added.to(clean)).lr + 1) / 2

    def condition_maps(self, lr: Tensor) -> list[Tensor]:
        """Return what the input makes of itself to modulate features with (Fig. 9).

        Args:
            lr: (n, 3, h, w), float32 in [0, 1].

        Returns:
            (n, channels, h, w) of every self-conditioned layer, from shallow to deep; h and w
            double from level to level.

        Raises:
            BenchError: If the network is not self-conditioned.
        """
        net = self.net
        if self.conditioning != "self" or not isinstance(net, SuperResolver):
            raise BenchError(
                f"selfsr with conditioning {self.conditioning!r} has no condition maps; "
                "set selfsr.conditioning=self"
            )
        with torch.no_grad():
            return net.maps(lr * 2 - 1)

    def load(self, weights: Path) -> None:
        """Read the super-resolver that the harness saved.

        Raises:
            BenchError: If the weights belong to another network.
        """
        wanted = f"selfsr x{self.scale} with conditioning {self.conditioning!r}"
        fit(self.net, read_state(weights), weights, f"{wanted} and width {self.width}")

    def load_degrader(self, weights: Path) -> None:
        """Read the degradation network from the `degrader.safetensors` that `train` left.

        Raises:
            BenchError: If the weights belong to another network.
        """
        state = read_state(weights)
        width, flow = self._degradation_width, "flow.weight" in state
        degrader = Degrader(width, flow)
        fit(degrader, state, weights, f"the degradation network of selfsr of width {width}")
        self.degrader = degrader.to(self.device)

    def growth(self) -> Growth:
        """Return when the networks grow.

        Raises:
            BenchError: If levels would fade in for longer than there is time.
        """
        fade_in = self.fade_in if self.progressive else None
        return growth(self.training, self.scale, self.steps, fade_in)

    @property
    def learns_degradation(self) -> bool:
        """Whether `train` has a stage of domain adaptation."""
        return self.training == "realworld" and self.degradation != "none"

    @property
    def _degradation_width(self) -> float:
        return self.width if self.degradation_width is None else self.degradation_width

    def _networks(self, size: int) -> dict[str, nn.Module]:
        nets: dict[str, nn.Module] = {"sr": self.net}
        if self.learns_degradation:
            wide = self._degradation_width
            self.degrader = Degrader(wide, flow=self.degradation == "flow")
            nets |= {"degrader": self.degrader, "d_lr": Discriminator(size, wide)}
            if self.degradation == "cyclegan":
                nets["cleaner"] = Degrader(wide, flow=False)
                nets["d_clean"] = Discriminator(size, wide)
        return nets | {"d_hr": GrowingDiscriminator(size, self.scale, self.width)}

    def _adam(self, name: str, net: nn.Module) -> Adam:
        rates = {"sr": self.learning_rate, "d_hr": self.d_learning_rate}
        low = self.d_degradation_rate if name.startswith("d_") else self.degradation_rate
        return Adam(net.parameters(), rates.get(name, low), betas=_BETAS)

    def _check(self) -> None:
        if self.scale < 2 or self.scale.bit_count() != 1 or self.scale.bit_length() > len(WIDE):
            raise BenchError(
                f"{name_of(self)} doubles the side again and again, a factor of {self.scale} was "
                f"asked for; known: {', '.join(str(2 << i) for i in range(len(WIDE) - 1))}"
            )
        require_known(
            self,
            training=TRAININGS,
            degradation=DEGRADATIONS,
            conditioning=CONDITIONINGS,
            augment=AUGMENTATIONS,
        )
        rates = ("learning_rate", "d_learning_rate", "degradation_rate", "d_degradation_rate")
        weights = ("lambda_rec", "lambda_r1", "lambda_idt", "lambda_s", "lambda_cycle")
        require_positive(self, "degradation_width", "width", "batch", *rates, *weights)
        require_no_negative(self, "degradation_steps", *([] if self.steps is None else ["steps"]))
        require_share(self, "ema", "fade_in")
        self.growth()
