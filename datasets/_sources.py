"""Photographs in the layouts in which their authors distribute them."""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from facesr.bench.errors import BadData
from facesr.bench.files import digest

_LFW = ("lfw/lfw-deepfunneled", "lfw-deepfunneled")
_CELEBA = ("celeba/img_align_celeba", "celeba/Img/img_align_celeba", "img_align_celeba")
_CELEBA_IDENTITIES = ("identity_CelebA.txt", "Anno/identity_CelebA.txt")
_GROUPS = ("lowres_wild/photos", "widerface/WIDER_train/images", "widerface/WIDER_val/images")


@dataclass(frozen=True)
class Photo:
    """A photograph on disk.

    Args:
        path: The file.
        name: A name that no other photograph has, on every machine.
        identity: Who is shown, where the source knows.
    """

    path: Path
    name: str
    identity: str = ""


def missing(data: Path | None) -> str:
    """Say in a sentence which of LFW, CelebA and group photographs are absent; empty if none is."""
    if data is None:
        return (
            "needs photographs: name with --data a folder that holds lfw/lfw-deepfunneled, "
            "celeba/img_align_celeba and widerface or lowres_wild"
        )
    lacking = []
    if _first(data, _LFW, "*/*.jpg") is None:
        lacking.append(
            "lfw/lfw-deepfunneled (LFW deep-funneled, NAME/NAME_0001.jpg, "
            "http://vis-www.cs.umass.edu/lfw/)"
        )
    portraits = _first(data, _CELEBA, "*.jpg")
    if portraits is None or _identities(portraits) is None:
        lacking.append(
            "celeba/img_align_celeba and celeba/identity_CelebA.txt (CelebA, aligned, "
            "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html)"
        )
    if _first(data, _GROUPS, "**/*.jpg") is None:
        lacking.append(
            "widerface/WIDER_val/images (WIDER FACE, http://shuoyang1213.me/WIDERFACE/) or "
            "lowres_wild/photos"
        )
    return f"{data} lacks {'; '.join(lacking)}" if lacking else ""


def lfw(data: Path) -> list[Photo]:
    """List LFW, one folder per person, in order of name."""
    root = _present(data, _LFW, "*/*.jpg")
    return [
        Photo(path, f"lfw-{path.stem}", f"lfw/{path.parent.name}")
        for path in sorted(root.glob("*/*.jpg"))
    ]


def celeba(data: Path) -> list[Photo]:
    """List the aligned photographs of CelebA that have an identity, in order of name.

    Raises:
        BadData: If the list of identities is absent or damaged.
    """
    root = _present(data, _CELEBA, "*.jpg")
    table = _identities(root)
    if table is None:
        raise BadData(missing(data))
    identities: dict[str, str] = {}
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        if len(fields) != 2:
            raise BadData(f"{table} line {number} is {line!r}, expected `000001.jpg 2880`")
        identities[fields[0]] = fields[1]
    return [
        Photo(path, f"celeba-{path.stem}", f"celeba/{identities[path.name]}")
        for path in sorted(root.glob("*.jpg"))
        if path.name in identities
    ]


def groups(data: Path) -> list[Photo]:
    """List group photographs, each content once, in order of name."""
    found: dict[str, Photo] = {}
    for place in _GROUPS:
        for path in sorted((data / place).rglob("*.jpg")) if (data / place).is_dir() else []:
            found.setdefault(path.name, Photo(path, f"group-{path.stem}"))
    photos = [found[name] for name in sorted(found)]
    sizes = [photo.path.stat().st_size for photo in photos]
    shared = {size for size, n in Counter(sizes).items() if n > 1}
    contents: dict[str, Photo] = {}
    for photo, size in zip(photos, sizes, strict=True):
        contents.setdefault(digest(photo.path) if size in shared else photo.name, photo)
    return list(contents.values())


def draw(seed: int, *words: str) -> float:
    """Return a number in [0, 1) that depends on nothing but its arguments.

    >>> draw(0, "a") == draw(0, "a") != draw(1, "a")
    True
    """
    text = "\0".join((str(seed), *words))
    return int.from_bytes(sha256(text.encode()).digest()[:7], "big") / 2**56


def sample(photos: list[Photo], n: int, seed: int) -> list[Photo]:
    """Choose photographs of as many people as possible, in order of name.

    A person's second photograph is taken only when every person has given a first one.
    """
    turn: dict[str, int] = {}
    ranked = []
    for photo in sorted(photos, key=lambda photo: draw(seed, photo.name)):
        rank = turn[photo.identity] = turn.get(photo.identity, -1) + 1
        ranked.append((rank if photo.identity else 0, photo))
    ranked.sort(key=lambda pair: pair[0])
    return sorted((photo for _, photo in ranked[:n]), key=lambda photo: photo.name)


def _first(data: Path, places: tuple[str, ...], files: str) -> Path | None:
    return next((data / p for p in places if next((data / p).glob(files), None)), None)


def _present(data: Path, places: tuple[str, ...], files: str) -> Path:
    root = _first(data, places, files)
    if root is None:
        raise BadData(missing(data))
    return root


def _identities(portraits: Path) -> Path | None:
    near = (portraits.parent, portraits.parent.parent)
    lists = (folder / name for folder in near for name in _CELEBA_IDENTITIES)
    return next((path for path in lists if path.is_file()), None)
