"""How learning rates fall during a stage: factors for `Stage.rate`."""

import math
from collections.abc import Callable

Rate = Callable[[float], float]


def cosine(end: float = 0.0, swings: int = 1) -> Rate:
    """Fall from 1 to `end` along half a cosine (Loshchilov and Hutter, ICLR 2017, Eq. 5).

    After `T` of `swings * T` steps this is what torch's `CosineAnnealingLR(T_max=T)` gives, which
    rises again once `T_max` is over.

    Args:
        end: Lowest factor.
        swings: Half cosines in a stage, down and up in turn; an odd number ends low.

    Returns:
        The factor, given the done share of the stage in [0, 1].
    """
    return lambda done: end + (1 - end) * (1 + math.cos(math.pi * swings * done)) / 2


def linear(start: float = 0.0, end: float = 0.0) -> Rate:
    """Stay at 1, then fall in a straight line to `end`.

    Args:
        start: Share of the stage after which it falls, in [0, 1).
        end: Last factor.

    Returns:
        The factor, given the done share of the stage in [0, 1].
    """
    return lambda done: 1 - (1 - end) * max(0.0, done - start) / (1 - start)
