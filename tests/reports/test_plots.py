import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.cli import main
from facesr.bench.score import Curve, Failure, Row, Score
from facesr.bench.store import Record, Results, Store, shown
from facesr.reports import _plots_faces, _plots_plane, plots
from facesr.reports._figure import FULL, Absent, Drawing, Mark, file_name, marks, save
from facesr.reports._figure_text import breadth, drawable, fitted, short_names, wrapped
from facesr.reports._layout import tables
from facesr.reports._plots_bars import from_zero
from facesr.reports._plots_plane import Axis, Plane, Point, front
from facesr.reports._plots_rates import strangers
from facesr.reports._plots_training import discriminates, read
from facesr.reports.write import write

HOSTILE = "<script>_a%b$x^2$\\frac{1}{2}日本\u202e" + "n" * 200
FAMILIES = {"alder": "interpolation", "birch": "unpaired", "cedar": "prior"}


@pytest.fixture
def board(make: SimpleNamespace) -> Results:
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


def test_each_kind_that_results_allow_is_written_in_every_format(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    make.pictures(root, "lfw", ["alder", "birch"], 3)
    log(root, "birch", "step,stage,g/pixel,d_hr/hinge\n1,gan,3,1\n2,gan,2,1.5\n")
    board.rows.append(make.row("alder", rate("cmc", (1.0, 5.0))))
    board.rows.append(make.row("alder", rate("roc", (0.05, 0.1))))
    paths = plots.write_plots(board, root, tmp_path / "figures", FAMILIES)
    names = [
        "bars-realworld-lfw",
        "perception-distortion-realworld-lfw",
        "speed-realworld-lfw",
        "cmc[e]-realworld-lfw",
        "roc[e]-realworld-lfw",
        "training-birch-train-01234567",
        "faces-lfw",
    ]
    wanted = [f"{name}.{form}" for name in names for form in ("png", "svg", "pdf")]
    assert [path.name for path in paths] == [*wanted, "figures.md"]
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    for path in paths[:-1]:
        assert path.read_bytes().startswith(starts[path.suffix])


def test_equal_rows_give_equal_bytes_without_a_date(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    root = tmp_path / "runs"
    make.pictures(root, "lfw", ["alder", "birch"], 2)
    one, two = (
        [path.read_bytes() for path in plots.write_plots(board, root, tmp_path / name, FAMILIES)]
        for name in "ab"
    )
    assert one == two
    assert not any(b"CreationDate" in data or b"dc:date" in data for data in one)


def test_hostile_names_are_drawn_as_text(make: SimpleNamespace, tmp_path: Path) -> None:
    row = make.row(HOSTILE, make.score(), dataset=HOSTILE, protocol="<b>%_$")
    drawing = made(Results([row]), tmp_path)[file_name("bars", "<b>%_$", HOSTILE)]
    said = "".join(texts(drawing, tmp_path))
    assert "&lt;script&gt;_a%b$x^2$\\frac" in said
    assert "\u202e" not in said
    assert "<script>" not in svg(drawing, tmp_path)
    assert all(len(path.name.encode()) < 200 for path in save(drawing, tmp_path))


def test_nothing_written_is_wider_than_the_sheet(make: SimpleNamespace, tmp_path: Path) -> None:
    metric = make.score("verification[" + "e" * 90 + "]")
    row = make.row(HOSTILE, metric, dataset=HOSTILE)
    drawing = made(Results([row]), tmp_path)[file_name("bars", "realworld", HOSTILE)]
    assert all(breadth(text, 6.3) < FULL for text in texts(drawing, tmp_path))


def test_names_that_are_cut_stay_apart_and_are_listed(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    one, two = ("same" * 10 + sign + "tail" * 10 for sign in "ab")
    short = short_names([one, two, "alder"])
    assert short["alder"] == "alder"
    assert short[one] != short[two]
    assert max(map(len, short.values())) <= 30
    results = Results([make.row(name, make.score()) for name in (one, two)])
    plots.write_plots(results, tmp_path, tmp_path, {one: "", two: ""}, formats=("svg",))
    index = (tmp_path / "figures.md").read_text()
    assert f"- {short[one]}: {one}" in index.replace("\\", "")


def test_a_method_looks_the_same_whoever_else_is_shown() -> None:
    alone, among = marks({"birch": "unpaired"}), marks(FAMILIES)
    assert alone["birch"] == among["birch"]
    assert len({mark.colour for mark in among.values()}) == 3


def test_text_is_cut_and_broken_to_its_room() -> None:
    assert breadth(fitted("w" * 300, 9, 2.0), 9, "bold") <= 2.0
    lines = wrapped("word " * 40 + "w" * 90, 6.3, 2.0)
    assert all(breadth(line, 6.3) <= 2.0 for line in lines)
    assert "".join(lines).replace(" ", "") == "word" * 40 + "w" * 90
    assert drawable("日本 é") == "\\u65e5\\u672c é"


def test_bars_start_at_zero_only_where_zero_means_something(make: SimpleNamespace) -> None:
    def fair(metric: str, values: tuple[float, float], **given: Any) -> bool:
        rows = [
            make.row(m, make.score(metric, v, **given)) for m, v in zip("ab", values, strict=True)
        ]
        (table,) = tables(rows)
        return from_zero(table.columns[0], [line.cells[0] for line in table.lines])

    assert fair("kd", (4.0, 17.0), better="lower")
    assert fair("detected", (31.0, 64.0), unit="%")
    assert not fair("psnr", (4.0, 17.0))
    assert not fair("detected", (97.0, 98.0), unit="%")


def test_a_method_that_failed_keeps_its_line_in_the_bars(board: Results, tmp_path: Path) -> None:
    said = texts(made(board, tmp_path)["bars-realworld-lfw"], tmp_path)
    assert said.count("cedar") == 1
    assert said.count("fail") == 2


def test_intervals_are_drawn_wherever_there_are_any(board: Results, tmp_path: Path) -> None:
    bare = Results(
        [
            replace(r, score=replace(r.score, low=None, high=None))
            for r in board.rows
            if not isinstance(r.score, Curve)
        ]
    )
    for name in ("bars-realworld-lfw", "perception-distortion-realworld-lfw"):
        with_, without = (svg(made(r, tmp_path)[name], tmp_path) for r in (board, bare))
        assert with_.count("stroke-opacity") >= without.count("stroke-opacity") + 4
    assert "Without intervals." in made(bare, tmp_path)["bars-realworld-lfw"].caption


def test_an_open_end_of_an_interval_reaches_the_edge(make: SimpleNamespace, tmp_path: Path) -> None:
    open_ = make.score("critical_resolution", 30.0, low=25.0, high=None, better="lower")
    both = make.score("critical_resolution", 20.0, low=18.0, high=22.0, better="lower")
    results = Results([make.row("alder", open_), make.row("birch", both)])
    axes = made(results, tmp_path)["bars-realworld-lfw"].paint().axes[0]
    bars = [line.get_xdata() for line in axes.lines if line.get_alpha() == 0.5]
    assert [np.asarray(bar).tolist() for bar in bars] == [[25.0, axes.get_xlim()[1]], [18.0, 22.0]]


def test_a_plane_needs_both_kinds_of_metric(board: Results, tmp_path: Path) -> None:
    assert "perception-distortion" not in reasons(board, tmp_path)
    for metric, reason in (("psnr", "no psnr or lpips"), ("kd[onet]", "no kid or kd")):
        rest = Results([row for row in board.rows if row.score.metric != metric])
        assert reasons(rest, tmp_path)["perception-distortion"].startswith(reason)


def test_the_front_is_what_none_beats_in_both() -> None:
    mark = Mark("m", "#000000", "o", "-")
    places = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (1.5, 4.0), (2.0, 3.0)]
    points = [Point(mark, x, y, None, None) for x, y in places]
    plane = Plane(Axis("x", "higher"), Axis("y", "lower"), points)
    assert [(p.x, p.y) for p in front(plane)] == [(1.0, 1.0), (3.0, 2.0)]


def test_names_in_a_plane_cover_neither_each_other_nor_points(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    mark = Mark("a_longish_name", "#000000", "o", "-")
    close = [Point(mark, 1 + 0.02 * i, 1 + 0.01 * (i % 3), None, None) for i in range(6)]
    far = [Point(mark, 2.0, 2.0, None, None)]
    taken: list[tuple[float, float, float, float]] = []
    sheet = _plots_plane.paint(
        "t", "", [], [Plane(Axis("x", "higher"), Axis("y", "higher"), [*close, *far])]
    )
    (axes,) = sheet.axes
    wide, tall = (float(v) / sheet.dpi for v in np.asarray(axes.bbox.size))
    for text in axes.texts:
        x, y = (float(v) for v in text.get_position())
        left, middle = x * wide, y * tall
        taken.append((left, middle - 0.05, left + breadth(mark.title, 7), middle + 0.05))
    assert len(taken) == 7
    for a, b in combinations(taken, 2):
        assert a[2] <= b[0] + 1e-6 or b[2] <= a[0] + 1e-6 or a[3] <= b[1] or b[3] <= a[1]


def test_speeds_compare_only_on_one_machine(board: Results, tmp_path: Path) -> None:
    drawing = made(board, tmp_path)["speed-realworld-lfw"]
    assert "on cpu x86_64, 2 threads" in texts(drawing, tmp_path)
    moved = [
        replace(r, provenance=r.provenance | {"threads": 1}) if r.method == "birch" else r
        for r in board.rows
    ]
    assert reasons(Results(moved), tmp_path)["speed"] == "no two methods ran on one machine"
    third = [replace(row, method="elm") for row in board.rows if row.method == "alder"]
    drawing = made(Results([*moved, *third]), tmp_path)["speed-realworld-lfw"]
    assert "Not here, as they ran elsewhere: birch." in drawing.caption
    untimed = [replace(row, timing={}) for row in board.rows]
    assert reasons(Results(untimed), tmp_path)["speed"] == "no speed was recorded"


def test_roc_stops_where_thirty_false_matches_end(make: SimpleNamespace, tmp_path: Path) -> None:
    curve = rate("roc", (0.001, 0.003, 0.01, 0.1), note="50 pairs of one person, 10,000 of two")
    assert strangers(curve) == 10_000
    drawing = made(Results([make.row("alder", curve)]), tmp_path)["roc[e]-realworld-lfw"]
    said = texts(drawing, tmp_path)
    assert "0.001" not in said
    assert {"0.003", "0.01", "0.1"} <= set(said)
    few = replace(curve, note="50 pairs of one person, 300 of two")
    why = reasons(Results([make.row("alder", few)]), tmp_path)["roc"]
    assert why.startswith("fewer than two rates have 30 false matches behind them")


def test_cmc_ends_at_rank_50_and_names_its_gallery(make: SimpleNamespace, tmp_path: Path) -> None:
    curve = rate("cmc", (1.0, 10.0, 50.0, 100.0), note="gallery of 162 people, one picture each")
    drawing = made(Results([make.row("alder", curve)]), tmp_path)["cmc[e]-realworld-lfw"]
    said = texts(drawing, tmp_path)
    assert "Identification on lfw, gallery of 162" in said
    assert "50" in said
    assert "100" not in said
    assert "n = 900 (gallery of 162 people" in drawing.caption


def test_curves_of_different_identities_make_no_figure(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    rows: list[Row] = [
        make.row(method, rate("cmc", (1.0, 5.0), identity=identity))
        for method, identity in (("alder", "cmc[e@1]"), ("birch", "cmc[e@2]"))
    ]
    assert "measured in different ways" in reasons(Results(rows), tmp_path)["cmc"]


def test_generators_and_discriminators_are_drawn_apart(board: Results, tmp_path: Path) -> None:
    log(
        tmp_path,
        "birch",
        "step,stage,seconds,h2l/pixel,d_lr/hinge,learning_rate/h2l,empty\n"
        "1,one,0,3,1,0.1,\n2,one,0,2,,0.1,\n3,two,0,1,2,0.1,\n4,two,0,1,1,0.1,\n",
    )
    said = texts(made(board, tmp_path)["training-birch-train-01234567"], tmp_path)
    drawn = [t for t in said if t in ("Generators", "Discriminators") or "/" in t]
    assert drawn == ["Generators", "h2l/pixel", "Discriminators", "d_lr/hinge"]
    assert [name for name in ("d/a", "critic/b", "add/c", "style_d/r1") if discriminates(name)] == [
        "d/a",
        "critic/b",
        "style_d/r1",
    ]


def test_no_line_is_drawn_where_nothing_was_logged(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,stage,a\n1,s,1\n2,s,\n3,s,nan\n4,t,2\n5,t,3\n", encoding="utf-8")
    history = read("m", path)
    assert history is not None
    (loss,) = history.losses
    assert [[list(part) for part in run] for run in loss.runs] == [
        [[(1.0, 1.0)]],
        [[(4.0, 2.0)], [(5.0, 3.0)]],
    ]
    assert history.stages == [("s", 1.0), ("t", 4.0)]


def test_a_log_without_losses_or_of_bytes_is_named(board: Results, tmp_path: Path) -> None:
    log(tmp_path, "birch", "step,stage,seconds\n1,s,0\n")
    assert reasons(board, tmp_path)["training"] == "it has no log with losses in it"
    path = tmp_path / "other.csv"
    path.write_bytes(b"\xff\xfe\x00step")
    assert read("m", path) is None


def test_every_pixel_of_a_face_is_a_square_of_pixels(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    names = [f"{i}.png" for i in range(3)]
    folders = [Store(tmp_path).inputs("lfw"), Store(tmp_path).images("alder", "lfw")]
    tiles = []
    for folder, side in zip(folders, (16, 64), strict=True):
        folder.mkdir(parents=True)
        for name in names:
            face = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(face).save(folder / name)
            if name == shown(names)[0]:
                tiles.append(face.repeat(192 // side, axis=0).repeat(192 // side, axis=1))
    (path,) = save(made(board, tmp_path)["faces-lfw"], tmp_path, ("png",))
    sheet = np.asarray(Image.open(path).convert("RGB"))
    for k, tile in enumerate(tiles):
        left = 24 + k * (192 + 6)
        found = [
            top
            for top in range(sheet.shape[0] - 192)
            if np.array_equal(sheet[top : top + 192, left : left + 192], tile)
        ]
        assert len(found) == 1


def test_faces_stand_as_in_papers_and_the_original_only_where_paired(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["birch", "alder"], 2)
    real = Store(tmp_path).real("lfw")
    make.png(real / "other.png", 64, 9)
    said = columns(made(board, tmp_path)["faces-lfw"], tmp_path)
    assert [text for text in said if text] == ["input", "alder", "birch"]
    for name in ("000.png", "001.png"):
        make.png(real / name, 64, 9)
    assert columns(made(board, tmp_path)["faces-lfw"], tmp_path)[-1] == "real"


def test_bicubic_comes_first_and_many_methods_are_split(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    methods = [*"abcdefgh", "bicubic"]
    make.pictures(tmp_path, "lfw", methods, 1)
    results = Results([make.row(m, make.score(), provenance={"shareable": True}) for m in methods])
    found = made(results, tmp_path)
    one, two = (columns(found[f"faces-lfw-{i}"], tmp_path) for i in (1, 2))
    assert one == ["input", "bicubic", *"abcdef"]
    assert two == ["input", "g", "h"]


def test_faces_that_may_not_be_published_need_a_wish(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["alder"], 2)
    secret = Results(
        [replace(r, provenance=r.provenance | {"shareable": False}) for r in board.rows]
    )
    assert "Keep this figure to yourself." in made(secret, tmp_path)["faces-lfw"].caption
    why = reasons(secret, tmp_path, pictures=False)["faces"]
    assert why.startswith("Pictures of lfw may not be published")
    assert "faces-lfw" in made(board, tmp_path, pictures=False)


def test_a_damaged_or_missing_picture_leaves_a_hatched_place(
    board: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["alder", "birch"], 2)
    images = Store(tmp_path).images("birch", "lfw")
    (images / "000.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (images / "001.png").unlink()
    assert svg(made(board, tmp_path)["faces-lfw"], tmp_path).count("<pattern") == 1
    assert _plots_faces.FEWEST == 2


def test_figures_that_are_no_longer_made_are_removed_and_nothing_else(
    board: Results, tmp_path: Path
) -> None:
    (tmp_path / "mine.png").write_bytes(b"mine")
    first = plots.write_plots(board, tmp_path, tmp_path, FAMILIES, formats=("svg",))
    second = plots.write_plots(
        Results(board.rows[:1]), tmp_path, tmp_path, FAMILIES, formats=("svg",)
    )
    gone = {path.name for path in first} - {path.name for path in second}
    assert "speed-realworld-lfw.svg" in gone
    assert {p.name for p in tmp_path.iterdir()} == {path.name for path in second} | {"mine.png"}


def test_without_rows_there_is_nothing(tmp_path: Path) -> None:
    assert plots.write_plots(Results(), tmp_path, tmp_path / "figures") == []
    assert not (tmp_path / "figures").exists()


def test_a_report_has_figures_only_where_they_are_wanted(board: Results, tmp_path: Path) -> None:
    write(board, tmp_path, tmp_path / "a", ("md",))
    assert not (tmp_path / "a" / "figures").exists()
    paths = write(board, tmp_path, tmp_path / "b", ("md",), figures=("svg",))
    assert paths[-1] == tmp_path / "b" / "table.md"
    assert tmp_path / "b" / "figures" / "bars-realworld-lfw.svg" in paths


def test_bench_report_draws_figures_on_demand(
    board: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "runs")
    for row in board.rows[::2]:
        given = [r.score for r in board.rows if r.method == row.method]
        scores = [score for score in given if isinstance(score, Score)]
        about: dict[str, Any] = {"provenance": row.provenance, "timing": row.timing}
        store.write(Record(row.method, "lfw", "realworld", "paper", {}, 0, {}, scores, [], **about))
    out = tmp_path / "out"
    assert main(["report", str(store.root), "--out", str(out), "--figures"]) == 0
    assert str(out / "figures" / "speed-realworld-lfw.pdf") in capsys.readouterr().out
    assert (out / "figures" / "figures.md").is_file()
