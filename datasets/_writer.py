"""Writing a prepared folder: in order, in constant memory, and so that a killed process goes on."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BadImage, BenchError
from facesr.bench.files import digest, digest_of, plain, read_json, write_json
from facesr.bench.shards import Images, room, shards, write_shard
from facesr.datasets._record import Dropped, Made

FORM = 1  # of the folder; goes up when what is written changes
MANIFEST = "manifest.json"
FACES, DROPS, PHOTOS = "faces.jsonl", "drops.jsonl", "photos.jsonl"
_JOURNAL = "journal.json"
_TOGETHER = 2**16  # names that are put in order at once


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same folder; the lock falls with its process.

    Raises:
        BadData: If nothing can be written beside the folder.
    """
    from filelock import FileLock

    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise BadData(
            f"{folder} cannot be made: {_reason(error)}; name another folder in FACESR_CACHE"
        ) from None
    try:
        yield
    finally:
        lock.release()


class _Seen:
    """Names that were met: eight bytes for each, however many."""

    def __init__(self) -> None:
        self._many = np.empty(0, np.uint64)  # in order
        self._few: set[int] = set()

    def new(self, name: str) -> bool:
        """Take note of a name; False if it was met before."""
        text = name.encode("utf-8", "surrogatepass")
        key = int.from_bytes(sha256(text).digest()[:8], "big")
        at = int(self._many.searchsorted(np.uint64(key)))
        if key in self._few or (at < len(self._many) and int(self._many[at]) == key):
            return False
        self._few.add(key)
        if len(self._few) == _TOGETHER:
            few = np.fromiter(self._few, np.uint64, _TOGETHER)
            self._many = np.sort(np.concatenate([self._many, few]), kind="stable")
            self._few.clear()
        return True


class Writer:
    """Fills a folder beside its final place and moves it there when it is whole.

    Faces are kept back until a shard is full; then the shard, the lines and a journal are written,
    in this order, so that what the journal says is always there.

    Args:
        folder: Final place.
        size: Side of every face, in pixels.
        resume: Whether to go on where an interrupted writer stopped.
        pace: What positions count in; work that was counted otherwise is begun anew.
    """

    def __init__(self, folder: Path, size: int, *, resume: bool, pace: str = "") -> None:
        self.folder = folder
        self._pace = pace
        self.size = size
        self.counts: Counter[str] = Counter()
        self.position: Any = None
        self.rows = 0
        self._aside = folder.parent / f".{folder.name}.part"
        self._seen = _Seen()
        self._pixels: list[Images] = []
        self._lines: dict[str, list[str]] = {FACES: [], DROPS: [], PHOTOS: []}
        self._again = "goes on where this one stopped" if resume else "begins anew"
        with self._whole():
            if not (resume and self._resumed()):
                self._begin()

    def add(self, made: Made) -> bool:
        """Take a face; False if another one has its name.

        Raises:
            BadImage: If its pixels are of another size or type.
        """
        if made.pixels.shape != (self.size, self.size, 3) or made.pixels.dtype != np.uint8:
            raise BadImage(
                f"{made.name} has pixels of shape {made.pixels.shape} and type "
                f"{made.pixels.dtype}, expected ({self.size}, {self.size}, 3) and uint8"
            )
        if not self._seen.new(made.name):
            return False
        self._pixels.append(made.pixels)
        self._lines[FACES].append(_line(_entry(made)))
        return True

    def drop(self, dropped: Dropped) -> None:
        """Take note of a face that is not used."""
        self.counts[dropped.reason] += 1
        entry = {"name": dropped.name, "reason": dropped.reason, "detail": dropped.detail}
        self._lines[DROPS].append(_line({key: value for key, value in entry.items() if value}))

    def photo(self, name: str, content: str, length: int) -> None:
        """Take note of a photograph that was read, once."""
        if self._seen.new(f"photo\0{name}"):
            self._lines[PHOTOS].append(_line({"photo": name, "sha256": content, "bytes": length}))

    @property
    def faces(self) -> int:
        """How many faces were taken."""
        return self.rows + len(self._pixels)

    def mark(self, position: Any) -> None:
        """Say where an interrupted writer may go on; a full shard is written now."""
        if len(self._pixels) >= room(self.size):
            self._flush(position)

    def close(self, about: Mapping[str, Any], position: Any = None) -> None:
        """Write what is left and the manifest, and move the folder to its place.

        Args:
            about: What the manifest says besides.
            position: Where a writer goes on that is interrupted from now on: at the end.

        Raises:
            BadData: If there is no face, or the folder cannot be written.
        """
        if not self.faces:
            reasons = ", ".join(f"{n} {reason}" for reason, n in self.counts.most_common())
            self.abandon()
            unframed = self.counts["not annotated well enough to be framed"]
            raise BadData(
                f"no face was found to put into {self.folder} "
                f"({reasons or 'there is no candidate for this part'}); "
                + ("another finder or frame may do" if unframed else "check the source files")
            )
        self._flush(position)
        with self._whole():
            paths = [*(self._aside / name for name in self._lines), *shards(self._aside)]
            manifest = {
                "form": FORM,
                "size": self.size,
                "faces": self.rows,
                "files": {path.name: digest(path) for path in paths},
                "drops": dict(self.counts),
            }
            manifest = plain(manifest | dict(about))
            write_json(self._aside / MANIFEST, manifest | {"digest": digest_of(manifest)})
            (self._aside / _JOURNAL).unlink()
            self._aside.chmod(0o755)
            self._aside.rename(self.folder)

    def abandon(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._aside, ignore_errors=True)

    def _begin(self) -> None:
        self.abandon()
        self._aside.mkdir(parents=True)
        for name in self._lines:
            (self._aside / name).touch()

    def _resumed(self) -> bool:
        """Go back to what the journal says; False if there is none, or not all of it is there."""
        try:
            journal = read_json(self._aside / _JOURNAL)
            if (journal.get("form"), journal.get("pace")) != (FORM, self._pace):
                return False
            for name, length in journal["lengths"].items():
                there = (self._aside / name).stat().st_size
                if there < length:
                    return False
                if there > length:
                    os.truncate(self._aside / name, length)
            for path in self._aside.iterdir():
                if path.name not in {_JOURNAL, *journal["lengths"]}:
                    path.unlink()
            for name, key, mark in ((FACES, "name", ""), (PHOTOS, "photo", "photo\0")):
                with (self._aside / name).open(encoding="utf-8") as file:
                    for line in file:
                        self._seen.new(mark + json.loads(line)[key])
        except (FileNotFoundError, BenchError, ValueError):  # damaged: nothing to go on from
            self._seen = _Seen()
            return False
        self.position, self.rows = journal["position"], journal["rows"]
        self.counts.update(journal["drops"])
        return True

    def _flush(self, position: Any) -> None:
        with self._whole():
            if self._pixels:
                write_shard(self._aside, self.rows, self._pixels)
            for name, lines in self._lines.items():
                with (self._aside / name).open("a", encoding="utf-8", newline="\n") as file:
                    file.writelines(lines)
            paths = [*(self._aside / name for name in self._lines), *shards(self._aside)]
            lengths = {path.name: path.stat().st_size for path in paths}
            journal = {
                "form": FORM,
                "pace": self._pace,
                "rows": self.faces,
                "position": position,
                "lengths": lengths,
            }
            write_json(self._aside / _JOURNAL, journal | {"drops": dict(self.counts)})
        self.rows = self.faces
        self._pixels.clear()
        for lines in self._lines.values():
            lines.clear()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BadData(
                f"{self.folder} cannot be written: {_reason(error)}; make room or name another "
                f"folder in FACESR_CACHE; the same command {self._again}"
            ) from None


def _entry(made: Made) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": made.name}
    if made.identity is not None:
        entry["identity"] = made.identity
    if made.landmarks is not None:
        entry["landmarks"] = _numbers(made.landmarks)
    if made.details is not None:
        entry["details"] = dict(made.details)
    return entry | {"pixels": pixels_digest(made.pixels)}


def _numbers(points: NDArray[np.floating]) -> list[list[float]]:
    """Return numbers of few digits that read back as the same float32."""
    if points.dtype == np.float64:
        return points.tolist()
    return [[float(str(x)) for x in point] for point in points]


def pixels_digest(pixels: NDArray[np.uint8]) -> str:
    """Return the first 16 characters of the SHA-256 of a face's pixels."""
    return sha256(np.ascontiguousarray(pixels).data).hexdigest()[:16]


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
