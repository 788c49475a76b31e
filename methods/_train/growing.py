"""When a growing network grows (Karras et al., "Progressive growing of GANs", ICLR 2018)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from facesr.bench.errors import BenchError


@dataclass(frozen=True)
class Growth:
    """How many levels of a network are in use, from a first few to all of them.

    Args:
        moments: Share of the training after which each further level begins to fade in, in
            (0, 1), rising.
        fade: Share of the training that fading in takes.
        steps: Of the training.
        first: How many levels are in use at the start.

    Raises:
        BenchError: If a level would still fade in when the next one starts, or at the end.
    """

    moments: tuple[float, ...]
    fade: float
    steps: int
    first: int = 1

    def __post_init__(self) -> None:
        gaps = [after - before for before, after in pairwise([*self.moments, 1.0])]
        if gaps and self.fade > min(gaps) + 1e-9:
            raise BenchError(
                f"a level fades in over {self.fade:.3g} of the training, but the next growth or "
                f"the end comes {min(gaps):.3g} later; let it take that or less"
            )

    def levels(self, step: int) -> float:
        """Return how many levels are in use at a step; the fraction is the weight of the last.

        Steps count from 0. Continuous: the step at which a level begins to fade in still gives it
        no weight.
        """
        return self.first + sum(self._weight(step - start) for start in self._starts())

    def parts(self) -> Iterator[int]:
        """Yield how many steps lie between two beginnings of growth, their sum is `steps`."""
        for before, after in pairwise([0, *self._starts(), self.steps]):
            yield after - before

    def _starts(self) -> list[int]:
        return [round(moment * self.steps) for moment in self.moments]

    def _weight(self, since: int) -> float:
        fade = round(self.fade * self.steps)
        return float(since > 0) if fade == 0 else min(1.0, max(0.0, since / fade))
