"""Speed against quality, among methods that ran on one machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from facesr.bench.score import Row
from facesr.bench.store import Results
from facesr.reports._figure import Absent, Drawing, Mark, file_name
from facesr.reports._plots_plane import Axis, Plane, Point, axis_of, ends_of, paint, words
from facesr.reports._table import Table
from facesr.reports._view import headline

GROUPS = ("fidelity", "realism", "identity")
MOST = 2  # planes side by side


@dataclass(frozen=True)
class Machine:
    """What a method ran on.

    Args:
        device: Kind of device.
        name: Its name.
        threads: Threads of a CPU; 0 for other devices.
    """

    device: str
    name: str
    threads: int

    def __str__(self) -> str:
        """Name it, as an axis does."""
        name = f"{self.device} {self.name}".strip() or "unknown device"
        plural = "" if self.threads == 1 else "s"
        return f"{name}, {self.threads} thread{plural}" if self.threads else name


def drawings(
    boards: Sequence[Table], results: Results, known: Mapping[str, Mark]
) -> Iterator[Drawing | Absent]:
    """Yield one figure per table and machine on which two or more methods ran."""
    for table in boards:
        of = f"{table.protocol} on {table.dataset}"
        rows: dict[str, Row] = {}
        for row in results.rows:
            if (row.protocol, row.dataset) == (table.protocol, table.dataset):
                rows.setdefault(row.method, row)
        groups: dict[Machine, dict[str, float]] = {}
        for method, row in rows.items():
            if speed := row.timing.get("images_per_second", 0.0):
                groups.setdefault(machine(row), {})[method] = speed
        several = {m: speeds for m, speeds in groups.items() if len(speeds) > 1}
        made = [
            drawing
            for where, speeds in sorted(several.items(), key=lambda item: str(item[0]))
            if (drawing := _drawing(table, where, speeds, known, alone=len(several) == 1))
        ]
        yield from made
        if not made:
            yield Absent("speed", of, _why(groups))


def machine(row: Row) -> Machine:
    """Return what a method ran on; speeds compare only on one machine."""
    about = row.provenance
    device, threads = str(about.get("device", "")), about.get("threads")
    counted = threads if device == "cpu" and isinstance(threads, int) else 0
    return Machine(device, str(about.get("device_name", "")), counted)


def _why(groups: Mapping[Machine, Mapping[str, float]]) -> str:
    if not groups:
        return "no speed was recorded"
    if all(len(speeds) == 1 for speeds in groups.values()):
        return "no two methods ran on one machine"
    return "no two methods that ran on one machine have a number of one metric"


def _drawing(
    table: Table,
    where: Machine,
    speeds: Mapping[str, float],
    known: Mapping[str, Mark],
    alone: bool,
) -> Drawing | None:
    planes: list[Plane] = []
    said: list[str] = []
    for group in GROUPS:
        own = [i for i, column in enumerate(table.columns) if column.group == group]
        if not own or len(planes) == MOST:
            continue
        index = headline(table, own)
        column, points = table.columns[index], []
        for line in table.lines:
            score = line.cells[index].score
            if line.method in speeds and score and score.value is not None:
                place = (speeds[line.method], score.value * 10.0**column.digits.power)
                points.append(Point(known[line.method], *place, None, ends_of(score, column)))
        if len(points) > 1:
            across = Axis("images per second", "higher", log=True, below=f"on {where}")
            planes.append(Plane(across, axis_of(column), points))
            way = f", {column.interval}" if column.half else ""
            said.append(f"{column.metric}: n = {column.n:,}{way}.")
    if not planes:
        return None
    left_out = [li.method for li in table.lines if li.method not in speeds and not li.lost]
    title = f"Speed and quality on {table.title}"
    read = (
        f"{' '.join(said)} Vertical lines: 95 % intervals; speeds were measured once. "
        f"{words(planes)}"
    )
    if left_out:
        read += f" Not here, as they ran elsewhere: {', '.join(left_out)}."
    names = ["speed", table.protocol, table.dataset, *([] if alone else [str(where)])]
    return Drawing(
        file_name(*names),
        f"{title}, {table.protocol}, on {where}. {read}",
        partial(paint, title, table.protocol, [read], planes),
    )
