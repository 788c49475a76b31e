"""The splits of SelFSR: CelebA or Helen in pairs, or LRGAN's faces without."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from facesr.bench.contract import About, Part
from facesr.datasets._half import Side
from facesr.datasets._recipe import Ask, Portion, Recipe
from facesr.datasets.lrgan_2018 import LARGE, SMALL

TEST = {"celeba": 1_000, "helen": 50, "realworld": 3_000}
TRAIN = {"celeba": 168_854, "helen": 2_005, "realworld": 53_254}


@dataclass
class Selfsr2021(Recipe):
    """Section IV of the paper; CelebA and Helen are reduced by bicubic interpolation.

    The paper crops by estimated landmarks and leaves out faces without saying which: 169,854 of
    CelebA's 202,599 and 2,055 of Helen's 2,330 remain. Which these are is drawn here. The paper
    reduces by a factor of 8; that is the protocol's to say.

    Args:
        training: `celeba`, `helen`, or `realworld`, the unpaired faces of LRGAN.
    """

    about: ClassVar[About | None] = About(
        "SelFSR's splits",
        paper="Zeng et al., SelFSR: Self-Conditioned Face Super-Resolution in the Wild via Flow "
        "Field Degradation Network, 2021",
        year=2021,
        url="https://arxiv.org/abs/2112.10683",
        family="recipe",
        licence="those of CelebA, Helen, AFLW, LS3D-W, VGGFace2 and WIDER FACE",
        holds="CelebA 168,854 + 1,000 faces, Helen 2,005 + 50; or 182,866 high-resolution faces "
        "and 53,254 + 3,000 low-resolution ones",
        layout="the folder of celeba or helen; or those of LRGAN's split",
    )

    training: Literal["celeba", "helen", "realworld"] = "celeba"

    def portion(self, part: Part, side: Side) -> Portion:
        """See `Recipe.portion`."""
        if self.training == "realworld" and side == "hr":
            return Portion(LARGE, 182_866)
        asks = (SMALL if self.training == "realworld" else Ask(self.training),)
        test, train = TEST[self.training], TRAIN[self.training]
        if part == "test":
            return Portion(asks, test, n=test)
        return Portion(asks, train, skip=test, n=train)

    def degradation(self, part: Part) -> str:
        """See `Recipe.degradation`."""
        return "" if self.training == "realworld" else "bicubic"
