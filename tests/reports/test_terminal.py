import re
from typing import Any

import pytest

from facesr.bench.score import Failure
from facesr.bench.store import Results
from facesr.reports.table import (
    comma_separated,
    latex,
    markdown,
    tables,
    terminal,
    terminal_scores,
)

STEERING = "a\x1b[2J\x1b]0;own\x07\x9b1A\u202e\u2028\rb\udcff"


def test_control_characters_in_names_do_not_reach_a_console(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        make.row(STEERING, make.score(identity=STEERING), dataset=STEERING),
        make.row("b", make.score(STEERING, None, note=STEERING), dataset=STEERING),
    ]
    failures = [Failure("c" + STEERING, STEERING, "realworld", STEERING)]
    terminal(Results(rows, failures))
    terminal_scores([row.score for row in rows])
    made = tables(rows, failures)
    for written in (capsys.readouterr().out, markdown(made), latex(made), comma_separated(made)):
        assert r"\x1b[2J" in written.replace("{[}", "[").replace(r"\textbackslash{}", "\\")
        assert [sign for sign in written if not sign.isprintable() and sign != "\n"] == []
        written.encode("utf-8")


def test_the_terminal_shows_the_same_numbers_and_marks(
    make: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(make.board())
    out = capsys.readouterr().out
    assert "26.09*" in out
    assert "25.09+" in out
    assert "needs the asset 'inception'" in out


def test_the_terminal_tells_skipped_from_failed_even_where_nothing_has_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures = [
        Failure("doom", name, "realworld", "scale 4 only", "skip") for name in ("celeba", "lfw")
    ]
    terminal(Results([], [*failures, Failure("cedar", "lfw", "realworld", "no memory")]))
    assert capsys.readouterr().out == (
        "celeba, protocol realworld\ndoom skipped: scale 4 only\n\n"
        "lfw, protocol realworld\ncedar failed: no memory\ndoom skipped: scale 4 only\n\n"
    )


def test_single_scores_are_shown_with_what_they_are_below(
    make: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # nobody says how wide lines may be
    named = "fid[inception-tf@6726825d,resize=tf1-bilinear,ref=ffhq64@91ab]" * 4
    wide = make.score(identity=named, note="a warning")
    terminal_scores([wide, make.score("fid", None, note="no weights")])
    assert capsys.readouterr().out.splitlines() == [
        "metric   value   95 % interval  n",
        "psnr dB  24.25  24.16 to 24.34  4",
        f"  {named}",
        "  interval: bootstrap",
        "  a warning",
        "fid        n/a",
        "  no weights",
    ]


@pytest.mark.parametrize("width", [80, 160])
def test_on_a_narrow_terminal_names_fold_and_columns_stay(
    make: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    named = "fid[" + "x" * 300 + "]"
    terminal_scores([make.score(identity=named)])
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert "24.16 to 24.34  4" in lines[1]
    assert named in "".join(line.strip() for line in lines[2:])
    assert all(line.startswith("  ") for line in lines[2:])
