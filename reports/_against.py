"""What the papers print beside what was measured here, and why the two may differ."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from facesr.bench import catalog
from facesr.bench.catalog import Kind
from facesr.bench.errors import BenchError
from facesr.bench.score import Row, Score
from facesr.bench.store import Results
from facesr.reports._conditions import changed_of, limit_of, partial_of
from facesr.reports._format import MINUS, MOST_DECIMALS, decimals, half_width
from facesr.reports._published import Published

State = Literal[
    "agrees", "differs", "no interval", "other protocol", "no value", "not run", "not comparable"
]
AGREES = 2.0  # half-widths
ADMITTED = re.compile(r"\binferred\b|\bstands? for\b|\bnot public\b|\b(?:is|are) ours\b", re.I)
Meaning = tuple[str, frozenset[tuple[str, str]]]
Cell = tuple[Meaning, Meaning, Meaning]  # of method, data set and protocol
ANY: Meaning = ("*", frozenset())


@dataclass(frozen=True)
class Against:
    """A published number and what stands against it in a run folder.

    Args:
        published: The number of the paper.
        row: What was measured here; None if nothing was.
        state: `agrees` within two half-widths of our interval or the paper's rounding, `differs`,
            or why the two are not subtracted.
        why: What may explain a gap, or why there is no number, in sentences without a full stop.
    """

    published: Published
    row: Row | None
    state: State
    why: tuple[str, ...] = ()

    @property
    def score(self) -> Score | None:
        """The number measured here, in our unit."""
        return self.row.score if self.row and isinstance(self.row.score, Score) else None

    @property
    def here(self) -> float | None:
        """The number measured here, in the unit of the paper."""
        value = self.score.value if self.score else None
        return None if value is None else value / self.published.times

    @property
    def half(self) -> float | None:
        """Half-width of our interval, in the unit of the paper; None without an interval."""
        half = half_width(self.score.low, self.score.high) if self.score else None
        return half / self.published.times if half else None

    @property
    def difference(self) -> float | None:
        """Ours minus theirs, in the unit of the paper; None where the two must not be compared."""
        if self.here is None or self.state == "other protocol":
            return None
        return self.here - self.published.value

    @property
    def in_halves(self) -> float | None:
        """The difference in half-widths of our interval."""
        if self.difference is None or self.half is None:
            return None
        return self.difference / self.half

    @property
    def shown(self) -> tuple[str, str, str]:
        """Our number with its half-width, the difference, and the difference in half-widths."""
        if self.here is None:
            return "", "", ""
        places = len(self.published.printed.partition(".")[2])
        if self.half:
            places = min(MOST_DECIMALS, max(0, decimals(self.half)))
        here = _number(self.here, places) + (f"±{self.half:.{places}f}" if self.half else "")
        apart = "" if self.difference is None else _number(self.difference, places, "+")
        return here, apart, "" if self.in_halves is None else _number(self.in_halves, 1, "+")


def against(results: Results, published: Sequence[Published]) -> list[Against]:
    """Find for every published number what was measured here.

    A number stands against a published one if method, data set, protocol and column are those that
    the record names, whatever settings are left unsaid. One of another protocol is shown, never
    subtracted.
    """
    rows = [row for row in results.rows if isinstance(row.score, Score)]
    exact: dict[tuple[Cell, str], Row] = {}
    other: dict[tuple[Meaning, Meaning, str], Row] = {}
    for row in sorted(rows, key=_preferred):
        method, data, protocol = _cell(row.method, row.dataset, row.protocol)
        for name in (method, ANY):
            exact.setdefault(((name, data, protocol), row.score.metric), row)
        if isinstance(row.score, Score) and row.score.value is not None:
            other.setdefault((method, data, base(row.score.metric)), row)
    lost = {_cell(f.method, f.dataset, f.protocol): f.reason for f in results.failures}
    return [_against(record, exact, other, lost) for record in published]


def _preferred(row: Row) -> tuple[bool, str, str, str]:
    empty = isinstance(row.score, Score) and row.score.value is None
    return empty, row.protocol, row.score.metric, row.method


def _cell(method: str, dataset: str, protocol: str) -> Cell:
    return meaning("methods", method), meaning("datasets", dataset), meaning("protocols", protocol)


def _against(
    record: Published,
    exact: Mapping[tuple[Cell, str], Row],
    other: Mapping[tuple[Meaning, Meaning, str], Row],
    lost: Mapping[Cell, str],
) -> Against:
    if not (record.method and record.column):
        return Against(record, None, "not comparable", ("nothing here measures the same",))
    cell = _cell(record.method, record.on, record.protocol)
    method, data, _ = cell
    row = exact.get((cell, record.column))
    instead = other.get((method, data, base(record.column)))
    if row is not None and isinstance(row.score, Score) and row.score.value is not None:
        found = Against(record, row, "no interval", tuple(conditions(row)))
        return Against(record, row, _verdict(found), found.why)
    if instead is not None:
        return Against(record, instead, "other protocol", tuple(_otherwise(record, instead)))
    if row is not None and isinstance(row.score, Score):
        return Against(record, row, "no value", (row.score.note or "not measured",))
    if cell in lost:
        return Against(record, None, "no value", (lost[cell],))
    return Against(record, None, "not run")


def _verdict(found: Against) -> State:
    difference, halves = found.difference, found.in_halves
    if difference is not None and abs(difference) <= found.published.rounding:
        return "agrees"
    if halves is None:
        return "no interval"
    return "agrees" if abs(halves) <= AGREES else "differs"


def conditions(row: Row) -> list[str]:
    """Say what of the conditions of a number here is not that of a paper."""
    said = []
    if row.budget != "paper":
        said.append(f"trained at the budget {row.budget}, not as long as in the paper")
    if changed := changed_of(row):
        said.append(f"settings changed by hand: {', '.join(changed)}")
    if (limit := limit_of(row)) is not None:
        said.append(f"at most {limit:,} faces per half of the data set")
    if partial := partial_of(row):
        said.append(f"the test lacks faces of the published one: {partial}")
    return said


def _otherwise(record: Published, row: Row) -> list[str]:
    same = meaning("protocols", row.protocol)[0] == record.paper
    quirks = "" if same and row.score.metric == record.column else quirks_of(record.paper)
    said = (
        f"measured as {row.score.metric} under {row.protocol}, not as {record.column} under "
        f"{record.protocol}{f', which has {quirks}' if quirks else ''}"
    )
    return [said, *conditions(row)]


def base(column: str) -> str:
    """Return the metric of a column, without what is in its brackets.

    >>> base("fid[torchvision,drop64]")
    'fid'
    """
    return column.partition("[")[0]


@cache
def meaning(kind: Kind, label: str) -> Meaning:
    """Return what a label stands for: its name and all its settings, defaults included."""
    name, _, inner = label.partition("[")
    given = {
        key.strip(): value.strip()
        for key, equals, value in (part.partition("=") for part in inner.rstrip("]").split(","))
        if equals
    }
    if label == "*":
        return ANY
    try:
        known = catalog.describe(kind, name).settings
    except BenchError:
        known = {}
    return name, frozenset((key, str(value).lower()) for key, value in (known | given).items())


@cache
def quirks_of(paper: str) -> str:
    """List the conventions of a paper that are not those of a plain metric, as settings."""
    node = _class("protocols", paper)
    switched = catalog.assigned(node, "without_quirks") if node else None
    if not isinstance(switched, ast.Dict):
        return ""
    names = [str(key.value) for key in switched.keys if isinstance(key, ast.Constant)]
    defaults = catalog.describe("protocols", paper).settings
    return ", ".join(f"{name}={defaults.get(name)}" for name in names)


@cache
def admissions(kind: Kind, label: str) -> tuple[str, ...]:
    """List what a protocol or a data set says of itself that the paper leaves open, as sentences.

    They are taken from its docstring, the one place where they are written down.
    """
    node = _class(kind, label.partition("[")[0])
    return tuple(s for s in _sentences(_docstring(node)) if ADMITTED.search(s))


def _class(kind: Kind, name: str) -> ast.ClassDef | None:
    try:
        entry = catalog.entry(kind, name)
    except BenchError:
        return None
    return catalog.class_node(entry) if entry.path else None


def _docstring(node: ast.ClassDef | None) -> str:
    return (ast.get_docstring(node) or "") if node else ""


def _sentences(docstring: str) -> Iterable[str]:
    """Split a docstring; a sentence about a setting starts with its name."""
    body, _, arguments = docstring.partition("\nArgs:\n")
    for paragraph in body.split("\n\n"):
        yield from _split(paragraph)
    for entry in re.split(r"\n {4}(?=\w+: )", f"\n{arguments}"):
        name, colon, text = entry.strip().partition(": ")
        yield from (f"{name}: {sentence}" for sentence in _split(text) if colon)


def _split(text: str) -> list[str]:
    """Split text into sentences, without the marks of code."""
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z`\d])", " ".join(text.split()))
    return [sentence.replace("`", "") for sentence in sentences if sentence]


def _number(value: float, places: int, sign: str = "-") -> str:
    """Write a number with a proper minus, and a plus where asked.

    >>> _number(-0.001, 2, "+"), _number(0.25, 1, "+"), _number(-1, 0)[1:]
    ('0.00', '+0.2', '1')
    """
    text = f"{value:{sign}.{places}f}"
    return text.replace("-", MINUS) if text.strip("+-0.") else text.lstrip("+-")
