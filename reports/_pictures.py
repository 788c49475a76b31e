"""Which faces are shown, and where a run folder keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facesr.bench.store import Store, shown
from facesr.reports._links import picture_place

MOST_BYTES = 1_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """One stored PNG, copied byte for byte.

    Args:
        name: File name.
        source: Where it lies, seen from the top of the site.
        side: Width in pixels.
    """

    name: str
    source: str
    side: int


@dataclass
class Album:
    """The pictures of a site.

    Args:
        files: Where each is copied from, by its place in the site.
    """

    files: dict[str, Path] = field(default_factory=dict)

    def add(self, place: str, path: Path) -> Picture | None:
        """Take a PNG in; None if the file is absent, is none, or is of no fair size."""
        try:
            with path.open("rb") as file:
                head = file.read(24)
            size = path.stat().st_size
        except OSError:
            return None
        if not head.startswith(_SIGNATURE) or len(head) < 24 or size > MOST_BYTES:
            return None
        self.files[place] = path
        return Picture(path.name, place, int.from_bytes(head[16:20], "big"))


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

    @property
    def side(self) -> int:
        """Width of its pictures, in pixels; 0 without any."""
        return next((picture.side for picture in self.pictures if picture), 0)


@dataclass(frozen=True)
class Gallery:
    """What every method made of the same few faces.

    Args:
        names: File names of the faces.
        strips: The inputs, then one strip per method, then real faces where there are any.
    """

    names: tuple[str, ...]
    strips: tuple[Strip, ...]

    @property
    def paired(self) -> bool:
        """Whether the originals of the inputs are among them."""
        return any(strip.kind == "original" for strip in self.strips)

    @property
    def alike(self) -> tuple[Strip, ...]:
        """Strips that show the faces of `names`: the originals first, then the inputs."""
        order = ("original", "input", "output")
        return tuple(strip for kind in order for strip in self.strips if strip.kind == kind)

    @property
    def others(self) -> tuple[Strip, ...]:
        """Strips of other faces."""
        return tuple(strip for strip in self.strips if strip.kind == "real")


def gallery(root: Path, dataset: str, methods: Sequence[str], album: Album) -> Gallery | None:
    """Collect pictures of one data set; None if the run folder holds no inputs of it.

    The faces are those whose names have the smallest SHA-256, so that nobody chooses them.

    Args:
        root: Run folder.
        dataset: Label of the data set.
        methods: Labels of the methods, in the order of the table.
        album: Takes the pictures in.
    """
    store = Store(root)
    inputs = store.inputs(dataset)
    names = shown(path.name for path in inputs.glob("*.png")) if inputs.is_dir() else ()
    if not names:
        return None

    def collected(kind: str, folder: Path, faces: Sequence[str]) -> tuple[Picture | None, ...]:
        return tuple(album.add(picture_place(dataset, kind, n), folder / n) for n in faces)

    strips = [Strip("Input", "input", collected("input", inputs, names))]
    for method in methods:
        folder = store.images(method, dataset)
        made = Strip(method, "output", collected(f"of:{method}", folder, names))
        if any(made.pictures):
            strips.append(made)
    real = store.real(dataset)
    if real.is_dir():
        paired = all((real / name).is_file() for name in names)
        faces = names if paired else shown(path.name for path in real.glob("*.png"))
        title, kind = ("Original", "original") if paired else ("Reference faces", "real")
        strips.append(Strip(title, kind, collected("real", real, faces)))
    return Gallery(names, tuple(strips))


def samples(folder: Path, place: str, album: Album) -> Picture | None:
    """Take in the last sample grid of a training, by name; None if there is none of fair size."""
    grids = sorted((folder / "samples").glob("*.png"))
    return album.add(place, grids[-1]) if grids else None
