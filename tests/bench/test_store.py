import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from facesr.bench.errors import BenchError
from facesr.bench.files import read_json
from facesr.bench.score import Failure, Score
from facesr.bench.store import Record, Store, difference, folder_name


def record(method: str = "bicubic", value: float = 1.5) -> Record:
    score = Score(
        "psnr", value, "higher", 2, "psnr[y]", 1.0, 2.0, sampling="picture", samples=(1.0, 2.0)
    )
    return Record(
        method=method,
        dataset="embedded[test=real]",
        protocol="realworld",
        budget="smoke",
        settings={"scale": 4},
        seed=0,
        key={"images": "abc"},
        scores=[score],
        curves=[],
        provenance={"device": "cpu"},
        timing={"train_seconds": 0.0},
    )


def test_a_record_reads_back_equal(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    assert store.read("bicubic", "embedded[test=real]", "realworld") == record()
    assert store.read("bicubic", "embedded", "realworld") is None


def test_rows_come_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("zeta", "alpha"):
        Store(tmp_path).write(record(name))
    assert [row.method for row in Store(tmp_path).results().rows] == ["alpha", "zeta"]


def test_a_failure_hides_the_older_row_but_does_not_delete_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    failure = Failure("bicubic", "embedded[test=real]", "realworld", "out of memory")
    store.fail(failure, "")
    assert store.results().failures == [failure]
    assert store.results().rows == []
    assert store.read("bicubic", "embedded[test=real]", "realworld") == record()
    store.write(record())
    assert store.results().failures == []


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Store(tmp_path).write(record(value=float("nan")))


def test_a_damaged_record_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    store.write(record("lrgan"))
    path = store.cell("bicubic", "embedded[test=real]") / "realworld.json"
    value = json.loads(path.read_text())
    for damage, reason in [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        (json.dumps(value | {"schema": 99}), "schema 99, expected 1"),
        (json.dumps(value | {"seed": "x"}), "no record of a run: seed"),
    ]:
        path.write_text(damage)
        results = store.results()
        assert [row.method for row in results.rows] == ["lrgan"]
        assert reason in results.failures[0].reason
        assert store.read("bicubic", "embedded[test=real]", "realworld") is None


def test_files_of_others_are_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    (tmp_path / "bicubic" / "notes").mkdir()
    (tmp_path / "bicubic" / "notes" / "mine.json").write_text('{"a": 1}')
    assert len(store.results().rows) == 1
    assert store.results().failures == []


def test_what_is_no_run_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is not a run folder"):
        Store(tmp_path / "none").results()


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    store, order, said = Store(tmp_path), [], []  # type: ignore[var-annotated]

    def other() -> None:
        with store.locked(tmp_path / "bicubic", "bicubic", said.append):
            order.append("other")

    with store.locked(tmp_path / "bicubic", "bicubic", said.append):
        thread = threading.Thread(target=other)
        thread.start()
        while not said:
            pass
        order.append("first")
    thread.join(10)
    assert order == ["first", "other"]
    assert "another process works on it" in said[0]


def test_a_difference_names_settings_and_hides_digests() -> None:
    old = {"settings": {"steps": 1, "width": 8}, "code": "a", "data": "x"}
    new = {"settings": {"steps": 2, "width": 8}, "code": "b", "data": "x"}
    assert difference(old, new) == "its code changed; steps=1, now 2"
    assert difference(old, old) == ""


def test_an_absent_json_file_is_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}


def test_samples_stay_out_of_the_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    cell = store.cell("bicubic", "embedded[test=real]")
    assert "samples" not in json.loads((cell / "realworld.json").read_text())["scores"][0]
    assert replace(record().scores[0], samples=()) != record().scores[0]


def test_no_two_labels_share_a_folder() -> None:
    labels = [
        "folder:a b",
        "folder:a-b",
        "folder:a:b",
        "folder:\u7537",
        "folder:\u5973",
        "..",
        "a",
        ".a",
    ]
    names = [folder_name(label) for label in labels]
    assert len(set(names)) == len(labels)
    assert not [name for name in names if name.startswith(".") or "/" in name]


def test_samples_of_another_record_are_never_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(record())
    store.write(record(value=1.75))
    cell = store.cell("bicubic", "embedded[test=real]")
    (beside,) = cell.glob("*.samples-*.json")
    beside.unlink()
    assert store.read("bicubic", "embedded[test=real]", "realworld") is None


def test_values_by_picture_lie_beside_with_their_names(tmp_path: Path) -> None:
    store = Store(tmp_path)
    score = replace(record().scores[0], pictures=(1.0, 3.0))
    store.write(replace(record(), scores=[score], names=("a.png", "b.png")))
    (beside,) = tmp_path.rglob("*.pictures-*.json")
    assert json.loads(beside.read_text()) == {
        "names": ["a.png", "b.png"],
        "values": {score.identity: [1.0, 3.0]},
    }
    assert store.results().rows[0].score == score
    again = store.read(*place(record()))
    assert again is not None
    assert (again.names, again.scores[0].pictures) == (("a.png", "b.png"), (1.0, 3.0))
    store.write(record())
    assert not list(tmp_path.rglob("*.pictures-*.json"))


def place(kept: Record) -> tuple[str, str, str]:
    return kept.method, kept.dataset, kept.protocol
