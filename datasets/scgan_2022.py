"""The split of SCGAN: FFHQ and WIDER FACE for training, four test sets."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from facesr.bench.contract import About, Part
from facesr.datasets._half import Side
from facesr.datasets._recipe import Ask, Portion, Recipe

LARGE = (Ask("ffhq", 22_500),)
SMALL = (Ask("widerface", 6_000),)
CHAINS = {"ls3dw": "bilinear", "ffhq": "scgan"}


@dataclass
class Scgan2022(Recipe):
    """Section 4.1 of the paper: 20,000 and 4,000 unpaired faces; two tests in pairs, two without.

    Which faces are drawn is ours. The reference of the unpaired tests are the 2,500 faces of FFHQ
    that the paper keeps for its synthetic test; no method trains on them.

    Args:
        test: `widerface` or `webface`, genuine; `ls3dw`, reduced by bilinear interpolation; `ffhq`,
            degraded by blur, noise and compression.
    """

    about: ClassVar[About | None] = About(
        "SCGAN's split",
        paper="Hou et al., Semi-Cycled Generative Adversarial Networks for Real-World Face "
        "Super-Resolution, IEEE TIP 2023",
        year=2022,
        url="https://arxiv.org/abs/2205.03777",
        family="recipe",
        licence="those of FFHQ, WIDER FACE and LS3D-W; WebFace: the photographs' owners'",
        holds="20,000 faces of FFHQ and 4,000 of WIDER FACE; tests: 1,000 of LS3D-W balanced, "
        "2,500 of FFHQ, 2,000 of WIDER FACE, 1,028 of the web",
        layout="the folders of ffhq, widerface and ls3dw or webface side by side",
    )

    test: Literal["widerface", "webface", "ls3dw", "ffhq"] = "widerface"

    def portion(self, part: Part, side: Side) -> Portion:
        """See `Recipe.portion`."""
        if part == "train":
            if side == "hr":
                return Portion(LARGE, 20_000, skip=2_500, n=20_000)
            return Portion(SMALL, 4_000, skip=2_000, n=4_000)
        if self.test == "ls3dw":
            return Portion((Ask("ls3dw", 1_000, settings={"subset": "balanced"}),), 1_000)
        if side == "hr":
            return Portion(LARGE, 2_500, n=2_500)
        if self.test == "webface":
            return Portion((Ask("webface"),), 1_028)
        return Portion(SMALL, 2_000, n=2_000)

    def degradation(self, part: Part) -> str:
        """See `Recipe.degradation`."""
        return CHAINS.get(self.test, "") if part == "test" else ""
