"""What all figures share: sizes for print, one face, colours by family, shapes by method.

The same drawing gives the same bytes. Names are text and never formulas.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench.files import write_whole
from facesr.bench.store import folder_name
from facesr.reports._families import place
from facesr.reports._figure_text import FACE, drawable, fitted, short_names, wrapped
from facesr.reports._view import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
COLUMN, FULL = 3.5, 7.16  # inches: one and two columns of most proceedings
INK, SOFT, GREY, GRID, PAPER = "#1d1b20", "#5b5762", "#b9b6ae", "#eceae5", "#ffffff"
INKS = {INK: "ink", SOFT: "soft", GREY: "others", GRID: "line", PAPER: "card"}  # on the page
TITLE, TEXT, SMALL, TINY = 9.0, 7.5, 7.0, 6.3  # points
MARGIN, LINE = 0.1, 0.115  # inches: around the sheet, and of a line of its caption
NONE = "no curve of this kind was measured"
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "up": "^", "down": "v", "plus": "P"}
DASHES: Mapping[str, Any] = {
    "circle": "-",
    "square": (0, (6, 2)),
    "diamond": (0, (2, 2)),
    "up": (0, (6, 2, 2, 2)),
    "down": (0, (1, 2)),
    "plus": (0, (8, 3, 2, 3)),
}
HALO: Mapping[str, Any] = {"markeredgecolor": PAPER, "markeredgewidth": 0.6}
_STYLE: dict[Any, Any] = {
    "font.family": FACE,
    "font.size": TEXT,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "facesr",
    "pdf.fonttype": 42,
}
_UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Drawing:
    """One figure, not yet drawn.

    Args:
        name: Of its file, without an ending.
        caption: What it shows, in sentences.
        paint: Draws it.
    """

    name: str
    caption: str
    paint: "Callable[[], Figure]"


@dataclass(frozen=True)
class Absent:
    """A figure that cannot be drawn.

    Args:
        kind: Which one, such as `cmc`.
        of: Of what, such as `realworld on lfw`.
        reason: Why, in a sentence.
    """

    kind: str
    of: str
    reason: str


@dataclass(frozen=True)
class Mark:
    """How a method looks in every figure.

    Args:
        title: What is written beside it.
        colour: By family.
        marker: By name.
        dash: Follows from the marker.
    """

    title: str
    colour: str
    marker: str
    dash: Any


class Sheet:
    """A figure laid out in inches: a title, a body to fill, a caption.

    Args:
        width: Of the sheet.
        body: Height between title and caption.
        title: Cut to one line.
        subtitle: Cut to one line.
        caption: Wrapped to the width.
        dpi: Pixels of an inch, where a figure is written as pixels.
    """

    def __init__(
        self,
        width: float,
        body: float,
        title: str,
        subtitle: str,
        caption: Sequence[str],
        dpi: float = 200.0,
    ) -> None:
        from matplotlib.figure import Figure

        room = width - 2 * MARGIN
        lines = [line for part in caption for line in wrapped(part, TINY, room)]
        head = 0.48 if subtitle else 0.32
        height = head + body + 0.08 + LINE * len(lines) + 0.06
        self.width, self.height = (math.ceil(side * dpi - 0.01) / dpi for side in (width, height))
        self.figure = Figure(figsize=(self.width, self.height), dpi=dpi, facecolor=PAPER)
        self._top, self._dpi = head, dpi
        self.write(fitted(title, TITLE, room), MARGIN, 0.1 - head, TITLE, weight="bold")
        if subtitle:
            self.write(fitted(subtitle, SMALL, room), MARGIN, 0.28 - head, SMALL, color=SOFT)
        for i, line in enumerate(lines):
            self.write(line, MARGIN, body + 0.08 + LINE * i, TINY, color=SOFT)

    def axes(self, left: float, top: float, width: float, height: float) -> "Axes":
        """Add a panel, in inches from the left upper corner of the body, to whole pixels."""
        bottom = self.height - self._top - top - height
        box = [round(side * self._dpi) / self._dpi for side in (left, bottom, width, height)]
        left, bottom, width, height = box
        at = (left / self.width, bottom / self.height)
        axes = self.figure.add_axes((*at, width / self.width, height / self.height))
        axes.tick_params(length=2.5, width=0.6)
        axes.set_axisbelow(True)
        return axes

    def write(self, text: str, left: float, top: float, size: float, **how: Any) -> None:
        """Write text below a place, in inches from the left upper corner of the body."""
        at = (left / self.width, 1 - (self._top + top) / self.height)
        given: dict[str, Any] = {"va": "top", "color": INK} | how
        self.figure.text(*at, drawable(text), size=size, **given)


def save(drawing: Drawing, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Draw a figure and write it to a folder in some of `FORMATS`."""
    from matplotlib import rc_context

    paths = [folder / f"{drawing.name}.{form}" for form in formats]
    with rc_context(_STYLE):
        drawn = drawing.paint()
        for form, path in zip(formats, paths, strict=True):
            given: dict[str, Any] = {"format": form, "dpi": "figure", "metadata": _UNDATED[form]}
            write_whole(path, partial(drawn.savefig, **given))
    return paths


def svg(paint: "Callable[[], Figure]") -> str:
    """Draw a figure and return its SVG, for a page that shows it in its own colours.

    Literal colours are those of `colours` and `INKS`, so that they can be told by their names.
    """
    from matplotlib import rc_context

    file = BytesIO()
    with rc_context(_STYLE):
        paint().savefig(file, format="svg", metadata=_UNDATED["svg"])
    return file.getvalue().decode()


def file_name(*parts: str) -> str:
    """Join labels to a file name that is never too long.

    >>> file_name("bars", "realworld", "folder:mine")
    'bars-realworld-folder-mine'
    """
    name = "-".join(folder_name(part) for part in parts)
    return name if len(name) <= 120 else f"{name[:110]}~{sha256(name.encode()).hexdigest()[:8]}"


def marks(families: Mapping[str, str]) -> dict[str, Mark]:
    """Return how methods look, in the order of every list, the same whoever else is shown.

    Args:
        families: Families by method label.
    """
    methods = sorted(families, key=lambda method: place(method, families[method]))
    found, titles = {}, short_names(methods)
    for method in methods:
        style = look(method, families[method])
        shape = (MARKERS[style.shape], DASHES[style.shape])
        found[method] = Mark(titles[method], colours()[style.family], *shape)
    return found


@cache
def colours() -> dict[str, str]:
    """Read the colours of families where the page has them, so that there is one list."""
    css = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([a-z]+): light-dark\((#[0-9a-f]{6}),", css))
