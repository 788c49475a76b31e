"""The `bench` command: arguments to calls, results to text; no logic of its own."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from facesr.bench import assets_cli, catalog, data_cli, leaderboard_cli
from facesr.bench.errors import BadName, BenchError, sentence
from facesr.bench.options import (
    AsJson,
    Budget,
    Data,
    Device,
    Figures,
    Format,
    Limit,
    Listed,
    Out,
    Retrain,
    Seed,
    Sets,
)

STOPPED = 130

app = typer.Typer(
    name="bench",
    help="A benchmark for real-world face super-resolution.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_cli.app)
app.add_typer(assets_cli.app)
app.add_typer(leaderboard_cli.app)
app.command()(leaderboard_cli.compare)


@app.command()
def run(
    methods: Annotated[str, typer.Option(help="Names joined by commas, or all")] = "all",
    protocol: Annotated[str, typer.Option(help="Name of a protocol")] = "realworld",
    datasets: Annotated[
        str | None, typer.Option(help="Names joined by commas; folder:PATH for your own images")
    ] = None,
    data: Data = None,
    budget: Annotated[
        Budget | None, typer.Option(help="How long to train; smoke without --data, else paper")
    ] = None,
    set_: Sets = None,
    out: Out = Path("runs"),
    device: Device = "auto",
    seed: Seed = 0,
    limit: Limit = None,
    retrain: Retrain = False,
    executor: Annotated[str, typer.Option(help="local, or ray for a cluster")] = "local",
    figures: Figures = False,
    json: AsJson = False,
) -> None:
    """Train, upscale and score methods, then print the board and write the report."""
    from facesr.bench import choices

    choices.choose("methods", methods)  # a typo ends here, before anything heavy is imported
    choices.parse("protocols", protocol)
    if datasets:
        choices.choose("datasets", datasets)
    settings = choices.parse_settings(set_ or [])
    from facesr.bench.run import run as run_board
    from facesr.reports.plots import FORMATS
    from facesr.reports.table import terminal
    from facesr.reports.write import write

    with redirect_stdout(sys.stderr):  # what a method prints must not mix with results
        results = run_board(
            methods,
            protocol,
            datasets,
            data=data,
            budget=budget,
            settings=settings,
            out=out,
            device=device,
            seed=seed,
            limit=limit,
            retrain=retrain,
            executor=executor,
        )
    if json:
        _print_json(results)
    else:
        terminal(results)
    if results.rows:
        page = write(results, out, out / "report", figures=FORMATS if figures else ())[-1]
        _say(f"report: {page.resolve()}")
    raise typer.Exit(1 if any(f.kind == "fail" for f in results.failures) else 0)


@app.command()
def train(
    method: str,
    dataset: Annotated[
        str | None, typer.Option(help="Name of a data set; what --data holds, or embedded")
    ] = None,
    protocol: Annotated[str, typer.Option(help="Protocol that decides sizes")] = "realworld",
    data: Data = None,
    budget: Annotated[
        Budget | None, typer.Option(help="How long to train; smoke without --data, else paper")
    ] = None,
    set_: Sets = None,
    out: Out = Path("runs"),
    device: Device = "auto",
    seed: Seed = 0,
    limit: Limit = None,
    retrain: Retrain = False,
) -> None:
    """Train one method and print the place of its weights."""
    from facesr.bench import choices

    name = choices.parse("methods", method).name
    settings = choices.parse_settings(set_ or [], only=[name])
    if dataset:
        choices.parse("datasets", dataset)
    from facesr.bench.single import train as train_method

    weights = train_method(
        method,
        dataset,
        protocol=protocol,
        data=data,
        budget=budget,
        settings=settings.get(name),
        out=out,
        device=device,
        seed=seed,
        limit=limit,
        retrain=retrain,
    )
    _print(str(weights))


@app.command()
def upscale(
    method: str,
    images: Annotated[Path, typer.Option(help="Folder of square images of one size")],
    out: Annotated[Path, typer.Option(help="Folder to write to")],
    weights: Annotated[Path | None, typer.Option(help="File of weights")] = None,
    scale: Annotated[
        int | None, typer.Option(min=1, help="Factor; that of the weights, or 4")
    ] = None,
    set_: Sets = None,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(help="Seed; that of the weights, or 0")] = None,
) -> None:
    """Upscale a folder of images."""
    from facesr.bench import choices

    name = choices.parse("methods", method).name
    settings = choices.parse_settings(set_ or [], only=[name])
    from facesr.bench.single import upscale as upscale_images

    faces = upscale_images(
        method,
        images,
        out,
        weights=weights,
        scale=scale,
        settings=settings.get(name),
        device=device,
        seed=seed,
    )
    _say(f"{len(faces)} images of {faces.size}x{faces.size} pixels:")
    _print(str(faces.root))


@app.command()
def score(
    images: Annotated[Path, typer.Option(help="Folder of square images of one size")],
    reference: Annotated[Path | None, typer.Option(help="Real faces, or originals")] = None,
    metrics: Annotated[str | None, typer.Option(help="Names joined by commas")] = None,
    protocol: Annotated[str | None, typer.Option(help="Take the metrics of a protocol")] = None,
    json: AsJson = False,
) -> None:
    """Measure any folder of images."""
    from facesr.bench import choices

    if metrics:
        choices.choose("metrics", metrics)
    if protocol:
        choices.parse("protocols", protocol)
    from facesr.bench.single import score as score_images
    from facesr.reports.table import terminal_scores

    scores = score_images(images, reference, metrics=metrics, protocol=protocol)
    if json:
        _print_json(scores)
    else:
        terminal_scores(scores)


@app.command()
def report(
    runs: Annotated[Path, typer.Argument(help="Run folder")] = Path("runs"),
    format: Annotated[
        str | None, typer.Option(help="md, csv, latex, html, joined by commas; md if not given")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; none: print")] = None,
    pictures: Annotated[
        bool, typer.Option(help="Show faces that may be seen but not published")
    ] = True,
    intervals: Annotated[bool, typer.Option(help="± behind each number, md and latex")] = False,
    published: Annotated[bool, typer.Option(help="Numbers of papers beside those here")] = False,
    figures: Figures = False,
) -> None:
    """Print or write the board of a run folder."""
    from facesr.bench.store import Store
    from facesr.reports import write
    from facesr.reports.plots import FORMATS

    formats = tuple(_known_format(part) for part in (format or "md").split(","))
    results = Store(runs).results()
    if published and not (format or out):
        return write.terminal_published(results)
    printed = () if out else tuple(name for name in formats if name != "html")
    for name in printed:
        board = None if published else write.text(results, name, intervals)
        _print((board or write.text_published(results, name)).rstrip("\n"))
    written, folder = tuple(n for n in formats if n not in printed), out or runs / "report"
    if published:
        paths = write.write_published(results, folder, written)
    else:
        drawn = FORMATS if figures else ()
        paths = write.write(results, runs, folder, written, pictures, intervals, figures=drawn)
    for path in paths:
        _print(str(path))


@app.command("list")
def list_(
    what: Annotated[Listed, typer.Argument(help="What to list")] = Listed.methods,
    json: AsJson = False,
    params: Annotated[
        bool, typer.Option("--params", help="Count parameters at full width (builds each network)")
    ] = False,
) -> None:
    """List what is installed."""
    from facesr.bench.listing import listing, text

    entries = listing(what.value, params=params)
    if json:
        _print_json(entries)
    else:
        _print(text(entries))


@app.command()
def check(
    method: Annotated[str, typer.Argument(help="Name, or package.module:Class")],
) -> None:
    """Check that a method keeps what the contract promises."""
    from facesr.bench.choices import parse

    if ":" not in method:
        parse("methods", method)
    from facesr.bench.testing import check_named

    for promise in check_named(method):
        _print(f"ok  {promise}")
    _print(f"{method} keeps the contract")


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="method")],
    name: Annotated[str, typer.Argument(help="Lower-case name, also the file name")],
) -> None:
    """Write the file of a new method, ready to edit."""
    from facesr.bench.scaffold import write_new

    for path in write_new(kind, name):
        _print(str(path))
    _say(f"next: edit it, then `bench check {name}` and `bench run --methods bicubic,{name}`")


@app.command()
def doctor(data: Data = None, json: AsJson = False) -> None:
    """Say what this machine has, what is missing, and what that means."""
    from facesr.bench.doctor import examine, text

    findings = examine(data)
    if json:
        _print_json(findings)
    else:
        _print(text(findings))


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 if all is done, 1 if some cells failed or something cannot be used, 2 on bad usage, 130
        if it was stopped.
    """
    try:
        code = int(app(argv, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED  # which newer typers return themselves
    except BadName as error:
        _say(f"bench: error: {error}")
        return 2
    except (BenchError, OSError) as error:
        _say(f"bench: error: {sentence(error)}")
        return 1
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:  # what typer shows is bad usage; the rest is a bug of ours
            raise
        show()
        return 2
    if code == STOPPED:
        _say("stopped; the same command goes on where this one ended")
    return code


def _known_format(text: str) -> str:
    name = text.strip()
    if name not in set(Format):
        raise BadName(f"no format named {name!r}; {catalog.suggest(name, list(Format))}")
    return name


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _print_json(value: Any) -> None:
    import json

    from facesr.bench.files import plain

    _print(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
