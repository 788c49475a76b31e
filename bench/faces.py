"""Faces, the one thing that carries images between the parts."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from facesr.bench.errors import BadData, BadImage
from facesr.bench.files import write_whole
from facesr.bench.shards import read_shards, room, write_shard

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_AT_ONCE = 1024


@dataclass(frozen=True)
class Faces:
    """Square RGB face crops in one folder: named, ordered, read on demand.

    The folder holds one image file per name, or, if `rows` is given, shards (`bench.shards`).

    A data set hands these out, a method's output is stored as these, a protocol scores these.

    Args:
        root: Folder that holds the images.
        names: File names, in the order that pairs these faces with others.
        size: Side of every image, in pixels.
        title: What they are, such as `embedded/test/hr`; part of metric identities.
        identities: Who is shown, one label per name, where the data set knows.
        landmarks: Points in pixels of these crops, (n, k, 2) with x first, where known.
        rows: Positions in the shards of `root`, (n,); None where each face is a file.
    """

    root: Path
    names: tuple[str, ...]
    size: int
    title: str = ""
    identities: tuple[str, ...] | None = None
    landmarks: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    rows: NDArray[np.int64] | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def stems(self) -> tuple[str, ...]:
        """Names without their endings: faces of equal stems show the same picture."""
        return tuple(Path(name).stem for name in self.names)

    def pixels(self) -> Tensor:
        """Read every face.

        Returns:
            Images, (n, 3, size, size), uint8.

        Raises:
            BadImage: If a file cannot be read or has another size.
            BadData: If a shard cannot.
        """
        images = torch.empty((len(self), 3, self.size, self.size), dtype=torch.uint8)
        at = 0
        for block in self._blocks():
            images[at : at + len(block)] = torch.from_numpy(block).permute(0, 3, 1, 2)
            at += len(block)
        return images

    def images(self) -> Iterator[NDArray[np.uint8]]:
        """Read face after face.

        Yields:
            Pixels, (size, size, 3).
        """
        for block in self._blocks():
            yield from block

    def batches(self, n: int) -> Iterator[Tensor]:
        """Decode `n` faces at a time; the last batch may be shorter.

        Yields:
            Images, (n, 3, size, size), float32 in [0, 1], in the order of `names`.
        """
        for start in range(0, len(self), n):
            part = range(start, min(start + n, len(self)))
            yield self.take(part).pixels().float().div_(255)

    def take(self, chosen: Sequence[int]) -> "Faces":
        """Return the faces at these positions, with their labels."""
        return replace(
            self,
            names=tuple(self.names[i] for i in chosen),
            identities=tuple(self.identities[i] for i in chosen) if self.identities else None,
            landmarks=self.landmarks[list(chosen)] if self.landmarks is not None else None,
            rows=self.rows[list(chosen)] if self.rows is not None else None,
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of names, decoded pixels and labels, the same on every machine."""
        total = hashlib.sha256(f"{self.size}".encode())
        for name, pixels in zip(self.names, self.images(), strict=True):
            total.update(os.fsencode(name) + b"\0" + pixels.tobytes())
        if self.identities is not None:
            total.update("\0".join(self.identities).encode())
        if self.landmarks is not None:
            total.update(np.ascontiguousarray(self.landmarks, np.float32).tobytes())
        return total.hexdigest()

    def _blocks(self) -> Iterator[NDArray[np.uint8]]:
        if self.rows is None:
            yield from (self._decode(name)[None] for name in self.names)
            return
        for start in range(0, len(self), _AT_ONCE):
            yield read_shards(self.root, self.rows[start : start + _AT_ONCE], self.size)

    def _decode(self, name: str) -> NDArray[np.uint8]:
        pixels = read_image(self.root / name)
        height, width = pixels.shape[:2]
        if (height, width) != (self.size, self.size):
            raise BadImage(
                f"{self.root / name} is {width}x{height} pixels, expected {self.size}x{self.size}; "
                "crop it to a square of that size"
            )
        return pixels


@contextmanager
def unpacked(faces: Faces) -> Iterator[Faces]:
    """Decode faces once, for everything that reads them again and again.

    Yields:
        The same faces, as shards of a folder that is removed in the end.

    Raises:
        BadImage: If a file cannot be read or has another size.
    """
    if faces.rows is not None:
        yield faces
        return
    with TemporaryDirectory(prefix="facesr-") as folder:
        images, at = faces.images(), 0
        while some := list(islice(images, room(faces.size))):
            write_shard(Path(folder), at, some)
            at += len(some)
        yield replace(faces, root=Path(folder), rows=np.arange(at))


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an 8-bit image as RGB, turned as its EXIF says; grey repeats its channel.

    Returns:
        Pixels, (h, w, 3), uint8.

    Raises:
        BadImage: If the file is absent, is no image, is truncated, moves, is transparent, or holds
            colours other than 8-bit grey or RGB.
    """
    try:
        return np.array(decoded(path.read_bytes(), str(path))[0])
    except FileNotFoundError:
        raise BadImage(f"{path} does not exist") from None
    except OSError as error:
        raise BadImage(f"{path} cannot be read ({error.strerror}); replace it") from None


def decoded(content: bytes, name: str) -> tuple[Image.Image, bool]:
    """Decode what a file of `read_image` holds.

    Args:
        content: The whole file.
        name: What errors call it.

    Returns:
        The picture, RGB, and whether it was turned as its EXIF says.

    Raises:
        BadImage: See `read_image`.
    """
    try:
        with Image.open(BytesIO(content)) as image:
            mode = image.mode
            if mode == "RGB" and any(";16" in str(tile) for tile in image.tile):
                mode = "RGB;16"  # Pillow calls it RGB and drops the low bytes
            image.load()
            if mode not in ("RGB", "RGBA", "L", "LA", "P", "PA", "1"):
                raise BadImage(
                    f"{name} has colour mode {mode}, expected 8-bit RGB or grey; convert it"
                )
            if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
                raise BadImage(f"{name} is an animation; save one frame as plain RGB")
            if image.has_transparency_data and _transparent(image):
                raise BadImage(f"{name} has transparent pixels; save it as plain RGB")
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
            upright = ImageOps.exif_transpose(image) if turned else image
            return upright if upright.mode == "RGB" else upright.convert("RGB"), turned
    except UnidentifiedImageError:
        raise BadImage(f"{name} is not an image that can be read; replace or remove it") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImage(f"{name} is damaged or cut short ({error}); replace it") from None


def _transparent(image: Image.Image) -> bool:
    return image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def folder(root: Path, title: str = "", size: int | None = None) -> Faces:
    """Take every image file of a folder, in order of name, checking each one.

    Args:
        root: Folder of square images of one size.
        title: What they are.
        size: Side that is expected; the first image decides when it is left out.

    Raises:
        BadData: If the folder is absent or holds no image.
        BadImage: If a file cannot be used.
    """
    if not root.is_dir():
        raise BadData(f"{root} is not a folder")
    found = (path for path in root.iterdir() if path.suffix.lower() in SUFFIXES)
    names = tuple(sorted(path.name for path in found if not path.name.startswith(".")))
    if not names:
        raise BadData(f"{root} holds no image ({', '.join(SUFFIXES)})")
    counts = Counter(Path(name).stem for name in names)
    if twice := [stem for stem, count in counts.items() if count > 1]:
        raise BadData(f"{root} holds {twice[0]!r} with two endings; keep one file of each name")
    if size is None:
        height, width = read_image(root / names[0]).shape[:2]
        if height != width:
            raise BadImage(f"{root / names[0]} is {width}x{height} pixels, expected a square")
        size = int(width)
    faces = Faces(root, names, size, title or root.name)
    faces.fingerprint  # noqa: B018  # decodes all, so that a bad file is named now
    return faces


def write_images(images: Tensor, names: Sequence[str], root: Path) -> None:
    """Store images as 8-bit PNG files, rounded once.

    Args:
        images: (n, 3, h, w), float in [0, 1].
        names: n file names.
        root: Folder to write to, made if absent.
    """
    pixels = (images * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    for image, name in zip(pixels, names, strict=True):
        write_png(image, root / name)


def write_png(pixels: NDArray[np.uint8], path: Path) -> None:
    """Store one image, (h, w, 3) uint8, whole or not at all."""
    write_whole(path, lambda file: Image.fromarray(pixels).save(file, "PNG"))
