"""How SelfSR trains: a degradation network first, then a super-resolver that grows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from facesr.methods._nets.flow import Degraded, smoothness
from facesr.methods._nets.selfsr import level_of
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.growing import Growth
from facesr.methods._train.losses import (
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
    log_discriminator,
    log_generator,
    pixel_l1,
)
from facesr.methods._train.samples import bicubic
from facesr.methods._train.schedule import linear

if TYPE_CHECKING:
    from facesr.methods.selfsr import SelfSR

Losses = dict[str, Tensor]
SHOWN = 8
R = 10.0  # Eq. 9
_SHOWN_PIXELS = 2.0  # a flow of so many pixels has full colour
_STEPS = {"realworld": 160_000, "paired": 160_000, "unpaired": 280_000}
# after which share of the training the side doubles again
_MOMENTS = {
    (3, "paired"): (20 / 160, 80 / 160),
    (3, "unpaired"): (40 / 280, 120 / 280),
    (2, "realworld"): (60 / 160,),
}


class Training:
    """The steps of both stages, for one run.

    Args:
        method: Whose settings hold.
        nets: `sr` and `d_hr`; to learn degradation `degrader` and `d_lr`; as a CycleGAN `cleaner`
            and `d_clean` too.
        feed: Where faces come from.
    """

    def __init__(self, method: "SelfSR", nets: dict[str, nn.Module], feed: Feed) -> None:
        self.method = method
        self.nets = nets
        self.feed = feed
        self.size = feed.fixed("lr", 1).shape[-1]
        self.growth = method.growth()
        self.grown = self.growth.levels(0)

    def stages(self) -> Iterator[Stage]:
        """Yield domain adaptation, where it is learned, and a stage for each side reached."""
        if "degrader" in self.nets:
            yield Stage(
                "degradation", self.method.degradation_steps, self.degradation, linear(start=0.5)
            )
        for level, steps in enumerate(self.growth.parts()):
            side = 2 ** (self.growth.first + level)
            yield Stage(f"super-resolution x{side}", steps, self.super_resolution)

    def degradation(self, trainer: Trainer) -> None:
        """Update the discriminators of low-resolution faces, then what degrades (Section A)."""
        clean = shrink(self.feed.hr(self.method.batch), self.size)
        real = self.feed.lr(len(clean))
        made = self.degrade(clean)
        trainer.minimise("d_lr", **self.judge_lr("d_lr", real, made.lr))
        if "cleaner" not in self.nets:
            trainer.minimise("degrader", **self.flow_losses(clean, made))
            return
        cleaned = self.nets["cleaner"](real).lr
        trainer.minimise("d_clean", **self.judge_lr("d_clean", clean, cleaned))
        losses = self.cycle_losses(clean, real, made, cleaned)
        trainer.minimise(("degrader", "cleaner"), **losses)

    def super_resolution(self, trainer: Trainer) -> None:
        """Update the discriminator of high-resolution faces, then what restores (Section B)."""
        first = self.method.degradation_steps if "degrader" in self.nets else 0
        self.grown = self.growth.levels(trainer.done - first)
        lr, hr = self._batch()
        hr = level_of(hr, self.doublings, self.grown)
        sr = self.nets["sr"](lr, self.grown)
        trainer.minimise("d_hr", **self.judge_hr(hr, sr))
        trainer.minimise("sr", **self.restoration_losses(lr, hr, sr))

    @property
    def doublings(self) -> int:
        """How many times the whole super-resolver doubles the side."""
        return self.method.scale.bit_length() - 1

    def degrade(self, clean: Tensor) -> Degraded:
        """Degrade faces as learned; as they are where nothing is learned."""
        if "degrader" not in self.nets:
            return Degraded(clean, clean, None)
        return self.nets["degrader"](clean)

    def judge_lr(self, name: str, real: Tensor, fake: Tensor) -> Losses:
        """Return what a discriminator of low-resolution faces minimises (Eq. 2)."""
        verdicts = self.nets[name](torch.cat([real, fake.detach()]))
        return {"adv": log_discriminator(*verdicts.chunk(2))}

    def flow_losses(self, clean: Tensor, made: Degraded) -> Losses:
        """Return what the degradation network minimises (Eqs. 2 to 5)."""
        losses = {"adv": log_generator(self.nets["d_lr"](made.lr))}
        if self.method.identity_loss:
            losses["idt"] = self.method.lambda_idt * pixel_l1(made.image, clean)
        if made.flow is not None:
            losses["smooth"] = self.method.lambda_s * smoothness(made.flow)
        return losses

    def cycle_losses(self, clean: Tensor, real: Tensor, made: Degraded, cleaned: Tensor) -> Losses:
        """Return what a CycleGAN minimises, Eq. 3 where it is asked for (Table III)."""
        back = self.nets["cleaner"](made.lr).lr
        again = self.degrade(cleaned).lr
        cycle = pixel_l1(back, clean) + pixel_l1(again, real)
        return self.flow_losses(clean, made) | {
            "adv_clean": log_generator(self.nets["d_clean"](cleaned)),
            "cycle": self.method.lambda_cycle * cycle,
        }

    def judge_hr(self, real: Tensor, fake: Tensor) -> Losses:
        """Return what the discriminator of high-resolution faces minimises (Eqs. 7 and 9)."""
        judge, r1 = self.nets["d_hr"], self.method.r1
        real = real.detach().requires_grad_(r1)
        with torch.autocast(real.device.type, enabled=False):  # a second derivative needs digits
            verdicts = judge(real.float(), self.grown)
        losses = {"hinge": hinge_discriminator(verdicts, judge(fake.detach(), self.grown))}
        if r1:
            losses["r1"] = self.method.lambda_r1 * R / 2 * gradient_penalty(verdicts, real)
        return losses

    def restoration_losses(self, lr: Tensor, hr: Tensor, sr: Tensor) -> Losses:
        """Return what the super-resolver minimises (Eqs. 7, 8 and 10; 11 where unpaired)."""
        cycle = self.method.training == "unpaired"
        rec = pixel_l1(shrink(sr, self.size), lr) if cycle else pixel_l1(sr, hr)
        gan = hinge_generator(self.nets["d_hr"](sr, self.grown))
        return {"rec": self.method.lambda_rec * rec, "adv": gan}

    def sample(self) -> list[Tensor]:
        """Show genuine faces restored; then real faces made small, degraded and restored."""
        lr, hr = self.feed.fixed("lr", SHOWN), self.feed.fixed("hr", SHOWN)
        n = min(len(lr), len(hr))
        lr, hr, net = lr[:n], hr[:n], self.nets["sr"]
        clean = shrink(hr, self.size)
        made = self.degrade(clean)
        degraded = [clean]
        if made.flow is not None:
            degraded += [made.image, colours(made.flow)]
        restored = [made.lr, net(made.lr, self.grown), hr]
        return [lr, bicubic(lr, hr.shape[-1]), net(lr, self.grown), *degraded, *restored]

    def _batch(self) -> tuple[Tensor, Tensor]:
        n = self.method.batch
        if self.method.training == "unpaired":
            return self.feed.lr(n), self.feed.hr(n)
        if self.method.training == "paired" and self.feed.paired:
            return self.feed.pairs(n)
        hr = self.feed.hr(n)
        with torch.no_grad():
            return self.degrade(shrink(hr, self.size)).lr, hr


def shrink(images: Tensor, size: int) -> Tensor:
    """Bicubic down-sampling over whole areas, to (n, 3, size, size) in [-1, 1]."""
    small = interpolate(images, size=(size, size), mode="bicubic", antialias=True)
    return small.clamp(-1, 1)


def colours(flow: Tensor) -> Tensor:
    """Show a flow field: red grows to the right, blue down, grey stays; in [-1, 1]."""
    across, down = (flow / _SHOWN_PIXELS).clamp(-1, 1).unbind(1)
    return torch.stack([across, torch.zeros_like(across), down], 1)


def growth(training: str, scale: int, steps: int | None, fade_in: float | None) -> Growth:
    """Return when the networks grow, as `SelfSR` says.

    Args:
        training: Which training.
        scale: Factor, a power of two.
        steps: Updates; None for those of the paper.
        fade_in: Share of the updates in which a new level fades in; None for no growth.

    Raises:
        BenchError: If levels would fade in for longer than there is time.
    """
    steps = _STEPS[training] if steps is None else steps
    doublings = scale.bit_length() - 1
    if fade_in is None:
        return Growth((), 0.0, steps, doublings)
    near = {3: "paired", 2: "realworld"}.get(doublings, "")
    even = tuple(level / doublings for level in range(1, doublings))
    moments = _MOMENTS.get((doublings, near), even)
    moments = _MOMENTS.get((doublings, training), moments)
    return Growth(moments, fade_in, steps)
