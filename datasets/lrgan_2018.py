"""The split of LRGAN: 182,866 high-resolution faces of four sets, small faces of WIDER FACE."""

from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import About, Part
from facesr.datasets._half import Side
from facesr.datasets._recipe import Ask, Portion, Recipe

TEST = 3_000
SMALL = Ask("widerface")
LARGE = (
    Ask("celeba", 60_000),
    Ask("aflw"),
    Ask("ls3dw", 5_563),
    Ask("vggface2", settings={"pose": "large", "per_person": 10}),
)


@dataclass
class Lrgan2018(Recipe):
    """Section 3.2 of the paper: balanced in pose, unpaired, 3,000 small faces for the test.

    The paper takes 60,000 faces of CelebA, all of AFLW, ten faces of large pose of each of the
    9,131 people of VGGFace2, and "a subset" of LS3D-W. The size of that subset is inferred: what
    is left of 182,866 after these and the 25,993 faces of AFLW. Which faces are drawn is ours,
    and so are the detector and the least and largest size of a small face. The reference of the
    test is the training half, since the paper keeps no high-resolution face back.
    """

    about: ClassVar[About | None] = About(
        "LRGAN's split",
        paper="Bulat, Yang & Tzimiropoulos, To learn image super-resolution, use a GAN to learn "
        "how to do image degradation first, ECCV 2018",
        year=2018,
        url="https://arxiv.org/abs/1807.11458",
        family="recipe",
        licence="those of CelebA, AFLW, LS3D-W, VGGFace2 and WIDER FACE",
        holds="182,866 high-resolution faces of CelebA, AFLW, LS3D-W and VGGFace2; more than "
        "50,000 low-resolution faces of WIDER FACE, 3,000 of them for the test",
        layout="the folders of celeba, aflw, ls3dw, vggface2 and widerface side by side",
    )

    def portion(self, part: Part, side: Side) -> Portion:
        """See `Recipe.portion`."""
        if side == "hr":
            return Portion(LARGE, 182_866)
        if part == "test":
            return Portion((SMALL,), TEST, n=TEST)
        return Portion((SMALL,), 47_000, skip=TEST)
