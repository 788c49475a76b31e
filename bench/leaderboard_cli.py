"""`bench compare`, and the commands below `bench leaderboard`: arguments to calls."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from facesr.bench.options import AsJson

app = typer.Typer(
    name="leaderboard",
    help="Keep a leaderboard: rows in small files, tables and pages made of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Option("--folder", help="Folder of the leaderboard")]


class FailOn(StrEnum):
    """What makes `bench compare` end with 1."""

    worse = "worse"
    moved = "moved"
    nothing = "nothing"


def compare(
    before: Annotated[Path, typer.Argument(help="Run folder, or folder of a leaderboard")],
    after: Annotated[Path, typer.Argument(help="Run folder, or folder of a leaderboard")],
    fail_on: Annotated[
        FailOn,
        typer.Option(help="End with 1 if a number is worse or gone, if any moved, or never"),
    ] = FailOn.worse,
    json: AsJson = False,
) -> None:
    """Say what moved beyond noise between two runs; for people and for CI."""
    from facesr.bench.store import Store
    from facesr.reports import compare as reports
    from facesr.reports import leaderboard

    old, new = (
        leaderboard.results(folder) if (folder / "rows").is_dir() else Store(folder).results()
        for folder in (before, after)
    )
    moves = reports.compare(old, new)
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


@app.command()
def submit(
    run: Annotated[Path, typer.Argument(help="Run folder")],
    folder: Folder = Path("leaderboard"),
    state: Annotated[
        str, typer.Option(help="claimed, checked, reproduced, disputed or withdrawn")
    ] = "claimed",
) -> None:
    """Check a run and write its rows; what breaks a rule is listed, and nothing is written."""
    from facesr.bench.conformance import objections
    from facesr.bench.errors import BenchError
    from facesr.bench.store import Store
    from facesr.reports import leaderboard

    store = Store(run)
    if found := objections(store):
        for objection in found:
            sys.stderr.write(f"{objection}\n")
        raise BenchError(f"{len(found)} rules are broken, so nothing of {run} was submitted")
    for path in leaderboard.submit(store.records(), folder, leaderboard.known_state(state)):
        sys.stdout.write(f"{path}\n")


@app.command()
def build(
    folder: Folder = Path("leaderboard"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 if what is there is stale")
    ] = False,
) -> None:
    """Make tables, figures and pages of the rows; the same rows give the same bytes."""
    from facesr.bench.errors import BenchError
    from facesr.reports import leaderboard

    if not check:
        for path in leaderboard.build(folder):
            sys.stdout.write(f"{path}\n")
    elif names := leaderboard.stale(folder):
        raise BenchError(
            f"{folder}/board is not what the rows make: {', '.join(names)} differ; run "
            "`bench leaderboard build` and commit it"
        )
