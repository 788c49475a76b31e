"""CR: genuine low-resolution faces are made like artificial ones, then super-resolved.

Paper: Cheng, Zhu, Gong, "Characteristic Regularisation for Super-Resolving Face Images",
WACV 2020, https://arxiv.org/abs/1912.12987
No code and no weights were published.
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
from facesr.methods._cr import SCALE, Training
from facesr.methods._nets.cr import Cascade, FeatureDiscriminator, Regulariser
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.embedder import Embedder
from facesr.methods._nets.weights import fit, keep, read_state
from facesr.methods._train.augment import AUGMENTATIONS, augmentation
from facesr.methods._train.average import REACH
from facesr.methods._train.data import derived_seed
from facesr.methods._train.engine import Trainer
from facesr.methods._train.identity import Classifier, LabelledFeed, require_identities
from facesr.methods._train.settings import (
    require_known,
    require_no_negative,
    require_positive,
    require_scale,
    require_share,
    require_sizes,
)

VARIANTS = ("full", "without_cr", "without_sr_ri", "without_unsupervised_loss")
INPUTS = ("genuine", "artificial")


@dataclass
class CR(Method):
    """Characteristic regulariser and super-resolution network (Section 3).

    Inferred: squared distances are means over pixels; every generator maximises the logarithm of
    the discriminator's verdict where Eqs. 3, 5 and 8 minimise that of its complement; Adam with
    betas (0.5, 0.999), as is usual of adversarial training; spectral norm in all discriminators,
    whose six blocks and fully connected layer are those of LRGAN.

    Args:
        variant: What Section 4.4 compares. `full`; `without_cr` learns to enlarge genuine and
            artificial faces jointly (Table 4); `without_sr_ri` has no second training stage
            (Table 6); `without_unsupervised_loss` leaves Eq. 7 out (Table 7).
        embedder: Of Eq. 8. `trained` on the high-resolution faces, which must name people; a file
            `embedder.safetensors` that an earlier training of this width left; or `none`: the
            discriminator judges images instead, to which Section 3.4 compares.
        inputs: Which faces `upscale` is given: `genuine`; `artificial` ones bypass the
            regulariser (Section 4.3).
        width: Factor of all channels.
        cr_width: The same for the regulariser and its inverse, which cost little at their few
            pixels; None for `width`.
        steps: Updates of the pre-training of the super-resolution network; 100 epochs of CelebA.
        cr_steps: Updates of that of the regulariser and its inverse; 130 epochs.
        embedder_steps: Updates of that of the recogniser; inferred: 10 epochs.
        joint_steps: Updates of the joint training; 10 epochs.
        batch: Faces of each kind per update.
        learning_rate: Of Adam.
        cr_learning_rate: The same for the regulariser and its inverse; the paper has one rate for
            all. Nothing but a discriminator that keeps up holds the inverse near its input.
        d_learning_rate: The same for the discriminators.
        lambda_gan: Weight of the adversarial loss in Eq. 6.
        lambda_cr: Weight of Eq. 6 in Eq. 9.
        lambda_cr_sr: Weight of Eq. 7 in Eq. 9.
        lambda_cr_gan: Weight of Eq. 8 in Eq. 9; with 0 neither it nor the recogniser is trained.
        lambda_sr_gan: Weight of the adversarial loss beside Eq. 1 (Section 3.5); inferred: that
            of SRGAN, and in the joint training too.
        augment: Changes of training faces: `none` as in the paper, `flip`, or `full`.
        ema: Decay of a moving average of both networks that is used instead of them; the paper
            has none.
        ema_reach: Share of a network's updates so far over which that average reaches back, as long
            as `ema` would reach farther.
        mixed: Whether training runs in bfloat16; None for where that is fast, on CUDA devices.
    """

    about = About(
        "CR",
        paper="Cheng, Zhu, Gong: Characteristic Regularisation for Super-Resolving Face Images. "
        "WACV 2020",
        year=2020,
        url="https://arxiv.org/abs/1912.12987",
        family="unpaired",
        scales=(4,),
    )
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "short": {
            "steps": 4000,
            "cr_steps": 800,
            "embedder_steps": 1500,
            "joint_steps": 250,
            "width": 0.5,
            "learning_rate": 1e-3,
            "cr_learning_rate": 5e-5,
            "d_learning_rate": 1e-3,
            "lambda_gan": 0.01,
            "lambda_cr_gan": 0.003,
            "lambda_sr_gan": 0.004,
            "augment": "full",
            "ema": 0.998,
        },
        "smoke": {
            "steps": 50,
            "cr_steps": 40,
            "embedder_steps": 20,
            "joint_steps": 12,
            "width": 0.125,
            "batch": 8,
            "learning_rate": 2e-3,
            "cr_learning_rate": 5e-6,
            "d_learning_rate": 4e-4,
            "lambda_gan": 0.02,
            "embedder": "none",
            "augment": "flip",
        },
    }

    variant: Literal["full", "without_cr", "without_sr_ri", "without_unsupervised_loss"] = "full"
    embedder: str = "trained"
    inputs: Literal["genuine", "artificial"] = "genuine"
    width: float = 1.0
    cr_width: float | None = None
    steps: int = 1_266_244
    cr_steps: int = 1_646_117
    embedder_steps: int = 126_624
    joint_steps: int = 126_624
    batch: int = 16
    learning_rate: float = 1e-4
    cr_learning_rate: float = 1e-4
    d_learning_rate: float = 1e-4
    lambda_gan: float = 0.2
    lambda_cr: float = 0.06
    lambda_cr_sr: float = 0.01
    lambda_cr_gan: float = 0.03
    lambda_sr_gan: float = 1e-3
    augment: Literal["full", "flip", "none"] = "none"
    ema: float = 0.0
    ema_reach: float = REACH
    mixed: bool | None = None

    def __post_init__(self) -> None:
        self._check()
        regulated = self.variant != "without_cr"
        self.cascade = Cascade(self.width, self._cr_width if regulated else None)
        self.net = self.cascade

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; the recogniser is kept as `embedder.safetensors`.

        Raises:
            BadData: If sizes do not fit, or if a recogniser is to be trained and nobody is named.
        """
        require_sizes(self, data, least=8)
        if self.trains_embedder:
            instead = "set cr.embedder=none to judge images instead"
            require_identities(data.hr, "cr", instead)
        torch.manual_seed(derived_seed(self.seed, "cr"))
        changes = augmentation(self.augment)
        feed = LabelledFeed(data, self.seed, self.device, augment=changes)
        nets = self.networks(data, feed.people)
        adam = {
            name: Adam(net.parameters(), self._rate(name), betas=(0.5, 0.999))
            for name, net in nets.items()
        }
        run = Training(self, nets, feed)  # pyright: ignore[reportArgumentType]
        averages: dict[str, float] = {name: self.ema for name in ("cr", "sr") if name in nets}
        trainer = Trainer(
            "cr",
            nets,
            adam,
            feed,
            out,
            self.seed,
            averages=averages,
            reach=self.ema_reach,
            sample=run.sample,
            mixed=self.mixed,
        )
        trainer.run(list(run.stages()))
        self.cascade.restorer.load_state_dict(trainer.average("sr").state_dict())
        if "cr" in nets:
            self.cascade.regulariser.load_state_dict(trainer.average("cr").state_dict())
        if self.trains_embedder:
            keep(nets["fr"].state_dict(), out / "embedder.safetensors")

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        net = self.net if self.inputs == "genuine" else self.cascade.restorer
        return (net(lr * 2 - 1) + 1) / 2

    def regulate(self, lr: Tensor) -> Tensor:
        """Give genuine low-resolution faces the characteristics of artificial ones (Table 5).

        Args:
            lr: (n, 3, h, w), float32 in [0, 1], on `self.device`.

        Returns:
            The same shape, float32 in [0, 1].

        Raises:
            BenchError: If this variant has no regulariser.
        """
        if self.variant == "without_cr":
            raise BenchError("cr with variant 'without_cr' has no regulariser; use another variant")
        with torch.no_grad():
            return ((self.cascade.regulariser.eval()(lr * 2 - 1) + 1) / 2).clamp(0, 1)

    def load(self, weights: Path) -> None:
        """Read both networks as the harness saved them.

        Raises:
            BenchError: If the weights belong to another variant or width.
        """
        wanted = f"cr with variant {self.variant!r} and width {self.width}"
        if self.cr_width is not None:
            wanted += f" (cr_width {self.cr_width})"
        fit(self.net, read_state(weights), weights, wanted)

    def networks(self, data: Split, people: int) -> dict[str, nn.Module]:
        """Build what a training consists of, by the names that `Training` knows.

        Args:
            data: The training split.
            people: How many are named in it.
        """
        small, large = data.lr.size, data.hr.size
        nets: dict[str, nn.Module] = {"sr": self.cascade.restorer}
        if self.lambda_sr_gan:
            nets["d_sr"] = Discriminator(large, self.width)
        if self.variant != "without_cr":
            nets |= {"cr": self.cascade.regulariser, "inverse": Regulariser(self._cr_width)}
            nets |= {name: Discriminator(small, self.width) for name in ("d_cr", "d_inverse")}
        if self._uses_semantics and self.embedder == "none":
            nets["d_fr"] = Discriminator(large, self.width)
        elif self._uses_semantics:
            embedder = Embedder(self.width)
            nets |= {"fr": embedder, "d_fr": FeatureDiscriminator(embedder.features, self.width)}
            if self.trains_embedder:
                nets["classifier"] = Classifier(embedder.features, people)
            else:
                file = Path(self.embedder)
                fit(embedder, read_state(file), file, f"the recogniser of cr at width {self.width}")
        return nets

    @property
    def trains_embedder(self) -> bool:
        """Whether a face recogniser is trained, so that people must be named."""
        return self._uses_semantics and self.embedder == "trained"

    @property
    def uses_unsupervised_loss(self) -> bool:
        """Whether Eq. 7 is part of the joint training."""
        return self.variant != "without_unsupervised_loss" and self.lambda_cr_sr > 0

    @property
    def _cr_width(self) -> float:
        return self.width if self.cr_width is None else self.cr_width

    @property
    def _uses_semantics(self) -> bool:
        joint = self.variant != "without_sr_ri" and self.joint_steps > 0
        return joint and self.lambda_cr_gan > 0

    def _rate(self, name: str) -> float:
        if name.startswith("d_"):
            return self.d_learning_rate
        return self.cr_learning_rate if name in ("cr", "inverse") else self.learning_rate

    def _check(self) -> None:
        require_scale(self, SCALE)
        require_known(self, variant=VARIANTS, inputs=INPUTS, augment=AUGMENTATIONS)
        rates = ("learning_rate", "cr_learning_rate", "d_learning_rate")
        require_positive(self, "cr_width", "width", "batch", "ema_reach", *rates)
        require_no_negative(self, "steps", "cr_steps", "embedder_steps", "joint_steps")
        lambdas = [name for name in vars(self) if name.startswith("lambda_")]
        require_no_negative(self, *lambdas)
        require_share(self, "ema")
        if self.embedder not in ("trained", "none") and not Path(self.embedder).is_file():
            raise BenchError(
                f"cr.embedder is {self.embedder!r}, expected trained, none, or a file "
                "embedder.safetensors that an earlier training left; there is no such file"
            )
