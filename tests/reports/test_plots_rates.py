from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from facesr.bench.score import Row
from facesr.bench.store import Results
from facesr.reports._plots_rates import strangers


def test_roc_stops_where_thirty_false_matches_end(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    curve = draw.rate(
        "roc", (0.001, 0.003, 0.01, 0.1), note="50 pairs of one person, 10,000 of two"
    )
    assert strangers(curve) == 10_000
    drawing = draw.made(Results([make.row("alder", curve)]), tmp_path)["roc[e]-realworld-lfw"]
    said = draw.texts(drawing, tmp_path)
    assert "0.001" not in said
    assert {"0.003", "0.01", "0.1"} <= set(said)
    few = replace(curve, note="50 pairs of one person, 300 of two")
    why = draw.reasons(Results([make.row("alder", few)]), tmp_path)["roc"]
    assert why.startswith("fewer than two rates have 30 false matches behind them")


def test_cmc_ends_at_rank_50_and_names_its_gallery(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    curve = draw.rate(
        "cmc", (1.0, 10.0, 50.0, 100.0), note="gallery of 162 people, one picture each"
    )
    drawing = draw.made(Results([make.row("alder", curve)]), tmp_path)["cmc[e]-realworld-lfw"]
    said = draw.texts(drawing, tmp_path)
    assert "Identification on lfw, gallery of 162" in said
    assert "50" in said
    assert "100" not in said
    assert "n = 900 (gallery of 162 people" in drawing.caption


def test_curves_of_different_identities_make_no_figure(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    rows: list[Row] = [
        make.row(method, draw.rate("cmc", (1.0, 5.0), identity=identity))
        for method, identity in (("alder", "cmc[e@1]"), ("birch", "cmc[e@2]"))
    ]
    assert "measured in different ways" in draw.reasons(Results(rows), tmp_path)["cmc"]
