from pathlib import Path
from types import SimpleNamespace

from facesr.bench.store import Results
from facesr.reports._plots_training import discriminates, read


def test_generators_and_discriminators_are_drawn_apart(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    draw.log(
        tmp_path,
        "birch",
        "step,stage,seconds,h2l/pixel,d_lr/hinge,learning_rate/h2l,empty\n"
        "1,one,0,3,1,0.1,\n2,one,0,2,,0.1,\n3,two,0,1,2,0.1,\n4,two,0,1,1,0.1,\n",
    )
    said = draw.texts(draw.made(compared, tmp_path)["training-birch-train-01234567"], tmp_path)
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


def test_a_log_without_losses_or_of_bytes_is_named(
    draw: SimpleNamespace, compared: Results, tmp_path: Path
) -> None:
    draw.log(tmp_path, "birch", "step,stage,seconds\n1,s,0\n")
    assert draw.reasons(compared, tmp_path)["training"] == "it has no log with losses in it"
    path = tmp_path / "other.csv"
    path.write_bytes(b"\xff\xfe\x00step")
    assert read("m", path) is None
