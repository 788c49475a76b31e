"""The split of the two-step method: CelebA-HQ and FFHQ, with small faces of WIDER FACE."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from facesr.bench.contract import About, Part
from facesr.datasets._half import Side
from facesr.datasets._recipe import Ask, Portion, Recipe

LARGE = (Ask("celebahq", 30_000), Ask("ffhq", 70_000))
SMALL = (Ask("widerface", 164_798),)
TEST = 8_241


@dataclass
class TwoStep2022(Recipe):
    """Section 6.1 of the paper: 100,000 large faces; small ones genuine or reduced.

    The paper keeps no large face back: in the genuine setting the training half is also the
    reference of the test. For the simulated setting it gives no size of a test; 1,000 is ours.

    Args:
        training: `realworld`, unpaired, or `simulated`, reduced by MATLAB's bicubic interpolation.
    """

    about: ClassVar[About | None] = About(
        "The two-step method's split",
        paper="Cheikh Sidiya & Li, Toward extreme face super-resolution in the wild: A "
        "self-supervised learning approach, Frontiers in Computer Science 2022",
        year=2022,
        url="https://doi.org/10.3389/fcomp.2022.1037435",
        family="recipe",
        licence="those of CelebA-HQ, FFHQ and WIDER FACE",
        holds="30,000 faces of CelebA-HQ and 70,000 of FFHQ; 156,557 + 8,241 faces of WIDER FACE",
        layout="the folders of celebahq, ffhq and widerface side by side",
    )

    training: Literal["realworld", "simulated"] = "realworld"

    def portion(self, part: Part, side: Side) -> Portion:
        """See `Recipe.portion`."""
        if self.training == "simulated":
            return Portion(LARGE, n=1_000) if part == "test" else Portion(LARGE, skip=1_000)
        if side == "hr":
            return Portion(LARGE, 100_000)
        if part == "test":
            return Portion(SMALL, TEST, n=TEST)
        return Portion(SMALL, 156_557, skip=TEST, n=156_557)

    def degradation(self, part: Part) -> str:
        """See `Recipe.degradation`."""
        return "bicubic" if self.training == "simulated" else ""
