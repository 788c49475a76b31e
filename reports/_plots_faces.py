"""The same few faces by every method, as papers show them; nobody chooses the faces.

Every pixel of a picture becomes a whole square of pixels, so that nothing is smoothed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench.errors import BenchError
from facesr.bench.store import Results, Store, shown
from facesr.reports._figure import (
    COLUMN,
    FULL,
    GRID,
    SMALL,
    SOFT,
    TINY,
    Absent,
    Drawing,
    Mark,
    Sheet,
    file_name,
)
from facesr.reports._figure_text import fitted
from facesr.reports._notices import private

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy import ndarray

FACES, FEWEST, ACROSS = 6, 2, 8  # rows of a figure, and pictures side by side
LARGEST, LEAST = 2048, 192  # pixels of a side: of a file, and when enlarged
MOST_PIXELS = 4_000_000  # of all pictures of a figure
FIRST = "bicubic"
_GAP, _EDGE = 6, 24  # pixels
_NAME, _DETAIL = 0.17, 0.12  # inches


@dataclass(frozen=True)
class Column:
    """The faces once.

    Args:
        title: A method, or what the pictures are.
        colour: Of the title.
        files: One per face.
    """

    title: str
    colour: str
    files: Sequence[Path]

    @property
    def lines(self) -> tuple[str, str]:
        """The title in two lines: a name, and the settings behind it."""
        name, _, detail = self.title.partition("[")
        return (name, detail.removesuffix("]")) if name else (self.title, "")


def drawings(
    results: Results, root: Path, known: Mapping[str, Mark], pictures: bool
) -> Iterator[Drawing | Absent]:
    """Yield figures of each data set with pictures, eight side by side, and why not of others.

    Args:
        results: Rows and failures.
        root: Run folder.
        known: How methods look.
        pictures: Whether to show data sets that may not be published.
    """
    store = Store(root)
    for dataset in sorted({row.dataset for row in results.rows}):
        secret = private(results.rows, dataset)
        own = {row.method for row in results.rows if row.dataset == dataset}
        methods = sorted((m for m in known if m in own), key=lambda m: m != FIRST)
        names = shown((p.name for p in store.inputs(dataset).glob("*.png")), FACES)
        names = names[: _rows(store, dataset, methods, names)]
        ends = _ends(store, dataset, names)
        made = [_column(known[m], store.images(m, dataset), names) for m in methods]
        inner = [column for column in made if any(path.is_file() for path in column.files)]
        if not names or not inner:
            yield Absent("faces", dataset, "the folder holds no pictures of it")
        elif secret and not pictures:
            yield Absent("faces", dataset, secret.rstrip("."))
        else:
            room = ACROSS - len(ends)
            pages = [inner[i : i + room] for i in range(0, len(inner), room)]
            for number, page in enumerate(pages, start=1):
                part = f", {number} of {len(pages)}" if len(pages) > 1 else ""
                title = f"Faces of {dataset}{part}"
                said = _caption(secret)
                columns = [ends[0], *page, *ends[1:]]
                yield Drawing(
                    file_name("faces", dataset, *([str(number)] if part else [])),
                    f"{title}. {' '.join(said)}",
                    partial(_paint, title, said, columns),
                )


def _caption(secret: str) -> list[str]:
    said = "The faces whose names have the smallest SHA-256; pixels are not smoothed."
    return [said, *([f"{secret} Keep this figure to yourself."] if secret else [])]


def _column(mark: Mark, folder: Path, names: Sequence[str]) -> Column:
    return Column(mark.title, mark.colour, [folder / name for name in names])


def _ends(store: Store, dataset: str, names: Sequence[str]) -> list[Column]:
    """Return what stands at both ends: the input, and the original where there is one."""
    given = Column("input", SOFT, [store.inputs(dataset) / name for name in names])
    real = Column("real", SOFT, [store.real(dataset) / name for name in names])
    return [given, real] if all(path.is_file() for path in real.files) else [given]


def _rows(store: Store, dataset: str, methods: Sequence[str], names: Sequence[str]) -> int:
    """Return how many faces are shown: fewer of large ones."""
    files = (store.images(method, dataset) / name for method in methods for name in names)
    first = next((p for path in files if (p := _picture(path)) is not None), None)
    pixels = _enlarged_side([] if first is None else [first])
    return max(FEWEST, min(FACES, MOST_PIXELS // (ACROSS * pixels**2)))


def _paint(title: str, said: Sequence[str], columns: Sequence[Column]) -> "Figure":
    pictures = [[_picture(path) for path in column.files] for column in columns]
    pixels = _enlarged_side([p for column in pictures for p in column if p is not None])
    dpi = (ACROSS * pixels + (ACROSS - 1) * _GAP + 2 * _EDGE) / FULL
    side, gap, edge = pixels / dpi, _GAP / dpi, _EDGE / dpi
    names = _NAME + _DETAIL * any(column.lines[1] for column in columns)
    width = max(len(columns) * (side + gap) - gap + 2 * edge, COLUMN)
    body = names + len(columns[0].files) * (side + gap) - gap
    sheet = Sheet(width, body, title, "", said, dpi)
    for i, (column, own) in enumerate(zip(columns, pictures, strict=True)):
        left = edge + i * (side + gap)
        middle: dict[str, Any] = {"ha": "center", "color": column.colour}
        for k, (line, size) in enumerate(zip(column.lines, (SMALL, TINY), strict=True)):
            text = fitted(line, size, side)
            sheet.write(text, left + side / 2, k * _DETAIL + 0.02, size, **middle)
        for k, picture in enumerate(own):
            axes = sheet.axes(left, names + k * (side + gap), side, side)
            axes.set_axis_off()
            if picture is None:
                grey: dict[str, Any] = {"facecolor": GRID, "edgecolor": SOFT, "hatch": "////"}
                axes.fill_between([0, 1], 0, 1, linewidth=0, **grey)
                axes.set(xlim=(0, 1), ylim=(0, 1))
            else:
                axes.imshow(_enlarged(picture, pixels), interpolation="none")
    return sheet.figure


def _picture(path: Path) -> "ndarray[Any, Any] | None":
    """Read a picture; None where there is none that can be shown."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            if max(image.size) > LARGEST:
                return None
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, BenchError, Image.DecompressionBombError):
        return None


def _enlarged_side(pictures: Sequence["ndarray[Any, Any]"]) -> int:
    largest = max((max(picture.shape[:2]) for picture in pictures), default=1)
    return largest * max(1, -(-LEAST // largest))


def _enlarged(picture: "ndarray[Any, Any]", pixels: int) -> "ndarray[Any, Any]":
    """Repeat every pixel a whole number of times and centre the result on white."""
    import numpy as np

    factor = max(1, pixels // max(picture.shape[:2]))
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    sheet = np.full((pixels, pixels, 3), 255, dtype=np.uint8)
    top, left = ((pixels - length) // 2 for length in large.shape[:2])
    sheet[top : top + large.shape[0], left : left + large.shape[1]] = large
    return sheet
