"""What a network is shown of a face: which part of the frame, how large, in which numbers.

Faces come in the frame of the house, a square around eyes, nose and mouth, so their place is known
and none has to be found again: a method cannot gain or lose by what a detector makes of its output.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

VERSION = 1


@dataclass(frozen=True)
class View:
    """A part of the frame, resized (bilinear, antialiased) to the input of a network.

    Args:
        side: Of the input, in pixels.
        box: Left, top, right and bottom of what is shown, as shares of the side of the frame; the
            border is repeated beyond it.
        order: Of the colours.
        mean: What is subtracted from values of 0 to 255.
        deviation: What the rest is divided by.
    """

    side: int
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    order: Literal["rgb", "bgr"] = "rgb"
    mean: float = 127.5
    deviation: float = 127.5

    @property
    def label(self) -> str:
        """What of it belongs into identities."""
        box = "_".join(f"{edge:g}" for edge in self.box)
        numbers = f"{self.order}-{self.mean:g}-{self.deviation:g}"
        return f"box={box},resize=bilinear-antialiased-{self.side},input={numbers}"

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, h), float32 in [0, 1], into (n, 3, side, side), float32."""
        left, top, right, bottom = self.box
        size = batch.shape[-1]
        across, down = weights(size, self.side, left, right), weights(size, self.side, top, bottom)
        shown = down @ (255.0 * batch.double()) @ across.T
        if self.order == "bgr":
            shown = shown.flip(1)
        return ((shown - self.mean) / self.deviation).float()


# Deng et al., ArcFace, CVPR 2019, and insightface. Eyes, nose and mouth of 120 pictures of LFW,
# found by MTCNN in the frame of the house and averaged, lie on the template of 112 pixels by least
# squares of scale and place if this part is shown; they miss it by less than two pixels.
ARCFACE = View(112, box=(0.018, -0.048, 0.98, 0.913))


@lru_cache(maxsize=64)
def weights(size: int, side: int, start: float, stop: float) -> Tensor:
    """Return how much each pixel of a line counts in each pixel of a resized part of it.

    A triangle as wide as two pixels, of the line or of the result, whichever are larger; what it
    covers beyond the ends of the line is left out, and the last pixel is repeated beyond them.

    Args:
        size: Pixels of the line.
        side: Pixels of the result.
        start: Where the part begins, as a share of the line.
        stop: Where it ends.

    Returns:
        (side, size), float64, rows sum to 1.
    """
    step = (stop - start) * size / side
    centres = start * size + (torch.arange(side, dtype=torch.float64) + 0.5) * step
    pixels = torch.arange(size, dtype=torch.float64) + 0.5
    away = (pixels - centres.clamp(0.5, size - 0.5)[:, None]).abs() / max(step, 1.0)
    shares = (1 - away).clamp(min=0)
    return shares / shares.sum(dim=1, keepdim=True)
