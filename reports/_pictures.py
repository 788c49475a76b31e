"""Which faces are shown, and where a run folder keeps them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facesr.bench.store import Store, shown

MOST_BYTES = 1_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """One stored PNG, byte for byte.

    Args:
        name: File name.
        source: The file as a data URI.
        side: Width in pixels.
    """

    name: str
    source: str
    side: int


@dataclass(frozen=True)
class Strip:
    """The same faces once.

    Args:
        title: Method, or what the pictures are.
        kind: `input`, `output`, `original` or `real`.
        pictures: One per face; None where the file is absent or no PNG.
    """

    title: str
    kind: str
    pictures: tuple[Picture | None, ...]


@dataclass(frozen=True)
class Gallery:
    """What every method made of the same few faces.

    Args:
        names: File names of the faces.
        strips: The inputs, then one strip per method, then real faces where there are any.
    """

    names: tuple[str, ...]
    strips: tuple[Strip, ...]


def gallery(root: Path, dataset: str, methods: Sequence[str]) -> Gallery | None:
    """Collect pictures of one data set; None if the run folder holds no inputs of it.

    The faces are those whose names have the smallest SHA-256, so that nobody chooses them.

    Args:
        root: Run folder.
        dataset: Label of the data set.
        methods: Labels of the methods, in the order of the table.
    """
    store = Store(root)
    inputs = store.inputs(dataset)
    if not inputs.is_dir():
        return None
    names = shown(path.name for path in inputs.glob("*.png"))
    if not names:
        return None
    strips = [Strip("Input", "input", _pictures(inputs, names))]
    for method in methods:
        made = Strip(method, "output", _pictures(store.images(method, dataset), names))
        if any(made.pictures):
            strips.append(made)
    real = store.real(dataset)
    if real.is_dir():
        paired = all((real / name).is_file() for name in names)
        faces = names if paired else shown(path.name for path in real.glob("*.png"))
        title = "Original" if paired else "Reference faces (other pictures)"
        strips.append(Strip(title, "original" if paired else "real", _pictures(real, faces)))
    return Gallery(names, tuple(strips))


def samples(folder: Path) -> Picture | None:
    """Return the last sample grid of a training, by name; None if there is none of fair size."""
    grids = sorted((folder / "samples").glob("*.png"))
    fair = [path for path in grids[-1:] if path.stat().st_size <= MOST_BYTES]
    return picture(fair[0]) if fair else None


def picture(path: Path) -> Picture | None:
    """Read a PNG as it is; None if the file is absent or is none."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content.startswith(_SIGNATURE) or len(content) < 24:
        return None
    code = base64.b64encode(content).decode("ascii")
    side = int.from_bytes(content[16:20], "big")
    return Picture(path.name, f"data:image/png;base64,{code}", side)


def _pictures(folder: Path, names: Sequence[str]) -> tuple[Picture | None, ...]:
    return tuple(picture(folder / name) for name in names)
