"""Which files a folder holds: cheap to take, and different when a file comes, goes or is resized.

A photograph that was replaced by one of equal length looks the same here; that it is newer is told
apart, and `bench data verify --source` reads everything again.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from facesr.bench.files import digest


def walk(root: Path, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the files below a folder, folder by folder, each in order of name.

    Links are followed; a folder that is met again, as a loop of links does, is not entered twice.

    Args:
        root: Where to begin.
        suffixes: Endings that are wanted, lower case with the dot; empty for all.
    """
    yield from _walk(root, suffixes, set())


def inside(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Return the names of the files right in a folder, sorted; none if it is absent.

    Args:
        folder: Where to look.
        suffixes: Endings that are wanted, lower case with the dot.
    """
    names = (entry.name for entry in (folder.iterdir() if folder.is_dir() else ()))
    return sorted(n for n in names if n[0] != "." and Path(n).suffix.lower() in suffixes)


class Census(NamedTuple):
    """What a folder holds.

    Args:
        digest: Of names and lengths of all files, and of the contents of annotations.
        annotations: SHA-256 of each file of annotation, by its name; empty for an absent one.
        newest: When a file was last changed, in seconds.
    """

    digest: str
    annotations: Mapping[str, str]
    newest: float


def census(root: Path, annotations: Iterable[Path]) -> Census:
    """Look at all files below a folder.

    Args:
        root: The folder.
        annotations: Files of which the content counts, not only the length.
    """
    total, newest = 0, 0.0
    for path in _walk(root, (), set(), ordered=False):
        try:
            stat = path.stat()
            length, newest = stat.st_size, max(newest, stat.st_mtime)
        except OSError:
            length = -1
        what = f"{path.relative_to(root).as_posix()}\0{length}"
        total += int.from_bytes(sha256(what.encode(errors="surrogateescape")).digest())
    contents = {
        Path(os.path.relpath(path, root)).as_posix(): digest(path) if path.is_file() else ""
        for path in annotations
    }
    text = "\n".join([f"{total:x}", *(content or "absent" for content in contents.values())])
    return Census(sha256(text.encode()).hexdigest(), contents, newest)


def name_of(path: str, *more: object) -> str:
    """Return a name for a face in a file, which is good on any file system and no other face has.

    Args:
        path: The file.
        more: What tells apart the faces of one file.

    >>> name_of("a/Zoë 1.png")
    'Zo_1-aa3ebc68'
    """
    stem = re.sub("[^0-9A-Za-z]+", "_", PurePosixPath(path).stem)[:40]
    told = "\0".join((path, *map(str, more)))
    return f"{stem}-{sha256(told.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _walk(
    folder: Path, suffixes: tuple[str, ...], seen: set[tuple[int, int]], ordered: bool = True
) -> Iterator[Path]:
    try:
        stat = folder.stat()
        if (stat.st_dev, stat.st_ino) in seen:
            return
        seen.add((stat.st_dev, stat.st_ino))
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda e: e.name) if ordered else entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    yield from _walk(folder / entry.name, suffixes, seen, ordered)
                elif not suffixes or Path(entry.name).suffix.lower() in suffixes:
                    yield folder / entry.name
    except OSError:  # a loop of links, or a folder that may not be read
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
