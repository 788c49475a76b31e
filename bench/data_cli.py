"""The commands below `bench data`: arguments to calls, results to text."""

import json as notation
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facesr.bench import cards
from facesr.bench import data as calls
from facesr.bench.data import Finding, Half, Prepared
from facesr.bench.files import plain, spoken
from facesr.bench.options import AsJson, Limit

if TYPE_CHECKING:
    from facesr.bench.contract import Part

app = typer.Typer(
    name="data",
    help="Say what data sets there are, prepare them, check what was prepared.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Which(StrEnum):
    """What can be prepared at once."""

    train = "train"
    test = "test"
    all = "all"


Name = Annotated[str, typer.Argument(metavar="SET", help="Name of a data set")]
Source = Annotated[
    Path | None,
    typer.Option("--source", "--data", help="Folder of data sets as their authors distribute them"),
]


@app.command("list")
def list_(
    dataset: Annotated[
        str | None, typer.Argument(metavar="[SET]", help="Name of a data set; none: all of them")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Say which of them are in this folder")] = None,
    json: AsJson = False,
) -> None:
    """List data sets, or say what there is to know of one."""
    if dataset is None:
        found = cards.cards(data)
        _print_json(found) if json else sys.stdout.write(cards.table(found))
    else:
        card = cards.card(dataset.partition(":")[0].partition("[")[0], data)
        _print_json(card) if json else sys.stdout.write(cards.text(card))


@app.command()
def prepare(
    dataset: Name,
    source: Source = None,
    protocol: Annotated[str, typer.Option(help="Protocol that decides sizes")] = "realworld",
    lr_size: Annotated[
        int | None, typer.Option(min=1, help="Side of low-resolution faces; the protocol's")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(min=1, help="Factor to high-resolution faces; the protocol's")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="Change a setting; may be repeated"),
    ] = None,
    part: Annotated[Which, typer.Option(help="Which part")] = Which.all,
    limit: Limit = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for prepared faces; where a run looks for them")
    ] = None,
    json: AsJson = False,
) -> None:
    """Crop, divide and store the faces of a data set, as a run would."""
    choice, measure = calls.choose(dataset, set_ or [], protocol, lr_size, scale)
    parts: list[Part] = [one for one in calls.PARTS if part == Which.all or part == one]
    ready, stdout = [], sys.stdout
    with redirect_stdout(sys.stderr):  # what a data set prints must not mix with results
        for done in calls.prepare(
            choice, measure, source=source, parts=parts, limit=limit, workers=workers, cache=out
        ):
            ready.append(done)
            if not json:
                stdout.write(_visible(_prepared(done)))
                stdout.flush()
    if json:
        _print_json(ready)
    options = {
        "--datasets": choice.label if set_ else dataset,
        "--data": source,
        "--protocol": measure.label if measure.label != "realworld" else None,
        "--limit": limit,
    }
    words = [word for pair in options.items() if pair[1] is not None for word in map(str, pair)]
    place = f"FACESR_CACHE={shlex.quote(str(out))} " if out else ""
    _say(f"next: {place}bench run {shlex.join(words)}")
    _say(f"      {place}bench data verify {shlex.quote(dataset)}")


@app.command()
def verify(
    target: Annotated[
        str, typer.Argument(metavar="SET|FOLDER", help="A data set, or a folder of prepared faces")
    ],
    source: Annotated[
        Path | None,
        typer.Option("--source", "--data", help="Compare the original files in this folder, too"),
    ] = None,
    json: AsJson = False,
) -> None:
    """Name every difference between prepared faces and what was made."""
    differences = 0

    def counted() -> Iterator[Finding]:
        nonlocal differences
        for finding in calls.verify(target, source=source):
            differences += bool(finding.difference)
            yield finding

    if json:
        _print_json_each(counted())
    else:
        for finding in counted():
            sys.stdout.write(_visible(_finding(finding)))
            sys.stdout.flush()
    raise typer.Exit(1 if differences else 0)


@app.command()
def toy(
    dataset: Name,
    out: Annotated[Path, typer.Option(help="Folder to write to, to be named as --source")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rendered faces")] = 0,
    people: Annotated[int, typer.Option(min=1, help="How many people are shown")] = 24,
    shots: Annotated[int, typer.Option(min=1, help="How many pictures of each")] = 4,
) -> None:
    """Write a miniature of a data set from rendered faces."""
    for sentence in calls.toy(dataset, out, seed, people, shots):
        sys.stdout.write(f"{sentence}\n")
    name, folder = dataset.partition(":")[0], shlex.quote(str(out))
    _say(f"next: bench data prepare {name} --source {folder}")


def _prepared(done: Prepared) -> str:
    lines = [
        f"{done.dataset}, {done.part} part, {'paired' if done.paired else 'unpaired'}, "
        f"in {done.seconds:.1f} s"
    ]
    for half in done.halves:
        lines += _half(half)
    notes = [note for note in done.notes if not note.startswith(("lr: ", "hr: "))]
    lines += [f"  note  {note}" for note in filter(None, (done.partial, *notes))]
    return "\n".join(lines) + "\n"


def _half(half: Half) -> Iterator[str]:
    people = f", {_count(half.people, 'person', 'people')}" if half.people else ""
    faces = _count(half.faces, "face", "faces")
    yield f"  {half.half}    {faces} of {half.size} px{people}; {spoken(half.bytes)}"
    yield f"        {half.folder}"
    width = max((len(f"{n:,}") for n in half.dropped.values()), default=0)
    for reason, n in half.dropped.items():
        yield f"        left out {n:>{width},}  {reason}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def _finding(finding: Finding) -> str:
    if finding.difference:
        return f"{finding.folder}: {finding.difference}\n"
    faces = _count(finding.faces, "face", "faces")
    return f"{finding.title}: {faces} as prepared, in {finding.folder}\n"


def _visible(text: str) -> str:
    """Replace what a terminal would obey or cannot show, such as names that are not UTF-8."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def _json(value: Any) -> str:
    text = notation.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    return text.encode(errors="replace").decode()


def _print_json(value: Any) -> None:
    sys.stdout.write(f"{_json(value)}\n")


def _print_json_each(values: Iterable[Any]) -> None:
    """Print an array whose members come one by one."""
    start = "[\n"
    for value in values:
        sys.stdout.write(start + _json(value))
        start = ",\n"
    sys.stdout.write("[]\n" if start == "[\n" else "\n]\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
