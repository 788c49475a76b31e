"""The commands below `bench assets`: arguments to calls, results to text."""

import json as notation
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from facesr.bench import assets
from facesr.bench.assets import State
from facesr.bench.errors import BadName
from facesr.bench.files import plain, spoken
from facesr.bench.options import AsJson

COLUMNS = 80

app = typer.Typer(
    name="assets",
    help="Say which files of others there are, fetch them, check them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Names; none: all of them")
]


@app.command("list")
def list_(names: Names = None, json: AsJson = False) -> None:
    """List the weights that cannot be shipped, and what of them is here."""
    found = list(assets.states(names or ()))
    if json:
        _print_json(found)
        return
    _print(f"assets in {assets.assets_folder()}\n")
    name, licence = (max(len(getattr(s, field)) for s in found) for field in ("name", "licence"))
    for state in found:
        words = (
            state.name.ljust(name),
            state.state.ljust(10),
            spoken(state.size).rjust(9),
            state.sha256[:8],
            state.licence.ljust(licence),
        )
        _print("  ".join(words).rstrip())
        _print(_indented(f"for {state.used_by}"))
        _print(_indented(state.source))
        if state.state == "wrong file":
            _print(_indented(f"WRONG FILE: {state.problem}"))
    _print(f"\n{_count(found)}. Get what is absent: bench assets fetch NAME|all")
    _print(_elsewhere())


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...|all", help="Names, or all")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FOLDER|URL|FILE",
            help="A mirror: folder, or file:// or http(s):// address of one; or one file",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring assets into their folder; a file that is not the published one is refused."""
    from facesr.bench.download import fetch as bring

    known = [known.name for known in assets.ASSETS]
    every = "all" in names
    if every and len(names) > 1:
        raise BadName(f"all or some, not both: {' '.join(names)}")
    results = []
    for result in bring(known if every else names, from_ or ""):
        results.append(result)
        if not json and result.problem:
            _say(f"{result.name}: {result.problem}")
        elif not json:
            came = "fetched" if result.fetched else "there already"
            terms = assets.asset(result.name).licence
            _print(f"{result.name}: {came}, {spoken(result.bytes)}, licence: {terms}")
            _print(f"  {result.path}")
    if json:
        _print_json(results)
    raise typer.Exit(1 if any(result.problem for result in results) else 0)


@app.command()
def verify(names: Names = None, json: AsJson = False) -> None:
    """Read assets and name every difference from the published files."""
    found = []
    for state in assets.states(names or (), reread=True):
        found.append(state)
        if json:
            continue
        if state.state == "present":
            _print(f"{state.name}: as published, {spoken(state.path.stat().st_size)}")
        elif state.state == "wrong file" or names:
            _print(f"{state.name}: {state.problem}")
        sys.stdout.flush()
    if json:
        _print_json(found)
    else:
        _print(_count(found))
    bad = ("wrong file", "absent") if names else ("wrong file",)
    raise typer.Exit(1 if any(state.state in bad for state in found) else 0)


def _count(found: Sequence[State]) -> str:
    """Say how many are in which state.

    >>> _count([])
    'none'
    """
    numbers = {
        kind: sum(s.state == kind for s in found) for kind in ("present", "wrong file", "absent")
    }
    return ", ".join(f"{n} {kind}" for kind, n in numbers.items() if n) or "none"


def _elsewhere() -> str:
    """Say how other software finds the same files."""
    folder = assets.assets_folder()
    return "\n".join(
        _lines(
            "facesr reads each from this folder itself (another: FACESR_ASSETS=FOLDER). Other "
            "software finds the same files with"
        )
    ) + (
        f"\n  torch hub, facenet-pytorch: TORCH_HOME={folder}"
        f"\n  insightface: root={folder / 'insightface'}"
        f"\n  lpips: model_path={folder / 'lpips/weights/v0.1'}/NET.pth"
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in _lines(text, COLUMNS - 2))


def _lines(text: str, width: int = COLUMNS) -> Iterator[str]:
    """Break a text between words, never inside an address or a path."""
    yield from textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _print_json(value: Any) -> None:
    _print(notation.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
