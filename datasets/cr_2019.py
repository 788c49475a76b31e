"""The split of CR: CelebA and WIDER FACE for training, three test sets of other photographs."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from facesr.bench.contract import About, Part
from facesr.datasets._half import Side
from facesr.datasets._recipe import Ask, Portion, Recipe

LARGE = Portion((Ask("celeba"),), 202_599)
SMALL = Portion((Ask("widerface", 153_440),), 153_440)
# faces of at most 16 pixels: a detector's box is about 0.8 of the side of our crop around it
TINY = {"least_side": 8.0, "most_side": 20.0}
TESTS = {
    "lr_pipa": Portion((Ask("lr_pipa", rule=TINY),), 8_641),
    "lr_dukemtmc": Portion((Ask("lr_dukemtmc", rule=TINY),), 7_044),
}
HELEN = Portion((Ask("helen"),), 2_330)


@dataclass
class Cr2019(Recipe):
    """Section 4 of the paper: unpaired training, tests on LR-PIPA, LR-DukeMTMC and Helen.

    The paper finds small faces with the TinyFace detector and removes what is no face by hand;
    neither its findings nor its list are public. Here another detector finds them, and a list of
    your own can be given as `exclude`. The least size of a face, and that "at most
    16x16 pixels" means the detector's box, are inferred. The
    reference of the small test sets is CelebA, the only high-resolution set of the paper.

    Args:
        test: `lr_pipa`, `lr_dukemtmc`, or `helen` reduced by bicubic interpolation.
    """

    about: ClassVar[About | None] = About(
        "CR's split",
        paper="Cheng, Zhu, Li & Gong, Characteristic Regularisation for Super-Resolving Face "
        "Images, WACV 2020",
        year=2019,
        url="https://arxiv.org/abs/1912.12987",
        family="recipe",
        licence="those of CelebA, WIDER FACE, PIPA, DukeMTMC and Helen",
        holds="202,599 faces of CelebA and 153,440 small faces of WIDER FACE; tests: 8,641 faces "
        "of PIPA, 7,044 of DukeMTMC, 2,330 of Helen",
        layout="the folders of celeba, widerface and pipa, dukemtmc or helen side by side",
    )

    test: Literal["lr_pipa", "lr_dukemtmc", "helen"] = "lr_pipa"

    def portion(self, part: Part, side: Side) -> Portion:
        """See `Recipe.portion`."""
        if part == "test" and self.test == "helen":
            return HELEN
        if side == "hr":
            return LARGE
        return SMALL if part == "train" else TESTS[self.test]

    def degradation(self, part: Part) -> str:
        """See `Recipe.degradation`."""
        return "bicubic" if part == "test" and self.test == "helen" else ""
