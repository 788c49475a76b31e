from pathlib import Path
from types import SimpleNamespace

from facesr.bench.store import Results
from facesr.reports import plots
from facesr.reports._figure import marks
from facesr.reports._figure_text import breadth, drawable, fitted, short_names, wrapped


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


def test_a_method_looks_the_same_whoever_else_is_shown(
    draw: SimpleNamespace,
) -> None:
    alone, among = marks({"birch": "unpaired"}), marks(draw.families)
    assert alone["birch"] == among["birch"]
    assert len({mark.colour for mark in among.values()}) == 3


def test_text_is_cut_and_broken_to_its_room() -> None:
    assert breadth(fitted("w" * 300, 9, 2.0), 9, "bold") <= 2.0
    lines = wrapped("word " * 40 + "w" * 90, 6.3, 2.0)
    assert all(breadth(line, 6.3) <= 2.0 for line in lines)
    assert "".join(lines).replace(" ", "") == "word" * 40 + "w" * 90
    assert drawable("日本 é") == "\\u65e5\\u672c é"
