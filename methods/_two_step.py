"""How the first step trains: on simulated faces, then in a closed loop (section 4.2)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from facesr.methods._nets.two_step import Discriminator, HighToLow
from facesr.methods._projection import resized
from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import pixel_l2
from facesr.methods._train.relativistic import relativistic_hinge
from facesr.methods._train.samples import bicubic

if TYPE_CHECKING:
    from facesr.methods.two_step import TwoStep

SHOWN = 8
Losses = Iterator[tuple[str | tuple[str, ...], dict[str, Tensor]]]


@dataclass(frozen=True)
class Batch:
    """Faces of one update, in [-1, 1].

    Args:
        hr: Real faces at the size of the first step's output.
        lr: Genuine low-resolution faces.
        noise: For High-to-Low, (n, length).
    """

    hr: Tensor
    lr: Tensor
    noise: Tensor


class FirstStep:
    """Networks of the first step, their losses and their updates.

    Args:
        method: Whose settings hold.
        low_to_high: The network that is kept.
        feed: Where faces come from.
    """

    def __init__(self, method: "TwoStep", low_to_high: nn.Module, feed: Feed) -> None:
        self.method, self.l2h, self.feed = method, low_to_high, feed
        low, width, self.factor = feed.fixed("lr", 1).shape[-1], method.width, method.factor
        self.mid = low * self.factor
        judging = width if method.d_width is None else method.d_width
        self.d_hr = Discriminator(self.mid, 4, judging)
        self.h2l: HighToLow | None = None
        self.d_lr: Discriminator | None = None
        if method.training == "unsupervised":
            self.h2l = HighToLow(self.mid, self.factor, method.noise, width)
            self.d_lr = Discriminator(low, 3, judging)
        shown = torch.Generator().manual_seed(derived_seed(method.seed, "shown"))
        self.shown_noise = torch.randn((SHOWN, method.noise), generator=shown).to(feed.device)

    @property
    def nets(self) -> dict[str, nn.Module]:
        """All that is trained, by name."""
        named = {"l2h": self.l2h, "d_hr": self.d_hr, "h2l": self.h2l, "d_lr": self.d_lr}
        return {name: net for name, net in named.items() if net is not None}

    def stages(self) -> Iterator[Stage]:
        """Yield the stages: supervised learning is where the closed loop starts from."""
        yield Stage("supervised", self.method.supervised_steps, self._step(self.pairs))
        if self.h2l is not None:
            yield Stage("degradation", self.method.degradation_steps, self._step(self.degradation))
            yield Stage("unsupervised", self.method.unsupervised_steps, self._step(self.loop))

    def pairs(self, batch: Batch) -> Losses:
        """Yield the losses of supervised learning, with what they update (section 4.2.1)."""
        hr = batch.hr
        sr = self.l2h(simulated(hr, self.factor))
        yield "d_hr", self._judged("d_hr", hr, sr)
        yield "l2h", self._made("d_hr", hr, hr, sr)

    def degradation(self, batch: Batch) -> Losses:
        """Yield the losses of High-to-Low alone, with what they update (section 4.2.1)."""
        assert self.h2l is not None
        lr = self.h2l(batch.hr, batch.noise)
        yield "d_lr", self._judged("d_lr", batch.lr, lr)
        yield "h2l", self._made("d_lr", batch.lr, simulated(batch.hr, self.factor), lr)

    def loop(self, batch: Batch) -> Losses:
        """Yield the losses of the closed loop, with what they update (section 4.2).

        A real face is degraded and restored; the losses of both generators reach both. Inferred:
        the restored face that is compared with the real one is also the one that is judged. The
        paper writes the two sets of Eq. 2 the other way round here, which only negates verdicts.
        """
        assert self.h2l is not None
        hr = batch.hr
        lr = self.h2l(hr, batch.noise)
        sr = self.l2h(lr)
        yield "d_lr", self._judged("d_lr", batch.lr, lr)
        yield "d_hr", self._judged("d_hr", hr, sr)
        low = self._made("d_lr", batch.lr, simulated(hr, self.factor), lr)
        high = self._made("d_hr", hr, hr, sr)
        both = {f"low_{k}": v for k, v in low.items()} | {f"high_{k}": v for k, v in high.items()}
        yield ("h2l", "l2h"), both

    def sample(self) -> list[Tensor]:
        """Show genuine faces restored; then real faces, degraded and restored."""
        lr, hr = self.feed.fixed("lr", SHOWN), self.feed.fixed("hr", SHOWN)
        n = min(len(lr), len(hr))
        lr, hr = lr[:n], resized(hr[:n], self.mid)
        made = (
            simulated(hr, self.factor) if self.h2l is None else self.h2l(hr, self.shown_noise[:n])
        )
        return [lr, bicubic(lr, self.mid), self.l2h(lr), hr, made, self.l2h(made)]

    def _step(self, losses: Callable[[Batch], Losses]) -> Callable[[Trainer], None]:
        def step(trainer: Trainer) -> None:
            for names, terms in losses(self._draw(trainer)):
                trainer.minimise(names, **terms)

        return step

    def _draw(self, trainer: Trainer) -> Batch:
        hr = resized(self.feed.hr(self.method.batch), self.mid)
        return Batch(hr, self.feed.lr(len(hr)), trainer.noise(len(hr), self.method.noise))

    def _judged(self, name: str, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Return the loss of a discriminator (Eq. 2)."""
        both = torch.cat([real, fake.detach().to(real.dtype)])
        return {"hinge": relativistic_hinge(*self.nets[name](both).chunk(2))}

    def _made(self, name: str, real: Tensor, like: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Return the losses of a generator (Eq. 1)."""
        judge = self.nets[name]
        with torch.no_grad():
            genuine = judge(real)
        gan = relativistic_hinge(judge(fake), genuine)
        return {"pixel": self.method.alpha * pixel_l2(fake, like), "gan": self.method.beta * gan}


def simulated(hr: Tensor, factor: int) -> Tensor:
    """Make faces small by bicubic interpolation over whole areas (section 6.1.2)."""
    return interpolate(hr, scale_factor=1 / factor, mode="bicubic", antialias=True)
