"""Text in figures: how wide it is, where it is cut, what the face of the figures can show."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

from facesr.reports._words import visible

FACE = "DejaVu Sans"  # comes with matplotlib, so that every machine has it
LONGEST = 30  # signs of a name in a figure


def short_names(methods: Sequence[str], longest: int = LONGEST) -> dict[str, str]:
    """Shorten long names in their middle; two that would then be equal stay apart.

    >>> short_names(["lrgan", "a" * 20 + "-" * 9 + "b" * 20], longest=12)["lrgan"]
    'lrgan'
    """
    plain = {method: drawable(method) for method in methods}
    short = {
        method: name
        if len(name) <= longest
        else f"{name[: longest * 2 // 3]}…{name[-longest // 3 + 1 :]}"
        for method, name in plain.items()
    }
    taken = list(short.values())
    for method, name in short.items():
        if taken.count(name) > 1:
            digest = sha256(method.encode(errors="surrogatepass")).hexdigest()[:6]
            short[method] = f"{plain[method][: longest - 8]}…#{digest}"
    return short


def drawable(text: str) -> str:
    """Spell out what cannot be seen, and signs that the face of the figures does not have."""
    known = _signs()
    return "".join(
        sign if sign == "\n" or ord(sign) in known else sign.encode("unicode_escape").decode()
        for sign in visible(text, keep="\n")
    )


def breadth(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a line of text is, in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    face = FontProperties(family=FACE, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(drawable(text), face, False)[0] / 72


def fitted(text: str, size: float, room: float) -> str:
    """Cut a line of text to a width in inches."""
    while len(text) > 1 and breadth(text, size, "bold") > room:
        over = breadth(text, size, "bold") / room
        text = text[: min(len(text) - 2, int(len(text) / over))] + "…"
    return text


def wrapped(text: str, size: float, room: float) -> list[str]:
    """Break text into lines of a width in inches; a word that is too long is broken too."""
    lines = [""]
    for word in text.split():
        if lines[-1] and breadth(f"{lines[-1]} {word}", size) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
        while breadth(lines[-1], size) > room:
            fits = int(len(lines[-1]) * room / breadth(lines[-1], size)) or 1
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return [line for line in lines if line]


def apart(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Move heights to at least `step` from each other, keeping their order and inside a range.

    >>> apart([0.9, 0.91, 0.2], 0.1, 0.0, 1.0)
    [0.9, 1.0, 0.2]
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], -i))
    placed = dict.fromkeys(order, low)
    floor = low
    for i in order:
        placed[i] = max(wanted[i], floor)
        floor = placed[i] + step
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - step
    return [round(placed[i], 9) for i in range(len(wanted))]


@cache
def _signs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FACE)).get_charmap())
