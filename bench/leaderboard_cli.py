"""`bench compare`, and the commands below `bench leaderboard`: arguments to calls."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from facesr.bench.options import AsJson


class FailOn(StrEnum):
    """What makes `bench compare` end with 1."""

    worse = "worse"
    moved = "moved"
    nothing = "nothing"


def compare(
    before: Annotated[Path, typer.Argument(help="Run folder")],
    after: Annotated[Path, typer.Argument(help="Run folder")],
    fail_on: Annotated[
        FailOn,
        typer.Option(help="End with 1 if a number is worse or gone, if any moved, or never"),
    ] = FailOn.worse,
    json: AsJson = False,
) -> None:
    """Say what moved beyond noise between two runs; for people and for CI."""
    from facesr.bench.store import Store
    from facesr.reports import compare as reports

    moves = reports.compare(Store(before).results(), Store(after).results())
    if json:
        import json as notation

        from facesr.bench.files import plain

        text = notation.dumps(plain(moves), indent=2, allow_nan=False, ensure_ascii=False)
        sys.stdout.write(f"{text}\n")
    else:
        reports.terminal(moves)
    bad = {
        FailOn.worse: reports.lost(moves),
        FailOn.moved: any(move.verdict not in ("same", "untested") for move in moves),
        FailOn.nothing: False,
    }
    raise typer.Exit(int(bad[fail_on]))
