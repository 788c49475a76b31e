"""The page of a method: what it is, where it stands, what it costs, how it learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facesr.bench.score import Row
from facesr.reports._about import Paper, paper
from facesr.reports._conditions import changed_of
from facesr.reports._lines import Training
from facesr.reports._links import method_page, slug
from facesr.reports._notices import private_training
from facesr.reports._pictures import Album, Picture, Strip, samples
from facesr.reports._provenance import Origin
from facesr.reports._section import Section
from facesr.reports._table import Line
from facesr.reports._view import Look, Spot


@dataclass(frozen=True)
class Lesson:
    """One training.

    Args:
        training: Its log.
        grid: Its last samples; None where there are none or they are left out.
        private: Why its samples are not for others; empty if they are or if there are none.
    """

    training: Training
    grid: Picture | None
    private: str


@dataclass(frozen=True)
class Setting:
    """A setting of a method as it ran.

    Args:
        name: Its name.
        value: As it ran.
        paper: As the paper has it; empty if that is the same or not known.
        meaning: What it does; empty if not known.
        changed: Whether it was set by hand.
    """

    name: str
    value: str
    paper: str
    meaning: str
    changed: bool


@dataclass(frozen=True)
class Stand:
    """Where a method stands on one data set under one protocol.

    Args:
        section: The data set.
        line: The method's line.
        spots: Its cells.
        field: Everybody's places in each column, as SVG writes them.
        ranked: How many methods were tested in each column.
    """

    section: Section
    line: Line
    spots: list[Spot]
    field: list[str]
    ranked: list[int]


@dataclass(frozen=True)
class MethodPage:
    """The page of a method.

    Args:
        name: Its label.
        path: Its page, seen from the top of the site.
        look: Colour and shape.
        paper: What its source says.
        facts: Parameters, speed, training time: names, values, and what to know of them.
        settings: As it ran.
        differing: Whether its settings differ between data sets; those of the first are listed.
        stands: Where it stands.
        lessons: Its trainings.
        origins: Where its numbers come from.
        remarks: What it could not do as well as it should.
        strips: The galleries that show it: data set, input, output, original if there is one.
    """

    name: str
    path: str
    look: Look
    paper: Paper
    facts: list[tuple[str, str, str]]
    settings: list[Setting]
    differing: bool
    stands: list[Stand]
    lessons: list[Lesson]
    origins: list[Origin]
    remarks: list[str]
    strips: list[tuple[Section, list[Strip]]]

    @property
    def fact(self) -> dict[str, str]:
        """Facts by name."""
        return {name: value for name, value, _ in self.facts}

    @property
    def done(self) -> tuple[int, int]:
        """How many of its cells hold a number, and how many there are."""
        states = [s.cell.state for stand in self.stands for s in stand.spots]
        return sum(state in ("value", "partly") for state in states), len(states)

    @property
    def lost(self) -> list[Stand]:
        """Where it was skipped or failed."""
        return [stand for stand in self.stands if stand.line.lost]


def lesson(training: Training, rows: Sequence[Row], pictures: bool, album: Album) -> Lesson:
    """Gather what there is to say of one training; arguments as of `section`."""
    where = f"images/training/{slug(training.method)}-{slug(training.folder.name)}.png"
    grid = samples(training.folder, where, Album())
    secret = private_training(rows, training.method, training.folder) if grid else ""
    shown = pictures or not secret
    return Lesson(training, samples(training.folder, where, album) if shown else None, secret)


def method_pages(
    looks: Mapping[str, Look],
    sections: Sequence[Section],
    lessons: Sequence[Lesson],
    origins: Sequence[Origin],
    rows: Sequence[Row],
) -> list[MethodPage]:
    """Gather the pages of all methods, in their order."""
    by_method: dict[str, list[Row]] = {method: [] for method in looks}
    seen = set()
    for row in rows:
        if (cell := (row.method, row.dataset, row.protocol)) not in seen:
            seen.add(cell)
            by_method.setdefault(row.method, []).append(row)
    fields = {section.anchor: _fields(section) for section in sections}
    return [
        _page(
            method,
            style,
            [s for s in sections if any(line.method == method for line in s.table.lines)],
            fields,
            [one for one in lessons if one.training.method == method],
            [origin for origin in origins if origin.method == method],
            by_method[method],
        )
        for method, style in looks.items()
    ]


def _page(
    method: str,
    style: Look,
    sections: Sequence[Section],
    fields: Mapping[str, list[str]],
    lessons: list[Lesson],
    origins: list[Origin],
    rows: Sequence[Row],
) -> MethodPage:
    source = paper("methods", method)
    remarks = [f"{r.dataset}: {x}" for r in rows for x in r.provenance.get("remarks") or ()]
    return MethodPage(
        name=method,
        path=method_page(method),
        look=style,
        paper=source,
        facts=_facts(rows),
        settings=_settings(rows[0], source) if rows else [],
        differing=any(row.settings != rows[0].settings for row in rows),
        stands=[_stand(s, method, fields[s.anchor]) for s in sections],
        lessons=lessons,
        origins=origins,
        remarks=remarks,
        strips=[(s, found) for s in sections if (found := _strips(s, method))],
    )


def _fields(section: Section) -> list[str]:
    """Draw everybody's place in each column, 0 to 200 from the worse to the better end."""
    drawn = []
    for i in range(len(section.table.columns)):
        dots = [spots[i].dot for _, spots in section.lines]
        drawn.append("".join(f"M{2 * dot.at:.0f} 3v8" for dot in dots if dot))
    return drawn


def _stand(section: Section, method: str, field: list[str]) -> Stand:
    line, spots = next((ln, sp) for ln, sp in section.lines if ln.method == method)
    columns = range(len(section.table.columns))
    ranked = [sum(sp[i].cell.standing is not None for _, sp in section.lines) for i in columns]
    return Stand(section, line, spots, field, ranked)


def _strips(section: Section, method: str) -> list[Strip]:
    strips = section.gallery.alike if section.gallery else ()
    own = [s for s in strips if s.kind != "output" or s.title == method]
    order = ("input", "output", "original")
    shown = any(s.kind == "output" for s in own)
    return sorted(own, key=lambda s: order.index(s.kind)) if shown else []


def _facts(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Say what a method costs, as far as that was recorded."""
    counts = sorted({n for row in rows if isinstance(n := row.provenance.get("parameters"), int)})
    facts = []
    if counts:
        facts.append(("parameters", " / ".join(f"{n:,}" for n in counts), ""))
    for row in rows:
        speed = row.timing.get("images_per_second") or 0.0
        if speed:
            facts.append(("time per image", duration(1 / speed), f"{row.dataset}, {_device(row)}"))
            break
    seconds = max((row.timing.get("train_seconds") or 0.0 for row in rows), default=0.0)
    if seconds:
        where = rows[0].provenance.get("trained_on")
        device = str(where.get("device_name", "")) if isinstance(where, Mapping) else ""
        facts.append(("training", duration(seconds), device))
    return facts


def _device(row: Row) -> str:
    parts = (row.provenance.get("device_name"), row.provenance.get("device"))
    return ", ".join(str(part) for part in parts if part) or "device not recorded"


def duration(seconds: float) -> str:
    """Write a time as people read it.

    >>> duration(0.00012), duration(0.21), duration(75), duration(3120), duration(7300)
    ('0.12 ms', '210 ms', '1 min 15 s', '52 min', '2 h 1 min')
    """
    if seconds < 0.9995:
        return f"{_three(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{_three(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def _three(value: float) -> str:
    """Write a positive number below a thousand in three figures, or fewer if it has fewer."""
    return f"{float(f'{value:.3g}'):g}"


def _settings(row: Row, source: Paper) -> list[Setting]:
    changed = changed_of(row)
    found = []
    for name, value in row.settings.items():
        default, meaning = source.settings.get(name, (value, ""))
        other = "" if _text(default) == _text(value) else _text(default)
        found.append(Setting(name, _text(value), other, meaning, name in changed))
    return found


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else f"{value}"
