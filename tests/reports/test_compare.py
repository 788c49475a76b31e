import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.cli import main
from facesr.bench.score import Row, Score
from facesr.bench.store import Record, Results, Store
from facesr.reports.compare import Move, cells, compare, lost, markdown, summary, terminal

FACES = {"data": {"input": "same faces"}}


def results(make: Any, *scores: Score, **changes: Any) -> Results:
    return Results([make.row("alder", s, **({"provenance": FACES} | changes)) for s in scores])


def only(moves: list[Move]) -> Move:
    (move,) = moves
    return move


def test_equal_runs_are_the_same(make: Any) -> None:
    board = make.board()
    moves = compare(board, board)
    assert {move.verdict for move in moves} == {"same"}
    assert not lost(moves)


@pytest.mark.parametrize(
    ("better", "means", "verdict"),
    [
        ("higher", [25.0, 26.0], "better"),
        ("higher", [26.0, 25.0], "worse"),
        ("lower", [26.0, 25.0], "better"),
        ("higher", [25.0, 25.0], "same"),
    ],
)
def test_the_same_faces_are_compared_by_a_paired_test(
    make: Any, better: str, means: list[float], verdict: str
) -> None:
    old, new = make.paired(means, better=better)
    move = only(compare(results(make, old), results(make, new)))
    assert (move.verdict, move.why) == (verdict, "paired test")
    assert move.p is not None


def test_a_gain_below_the_smallest_that_counts_is_none(make: Any) -> None:
    old, new = (replace(s, smallest=2.0) for s in make.paired([25.0, 26.0]))
    move = only(compare(results(make, old), results(make, new)))
    assert move.verdict == "same"
    assert move.p is not None
    assert move.p < 0.01


def test_other_faces_are_compared_by_intervals(make: Any) -> None:
    old, new = make.paired([25.0, 26.0])
    wide = [replace(s, low=s.value - 5, high=s.value + 5) for s in (old, new)]
    others = {"provenance": {"data": {"input": "other faces"}}}
    narrow = only(compare(results(make, old), results(make, new, **others)))
    assert (narrow.verdict, narrow.why[:12]) == ("better", "by intervals")
    assert only(compare(results(make, wide[0]), results(make, wide[1], **others))).verdict == "same"


def test_p_by_intervals_is_that_of_two_normal_numbers(make: Any) -> None:
    old, new = make.score(value=10.0), make.score(value=11.0)
    old, new = (replace(s, low=s.value - 1.96, high=s.value + 1.96) for s in (old, new))
    move = only(compare(results(make, old), results(make, new)))
    assert move.p == pytest.approx(0.4795, abs=1e-4)  # z = 1 / sqrt(2)


def test_another_ruler_is_named_and_not_compared(make: Any) -> None:
    old, new = make.paired([25.0, 26.0])
    new = replace(new, identity="psnr@v2")
    move = only(compare(results(make, old), results(make, new)))
    assert move.verdict == "another ruler"
    assert move.why == "measured as psnr@v1 before and as psnr@v2 after"


def test_what_is_new_and_what_is_gone(make: Any) -> None:
    (score,) = make.paired([25.0])
    assert only(compare(Results(), results(make, score))).verdict == "new"
    gone = compare(results(make, score), Results())
    assert only(gone).verdict == "gone"
    assert lost(gone)


def test_what_is_not_ranked_is_not_tested(make: Any) -> None:
    old = make.score("fid", 40.0, better="lower", ranked=False, note="too few pictures")
    move = only(compare(results(make, old), results(make, replace(old, value=45.0))))
    assert (move.verdict, move.why) == ("untested", "too few pictures")


def test_many_comparisons_are_corrected(make: Any) -> None:
    old, new = make.score(value=10.0), make.score(value=13.0)
    old, new = (replace(s, low=s.value - 1.96, high=s.value + 1.96) for s in (old, new))

    def many(score: Score) -> Results:
        rows: list[Row] = []
        for i in range(20):
            rows += results(make, replace(score, metric=f"m{i}")).rows
        return Results(rows)

    assert only(compare(results(make, old), results(make, new))).verdict == "better"
    assert {move.verdict for move in compare(many(old), many(new))} == {"same"}


def test_what_is_worse_comes_first_with_sign_and_width(make: Any) -> None:
    a, b = make.paired([26.0, 25.0])
    other = make.score("ssim", 0.5, better="higher")
    moves = compare(results(make, a), results(make, b, other))
    assert [move.verdict for move in moves] == ["worse", "new"]
    assert cells(moves[0])[3:7] == ("psnr dB", "26.09 ± 0.09", "25.09 ± 0.09", "\u22121.00")
    assert summary(moves) == "2 numbers: 1 worse, 1 new."


def test_hostile_names_stay_text(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (score,) = make.paired([25.0])
    row = make.row("<script>|_%\x1b[2J", score)
    moves = compare(Results(), Results([row]))
    assert "<script>" not in markdown(moves)
    assert "\\|" in markdown(moves)
    terminal(moves)
    assert "\x1b[2J" not in capsys.readouterr().out


def stored(make: Any, folder: Path, score: Score) -> Path:
    row = make.row("alder", score, provenance=FACES)
    record = Record(
        row.method, row.dataset, row.protocol, row.budget, {}, 0, {}, [score], [], FACES, {}
    )
    Store(folder).write(record)
    return folder


def test_the_exit_code_is_for_ci(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high = make.paired([25.0, 26.0])
    a, b = (stored(make, tmp_path / n, s) for n, s in (("a", low), ("b", high)))
    assert main(["compare", str(a), str(b)]) == 0
    assert main(["compare", str(b), str(a)]) == 1
    assert main(["compare", str(a), str(b), "--fail-on", "moved"]) == 1
    assert main(["compare", str(b), str(a), "--fail-on", "nothing"]) == 0
    capsys.readouterr()
    main(["compare", str(b), str(a), "--json"])
    (move,) = json.loads(capsys.readouterr().out)
    assert move["verdict"] == "worse"
    assert main(["compare", str(a), str(tmp_path / "none")]) == 1
    assert "is not a run folder" in capsys.readouterr().err
