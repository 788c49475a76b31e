import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from facesr.bench.errors import BadName, BenchError
from facesr.bench.run import pick_device, run
from facesr.bench.score import Row, Score
from facesr.bench.store import Store

Add = Callable[[str, str, str], None]
HEAD = '''
"""Broken."""
{top}
from dataclasses import dataclass
from facesr.bench.contract import Method

@dataclass
class {name}(Method):
    def upscale(self, lr):
        return lr
'''


def board(out: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "methods": "repeat,tint",
        "protocol": "glow",
        "datasets": "blobs",
        "budget": "smoke",
        "out": out,
        "device": "cpu",
    }
    return run(**(given | changes))


def values(rows: list[Row]) -> dict[tuple[str, str], float]:
    return {(r.method, r.dataset): r.score.value for r in rows if isinstance(r.score, Score)}  # type: ignore[misc]


def test_every_cell_gets_its_rows_and_conditions(toys: Add, tmp_path: Path) -> None:
    results = board(tmp_path / "runs")
    assert set(values(results.rows)) == {("repeat", "blobs"), ("tint", "blobs")}
    tint = next(row for row in results.rows if row.method == "tint")
    assert tint.settings == {"scale": 4, "seed": 0, "steps": 2}
    assert tint.budget == "smoke"
    assert set(tint.provenance) >= {"versions", "platform", "device", "commit", "weights", "data"}
    assert len(tint.provenance["weights"]) == 64
    assert set(tint.timing) == {"train_seconds", "images_per_second"}
    assert Store(tmp_path / "runs").results().rows == results.rows


def test_a_second_run_reuses_everything(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = board(tmp_path / "runs")
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*.png")}
    capsys.readouterr()
    second = board(tmp_path / "runs")
    assert second.rows == first.rows
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*.png")} == stamps
    assert "repeat on blobs: reuse all" in capsys.readouterr().err
    logs = list((tmp_path / "runs" / "tint").glob("train-*/log.csv"))
    assert [log.read_text() for log in logs] == ["trained\n"]


def test_changed_settings_never_reuse_old_weights(toys: Add, tmp_path: Path) -> None:
    old = board(tmp_path / "runs")
    results = board(tmp_path / "runs", settings={"tint": {"steps": 5}})
    (failure,) = results.failures
    assert failure.method == "tint"
    assert "steps=2, now 5" in failure.reason
    assert "--retrain" in failure.reason
    assert {row.method for row in results.rows} == {"repeat"}
    again = board(tmp_path / "runs", settings={"tint": {"steps": 5}}, retrain=True)
    assert not again.failures
    assert values(again.rows)["tint", "blobs"] < values(old.rows)["tint", "blobs"]


def test_changed_code_asks_for_retraining_and_changed_comments_do_not(
    toys: Add, tmp_path: Path
) -> None:
    board(tmp_path / "runs")
    source = (tmp_path / "house/facesr/methods/tint.py").read_text()
    toys("methods", "tint", source + "\n# a comment\n")
    assert not board(tmp_path / "runs").failures
    toys("methods", "tint", source.replace("/ 255 /", "/ 300 /"))
    (failure,) = board(tmp_path / "runs").failures
    assert "code" in failure.reason


def test_a_file_that_a_setting_names_decides_by_its_content(toys: Add, tmp_path: Path) -> None:
    source = (tmp_path / "house/facesr/methods/tint.py").read_text()
    toys("methods", "tint", source.replace("    steps: int", '    start: str = ""\n    steps: int'))
    start = tmp_path / "start.bin"
    start.write_bytes(b"one")
    settings = {"settings": {"tint": {"start": str(start)}}}
    assert not board(tmp_path / "runs", methods="tint", **settings).failures
    start.touch()
    assert not board(tmp_path / "runs", methods="tint", **settings).failures
    start.write_bytes(b"two")
    (failure,) = board(tmp_path / "runs", methods="tint", **settings).failures
    assert "a file that a setting names changed" in failure.reason


def test_a_changed_metric_is_scored_again_without_upscaling(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="repeat")
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*.png")}
    path = tmp_path / "house/facesr/protocols/metrics/brightness.py"
    toys("protocols/metrics", "brightness", path.read_text().replace("mean = ", "mean = 1 + "))
    import sys

    sys.modules.pop("facesr.protocols.glow")
    changed = board(tmp_path / "runs", methods="repeat")
    assert values(changed.rows)["repeat", "blobs"] > 100
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*.png")} == stamps


def test_other_data_is_another_training(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="tint", datasets="blobs,blobs[seed=1]")
    assert len(list((tmp_path / "runs" / "tint").glob("train-*"))) == 2


def test_data_sets_with_the_same_training_part_train_once(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="tint", datasets="blobs,blobs[broken=false]")
    (log,) = (tmp_path / "runs" / "tint").glob("train-*/log.csv")
    assert log.read_text() == "trained\n"


def test_a_method_that_raises_fails_alone(toys: Add, tmp_path: Path) -> None:
    toys(
        "methods",
        "crash",
        '''
        """Crash."""
        from dataclasses import dataclass
        from facesr.bench.contract import Method
        @dataclass
        class Crash(Method):
            def upscale(self, lr):
                return lr[:, :, 99999]
        ''',
    )
    results = board(tmp_path / "runs", methods="crash,repeat")
    assert {row.method for row in results.rows} == {"repeat"}
    assert "IndexError" in results.failures[0].reason
    assert (tmp_path / "runs/crash/blobs/error.txt").read_text().startswith("Traceback")
    assert Store(tmp_path / "runs").results().failures == results.failures


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return lr * float('nan')", "expected (32, 3, 64, 64)"),
        ("return lr.repeat_interleave(4, 2).repeat_interleave(4, 3) * float('nan')", "NaN"),
    ],
)
def test_wrong_output_is_a_sentence(toys: Add, tmp_path: Path, body: str, sentence: str) -> None:
    toys(
        "methods",
        "wrong",
        f'''
        """Wrong."""
        from dataclasses import dataclass
        from facesr.bench.contract import Method
        @dataclass
        class Wrong(Method):
            def upscale(self, lr):
                {body}
        ''',
    )
    (failure,) = board(tmp_path / "runs", methods="wrong").failures
    assert sentence in failure.reason


def test_a_broken_data_set_fails_its_own_cells_only(toys: Add, tmp_path: Path) -> None:
    results = board(tmp_path / "runs", datasets="blobs[broken=true],blobs", methods="repeat")
    assert [f.dataset for f in results.failures] == ["blobs[broken=true]"]
    assert "on purpose" in results.failures[0].reason
    assert set(values(results.rows)) == {("repeat", "blobs")}


def test_a_scale_that_a_method_does_not_support_is_skipped(toys: Add, tmp_path: Path) -> None:
    source = (tmp_path / "house/facesr/methods/repeat.py").read_text()
    source = source.replace("import Method", "import About, Method").replace(
        "    gain", '    about = About("Repeat", scales=(2,))\n    gain'
    )
    toys("methods", "repeat", source)
    (failure,) = board(tmp_path / "runs", methods="repeat").failures
    assert failure.kind == "skip"
    assert "x2" in failure.reason


def test_a_truncated_image_is_upscaled_again(toys: Add, tmp_path: Path) -> None:
    first = board(tmp_path / "runs", methods="repeat")
    image = tmp_path / "runs/repeat/blobs/images/003.png"
    image.write_bytes(image.read_bytes()[:50])
    assert board(tmp_path / "runs", methods="repeat").rows[0].score == first.rows[0].score


def test_names_are_checked_before_anything_is_computed(toys: Add, tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"methods": "repaet"}, "did you mean 'repeat'?"),
        ({"protocol": "glo"}, "did you mean 'glow'?"),
        ({"datasets": "blob"}, "did you mean 'blobs'?"),
        ({"methods": "repeat[gian=2]"}, "did you mean 'gain'?"),
        ({"settings": {"tint": {"step": 2}}}, "did you mean 'steps'?"),
        ({"settings": {"tint": {"steps": "many"}}}, "expected a whole number"),
        ({"methods": "repeat,repeat"}, "named twice"),
        ({"budget": "smok"}, "did you mean 'smoke'?"),
    ]
    for changes, sentence in wrong:
        with pytest.raises(BadName, match=sentence.replace("?", r"\?")):
            board(tmp_path / "runs", **changes)
    assert not (tmp_path / "runs").exists()


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(BenchError, match="no device 'cuda:99'"):
        pick_device("cuda:99")


def test_rows_are_files_a_person_can_diff(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="repeat")
    path = tmp_path / "runs/repeat/blobs/glow.json"
    text = path.read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert len(text.splitlines()) < 110
    (beside,) = path.parent.glob("glow.samples-*.json")
    samples = json.loads(beside.read_text())
    assert len(samples["brightness[v1]"]) == 40


def test_a_method_that_cannot_be_imported_fails_alone(toys: Add, tmp_path: Path) -> None:
    toys("methods", "absent", HEAD.format(top="import no_such_package", name="Absent"))
    toys("methods", "rude", HEAD.format(top="raise RuntimeError('no')", name="Rude"))
    results = board(tmp_path / "runs", methods="absent,rude,repeat")
    assert {row.method for row in results.rows} == {"repeat"}
    reasons = {f.method: f.reason for f in results.failures}
    assert "no_such_package" in reasons["absent"]
    assert "RuntimeError: no" in reasons["rude"]


def test_images_of_any_ending_are_upscaled_to_png(toys: Add, tmp_path: Path) -> None:
    for half, side in (("lr", 16), ("hr", 64)):
        (tmp_path / "mine" / half).mkdir(parents=True)
        for i in range(12):
            picture = Image.new("RGB", (side, side), (20 * i, 9, 9))
            picture.save(tmp_path / "mine" / half / f"{i}.{'jpg' if half == 'lr' else 'bmp'}")
    results = board(tmp_path / "runs", methods="repeat", datasets=f"folder:{tmp_path / 'mine'}")
    assert not results.failures
    images = tmp_path / "runs/repeat/folder-mine/images"
    assert {path.suffix for path in images.iterdir()} == {".png"}
    assert Image.open(next(images.iterdir())).size == (64, 64)


def test_a_protocol_may_have_settings(toys: Add, tmp_path: Path) -> None:
    results = board(tmp_path / "runs", methods="repeat", protocol="glow[lr_size=8]")
    assert not results.failures
    assert Store(tmp_path / "runs").results().rows[0].protocol == "glow[lr_size=8]"
    assert Image.open(tmp_path / "runs/repeat/blobs/images/000.png").size == (32, 32)


def test_half_removed_trainings_are_started_anew(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="tint")
    (folder,) = (tmp_path / "runs/tint").glob("train-*")
    (folder / "train.json").unlink()  # as a kill in the middle of a removal leaves it
    board(tmp_path / "runs", methods="tint", settings={"tint": {"steps": 7}})
    assert (folder / "log.csv").read_text() == "trained\n"


def test_retraining_happens_once_for_data_sets_that_share_it(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="tint")
    changed = {"settings": {"tint": {"steps": 9}}, "retrain": True}
    board(tmp_path / "runs", methods="tint", datasets="blobs,blobs[broken=false]", **changed)
    (log,) = (tmp_path / "runs/tint").glob("train-*/log.csv")
    assert log.read_text() == "trained\n"


def test_damaged_weights_are_named_and_replaced_on_request(toys: Add, tmp_path: Path) -> None:
    first = board(tmp_path / "runs", methods="tint")
    (weights,) = (tmp_path / "runs/tint").glob("train-*/weights.safetensors")
    weights.write_bytes(b"something else")
    (failure,) = board(tmp_path / "runs", methods="tint").failures
    assert "is not the file that was trained here" in failure.reason
    again = board(tmp_path / "runs", methods="tint", retrain=True)
    assert values(again.rows) == values(first.rows)


def test_a_new_seed_is_never_shown_as_the_old_one(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="repeat")
    assert board(tmp_path / "runs", methods="repeat", seed=5).rows[0].seed == 5


def test_rows_say_what_was_changed_by_hand(toys: Add, tmp_path: Path) -> None:
    results = board(tmp_path / "runs", methods="tint", settings={"tint": {"steps": 9}}, limit=10)
    assert results.rows[0].provenance["changed"] == ["steps"]
    assert results.rows[0].provenance["limit"] == 10
    assert results.rows[0].provenance["counts"] == {
        "input": 10,
        "reference": 10,
        "train_lr": 10,
        "train_hr": 10,
    }
    for method in ("tint", "tint[steps=9]"):  # what the label says is not repeated
        assert board(tmp_path / "other", methods=method).rows[0].provenance["changed"] == []


def test_a_smaller_limit_leaves_no_old_inputs(toys: Add, tmp_path: Path) -> None:
    board(tmp_path / "runs", methods="repeat")
    board(tmp_path / "runs", methods="repeat", limit=10)
    assert len(list((tmp_path / "runs/inputs/blobs").glob("*.png"))) == 10
    assert len(list((tmp_path / "runs/repeat/blobs/images").glob("*.png"))) == 10


def test_records_of_another_version_are_scored_again(toys: Add, tmp_path: Path) -> None:
    first = board(tmp_path / "runs", methods="repeat")
    path = tmp_path / "runs/repeat/blobs/glow.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    assert values(board(tmp_path / "runs", methods="repeat").rows) == values(first.rows)


def test_a_run_folder_that_cannot_be_written_is_a_sentence(toys: Add, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    results = board(tmp_path / "file", methods="repeat")
    assert "file" in results.failures[0].reason
