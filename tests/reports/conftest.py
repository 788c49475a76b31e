import math
import re
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from facesr.bench.files import write_json
from facesr.bench.score import Curve, Failure, Row, Score
from facesr.bench.store import Results, Store
from facesr.reports import plots
from facesr.reports._figure import Absent, Drawing, save

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.reports.chromium import BROWSER, Chromium  # pyright: ignore[reportMissingImports]
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from chromium import BROWSER, Chromium


def score(metric: str = "psnr", value: float | None = 24.25, **changes: Any) -> Score:
    given: dict[str, Any] = {
        "better": "higher",
        "n": 4,
        "identity": f"{metric}@v1" if value is not None else "",
        "group": "fidelity",
        "interval": "bootstrap",
        "unit": "dB" if metric == "psnr" else "",
    }
    if value is not None:
        given |= {"low": value - 0.085, "high": value + 0.085}
    return Score(metric, value, **(given | changes))


def row(method: str, number: Score | Curve, **changes: Any) -> Row:
    given: dict[str, Any] = {
        "dataset": "lfw",
        "protocol": "realworld",
        "budget": "paper",
        "settings": {"scale": 4},
        "seed": 0,
        "provenance": {"device": "cpu", "weights": f"digest of {method}", "notes": ["2 dropped"]},
        "timing": {"train_seconds": 3.5},
    }
    return Row(method, score=number, **(given | changes))


def paired(means: Sequence[float], n: int = 40, better: str = "higher") -> list[Score]:
    """Scores whose pictures move together, so that differences of 0.1 are certain."""
    scores = []
    for k, mean in enumerate(means):
        samples = tuple(mean + 3 * math.sin(i) + 0.02 * math.sin(7 * i + k) for i in range(n))
        value = sum(samples) / n
        scores.append(score(value=value, n=n, better=better, sampling="picture", samples=samples))
    return scores


def board() -> Results:
    """Three methods, one of them failed; a column without marks, one that nobody has."""
    numbers = dict(zip(("alder", "birch"), paired([26.0, 25.0]), strict=True))
    rows = []
    for method, number in numbers.items():
        rows += [
            row(method, number),
            row(
                method,
                score(
                    "fid",
                    40.0 if method == "alder" else None,
                    better="lower",
                    group="realism",
                    n=40,
                    low=38.0 if method == "alder" else None,
                    high=42.0 if method == "alder" else None,
                    ranked=False,
                    note="too few pictures" if method == "alder" else "no reference",
                ),
            ),
            row(method, score("kid", None, group="realism", note="needs the asset 'inception'")),
        ]
    return Results(rows, [Failure("cedar", "lfw", "realworld", "ran out of memory")])


def png(path: Path, side: int, level: int) -> None:
    """A grey square, written without any image library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    lines = b"".join(b"\0" + bytes([level, level, level]) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def pictures(root: Path, dataset: str, methods: Sequence[str], count: int) -> None:
    store = Store(root)
    for i in range(count):
        png(store.inputs(dataset) / f"{i:03d}.png", 16, i)
        for k, method in enumerate(methods):
            png(store.images(method, dataset) / f"{i:03d}.png", 64, 10 * k + i)


def by_picture(
    root: Path, method: str, names: Sequence[str], values: dict[str, Sequence[float]]
) -> None:
    """Leave numbers by picture beside the record of a cell."""
    cell = Store(root).cell(method, "lfw")
    write_json(cell / "realworld.json", {"pictures": "realworld.pictures-1.json"})
    write_json(cell / "realworld.pictures-1.json", {"names": list(names), "values": values})


@pytest.fixture
def make() -> SimpleNamespace:
    """What builds rows as a run would leave them."""
    return SimpleNamespace(
        score=score,
        row=row,
        paired=paired,
        board=board,
        png=png,
        pictures=pictures,
        by_picture=by_picture,
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A real browser."""
    if not BROWSER:
        pytest.skip("neither Chromium nor Chrome is installed")
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def run(make: Any, tmp_path: Path) -> tuple[Results, Path]:
    """A run folder with pictures, a training log and a curve."""
    root = tmp_path / "runs"
    results = make.board()
    make.pictures(root, "lfw", ["alder", "birch"], 12)
    folder = Store(root).training("birch", "0123456789")
    folder.mkdir(parents=True)
    steps = "".join(f"{i},gan,{i / 2},{1 / (i + 1)},\n" for i in range(1000))
    (folder / "log.csv").write_text("step,stage,seconds,loss,empty\n" + steps, encoding="utf-8")
    make.png(folder / "samples" / "step-1.png", 8, 9)
    curve = Curve(
        "accuracy",
        (8.0, 16.0, 64.0),
        (0.5, 0.8, 0.9),
        (0.4, 0.7, 0.8),
        (0.6, 0.9, 1.0),
        "input side, px",
        "higher",
        40,
        "accuracy@v1",
    )
    results.rows.append(make.row("alder", curve))
    return results, root


FAMILIES = {"alder": "interpolation", "birch": "unpaired", "cedar": "prior"}


@pytest.fixture
def compared(make: SimpleNamespace) -> Results:
    """Two methods with fidelity, realism and speed, one that failed."""
    rows = []
    for method, psnr, kd, speed in (("alder", 26.0, 30.0, 900.0), ("birch", 24.0, 12.0, 90.0)):
        about = {"device": "cpu", "device_name": "x86_64", "threads": 2, "shareable": True}
        given = {"provenance": about, "timing": {"images_per_second": speed}}
        realism = {"better": "lower", "group": "realism"}
        rows += [
            make.row(method, make.score("psnr", psnr), **given),
            make.row(method, make.score("kd[onet]", kd, **realism), **given),
        ]
    return Results(rows, [Failure("cedar", "lfw", "realworld", "ran out of memory")])


def rate(kind: str, x: tuple[float, ...], **changes: Any) -> Curve:
    y = tuple(50 + 10.0 * i for i in range(len(x)))
    low, high = (tuple(v + d for v in y) for d in (-5, 5))
    made = Curve(f"{kind}[e]", x, y, low, high, "x", "higher", 900, f"{kind}[e@1]", "bootstrap")
    return replace(made, **changes)


def made(results: Results, root: Path, **given: Any) -> dict[str, Drawing]:
    found = plots.drawings(results, root, FAMILIES, **given)
    return {item.name: item for item in found if isinstance(item, Drawing)}


def reasons(results: Results, root: Path, **given: Any) -> dict[str, str]:
    found = plots.drawings(results, root, FAMILIES, **given)
    return {item.kind: item.reason for item in found if isinstance(item, Absent)}


def svg(drawing: Drawing, folder: Path) -> str:
    (path,) = save(drawing, folder, ("svg",))
    return path.read_text(encoding="utf-8")


def texts(drawing: Drawing, folder: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg(drawing, folder))


def columns(drawing: Drawing, folder: Path) -> list[str]:
    said = texts(drawing, folder)
    return said[said.index("input") :]


def log(root: Path, method: str, text: str) -> None:
    folder = Store(root).training(method, "0123456789")
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def draw() -> SimpleNamespace:
    """What draws figures and reads them back."""
    return SimpleNamespace(
        families=FAMILIES,
        rate=rate,
        made=made,
        reasons=reasons,
        svg=svg,
        texts=texts,
        columns=columns,
        log=log,
    )
