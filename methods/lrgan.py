"""LRGAN: learn image degradation first, then super-resolution on what it degrades.

Paper: Bulat, Yang, Tzimiropoulos, "To learn image super-resolution, use a GAN to learn how to do
image degradation first", ECCV 2018, https://arxiv.org/abs/1807.11458
Weights: https://github.com/jingyang2017/Face-and-Image-super-resolution (`model.pkl`, the
super-resolution network only; no training code was published).
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
from facesr.methods._lrgan import SCALE, Training
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.lrgan import HighToLow, LowToHigh, ReleasedLowToHigh
from facesr.methods._nets.lrgan_file import from_released
from facesr.methods._nets.weights import fit, keep, read_state
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

VARIANTS = ("full", "bilinear", "blur_bilinear", "pixel_only")
ARCHITECTURES = ("paper", "released")


@dataclass
class LRGAN(Method):
    """High-to-Low and Low-to-High, trained one after the other and then together (Section 3).

    Args:
        variant: What Section 4.1 compares. `full`; `bilinear` and `blur_bilinear` train
            Low-to-High on faces made small by interpolation, alone or after a random blur of 2
            to 6 px; `pixel_only` trains Low-to-High on learned degradations without its GAN.
        architecture: Low-to-High as in the `paper`, or as in the `released` weights.
        width: Factor of all channels.
        steps: Generator updates of each of the first two stages (200 epochs in the paper).
        joint_steps: Generator updates of the last stage, where both learn together; inferred:
            none for `pixel_only`.
        batch: Faces per update; derived: 182,866 faces x 200 epochs / 570,000 updates.
        learning_rate: Of Adam with betas (0, 0.9).
        d_learning_rate: The same for the discriminators; the paper has one rate for all. Short
            trainings need a slower discriminator: it learns sooner than a generator can follow.
        alpha: Weight of the pixel loss, Eq. 1.
        beta: Weight of the GAN loss, Eq. 1.
        d_steps: Discriminator updates per generator update.
        noise: Length of the noise vector; inferred.
        augment: `full` flips, scales, rotates and jitters colours; inferred: by up to 10 %, 10
            degrees and 10 %, low-resolution faces neither scaled nor rotated because resampling
            would blur the degradation that is to be learned. `flip` or `none` do less.
        ema: Decay of a moving average of Low-to-High that is used instead of it; the paper has
            none.
        mixed: Whether training runs in bfloat16; None for where that is fast, on CUDA devices.
    """

    about = About(
        "LRGAN",
        paper="Bulat, Yang, Tzimiropoulos: To learn image super-resolution, use a GAN to learn "
        "how to do image degradation first. ECCV 2018",
        year=2018,
        url="https://arxiv.org/abs/1807.11458",
        family="unpaired",
        scales=(4,),
    )
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "short": {
            "steps": 4000,
            "joint_steps": 200,
            "width": 0.5,
            "d_steps": 1,
            "learning_rate": 5e-4,
            "beta": 0.003,
            "ema": 0.999,
        },
        "smoke": {
            "steps": 100,
            "joint_steps": 10,
            "width": 0.125,
            "batch": 8,
            "d_steps": 1,
            "learning_rate": 5e-4,
            "augment": "flip",
        },
    }

    variant: Literal["full", "bilinear", "blur_bilinear", "pixel_only"] = "full"
    architecture: Literal["paper", "released"] = "paper"
    width: float = 1.0
    steps: int = 570_000
    joint_steps: int = 2_000
    batch: int = 64
    learning_rate: float = 1e-4
    d_learning_rate: float = 1e-4
    alpha: float = 1.0
    beta: float = 0.05
    d_steps: int = 5
    noise: int = 64
    augment: Literal["full", "flip", "none"] = "full"
    ema: float = 0.0
    mixed: bool | None = None

    def __post_init__(self) -> None:
        self._check()
        build = LowToHigh if self.architecture == "paper" else ReleasedLowToHigh
        self.net = build(self.width)
        self.degrader: HighToLow | None = None

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; High-to-Low is kept as `high_to_low.safetensors`."""
        require_sizes(self, data, multiple=16, least=8)
        sizes = data.lr.size, data.hr.size
        torch.manual_seed(derived_seed(self.seed, "lrgan"))
        nets: dict[str, nn.Module] = {"l2h": self.net}
        if self._learns_degradation:
            self.degrader = HighToLow(sizes[1], self.noise, self.width)
            nets |= {"h2l": self.degrader, "d_lr": Discriminator(sizes[0], self.width)}
        if self.variant != "pixel_only":
            nets["d_hr"] = Discriminator(sizes[1], self.width)
        adam = {
            name: Adam(
                net.parameters(),
                self.d_learning_rate if name.startswith("d_") else self.learning_rate,
                betas=(0.0, 0.9),
            )
            for name, net in nets.items()
        }
        feed = Feed(data, self.seed, self.device, augment=augmentation(self.augment))
        run = Training(
            nets,
            feed,
            variant=self.variant,
            batch=self.batch,
            d_steps=self.d_steps,
            alpha=self.alpha,
            beta=self.beta,
            noise=self.noise,
            seed=self.seed,
        )
        trainer = Trainer(
            "lrgan",
            nets,
            adam,
            feed,
            out,
            self.seed,
            averages={"l2h": self.ema},
            sample=run.sample,
            mixed=self.mixed,
        )
        trainer.run(list(run.stages(self.steps, self.joint_steps)))
        self.net.load_state_dict(trainer.average("l2h").state_dict())
        if self.degrader is not None:
            keep(self.degrader.state_dict(), out / "high_to_low.safetensors")

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        return (self.net(lr * 2 - 1) + 1) / 2

    def degrade(self, hr: Tensor, noise: Tensor) -> Tensor:
        """Make low-resolution faces as High-to-Low learned to.

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
                "lrgan has no High-to-Low network yet; train it with variant 'full' or "
                "'pixel_only', or give its weights to load_degrader"
            )
        with torch.no_grad():
            return (self.degrader.eval()(hr * 2 - 1, noise) + 1) / 2

    def load(self, weights: Path) -> None:
        """Read Low-to-High: what the harness saved, or the authors' `model.pkl` (`released`).

        Raises:
            BenchError: If the weights belong to another architecture or width.
        """
        state = read_state(weights)
        if "layers_in.weight" in state:
            if self.architecture != "released":
                raise BenchError(
                    f"{weights} holds the released network; set lrgan.architecture=released"
                )
            state = from_released(state)
        wanted = f"lrgan with architecture {self.architecture!r} and width {self.width}"
        fit(self.net, state, weights, wanted)

    def load_degrader(self, weights: Path) -> None:
        """Read High-to-Low from the `high_to_low.safetensors` that `train` left."""
        state = read_state(weights)
        size = int(state["project.weight"].shape[0] ** 0.5)
        self.degrader = HighToLow(size, self.noise, self.width)
        self.degrader.load_state_dict(state)
        self.degrader.to(self.device)

    @property
    def _learns_degradation(self) -> bool:
        return self.variant in ("full", "pixel_only")

    def _check(self) -> None:
        require_scale(self, SCALE)
        require_known(self, variant=VARIANTS, architecture=ARCHITECTURES, augment=AUGMENTATIONS)
        require_positive(
            self, "width", "batch", "learning_rate", "d_learning_rate", "d_steps", "noise"
        )
        require_no_negative(self, "steps", "joint_steps", "alpha", "beta")
        require_share(self, "ema")
