"""The leaderboard as code: rows in small JSON files, and everything that is made of them.

```text
leaderboard/
    rows/PROTOCOL/DATASET/METHOD.json    one row each, written by `bench leaderboard submit`
    tests/PROTOCOL/DATASET.json          p-values of the paired tests between these rows
    board/                               tables and figures, by `bench leaderboard build`
    site/                                pages, by the same; not in git, they follow from the rows
```

Values of single pictures stay in the run folder; a row names their digest. Two rows that were
submitted from one run are compared by the paired test that was done then, others by intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import plain, read_json, write_json
from facesr.bench.score import Score, State
from facesr.bench.store import Record, Results, bare, folder_name
from facesr.reports._ranks import Pair, by_intervals, p_values, why_untested

SCHEMA = 1
STATES: tuple[State, ...] = get_args(State)
RANKED = ("checked", "reproduced")
Key = tuple[str, tuple[str, float], tuple[str, float]]


@dataclass(frozen=True)
class PairedTest:
    """A paired test of two rows in one column.

    Args:
        identity: Of the metric.
        a: Label and value of the first method; a new value makes an old test void.
        b: Label and value of the second method.
        p: P-value, not adjusted.
    """

    identity: str
    a: tuple[str, float]
    b: tuple[str, float]
    p: float


@dataclass(frozen=True)
class Entry:
    """One row file.

    Args:
        record: The numbers and their conditions, without values of single pictures.
        state: `claimed`, `checked`, `reproduced`, `disputed` or `withdrawn`.
        values: Digest of the values of single pictures.
    """

    record: Record
    state: State
    values: str


def known_state(text: str) -> State:
    """Return a state by its name.

    Raises:
        BadName: If there is none.
    """
    for state in STATES:
        if state == text:
            return state
    raise BadName(f"no state named {text!r}; known: {', '.join(STATES)}")


def submit(records: Sequence[Record], folder: Path, state: State = "claimed") -> list[Path]:
    """Write rows and the paired tests between them.

    Args:
        records: Of one run, samples included; see `bench.conformance` for what they must keep.
        folder: The leaderboard.
        state: What stands behind the rows.

    Returns:
        The files that were written.

    Raises:
        BenchError: If a file of the leaderboard is damaged.
    """
    paths = []
    for record in records:
        place = _place(folder / "rows", record.protocol, record.dataset)
        paths.append(place / f"{folder_name(record.method)}.json")
        write_json(paths[-1], _row(record, state))
    for protocol, dataset in sorted({(r.protocol, r.dataset) for r in records}):
        own = [r for r in records if (r.protocol, r.dataset) == (protocol, dataset)]
        paths.append(folder / "tests" / folder_name(protocol) / f"{folder_name(dataset)}.json")
        tests = _merged(paths[-1], own, folder)
        write_json(paths[-1], {"schema": SCHEMA, "tests": plain(tests)})
    return paths


def entries(folder: Path) -> list[Entry]:
    """Read every row, in a fixed order.

    Raises:
        BenchError: If there is no row, or one is damaged or not where its names say.
    """
    paths = sorted((folder / "rows").glob("*/*/*.json"))
    if not paths:
        raise BenchError(f"{folder} holds no rows; `bench leaderboard submit RUN` writes some")
    return [_entry(path, folder) for path in paths]


def results(folder: Path) -> Results:
    """Return all rows that are not withdrawn, each with its state."""
    kept = [entry for entry in entries(folder) if entry.state != "withdrawn"]
    stated = [
        replace(e.record, provenance=e.record.provenance | {"state": e.state, "values": e.values})
        for e in kept
    ]
    return Results([row for record in stated for row in record.rows()])


class RecordedTests:
    """Tests between rows: those that were done when they were submitted, else by intervals.

    Args:
        folder: The leaderboard.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted((folder / "tests").glob("*/*.json"))
        self.known = {_key(test): test.p for path in paths for test in _read_tests(path)}

    def __call__(self, scores: Mapping[str, Score]) -> dict[Pair, float]:
        """Return a p-value for each pair of scores that has one."""
        found = {}
        for a, b in combinations(sorted(scores), 2):
            x, y = scores[a], scores[b]
            p = self.known.get((x.identity, (a, x.value or 0.0), (b, y.value or 0.0)))
            p = by_intervals(x, y) if p is None else p
            if p is not None:
                found[a, b] = p
        return found


def build(folder: Path) -> list[Path]:
    """Make tables, figures and pages of the rows; the same rows give the same bytes.

    Args:
        folder: The leaderboard.

    Returns:
        The files, those of `board` first.
    """
    pages = _written(folder, folder / "site", formats=("html",))
    return [*_board(folder, folder / "board"), *pages]


def stale(folder: Path) -> list[str]:
    """Name the files of the committed board that are not what the rows make."""
    with TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "board"
        _board(folder, fresh)
        made, there = _contents(fresh), _contents(folder / "board")
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def _board(folder: Path, out: Path) -> list[Path]:
    # figures as text: how pixels are drawn and packed may differ between machines
    return _written(folder, out, formats=("md", "csv", "latex"), figures=("svg",))


def _written(folder: Path, out: Path, **chosen: Any) -> list[Path]:
    from facesr.reports.write import write

    tests = RecordedTests(folder)
    return write(results(folder), folder, out, pictures=False, tests=tests, **chosen)


def _row(record: Record, state: State) -> dict[str, Any]:
    values = {score.identity: list(score.samples) for score in record.scores if score.samples}
    text = repr(sorted(values.items()))
    digest = sha256(text.encode()).hexdigest()
    return bare(replace(record, key={})) | {"state": state, "values": digest}


def _entry(path: Path, folder: Path) -> Entry:
    from pydantic import TypeAdapter, ValidationError

    value = read_json(path)
    state, values = value.pop("state", None), str(value.pop("values", ""))
    try:
        record = TypeAdapter(Record).validate_python(value)
        state = TypeAdapter(State).validate_python(state)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{path} is no row of a leaderboard: {at}: {first['msg']}") from None
    if record.schema != SCHEMA:
        raise BenchError(f"{path} has schema {record.schema}, expected {SCHEMA}; submit it again")
    place = _place(folder / "rows", record.protocol, record.dataset)
    if path != place / f"{folder_name(record.method)}.json":
        raise BenchError(
            f"{path} holds the row of {record.method} on {record.dataset}, protocol "
            f"{record.protocol}; a row lies where its names say"
        )
    return Entry(record, state, values)


def _merged(path: Path, records: Sequence[Record], folder: Path) -> list[PairedTest]:
    """Add the tests between new rows to those of rows that are still there."""
    place = folder / "rows" / path.parent.name / path.stem
    alive = {
        (score.identity, (record.method, score.value))
        for record in (_entry(row, folder).record for row in sorted(place.glob("*.json")))
        for score in record.scores
    }
    kept = {_key(test): test for test in [*_read_tests(path), *_tested(records)]}
    return [
        test
        for _, test in sorted(kept.items())
        if {(test.identity, test.a), (test.identity, test.b)} <= alive
    ]


def _tested(records: Sequence[Record]) -> Iterator[PairedTest]:
    columns: dict[str, dict[str, Score]] = {}
    for record in records:
        for score in record.scores:
            if score.value is not None:
                columns.setdefault(score.identity, {})[record.method] = score
    for identity, scores in columns.items():
        if why_untested(scores) or len({len(s.samples) for s in scores.values()}) > 1:
            continue
        for (a, b), p in p_values(dict(sorted(scores.items()))).items():
            yield PairedTest(identity, (a, scores[a].value or 0.0), (b, scores[b].value or 0.0), p)


def _read_tests(path: Path) -> list[PairedTest]:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(list[PairedTest]).validate_python(read_json(path).get("tests", []))
    except ValidationError as error:
        raise BenchError(f"{path} holds no tests: {error.errors()[0]['msg']}") from None


def _key(test: PairedTest) -> Key:
    return (test.identity, test.a, test.b)


def _place(folder: Path, protocol: str, dataset: str) -> Path:
    return folder / folder_name(protocol) / folder_name(dataset)


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
