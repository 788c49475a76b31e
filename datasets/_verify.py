"""Prepared folders against what was prepared: every difference, in constant memory."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np

from facesr.bench import catalog
from facesr.bench.errors import BadData, BenchError
from facesr.bench.files import digest, digest_of, read_json
from facesr.bench.progress import Advance, progress
from facesr.bench.shards import shards
from facesr.datasets._half import FORM as HALF_FORM
from facesr.datasets._writer import DROPS, FACES, FORM, MANIFEST, PHOTOS

_DIGEST = re.compile("[0-9a-f]{64}")
_NO_LINE: dict[str, Any] = {}
_FIELDS = {"title": str, "faces": int, "size": int, "files": dict, "drops": dict}
_PLACE = re.compile("([0-9a-f]{12})-[0-9a-f]{12}")


def differences(folder: Path, source: Path | None = None) -> Iterator[str]:
    """Compare a prepared folder with its manifest, and with the photographs it was made of.

    Files are compared by their SHA-256, faces by the digests of their pixels in `faces.jsonl`, so
    that a changed shard says which faces it has lost. The memory does not grow with their number.

    Args:
        folder: What `_prepared.prepared` or `_fill.fill` made.
        source: Folder that holds the data sets as their authors distribute them; None to leave the
            photographs out.

    Yields:
        One sentence for each difference; none if the folder is as it was made.
    """
    whole = True
    for sentence in _differences(folder, source):
        whole = False
        yield sentence
    if whole and not _has_its_digest(read_json(folder / MANIFEST)):
        yield f"{MANIFEST} was edited: it no longer has its own digest"


def _has_its_digest(known: dict[str, Any]) -> bool:
    said = known.pop("digest", "")
    return digest_of(known) == said


def _differences(folder: Path, source: Path | None) -> Iterator[str]:
    known: dict[str, Any] = {}
    try:
        known = _manifest(folder)
    except BadData as error:
        yield str(error)
    files = known.get("files", {})
    total = known.get("faces", 0)
    with progress(f"checking {known.get('title', folder)}", total, "faces") as advance:
        yield from _files(folder, files)
        ours = (path for path in shards(folder) if not files or path.name in files)
        yield from _faces(folder / FACES, ours, advance)
    if known:
        yield from _counts(folder, known)
        yield from _settings(folder, known)
        yield from _partner(folder, known)
    if source is not None:
        yield from _photos(folder, known, source)
        yield from _annotations(known, source)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        known = read_json(folder / MANIFEST)
    except BenchError:
        raise BadData(f"{MANIFEST} is damaged: it is no JSON object") from None
    if not known:
        raise BadData(f"{MANIFEST} is missing")
    if known.get("form") != FORM:
        raise BadData(f"{MANIFEST} is of version {known.get('form')!r}, expected {FORM}")
    for key, kind in {
        "title": str,
        "faces": int,
        "size": int,
        "files": dict,
        "drops": dict,
    }.items():
        if not isinstance(known.get(key), kind):
            raise BadData(f"{MANIFEST} is damaged: {key} is {known.get(key)!r}")
    if not all(isinstance(d, str) and _DIGEST.fullmatch(d) for d in known["files"].values()):
        raise BadData(f"{MANIFEST} is damaged: a digest of a file is none")
    return known


def _files(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    for name in sorted(files):
        if name not in there:
            yield f"{name} is missing"
        elif not (folder / name).is_file():
            yield f"{name} is no file"
        elif digest(folder / name) != files[name]:
            yield f"{name} was changed"
    if files:
        yield from (f"{name} does not belong here" for name in sorted(there - set(files)))


def _faces(listed: Path, paths: Iterable[Path], advance: Advance) -> Iterator[str]:
    """Compare each face in the shards with its line."""
    entries = _lines(listed)
    at = 0
    for path in paths:
        first = _first(path)
        for number, entry in zip(range(at, first), entries, strict=False):
            yield f"{_called(entry, number)} has lost its pixels"
        if first < at:
            yield f"{path.name} begins at face {first}, expected {at}"
            return
        at = first
        try:
            for pixels in _digests(path):
                entry = next(entries, _NO_LINE)
                if entry is _NO_LINE:
                    yield f"{path.name} holds more faces than {FACES} has lines"
                    return
                if entry.get("pixels") is None or not isinstance(entry.get("name"), str):
                    yield f"line {at + 1} of {FACES} is damaged"
                elif entry["pixels"] != pixels:
                    yield f"{_called(entry, at)} was changed: its pixels are others"
                at += 1
                advance()
        except BadData as error:
            yield str(error)
    for number, entry in enumerate(entries, at):
        yield f"{_called(entry, number)} has lost its pixels"


def _first(path: Path) -> int:
    number = path.stem.removeprefix("faces-")
    return int(number) if number.isdecimal() else -1


def _called(entry: Mapping[str, Any], number: int) -> str:
    return f"face {entry.get('name', f'on line {number + 1}')}"


def _digests(path: Path) -> Iterator[str]:
    """Yield the digest of each face of a shard, as far as it goes.

    Raises:
        BadData: If the file is damaged.
    """
    try:
        with path.open("rb") as file:
            shape = _shape(file)
            length = shape[1] * shape[2] * shape[3]
            for _ in range(shape[0]):
                pixels = file.read(length)
                if len(pixels) < length:
                    raise BadData(f"{path.name} is cut short")
                yield sha256(pixels).hexdigest()[:16]
    except (OSError, ValueError) as error:
        raise BadData(f"{path.name} cannot be read: {error}") from None


def _shape(file: IO[bytes]) -> tuple[int, int, int, int]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    shape, by_column, kind = read(file) if version == (1, 0) else ((), False, None)
    if len(shape) != 4 or shape[3] != 3 or by_column or kind != np.uint8:
        raise ValueError("it holds no faces")
    return shape


def _counts(folder: Path, known: Mapping[str, Any]) -> Iterator[str]:
    """Compare what the manifest counts with what is listed."""
    lines = sum(1 for _ in _lines(folder / FACES))
    if lines != known["faces"]:
        yield f"{FACES} has {lines:,} lines, {MANIFEST} counts {known['faces']:,} faces"
    listed = Counter(
        str(entry.get("reason", "without a reason")) for entry in _lines(folder / DROPS)
    )
    for reason in sorted({*listed, *known["drops"]}):
        counted = known["drops"].get(reason, 0)
        if listed[reason] != counted:
            yield f"{DROPS} lists {listed[reason]:,} {reason}, {MANIFEST} counts {counted}"


def _settings(folder: Path, known: Mapping[str, Any]) -> Iterator[str]:
    """Compare the settings of a half with the name of its folder, which is made of them."""
    above = folder.parents[max(0, known["title"].count("/") - 1)].name
    if "sources" in known and (named := _PLACE.fullmatch(above)):
        parts = {key: known.get(key) for key in ("size", "seed", "sources")}
        if digest_of({"form": HALF_FORM, **parts})[:12] != named[1]:
            yield f"{MANIFEST} states settings that do not lead to the folder {above}"


def _partner(folder: Path, known: Mapping[str, Any]) -> Iterator[str]:
    """Compare the faces that others were made of with those beside them."""
    if made_of := known.get("of"):
        path = folder.with_name(made_of["folder"]) / MANIFEST
        if not path.is_file():
            yield f"{made_of['folder']}, which these faces were made of, is missing beside them"
        elif digest(path) != made_of["manifest"]:
            yield f"{made_of['folder']} beside them is not what these faces were made of"


def _annotations(known: Mapping[str, Any], source: Path) -> Iterator[str]:
    """Compare the annotation that was read with its files."""
    keys = {key.get("set"): key for key in known.get("sources", ())}
    for name, files in known.get("read", {}).items():
        try:
            root = _root(keys.get(name, {"set": name, "settings": {}}), source)
        except BadData:
            continue  # said with the photographs
        for file, content in files.items():
            there = (root / file).is_file()
            if there != bool(content):
                yield f"annotation {file} is {'new' if there else 'missing'} in {source}"
            elif there and digest(root / file) != content:
                yield f"annotation {file} was changed in {source}"


def _photos(folder: Path, known: Mapping[str, Any], source: Path) -> Iterator[str]:
    """Compare the photographs of a folder with their files."""
    roots = []
    for key in known.get("sources", ()):
        try:
            roots.append(_root(key, source))
        except BadData as error:
            yield str(error)
    if not roots:
        return
    total = sum(1 for _ in _lines(folder / PHOTOS))
    with progress(f"checking photographs of {known['title']}", total, "photographs") as advance:
        for entry in _lines(folder / PHOTOS):
            name = str(entry.get("photo"))
            there = [root / name for root in roots if (root / name).is_file()]
            if not there:
                yield f"photograph {name} is missing in {source}"
            elif not any(_same(path, entry) for path in there):
                yield f"photograph {name} was changed in {source}"
            advance()


def _root(key: Mapping[str, Any], source: Path) -> Path:
    """Find the folder that a source of a half was read from: a distribution, else all of `source`.

    Raises:
        BadData: If it is not there.
    """
    try:
        if key["set"] not in catalog.names("datasets"):
            return source
        kind = catalog.load("datasets", key["set"])
        given = {f.name: key["settings"][f.name] for f in fields(kind) if f.name in key["settings"]}
        dataset = kind(data=source, **given)
        root: Path | None = getattr(dataset, "root", source)
        absent = dataset.missing()
    except (KeyError, TypeError, BenchError) as error:
        raise BadData(f"{MANIFEST} names a source that cannot be looked up: {error}") from None
    if root is None:
        raise BadData(absent)
    return root


def _same(path: Path, entry: Mapping[str, Any]) -> bool:
    try:
        return path.stat().st_size == entry.get("bytes") and digest(path) == entry.get("sha256")
    except OSError:
        return False


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what each line holds; nothing of a line that is damaged or a file that is absent."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {}
            yield entry if isinstance(entry, dict) else {}
