"""How SCGAN trains: all networks in every step (Sections 3.2 to 3.6)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from facesr.methods._train.data import Feed, derived_seed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.losses import hinge_discriminator, hinge_generator, pixel_l1
from facesr.methods._train.samples import bicubic
from facesr.methods._train.schedule import cosine

if TYPE_CHECKING:
    from facesr.methods.scgan import SCGAN

SCALE = 4
SHOWN = 8
JUDGES = ("L1", "L2", "H1", "H2")
TERMS = {  # of each half of the cycle; the last letters name the judge or the image
    "forward": ("pix_sL", "adv_L1", "cyc_sS", "adv_H1"),
    "backward": ("pix_rS", "adv_H2", "cyc_rL", "adv_L2"),
}
HALVES = {
    "semi_cycled": ("forward", "backward"),
    "wo_dsl": ("forward",),
    "wo_dhl": ("backward",),
    "fully_cycled": ("forward", "backward"),
}
RESTORING = {  # which terms reach the restorer
    "paper": ("cyc_sS", "adv_H1", "pix_rS", "adv_H2", "cyc_rL", "adv_L2"),
    "released": ("cyc_sS", "adv_H1", "pix_rS", "adv_H2"),
}
WITHOUT = {"all": "", "wo_al": "adv", "wo_pl": "pix", "wo_cl": "cyc"}
_FAKES = {"L1": "sL", "L2": "cL", "H1": "sS", "H2": "rS"}  # what each judge compares with


def judges_in(text: str) -> tuple[str, ...]:
    """Read a set of judges, such as `L1+H1`, in the order of the paper; `none` is empty.

    Raises:
        ValueError: If a part is none of them, or comes twice.
    """
    parts = [] if text == "none" else text.split("+")
    if set(parts) - set(JUDGES) or len(set(parts)) != len(parts):
        raise ValueError(text)
    return tuple(judge for judge in JUDGES if judge in parts)


def terms_of(architecture: str, losses: str, adversarial: str) -> tuple[str, ...]:
    """List the loss terms that a variant has, Tables 1, 3 and 4."""
    judges, without = judges_in(adversarial), WITHOUT[losses]
    return tuple(
        term
        for half in HALVES[architecture]
        for term in TERMS[half]
        if term[:3] != without and (term[:3] != "adv" or term[4:] in judges)
    )


class Training:
    """The networks of a variant, and one step of all of them.

    Args:
        method: Whose settings hold.
        nets: The restorer `ls` and, by variant, the degraders `hl` and `sl` and the
            discriminators `d_l1`, `d_l2`, `d_h1` and `d_h2`.
        feed: Where faces come from.
    """

    def __init__(self, method: "SCGAN", nets: dict[str, nn.Module], feed: Feed) -> None:
        self.method = method
        self.nets = nets
        self.feed = feed
        self.halves = HALVES[method.architecture]
        self.terms = terms_of(method.architecture, method.losses, method.adversarial)
        self.generators = tuple(name for name in ("hl", "ls", "sl") if name in nets)
        shown = torch.Generator().manual_seed(derived_seed(method.seed, "shown"))
        self.shown_noise = torch.randn((SHOWN, method.noise), generator=shown).to(feed.device)

    def stages(self) -> list[Stage]:
        """Return the only stage; rates fall from 1e-4 to 1e-5 (Section 3.6)."""
        rate = cosine(self.method.final_rate, self.method.swings)
        return [Stage("semi-cycled", self.method.steps, self.step, rate)]

    def step(self, trainer: Trainer) -> None:
        """Update the discriminators, then the generators by the sum of all their losses."""
        method = self.method
        hr, lr = self.feed.hr(method.batch), self.feed.lr(method.batch)
        images = self.images(hr, lr, trainer.noise(len(hr), method.noise))
        for judge in judges_of(self.terms):
            real, fake = images[f"r{judge[0]}"], images[_FAKES[judge]].detach()
            verdicts = self.nets[f"d_{judge.lower()}"](torch.cat([real, fake]))
            trainer.minimise(  # Eqs. 3, 9, 10 and 13
                f"d_{judge.lower()}", hinge=hinge_discriminator(*verdicts.chunk(2))
            )
        trainer.minimise(self.generators, **self.losses(images))

    def images(self, hr: Tensor, lr: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Run both halves of the cycle (Fig. 4).

        Args:
            hr: Real high-resolution faces, (n, 3, h, w).
            lr: Real low-resolution faces, (n, 3, h / 4, w / 4), of other people.
            noise: (n, noise), for both degraders.

        Returns:
            Images by the paper's index: `rH` and `rL` are real; `sL` is degraded from `rH` and
            `sS` restored from it; `rS` is restored from `rL` and `cL` degraded from it (the
            paper's rL with a hat).
        """
        images = {"rH": hr, "rL": lr}
        if "forward" in self.halves:
            images["sL"] = self.nets["hl"](hr, noise)  # Eq. 1
            images["sS"] = self.nets["ls"](self._passed(images["sL"]))  # Eq. 4
        if "backward" in self.halves:
            degrader = self.nets["sl" if "sl" in self.nets else "hl"]
            images["rS"] = self.nets["ls"](lr)  # Eq. 5
            images["cL"] = degrader(self._passed(images["rS"]), noise)  # Eq. 11
        return images

    def losses(self, images: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the weighted terms of the generators' losses, those that the variant has."""
        method = self.method
        half = {"sS": method.theta, "H1": method.theta, "rS": method.gamma, "H2": method.gamma}
        terms = {}
        for term in self.terms:
            kind, name = term.split("_")
            weight = half.get(name, 1.0)  # Eq. 6
            if kind == "adv":
                verdicts = self.nets[f"d_{name.lower()}"](images[_FAKES[name]])
                terms[term] = weight * method.beta * hinge_generator(verdicts)
            else:
                terms[term] = weight * method.alpha * self._distance(images, name)
        return terms

    def sample(self) -> list[Tensor]:
        """Show genuine faces restored and degraded again; real faces degraded and restored."""
        lr, hr = self.feed.fixed("lr", SHOWN), self.feed.fixed("hr", SHOWN)
        n = min(len(lr), len(hr))
        images = self.images(hr[:n], lr[:n], self.shown_noise[:n])
        size = hr.shape[-1]
        columns = [images["rL"], bicubic(images["rL"], size)]
        if "backward" in self.halves:
            columns += [images["rS"], images["cL"]]
        else:
            columns += [self.nets["ls"](images["rL"])]
        columns += [images["rH"]]
        if "forward" in self.halves:
            small = images["sL"]
            columns += [avg_pool2d(images["rH"], SCALE), small, bicubic(small, size), images["sS"]]
        return columns

    def _passed(self, images: Tensor) -> Tensor:
        """Pass images on to the second network of a half, in the released code without gradient."""
        return images.detach() if self.method.cycle == "released" else images

    def _distance(self, images: dict[str, Tensor], name: str) -> Tensor:
        match name:
            case "sL":  # Eq. 2
                return pixel_l1(images["sL"], avg_pool2d(images["rH"], SCALE))
            case "sS":  # Eq. 7
                return pixel_l1(images["sS"], images["rH"])
            case "rS":  # Eq. 8
                return pixel_l1(images["rS"], enlarged(images["rL"]))
            case _:  # Eq. 12
                return pixel_l1(images["cL"], images["rL"])


def judges_of(terms: Iterable[str]) -> tuple[str, ...]:
    """List the discriminators that some loss terms need."""
    kept = set(terms)
    return tuple(judge for judge in JUDGES if f"adv_{judge}" in kept)


def enlarged(lr: Tensor) -> Tensor:
    """Bicubic enlargement with the corners of both grids aligned, as released (for Eq. 8).

    It agrees with the bilinear interpolation inside the restorer, which aligns them too.
    """
    return interpolate(lr, scale_factor=SCALE, mode="bicubic", align_corners=True)
