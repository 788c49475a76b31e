"""How LRGAN trains: three stages, each a step that the engine repeats (Sections 3.3 to 3.6)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from facesr.methods._train.blur import random_blur
from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import hinge_discriminator, hinge_generator, pixel_l2
from facesr.methods._train.samples import bicubic

T = TypeVar("T")
SCALE = 4
SHOWN = 8


@dataclass
class Training:
    """The steps of the three stages, for one run; settings are those of the method.

    Args:
        nets: `l2h`, and by variant `h2l`, `d_lr` and `d_hr`.
        feed: Where faces come from.
        variant: How low-resolution faces are made, and whether all networks end together.
        batch: Faces per update.
        d_steps: Discriminator updates per generator update.
        alpha: Weight of the pixel loss, Eq. 1.
        beta: Weight of the GAN loss, Eq. 1.
        noise: Length of the noise vector.
        seed: Seed of what pictures of progress show.
    """

    nets: Mapping[str, nn.Module]
    feed: Feed
    variant: str
    batch: int
    d_steps: int
    alpha: float
    beta: float
    noise: int
    seed: int

    def __post_init__(self) -> None:
        self.h2l = self.nets.get("h2l")
        shown = torch.Generator().manual_seed(derived_seed(self.seed, "shown"))
        self.shown_noise = torch.randn((SHOWN, self.noise), generator=shown).to(self.feed.device)

    def stages(self, steps: int, joint_steps: int) -> Iterator[Stage]:
        """Yield the stages of the variant, with their numbers of steps (Section 3.6)."""
        if self.h2l is not None:
            yield Stage("high-to-low", steps, self.high_to_low)
        yield Stage("low-to-high", steps, self.low_to_high)
        if self.variant == "full":
            yield Stage("joint", joint_steps, self.joint)

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
        lr, hr = self.feed.fixed("lr", SHOWN), self.feed.fixed("hr", SHOWN)
        n = min(len(lr), len(hr))
        lr, hr, size = lr[:n], hr[:n], hr.shape[-1]
        net = self.nets["l2h"]
        small = shrink(hr) if self.h2l is None else self.h2l(hr, self.shown_noise[:n])
        made = [small, bicubic(small, size), net(small), hr]
        return [lr, bicubic(lr, size), net(lr), *made]

    def _last_of_rounds(self, trainer: Trainer, one: Callable[[Trainer], T]) -> T:
        """Update discriminators; return the last batch, which the generators learn from."""
        with torch.no_grad():
            for _ in range(self.d_steps - 1):
                one(trainer)
        return one(trainer)

    def _round_of_lr(self, trainer: Trainer) -> tuple[Tensor, Tensor]:
        hr = self.feed.hr(self.batch)
        lr = self._degrade(trainer, hr)
        self._judge(trainer, "d_lr", self.feed.lr(len(lr)), lr)
        return hr, lr

    def _round_of_sr(self, trainer: Trainer) -> tuple[Tensor, Tensor]:
        hr = self.feed.hr(self.batch)
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
        return {"pixel": self.alpha * pixel, "gan": self.beta * gan}

    def _l2h_losses(self, hr: Tensor, sr: Tensor) -> dict[str, Tensor]:
        losses = {"pixel": self.alpha * pixel_l2(sr, hr)}  # Eq. 4, F is the identity
        if "d_hr" in self.nets:
            losses["gan"] = self.beta * hinge_generator(self.nets["d_hr"](sr))
        return losses

    def _degrade(self, trainer: Trainer, hr: Tensor) -> Tensor:
        if self.h2l is not None:
            return self.h2l(hr, trainer.noise(len(hr), self.noise))
        if self.variant == "blur_bilinear":
            hr = random_blur(hr, trainer.generator("blur"))
        return shrink(hr)


def shrink(hr: Tensor) -> Tensor:
    """Bilinear down-sampling over whole areas; inferred, as the paper names no library."""
    return interpolate(hr, scale_factor=1 / SCALE, mode="bilinear", antialias=True)
