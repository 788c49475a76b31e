import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesr.bench import provenance
from facesr.bench.conformance import objections
from facesr.bench.run import run
from facesr.bench.store import Store

Add = Callable[[str, str, str], None]
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def board(toys: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A run of two methods on two data sets, of committed code."""
    monkeypatch.setattr(provenance, "commit", lambda: "0123456789abcdef")
    out = tmp_path / "runs"
    run("repeat,tint", "glow", "blobs,blobs[seed=1]", budget="smoke", out=out)
    return Store(out)


def edit(store: Store, method: str, change: Change, dataset: str = "blobs") -> None:
    path = store.cell(method, dataset) / "glow.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_whole_run_keeps_every_rule(board: Store) -> None:
    assert objections(board) == []


def broken(store: Store, change: Change) -> str:
    edit(store, "repeat", change)
    (said,) = objections(store)
    return said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda v: v["provenance"].update(commit="0123456789abcdef+changes"),
            "its code was changed after commit 01234567; commit it, then run again",
        ),
        (
            lambda v: v["provenance"].update(limit=20),
            "at most 20 faces were used (--limit); a row is of a whole data set",
        ),
        (
            lambda v: v["provenance"]["data"].update(reference=""),
            "it records no digest of its reference; score it again with this version",
        ),
        (
            lambda v: v.update(scores=[]),
            "brightness, which the protocol asks for, is neither measured nor excused",
        ),
        (
            lambda v: v["scores"][0].update(identity=""),
            "brightness has no identity, so nobody can tell what was measured",
        ),
        (
            lambda v: v["scores"][0].update(n=30),
            "brightness rests on 30 of 40 faces and does not say why",
        ),
        (
            lambda v: v["scores"][0].update(value=None),
            "brightness has neither a value nor a reason",
        ),
    ],
)
def test_what_breaks_a_rule_is_a_sentence(board: Store, change: Change, said: str) -> None:
    assert broken(board, change) == f"repeat on blobs, protocol glow: {said}"


def test_a_better_value_than_its_samples_is_found(board: Store) -> None:
    said = broken(board, lambda v: v["scores"][0].update(value=0.9))
    assert "brightness is 0.9, but its 40 values average 126.8" in said


def test_a_missing_cell_is_a_cherry(board: Store) -> None:
    (board.cell("tint", "blobs[seed=1]") / "glow.json").unlink()
    (said,) = objections(board)
    assert said.startswith("tint has no row on blobs[seed=1], protocol glow, where others")


def test_one_name_is_one_configuration(board: Store) -> None:
    edit(board, "tint", lambda v: v["settings"].update(steps=9), "blobs[seed=1]")
    (said,) = objections(board)
    assert said.startswith("tint has other steps on blobs[seed=1] than on blobs;")
    assert "tint[steps=...]" in said


def test_outputs_that_were_touched_are_found(board: Store) -> None:
    first, second, *_ = sorted(board.images("repeat", "blobs").glob("*.png"))
    first.write_bytes(second.read_bytes())
    (said,) = objections(board)
    assert said.endswith("are not those that were scored")
    first.unlink()
    (said,) = objections(board)
    assert said.endswith("holds 39 outputs of 40")


def test_other_weights_are_found(board: Store) -> None:
    weights, _ = sorted(board.root.glob("tint/train-*/weights.safetensors"))
    weights.write_bytes(b"others")
    (said,) = objections(board)
    assert said.endswith(f": {weights} are not the weights that were scored")
    weights.unlink()
    assert objections(board)[0].endswith(f": its weights are not at {weights}")


def test_an_empty_run_is_said_to_be_empty(tmp_path: Path) -> None:
    assert "holds no rows" in objections(Store(tmp_path))[0]
