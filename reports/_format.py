"""Numbers to text: the only place where anything is rounded.

The digits of a column follow from its intervals by the rule of the Particle Data Group (Review of
Particle Physics, introduction, section 5.3), so that no figure is printed that the interval does
not carry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MINUS = "\N{MINUS SIGN}"
MOST_DECIMALS = 4
TWO_FIGURES_BELOW = 3.55
TIMES = "\N{MULTIPLICATION SIGN}"
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Digits:
    """How the numbers of one column are written.

    Args:
        decimals: Digits after the point.
        power: The column is shown times ten to this power.
    """

    decimals: int
    power: int = 0

    @property
    def factor(self) -> str:
        """What the header says of the power, times ten to what; empty without a power."""
        return f"{TIMES}10{str(self.power).translate(_SUPERSCRIPT)}" if self.power else ""

    def text(self, value: float) -> str:
        """Write a number, with a proper minus.

        >>> Digits(1, power=3).text(0.0161), Digits(2).text(-0.001), Digits(2).text(-2).isascii()
        ('16.1', '0.00', False)
        """
        text = f"{value * 10.0**self.power:.{self.decimals}f}"
        if text.startswith("-"):
            text = MINUS + text[1:] if text.strip("-0.") else text[1:]
        return text


def decimals(half_width: float) -> int:
    """Return how many digits after the point an interval of this half-width supports.

    Two figures of the half-width are kept if its leading part is below 3.55, else one. The result
    is negative where even the ones are not certain.

    >>> decimals(0.085), decimals(0.0034), decimals(0.0036), decimals(2.9), decimals(42)
    (2, 4, 3, 1, -1)
    """
    exponent = math.floor(math.log10(half_width))
    leading = half_width / 10.0**exponent
    return (1 if leading < TWO_FIGURES_BELOW else 0) - exponent


def digits(values: Sequence[float], half_widths: Sequence[float]) -> Digits:
    """Choose the digits of a column: by its median half-width, four decimals at most.

    A column that needs more is shown in thousandths or millionths instead, so that small numbers
    do not lose their meaning. Without any interval, three figures of the median value are shown.

    Args:
        values: What the column holds.
        half_widths: Half-widths of the intervals there are.
    """
    known = [h for h in half_widths if h > 0 and math.isfinite(h)]
    sizes = [abs(v) for v in values if v and math.isfinite(v)]
    if known:
        wanted = decimals(median(known))
    elif sizes:
        wanted = 2 - math.floor(math.log10(median(sizes)))
        wanted = 0 if all(v == int(v) for v in sizes) else wanted
    else:
        wanted = 0
    power = 0
    while wanted - power > MOST_DECIMALS and power < 6:
        power += 3
    return Digits(min(MOST_DECIMALS, max(0, wanted - power)), power)


def half_width(low: float | None, high: float | None) -> float | None:
    """Return half the length of an interval; None where there is none."""
    if low is None or high is None:
        return None
    return (high - low) / 2
