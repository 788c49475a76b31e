"""Files that cannot be shipped: named, checked by digest, looked up in `FACESR_ASSETS`.

Everything here that reads such a file reads it from that folder and asks no library to find it. It
is laid out so that other software finds the same files: torch hub with `TORCH_HOME` set to it (the
networks of torchvision and DINOv2 in `hub/checkpoints`, facenet-pytorch's in `checkpoints`),
insightface with `root` set to its folder `insightface`, lpips with `model_path` set to a file below
`lpips`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Literal, NamedTuple

from facesr.bench._published import PUBLISHED, Asset
from facesr.bench.errors import BadName, BenchError, sentence
from facesr.bench.files import cache_folder, digest, read_json, write_json

__all__ = [
    "ASSETS",
    "Asset",
    "State",
    "asset",
    "assets_folder",
    "difference",
    "find",
    "missing",
    "states",
]

ASSETS = PUBLISHED
SETTLED_NS = 2_000_000_000  # a younger file may still change without a change of its times


@dataclass(frozen=True)
class State(Asset):
    """An asset and what there is of it on this machine.

    Args:
        path: Where it belongs.
        state: Whether the published file is there.
        problem: What is wrong and what to do, in a sentence; empty if it is present.
    """

    path: Path = Path()
    state: Literal["present", "absent", "wrong file"] = "absent"
    problem: str = ""


def assets_folder() -> Path:
    """Return the folder of assets: `FACESR_ASSETS`, or `assets` in the user's cache."""
    chosen = environ.get("FACESR_ASSETS")
    return Path(chosen) if chosen else cache_folder() / "assets"


def asset(name: str) -> Asset:
    """Look an asset up by name.

    Raises:
        BadName: If there is none of that name.
    """
    known = {each.name: each for each in ASSETS}
    if name in known:
        return known[name]
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    raise BadName(f"no asset named {name!r}; {meant}")


def missing(name: str) -> str:
    """Say in a sentence how to get an asset that is absent; empty if it is there."""
    wanted = asset(name)
    if (assets_folder() / wanted.file).is_file():
        return ""
    fetch = f" with `bench assets fetch {name}`, or by hand: " if wanted.url else ", "
    return (
        f"needs the asset {name!r}: get {wanted.basename} from {wanted.source}{fetch}put it at "
        f"{wanted.file} below a folder, and name that folder in FACESR_ASSETS"
    )


def find(name: str) -> Path:
    """Return the place of an asset after checking its digest.

    The file is read once; later calls, in other processes too, read it again only if its size or
    one of its times is another.

    Raises:
        BenchError: If it is absent or is not the published file.
    """
    if absent := missing(name):
        raise BenchError(absent)
    wanted = asset(name)
    path = assets_folder() / wanted.file
    if wrong := difference(wanted, path):
        raise BenchError(wrong)
    return path


def states(names: Sequence[str] = (), reread: bool = False) -> Iterator[State]:
    """Say of assets whether they are here.

    Args:
        names: Which; none for all that are known.
        reread: Read every file, whatever is remembered of it.

    Yields:
        One after the other, in the order asked for.

    Raises:
        BadName: If there is none of such a name, before the first is yielded.
    """
    wanted = [asset(name) for name in names] or ASSETS
    for each in wanted:
        path, problem = assets_folder() / each.file, missing(each.name)
        state: Literal["present", "absent", "wrong file"] = "absent" if problem else "present"
        if not problem:
            try:
                problem = difference(each, path, reread)
            except OSError as error:
                problem = sentence(error)
            state = "wrong file" if problem else "present"
        known = {field.name: getattr(each, field.name) for field in fields(Asset)}
        yield State(**known, path=path, state=state, problem=problem)


def difference(wanted: Asset, path: Path, reread: bool = False) -> str:
    """Say in a sentence how a file differs from the published one; empty if it does not."""
    came = _remembered(path, reread)
    if came.startswith(wanted.sha256):
        return ""
    size = path.stat().st_size
    length = f" ({size:,} bytes, expected {wanted.size:,})" if size != wanted.size > 0 else ""
    return (
        f"{path} has SHA-256 {came[:12]}…, expected {wanted.sha256[:12]}…{length}; fetch it again "
        f"from {wanted.source}"
    )


class _Stamp(NamedTuple):
    size: int
    modified: int
    changed: int


_known: dict[str, tuple[_Stamp, str]] = {}


def _remembered(path: Path, reread: bool) -> str:
    """Return the SHA-256 of a file, without reading it if it is the one that was read before."""
    place, stamp = str(path.resolve()), _stamp(path)
    if not reread:
        if _known.get(place, (None, ""))[0] == stamp:
            return _known[place][1]
        entry = _written().get(place)
        if isinstance(entry, dict) and entry == entry | stamp._asdict():
            came = entry.get("sha256")
            if isinstance(came, str) and len(came) == 64:
                _known[place] = stamp, came
                return came
    came = digest(path)
    if _stamp(path) == stamp and time.time_ns() - stamp.changed > SETTLED_NS:
        _known[place] = stamp, came
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            write_json(_memory(), _written() | {place: stamp._asdict() | {"sha256": came}})
    return came


def _stamp(path: Path) -> _Stamp:
    state = path.stat()
    return _Stamp(state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _memory() -> Path:
    return cache_folder() / "assets.json"


def _written() -> dict[str, object]:
    try:
        return dict(read_json(_memory()))
    except (BenchError, OSError):
        return {}
