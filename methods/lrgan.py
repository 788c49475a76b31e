"""LRGAN: learn image degradation first, then super-resolution on what it degrades.

Paper: Bulat, Yang, Tzimiropoulos, "To learn image super-resolution, use a GAN to learn how to do
image degradation first", ECCV 2018, https://arxiv.org/abs/1807.11458
Weights: https://github.com/jingyang2017/Face-and-Image-super-resolution (`model.pkl`, the
super-resolution network only; no training code was published).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate
from torch.optim import Adam

from facesr.bench.contract import About, Method, Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.files import write_whole
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.lrgan import HighToLow, LowToHigh, ReleasedLowToHigh
from facesr.methods._nets.lrgan_file import from_released
from facesr.methods._train.augment import Augment
from facesr.methods._train.blur import random_blur
from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import hinge_discriminator, hinge_generator, pixel_l2
from facesr.methods._train.samples import bicubic

T = TypeVar("T")
SCALE = 4
VARIANTS = ("full", "bilinear", "blur_bilinear", "pixel_only")
ARCHITECTURES = ("paper", "released")
AUGMENTATIONS = ("full", "flip", "none")
_SHOWN = 8


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
        alpha: Weight of the pixel loss, Eq. 1.
        beta: Weight of the GAN loss, Eq. 1.
        d_steps: Discriminator updates per generator update.
        noise: Length of the noise vector; inferred.
        augment: `full` flips, scales, rotates and jitters colours; inferred: by up to 10 %, 10
            degrees and 10 %, low-resolution faces neither scaled nor rotated because resampling
            would blur the degradation that is to be learned. `flip` or `none` do less.
        ema: Decay of a moving average of Low-to-High that is used instead of it; the paper has
            none.
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
            "learning_rate": 2e-4,
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
    alpha: float = 1.0
    beta: float = 0.05
    d_steps: int = 5
    noise: int = 64
    augment: Literal["full", "flip", "none"] = "full"
    ema: float = 0.0

    def __post_init__(self) -> None:
        self._check()
        build = LowToHigh if self.architecture == "paper" else ReleasedLowToHigh
        self.net = build(self.width)
        self.degrader: HighToLow | None = None

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; High-to-Low is kept as `high_to_low.safetensors`."""
        sizes = _sizes(data)
        torch.manual_seed(derived_seed(self.seed, "lrgan"))
        nets: dict[str, nn.Module] = {"l2h": self.net}
        if self._learns_degradation:
            self.degrader = HighToLow(sizes[1], self.noise, self.width)
            nets |= {"h2l": self.degrader, "d_lr": Discriminator(sizes[0], self.width)}
        if self.variant != "pixel_only":
            nets["d_hr"] = Discriminator(sizes[1], self.width)
        adam = {
            name: Adam(net.parameters(), self.learning_rate, betas=(0.0, 0.9))
            for name, net in nets.items()
        }
        feed = Feed(data, self.seed, self.device, augment=_augmentation(self.augment))
        run = _Training(self, nets, feed)
        trainer = Trainer(
            "lrgan",
            nets,
            adam,
            feed,
            out,
            self.seed,
            averages={"l2h": self.ema},
            sample=run.sample,
        )
        trainer.run(list(run.stages()))
        self.net.load_state_dict(trainer.average("l2h").state_dict())
        if self.degrader is not None:
            weights = save(self.degrader.state_dict())
            write_whole(out / "high_to_low.safetensors", lambda file: file.write(weights))

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
        if weights.suffix == ".safetensors":
            state = load_file(weights)
        else:
            state = torch.load(weights, map_location="cpu", weights_only=True)
        if "layers_in.weight" in state:
            if self.architecture != "released":
                raise BenchError(
                    f"{weights} holds the released network; set lrgan.architecture=released"
                )
            state = from_released(state)
        try:
            self.net.load_state_dict(state)
        except RuntimeError as error:
            raise BenchError(
                f"{weights} does not fit lrgan with architecture {self.architecture!r} and width "
                f"{self.width}: {str(error).splitlines()[-1].strip()}"
            ) from None

    def load_degrader(self, weights: Path) -> None:
        """Read High-to-Low from the `high_to_low.safetensors` that `train` left."""
        state = load_file(weights)
        size = int(state["project.weight"].shape[0] ** 0.5)
        self.degrader = HighToLow(size, self.noise, self.width)
        self.degrader.load_state_dict(state)
        self.degrader.to(self.device)

    @property
    def _learns_degradation(self) -> bool:
        return self.variant in ("full", "pixel_only")

    def _check(self) -> None:
        if self.scale != SCALE:
            raise BenchError(f"lrgan enlarges by {SCALE} only, {self.scale} was asked for")
        for name, known in (
            ("variant", VARIANTS),
            ("architecture", ARCHITECTURES),
            ("augment", AUGMENTATIONS),
        ):
            if (value := getattr(self, name)) not in known:
                raise BadName(f"lrgan has no {name} {value!r}; known: {', '.join(known)}")
        for name in ("width", "batch", "learning_rate", "d_steps", "noise"):
            if (value := getattr(self, name)) <= 0:
                raise BenchError(f"lrgan.{name} is {value}, expected a positive number")
        for name in ("steps", "joint_steps", "alpha", "beta"):
            if (value := getattr(self, name)) < 0:
                raise BenchError(f"lrgan.{name} is {value}, expected no negative number")
        if not 0 <= self.ema < 1:
            raise BenchError(f"lrgan.ema is {self.ema}, expected a number from 0 to below 1")


class _Training:
    """What one training run does at each step."""

    def __init__(self, method: LRGAN, nets: dict[str, nn.Module], feed: Feed) -> None:
        self.method = method
        self.nets = nets
        self.feed = feed
        self.h2l = method.degrader
        shown = torch.Generator().manual_seed(derived_seed(method.seed, "shown"))
        self.shown_noise = torch.randn((_SHOWN, method.noise), generator=shown).to(feed.device)

    def stages(self) -> Iterator[Stage]:
        """Yield the stages of the variant (Section 3.6)."""
        method = self.method
        if self.h2l is not None:
            yield Stage("high-to-low", method.steps, self.high_to_low)
        yield Stage("low-to-high", method.steps, self.low_to_high)
        if method.variant == "full":
            yield Stage("joint", method.joint_steps, self.joint)

    def high_to_low(self, trainer: Trainer) -> None:
        """Update the discriminator of degraded faces, then High-to-Low."""
        hr, lr = self._last_of_rounds(trainer, self._round_of_lr)
        trainer.minimise("h2l", **self._h2l_losses(hr, lr))

    def low_to_high(self, trainer: Trainer) -> None:
        """Update the discriminator of restored faces, then Low-to-High."""
        hr, sr = self._last_of_rounds(trainer, self._round_of_sr)
        trainer.minimise("l2h", **self._l2h_losses(hr, sr))

    def joint(self, trainer: Trainer) -> None:
        """Update both discriminators, then both generators by the sum of both losses (Eq. 1)."""
        hr, lr, sr = self._last_of_rounds(trainer, self._round_of_both)
        low, high = self._h2l_losses(hr, lr), self._l2h_losses(hr, sr)
        losses = {f"low_{k}": v for k, v in low.items()} | {f"high_{k}": v for k, v in high.items()}
        trainer.minimise(("h2l", "l2h"), **losses)

    def sample(self) -> list[Tensor]:
        """Show genuine faces restored; then real faces, degraded and restored."""
        lr, hr = self.feed.fixed("lr", _SHOWN), self.feed.fixed("hr", _SHOWN)
        n = min(len(lr), len(hr))
        lr, hr, size = lr[:n], hr[:n], hr.shape[-1]
        net = self.nets["l2h"]
        small = _shrink(hr) if self.h2l is None else self.h2l(hr, self.shown_noise[:n])
        made = [small, bicubic(small, size), net(small), hr]
        return [lr, bicubic(lr, size), net(lr), *made]

    def _last_of_rounds(self, trainer: Trainer, one: Callable[[Trainer], T]) -> T:
        """Update discriminators; return the last batch, which the generators learn from."""
        with torch.no_grad():
            for _ in range(self.method.d_steps - 1):
                one(trainer)
        return one(trainer)

    def _round_of_lr(self, trainer: Trainer) -> tuple[Tensor, Tensor]:
        hr = self.feed.hr(self.method.batch)
        lr = self._degrade(trainer, hr)
        self._judge(trainer, "d_lr", self.feed.lr(len(lr)), lr)
        return hr, lr

    def _round_of_sr(self, trainer: Trainer) -> tuple[Tensor, Tensor]:
        hr = self.feed.hr(self.method.batch)
        with torch.no_grad():
            lr = self._degrade(trainer, hr)
        sr = self.nets["l2h"](lr)
        self._judge(trainer, "d_hr", hr, sr)
        return hr, sr

    def _round_of_both(self, trainer: Trainer) -> tuple[Tensor, Tensor, Tensor]:
        hr, lr = self._round_of_lr(trainer)
        sr = self.nets["l2h"](lr)  # no stop: Low-to-High's loss reaches High-to-Low too
        self._judge(trainer, "d_hr", hr, sr)
        return hr, lr, sr

    @torch.enable_grad()
    def _judge(self, trainer: Trainer, name: str, real: Tensor, fake: Tensor) -> None:
        if name in self.nets:
            both = torch.cat([real, fake.detach().to(real.dtype)])
            verdicts = self.nets[name](both)
            trainer.minimise(name, hinge=hinge_discriminator(*verdicts.chunk(2)))  # Eq. 2

    def _h2l_losses(self, hr: Tensor, lr: Tensor) -> dict[str, Tensor]:
        pixel = pixel_l2(lr, avg_pool2d(hr, SCALE))  # Eq. 4, F is average pooling
        gan = hinge_generator(self.nets["d_lr"](lr))
        return {"pixel": self.method.alpha * pixel, "gan": self.method.beta * gan}

    def _l2h_losses(self, hr: Tensor, sr: Tensor) -> dict[str, Tensor]:
        losses = {"pixel": self.method.alpha * pixel_l2(sr, hr)}  # Eq. 4, F is the identity
        if "d_hr" in self.nets:
            losses["gan"] = self.method.beta * hinge_generator(self.nets["d_hr"](sr))
        return losses

    def _degrade(self, trainer: Trainer, hr: Tensor) -> Tensor:
        if self.h2l is not None:
            return self.h2l(hr, trainer.noise(len(hr), self.method.noise))
        if self.method.variant == "blur_bilinear":
            hr = random_blur(hr, trainer.generator("blur"))
        return _shrink(hr)


def _shrink(hr: Tensor) -> Tensor:
    """Bilinear down-sampling over whole areas; inferred, as the paper names no library."""
    return interpolate(hr, scale_factor=1 / SCALE, mode="bilinear", antialias=True)


def _augmentation(name: str) -> dict[str, Augment]:
    if name == "none":
        return {}
    if name == "flip":
        return {"lr": Augment(flip=0.5), "hr": Augment(flip=0.5)}
    return {
        "lr": Augment(flip=0.5, colour=0.1),
        "hr": Augment(flip=0.5, scale=0.1, rotation=10, colour=0.1),
    }


def _sizes(data: Split) -> tuple[int, int]:
    lr, hr = data.lr.size, data.hr.size
    if hr != lr * SCALE or hr % 16 or lr < 8:
        raise BadData(
            f"lrgan was given faces of {lr} and {hr} px, expected {SCALE} times as many on the "
            "high side and 8 or more on the low side, such as 16 and 64"
        )
    return lr, hr
