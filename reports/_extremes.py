"""The best and the worst pictures of every method by every metric, chosen by the number alone.

They rest on values by picture, which a run folder keeps beside its rows: the record of a cell names
the file as `pictures`; it holds `names`, the file names in the order of the test inputs, and
`values`, one list per metric identity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from facesr.bench.errors import BenchError
from facesr.bench.files import read_json
from facesr.bench.score import Better
from facesr.bench.store import Store, folder_name
from facesr.reports._format import digits
from facesr.reports._links import picture_place
from facesr.reports._pictures import Album, Gallery, Picture
from facesr.reports._table import Column, Table

AT_EACH_END = 4
IN_CAPTION = 3
MOST_PICTURES = 1_200  # of one data set, so that a board of many methods stays a small site


@dataclass(frozen=True)
class Shot:
    """One picture at an end of a metric.

    Args:
        name: File name.
        text: Its number.
        pictures: Input, output and, where it is known, the original.
    """

    name: str
    text: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Ends:
    """Both ends of a metric for one method.

    Args:
        method: Label of the method.
        metric: Name of the metric.
        best: Best first.
        worst: Worst first.
    """

    method: str
    metric: str
    best: tuple[Shot, ...]
    worst: tuple[Shot, ...]


@dataclass(frozen=True)
class Values:
    """Numbers by picture of one method on one data set.

    Args:
        names: File names.
        by_metric: Numbers in the order of the names.
    """

    names: tuple[str, ...]
    by_metric: dict[str, tuple[float, ...]]


def values(root: Path, table: Table) -> dict[str, Values]:
    """Read what is known by picture, by method; methods of which nothing is known are absent."""
    found = {}
    for line in table.lines:
        kept = _kept(Store(root).cell(line.method, table.dataset), table.protocol)
        names = tuple(str(name) for name in kept.get("names", ()))
        columns = {
            column.metric: tuple(numbers)
            for column in table.columns
            if _numbers(numbers := kept.get("values", {}).get(column.identity), len(names))
        }
        if names and columns:
            found[line.method] = Values(names, columns)
    return found


def ends(root: Path, table: Table, known: dict[str, Values], album: Album) -> list[Ends]:
    """Choose the best and the worst pictures of every method by every metric.

    Ties are broken by name. Fewer are taken where there are many methods and metrics.
    """
    wanted = [(m, c) for m, v in known.items() for c in table.columns if c.metric in v.by_metric]
    each = min(AT_EACH_END, max(1, MOST_PICTURES // (2 * max(1, len(wanted)))))
    chosen = (_ends(root, table.dataset, m, known[m], c, each, album) for m, c in wanted)
    return [one for one in chosen if one.best and one.worst]


@dataclass(frozen=True)
class Captions:
    """The numbers of the faces that a gallery shows.

    Args:
        texts: What stands below each face, by method.
        numbers: By method and metric; None for a face without a number.
        better: Which way is better, by metric.
    """

    texts: dict[str, list[str]]
    numbers: dict[str, dict[str, list[float | None]]]
    better: dict[str, Better]

    def __bool__(self) -> bool:
        """Whether any number is known."""
        return bool(self.texts)


def captions(known: dict[str, Values], table: Table, shown: Gallery) -> Captions:
    """Gather the numbers of the faces that a gallery shows."""
    columns = {
        c.metric: c for c in table.columns if any(c.metric in v.by_metric for v in known.values())
    }
    texts, numbers = {}, {}
    for method, own in known.items():
        places = {Path(name).stem: i for i, name in enumerate(own.names)}
        chosen = [places.get(Path(name).stem) for name in shown.names]
        numbers[method] = {
            metric: [None if i is None else values[i] for i in chosen]
            for metric, values in own.by_metric.items()
        }
        written = {m: _texts(v, columns[m]) for m, v in own.by_metric.items()}
        few = [metric for metric in columns if metric in written][:IN_CAPTION]
        texts[method] = [
            "" if i is None else "\n".join(f"{metric} {written[metric][i]}" for metric in few)
            for i in chosen
        ]
    return Captions(texts, numbers, {metric: column.better for metric, column in columns.items()})


def _kept(cell: Path, protocol: str) -> dict[str, Any]:
    try:
        beside = str(read_json(cell / f"{folder_name(protocol)}.json").get("pictures") or "")
        return read_json(cell / Path(beside).name) if beside else {}
    except BenchError:
        return {}


def _numbers(given: Any, count: int) -> bool:
    right = isinstance(given, list) and len(given) == count
    return right and all(isinstance(x, int | float) for x in given)


def _ends(
    root: Path,
    dataset: str,
    method: str,
    own: Values,
    column: Column,
    each: int,
    album: Album,
) -> Ends:
    numbers = own.by_metric[column.metric]
    texts = _texts(numbers, column)
    sign = -1 if column.better == "higher" else 1
    order = sorted(range(len(numbers)), key=lambda i: (sign * numbers[i], own.names[i]))

    def shots(places: Sequence[int]) -> tuple[Shot, ...]:
        taken = (_shot(root, dataset, method, own.names[i], texts[i], album) for i in places)
        return tuple(islice((shot for shot in taken if shot), each))

    half = min(len(order) // 2, each)
    return Ends(method, column.metric, shots(order[:half]), shots(order[::-1][:half]))


def _shot(root: Path, dataset: str, method: str, name: str, text: str, album: Album) -> Shot | None:
    store = Store(root)
    name = Path(name).with_suffix(".png").name
    given = album.add(picture_place(dataset, "input", name), store.inputs(dataset) / name)
    folder = store.images(method, dataset)
    made = album.add(picture_place(dataset, f"of:{method}", name), folder / name)
    real = album.add(picture_place(dataset, "real", name), store.real(dataset) / name)
    if not given or not made:
        return None
    return Shot(name, text, (given, made, real) if real else (given, made))


def _texts(numbers: Sequence[float], column: Column) -> list[str]:
    """Write single numbers by the digits of one of them, not by those of their mean."""
    own = digits(numbers, [])
    unit = f" {column.unit}" if column.unit else ""
    return [own.text(number) + unit for number in numbers]
