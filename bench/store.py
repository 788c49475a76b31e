"""The run folder: what is written where, what may be reused, and how rows are read back.

```text
RUNS/inputs/DATASET/*.png                  what every method was given
RUNS/real/DATASET/*.png                    a few real faces, for the report
RUNS/METHOD/train-XXXXXXXX/                training on one set of faces (its fingerprint)
    train.json  weights.safetensors  log.csv  samples/
RUNS/METHOD/DATASET/images/*.png           what it made of them
RUNS/METHOD/DATASET/images.json
RUNS/METHOD/DATASET/PROTOCOL.json          the scores and all their conditions
RUNS/METHOD/DATASET/PROTOCOL.samples-*.json   values by picture or person, for paired tests
RUNS/METHOD/DATASET/PROTOCOL.pictures-*.json  values by picture, with names
```
"""

import glob
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from facesr.bench.errors import BenchError
from facesr.bench.files import read_json, write_json, write_text
from facesr.bench.score import Curve, Failure, Row, Score

SCHEMA = 1
RESERVED = ("inputs", "real", "report")  # folders beside those of methods


@dataclass(frozen=True)
class Record:
    """What one cell of the board leaves behind.

    Args:
        method: Label of the method.
        dataset: Label of the data set.
        protocol: Name of the protocol.
        budget: Budget the method ran at.
        settings: Every setting of the method.
        seed: Seed of training and upscaling.
        key: What decides whether these scores may be reused.
        scores: The numbers.
        curves: The numbers along an axis.
        provenance: Versions, platform, device, git commit, fingerprints, weights digest.
        timing: Seconds and images per second.
        names: File names of the outputs, in the order of the test inputs; not read back.
        schema: Version of this layout.
    """

    method: str
    dataset: str
    protocol: str
    budget: str
    settings: dict[str, Any]
    seed: int
    key: dict[str, Any]
    scores: list[Score]
    curves: list[Curve]
    provenance: dict[str, Any]
    timing: dict[str, float]
    names: tuple[str, ...] = ()
    schema: int = SCHEMA

    def rows(self) -> Iterator[Row]:
        """Yield each number with its conditions."""
        results: list[Score | Curve] = [*self.scores, *self.curves]
        for score in results:
            yield Row(
                self.method,
                self.dataset,
                self.protocol,
                score,
                self.budget,
                self.settings,
                self.seed,
                self.provenance,
                self.timing,
            )


@dataclass(frozen=True)
class Results:
    """Everything a run folder has to say.

    Args:
        rows: The numbers, in a fixed order.
        failures: The cells without numbers.
    """

    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Store:
    """A run folder."""

    root: Path

    def inputs(self, dataset: str) -> Path:
        """Return the folder of test inputs."""
        return self.root / "inputs" / folder_name(dataset)

    def real(self, dataset: str) -> Path:
        """Return the folder of the few real faces that a report shows."""
        return self.root / "real" / folder_name(dataset)

    def method(self, method: str) -> Path:
        """Return the folder of everything of one method."""
        return self.root / folder_name(method)

    def training(self, method: str, data: str) -> Path:
        """Return the folder of a training on data of this fingerprint."""
        return self.method(method) / f"train-{data[:8]}"

    def cell(self, method: str, dataset: str) -> Path:
        """Return the folder of one method on one data set."""
        return self.method(method) / folder_name(dataset)

    def images(self, method: str, dataset: str) -> Path:
        """Return the folder of upscaled faces."""
        return self.cell(method, dataset) / "images"

    @contextmanager
    def locked(self, folder: Path, title: str, say: Callable[[str], None]) -> Iterator[None]:
        """Keep other processes off a folder; the lock falls with the process that holds it."""
        from filelock import FileLock, Timeout

        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{title}: another process works on it in {self.root}; waiting")
            lock.acquire()
        try:
            for aside in folder.rglob(".*.part"):  # left by a process that was killed
                aside.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def write(self, record: Record) -> None:
        """Store a record; samples lie in a file of their own, so that the rows stay readable.

        The record names that file by its content, so the two belong together at any moment.
        """
        path = self._path(record.method, record.dataset, record.protocol)
        samples = {s.identity: s.samples for s in record.scores if s.samples}
        by_picture = {s.identity: s.pictures for s in record.scores if s.pictures}
        pictures = {"names": record.names, "values": by_picture} if by_picture else {}
        beside = {"samples": _write_beside(path, "samples", samples)}
        if pictures:
            beside["pictures"] = _write_beside(path, "pictures", pictures)
        write_json(path, bare(record) | beside)
        for kind in ("samples", "pictures"):
            for old in path.parent.glob(f"{glob.escape(path.stem)}.{kind}-*.json"):
                if old.name != beside.get(kind):
                    old.unlink(missing_ok=True)
        self._failed(record.method, record.dataset, record.protocol).unlink(missing_ok=True)

    def read(self, method: str, dataset: str, protocol: str) -> Record | None:
        """Read a record back with all it was written with; None if none can be used."""
        path = self._path(method, dataset, protocol)
        try:
            return _record(path, whole=True) if path.is_file() else None
        except BenchError:
            return None  # of another version or damaged: what it says is computed again

    def fail(self, failure: Failure, trace: str) -> None:
        """Store why a cell has no numbers; an older record stays."""
        path = self._failed(failure.method, failure.dataset, failure.protocol)
        write_json(path, asdict(failure) | {"trace": trace.splitlines()})

    def records(self) -> list[Record]:
        """Read every record, samples included, in a fixed order.

        Raises:
            BenchError: If the folder is absent, or a record in it is damaged.
        """
        return [_record(path) for path in self._places()]

    def results(self) -> Results:
        """Read every number and every failure, in a fixed order.

        Raises:
            BenchError: If the folder is absent.
        """
        places = self._places()
        failures = [_failure(path) for path in sorted(self.root.glob("*/*/*.failed.json"))]
        lost = {(f.method, f.dataset, f.protocol) for f in failures}
        rows: list[Row] = []
        for path in places:
            try:
                record = _record(path)
            except BenchError as error:
                place = (path.parent.parent.name, path.parent.name, path.stem)
                failures.append(Failure(*place, str(error)))
                continue
            if (record.method, record.dataset, record.protocol) not in lost:
                rows += record.rows()
        return Results(rows, failures)

    def _places(self) -> list[Path]:
        if not self.root.is_dir():
            raise BenchError(f"{self.root} is not a run folder; `bench run --out DIR` makes one")
        return [path for path in sorted(self.root.glob("*/*/*.json")) if _is_record(path)]

    def _path(self, method: str, dataset: str, protocol: str) -> Path:
        return self.cell(method, dataset) / f"{folder_name(protocol)}.json"

    def _failed(self, method: str, dataset: str, protocol: str) -> Path:
        return self.cell(method, dataset) / f"{folder_name(protocol)}.failed.json"


def bare(record: Record) -> dict[str, Any]:
    """Return a record as JSON knows it, without any value of a single picture or person."""
    scores = [replace(score, samples=(), pictures=()) for score in record.scores]
    value = asdict(replace(record, scores=scores))
    del value["names"]
    for score in value["scores"]:
        del score["samples"], score["pictures"]
    return value


def shown(names: Iterable[str], count: int = 8) -> tuple[str, ...]:
    """Choose the faces that a report shows: the smallest SHA-256 of a name, so nobody chooses."""
    return tuple(
        sorted(names, key=lambda name: (sha256(os.fsencode(name)).hexdigest(), name))[:count]
    )


def folder_name(label: str) -> str:
    """Turn a label into a folder name that every file system takes, no two labels into one.

    >>> folder_name("lrgan[variant=bilinear]"), folder_name("folder:mine")
    ('lrgan[variant=bilinear]', 'folder-mine')
    """
    plain = label.replace(":", "-", 1)
    safe = re.sub(r"[^A-Za-z0-9_.,=\[\]-]", "-", plain).lstrip(".") or "-"
    return safe if safe == plain else f"{safe}~{sha256(os.fsencode(label)).hexdigest()[:8]}"


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say what differs between two keys, in words; empty if nothing does.

    >>> difference({"settings": {"steps": 20}, "seed": 0}, {"settings": {"steps": 40}, "seed": 0})
    'steps=20, now 40'
    """
    before, after = old | old.get("settings", {}), new | new.get("settings", {})
    parts = []
    for name in sorted((before.keys() | after.keys()) - {"settings"}):
        was, now = before.get(name), after.get(name)
        if was != now:
            parts.append(_OPAQUE.get(name) or f"{name}={was}, now {now}")
    return "; ".join(parts)


_OPAQUE = {
    "code": "its code changed",
    "data": "the training faces changed",
    "files": "a file that a setting names changed",
}


def _write_beside(path: Path, kind: str, values: dict[str, Any]) -> str:
    """Store values in a file named by its content, a line per entry; return its name."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(values.items())]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    digest = sha256(text.encode()).hexdigest()[:8]
    write_text(path.with_name(f"{path.stem}.{kind}-{digest}.json"), text)
    return f"{path.stem}.{kind}-{digest}.json"


@cache
def _reader() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def _is_record(path: Path) -> bool:
    """Tell whether a file is, or was, a record of ours."""
    other = path.name == "images.json" or path.name.endswith(".failed.json")
    beside = re.search(r"\.(samples|pictures)-[0-9a-f]{8}\.json$", path.name)
    if other or beside or path.parent.name.startswith("train-"):
        return False
    try:
        return "schema" in read_json(path)
    except BenchError:
        return True  # damaged: its cell has to be named


def _record(path: Path, whole: bool = False) -> Record:
    """Read a record with its samples, and values by picture if it has to be `whole`."""
    from pydantic import ValidationError

    value = read_json(path)
    if value.get("schema") != SCHEMA:
        raise BenchError(
            f"{path} has schema {value.get('schema')!r}, expected {SCHEMA}; it was written by "
            "another version of facesr or is no record: score it again or move it away"
        )
    kept = path.with_name(Path(str(value.pop("pictures", ""))).name or "-")
    by_picture = read_json(kept) if whole else {}
    beside = path.with_name(Path(str(value.pop("samples", ""))).name or "-")
    if not beside.is_file():
        raise BenchError(f"{path} has lost its samples; score it again")
    samples = read_json(beside)
    for score in value.get("scores", []):
        score["samples"] = samples.get(score.get("identity"), [])
        score["pictures"] = by_picture.get("values", {}).get(score.get("identity"), [])
    value["names"] = by_picture.get("names", [])
    try:
        return _reader().validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{path} is no record of a run: {place}: {first['msg']}") from None


def _failure(path: Path) -> Failure:
    value = read_json(path)
    method, dataset, protocol, reason = (
        str(value.get(name, "")) for name in ("method", "dataset", "protocol", "reason")
    )
    return Failure(
        method, dataset, protocol, reason, "skip" if value.get("kind") == "skip" else "fail"
    )
