"""The run folder: what is written where, what may be reused, and how rows are read back.

```text
RUNS/inputs/DATASET/*.png                  what every method was given
RUNS/real/DATASET/*.png                    a few real faces, for the report
RUNS/METHOD/train-XXXXXXXX/                training on one set of faces (its fingerprint)
    train.json  weights.safetensors  log.csv  samples/
RUNS/METHOD/DATASET/images/*.png           what it made of them
RUNS/METHOD/DATASET/images.json
RUNS/METHOD/DATASET/PROTOCOL.json          the scores and all their conditions
RUNS/METHOD/DATASET/PROTOCOL.samples.json  values by picture, the basis of paired tests
```
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from facesr.bench.errors import BenchError
from facesr.bench.files import write_json, write_text
from facesr.bench.score import Curve, Failure, Row, Score

SCHEMA = 1


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
    def locked(self, method: str, say: Callable[[str], None]) -> Iterator[None]:
        """Keep other processes off a method; the lock falls with the process that holds it."""
        from filelock import FileLock, Timeout

        folder = self.method(method)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{method}: another process works on it in {self.root}; waiting")
            lock.acquire()
        try:
            for aside in folder.rglob(".*.part"):  # left by a process that was killed
                aside.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def write(self, record: Record) -> None:
        """Store a record; samples lie in a file of their own, so that the rows stay readable."""
        folder = self.cell(record.method, record.dataset)
        samples = {s.identity: s.samples for s in record.scores if s.samples}
        lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(samples.items())]
        write_text(folder / f"{record.protocol}.samples.json", "{\n" + ",\n".join(lines) + "\n}\n")
        bare = replace(record, scores=[replace(score, samples=()) for score in record.scores])
        write_json(folder / f"{record.protocol}.json", asdict(bare))
        self._failed(record.method, record.dataset, record.protocol).unlink(missing_ok=True)

    def read(self, method: str, dataset: str, protocol: str) -> Record | None:
        """Read a record back, samples included; None if there is none."""
        path = self.cell(method, dataset) / f"{protocol}.json"
        return _record(path) if path.is_file() else None

    def fail(self, failure: Failure, trace: str) -> None:
        """Store why a cell has no numbers; an older record stays."""
        path = self._failed(failure.method, failure.dataset, failure.protocol)
        write_json(path, asdict(failure) | {"trace": trace})

    def results(self) -> Results:
        """Read every number and every failure, in a fixed order.

        Raises:
            BenchError: If the folder is absent, or a file in it is none of ours.
        """
        if not self.root.is_dir():
            raise BenchError(f"{self.root} is not a folder; `bench run --out {self.root}` makes it")
        failed = sorted(self.root.glob("*/*/*.failed.json"))
        failures = [_failure(path) for path in failed]
        lost = {(f.method, f.dataset, f.protocol) for f in failures}
        paths = [p for p in sorted(self.root.glob("*/*/*.json")) if _is_record(p)]
        records = [_record(path) for path in paths]
        kept = [r for r in records if (r.method, r.dataset, r.protocol) not in lost]
        return Results([row for record in kept for row in record.rows()], failures)

    def _failed(self, method: str, dataset: str, protocol: str) -> Path:
        return self.cell(method, dataset) / f"{protocol}.failed.json"


def folder_name(label: str) -> str:
    """Turn a label into a folder name that every file system takes.

    >>> folder_name("lrgan[variant=bilinear]"), folder_name("folder:mine")
    ('lrgan[variant=bilinear]', 'folder-mine')
    """
    return re.sub(r"[^A-Za-z0-9_.,=\[\]-]", "-", label)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of ours; an absent file is an empty one.

    Raises:
        BenchError: If the file is damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BenchError(f"{path} is not valid JSON ({error}); remove it to redo it") from None
    if not isinstance(value, dict):
        raise BenchError(f"{path} holds no JSON object; remove it to redo it")
    return value


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


_OPAQUE = {"code": "its code changed", "data": "the training faces changed"}


def _is_record(path: Path) -> bool:
    plain_name = path.name.count(".") == 1 and path.stem != "images"
    return plain_name and not path.parent.name.startswith("train-")


def _record(path: Path) -> Record:
    from pydantic import TypeAdapter, ValidationError

    value = read_json(path)
    if value.get("schema") != SCHEMA:
        raise BenchError(
            f"{path} has schema {value.get('schema')!r}, expected {SCHEMA}; it was written by "
            "another version of facesr or is no record: score it again or move it away"
        )
    samples = read_json(path.with_name(f"{path.stem}.samples.json"))
    for score in value.get("scores", []):
        score["samples"] = samples.get(score.get("identity"), [])
    try:
        return TypeAdapter(Record).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{path} is no record of a run: {place}: {first['msg']}") from None


def _failure(path: Path) -> Failure:
    value = read_json(path)
    method, dataset, protocol, reason = (
        str(value.get(name, "")) for name in ("method", "dataset", "protocol", "reason")
    )
    return Failure(method, dataset, protocol, reason)
