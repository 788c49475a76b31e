"""The relativistic average hinge loss (Jolicoeur-Martineau, ICLR 2019)."""

from torch import Tensor
from torch.nn.functional import relu


def relativistic_hinge(high: Tensor, low: Tensor) -> Tensor:
    """Loss that is least where every verdict on one set is above the mean of the other by 1.

    Cheikh Sidiya & Li 2022, Eq. 2, as L_r(high, low). A discriminator minimises it for (real,
    fake), a generator for (fake, real).

    Args:
        high: Verdicts on the images that should be judged higher, any shape.
        low: Verdicts on the others, any shape.
    """
    above = relu(1 - (high - low.mean())).mean()
    below = relu(1 + (low - high.mean())).mean()
    return (above + below) / 2
