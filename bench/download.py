"""Assets brought into their folder: from where their authors offer them, or from a mirror.

A file gets its name only when it is complete and has the published digest. What an interrupted
download left beside it is continued by the next one.
"""

import shutil
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import quote, unquote

from facesr.bench import assets
from facesr.bench._transfer import Absent, download
from facesr.bench.assets import Asset
from facesr.bench.errors import BadName, BenchError, sentence
from facesr.bench.files import digest

_MIB = 1 << 20

Place = Path | str  # a file on this machine, or an http address


@dataclass(frozen=True)
class Fetched:
    """What became of an asset that was asked for.

    Args:
        name: Of the asset.
        path: Where it belongs.
        bytes: Size of the file; 0 if it is not there.
        fetched: Whether it was brought there now; false if it was there, too.
        problem: Why it is not there, in a sentence; empty if it is.
    """

    name: str
    path: Path
    bytes: int = 0
    fetched: bool = False
    problem: str = ""


def fetch(names: Sequence[str], mirror: str = "") -> Iterator[Fetched]:
    """Bring assets into their folder, one after the other; what is there already stays.

    Args:
        names: Which.
        mirror: A folder (or `file://` or `http(s)://` address of one) with the files, laid out
            as the assets folder or all in one place, or one such file; empty for their authors'.

    Yields:
        What became of each; one that fails does not keep the others back.

    Raises:
        BadName: If there is none of such a name, or no such mirror.
    """
    wanted = [assets.asset(name) for name in names]
    local = _local(mirror) if mirror else None
    folder = assets.assets_folder()
    with _locked(folder), _Archives() as archives:
        for each in dict.fromkeys(wanted):
            path, came = folder / each.file, False
            try:
                if not path.is_file() or assets.difference(each, path):
                    _bring(each, path, _places(each, mirror, local), archives)
                    came = True
            except (BenchError, OSError) as error:
                yield Fetched(each.name, path, problem=sentence(error))
            else:
                yield Fetched(each.name, path, path.stat().st_size, came)


def _local(mirror: str) -> Path | None:
    """Return the place of a mirror on this machine; None if it is an http address."""
    scheme, _, rest = mirror.partition("://")
    if rest and scheme in ("http", "https"):
        return None
    if rest and scheme != "file":
        raise BadName(f"{mirror} cannot be read from; name a folder or an http address")
    path = Path(unquote(rest)) if rest else Path(mirror).expanduser()
    if not path.exists():
        raise BadName(f"{path} does not exist; name a folder with the files, or an http address")
    return path


def _places(wanted: Asset, mirror: str, local: Path | None) -> list[Place]:
    """List where to look for an asset, in order."""
    below = [name for name in (wanted.file, wanted.basename, wanted.archive) if name]
    if not mirror:
        if not wanted.url:
            raise BenchError(
                f"{wanted.name!r} has no address to fetch it from: get {wanted.basename} from "
                f"{wanted.source} by hand, then `bench assets fetch {wanted.name} --from FILE`"
            )
        return [wanted.url]
    if local is None:
        return [f"{mirror.rstrip('/')}/{quote(name)}" for name in below]
    found: list[Place] = [local] if local.is_file() else []
    found += [local / name for name in below if (local / name).is_file()]
    if not found:
        raise BenchError(f"{local} holds none of {', '.join(below)}")
    return found


def _bring(wanted: Asset, path: Path, places: list[Place], archives: "_Archives") -> None:
    """Put an asset into its place from the first of some places that has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    for place in places:
        continued = part.is_file()
        try:
            _obtain(wanted, place, part, archives)
            if continued and _differs(wanted, part):  # what was left was of another file
                part.unlink()
                _obtain(wanted, place, part, archives)
            break
        except Absent:
            if place == places[-1] == places[0]:
                raise
    else:
        raise BenchError(f"none of these is there: {', '.join(map(str, places))}")
    if wrong := _differs(wanted, part):
        part.unlink()
        raise BenchError(f"what came from {place} is not {wanted.basename}: {wrong}")
    part.chmod(0o644)
    part.replace(path)


def _differs(wanted: Asset, part: Path) -> str:
    came = digest(part)
    right = came.startswith(wanted.sha256)
    return "" if right else f"it has SHA-256 {came[:12]}…, expected {wanted.sha256[:12]}…"


def _obtain(wanted: Asset, place: Place, part: Path, archives: "_Archives") -> None:
    packed = wanted.archive and str(place).endswith(".zip")
    if isinstance(place, str) and not packed:
        return download(place, part, wanted.name, wanted.size)
    source = archives.get(place, part.parent) if packed else Path(place)
    try:
        with part.open("wb") as file:
            if packed:
                _unpack(source, wanted, file)
            else:
                with source.open("rb") as original:
                    shutil.copyfileobj(original, file, _MIB)
    except BaseException:  # only downloads are continued
        part.unlink(missing_ok=True)
        raise


def _unpack(archive: Path, wanted: Asset, file: IO[bytes]) -> None:
    """Write one member of a ZIP archive; its name in the archive decides nothing.

    Raises:
        BenchError: If the archive is damaged, or does not hold the file exactly once.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if _is_member(m, wanted)]
            if len(members) != 1:
                raise BenchError(
                    f"{wanted.archive} holds {len(members)} files that could be "
                    f"{wanted.basename}, expected one"
                )
            with opened.open(members[0]) as member:
                shutil.copyfileobj(member, file, _MIB)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise BenchError(f"{wanted.archive} is damaged ({error}); fetch it anew") from None


def _is_member(member: zipfile.ZipInfo, wanted: Asset) -> bool:
    place = PurePosixPath(member.filename)
    inside = not place.is_absolute() and ".." not in place.parts
    regular = not member.is_dir() and not stat.S_ISLNK(member.external_attr >> 16)
    usual = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    fits = wanted.size in (0, member.file_size)
    return inside and regular and usual and fits and place.name == wanted.basename


class _Archives:
    """Archives that were downloaded, kept until all their files are unpacked."""

    def __init__(self) -> None:
        self._parts: dict[str, Path] = {}

    def __enter__(self) -> "_Archives":
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts.values():
            part.unlink(missing_ok=True)

    def get(self, place: Place, folder: Path) -> Path:
        """Return an archive on this machine, downloading it into a folder if it is not."""
        if isinstance(place, Path):
            return place
        if place not in self._parts:
            name = place.rpartition("/")[2]
            part = folder / f".{name}.part"
            download(place, part, name)
            self._parts[place] = part
        return self._parts[place]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from fetching into the same folder."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        sys.stderr.write(f"another process fetches into {folder}; waiting\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
