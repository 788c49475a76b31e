"""A board from names to rows: what `bench run` does, as a typed call."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench import catalog, choices, plan
from facesr.bench.board import Board, Options
from facesr.bench.choices import Choice
from facesr.bench.errors import BadName, BenchError, sentence
from facesr.bench.executor import check, outcomes
from facesr.bench.ready import Ready, prepare
from facesr.bench.score import Failure, Kind
from facesr.bench.store import Results, Store

if TYPE_CHECKING:
    from facesr.bench.contract import Dataset, Protocol


def say(sentence: str) -> None:
    """Tell the user something while a long piece of work goes on."""
    harmless = "".join(sign if sign.isprintable() else "?" for sign in sentence)
    sys.stderr.write(f"{harmless}\n")
    sys.stderr.flush()


def run(
    methods: str | Sequence[str] = "all",
    protocol: str = "realworld",
    datasets: str | Sequence[str] | None = None,
    *,
    data: Path | None = None,
    budget: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    out: Path = Path("runs"),
    device: str = "auto",
    seed: int = 0,
    limit: int | None = None,
    retrain: bool = False,
    executor: str = "local",
) -> Results:
    """Take methods through a protocol, reusing what an earlier run left behind.

    Args:
        methods: Names, `name[setting=value]`, or `all`.
        protocol: Name of the protocol.
        datasets: Names; the data sets found below `data`, or the embedded ones, if left out.
        data: Folder that holds data sets as their authors distribute them.
        budget: `paper`, `short` or `smoke`; if left out, `smoke` without `data`, else `paper`.
        settings: Settings by method name, such as `{"lrgan": {"steps": 2000}}`.
        out: Run folder.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        seed: Seed of training and upscaling.
        limit: At most this many faces per half of a split, for a first look.
        retrain: Whether to replace weights that cannot be reused.
        executor: `local`, or `ray` for a cluster.

    Returns:
        The rows of the cells that were asked for, and the cells that failed with their reasons.

    Raises:
        BadName: If a name or setting does not exist; nothing has been computed then.
    """
    check(executor)
    chosen = choices.choose("methods", methods)
    measure = choices.parse("protocols", protocol)
    named = choices.choose("datasets", datasets) if datasets else None
    options = Options(
        budget or ("paper" if data else "smoke"),
        checked_settings(settings or {}, chosen),
        pick_device(device),
        seed,
        retrain,
    )
    ruler = plan.build_protocol(measure)
    places = named or plan.default_datasets(data, ruler)
    store = Store(out.resolve() if executor == "ray" else out)
    board = Board(store, measure, ruler, options, say)
    useless = _useless(board, chosen)
    built = {place.label: plan.build_dataset(place, ruler, data, limit) for place in places}
    _announce(chosen, places, measure, options, out, data)
    _announce_gaps(ruler)
    fit = [choice for choice in chosen if choice.label not in useless]
    ready, failures = _prepare(board, chosen, fit, places, built)
    for choice, faces in [(choice, faces) for choice in fit for faces in ready]:
        say(f"  {choice.label} on {faces.label}: {_forecast(board, choice, faces)}")
    records = []
    lost = [
        board.lost(c, faces.label, *useless[c.label])
        for c in chosen
        for faces in ready
        if c.label in useless
    ]
    for outcome in chain(lost, outcomes(executor, board, fit, ready)):
        if isinstance(outcome, Failure):
            say(f"{outcome.kind}: {outcome.method} on {outcome.dataset}: {outcome.reason}")
            failures.append(outcome)
        else:
            records.append(outcome)
    return Results([row for record in records for row in record.rows()], failures)


def _useless(board: Board, chosen: Sequence[Choice]) -> dict[str, tuple[str, Kind]]:
    """Find the methods that cannot run at all, with reasons; the others go on.

    Raises:
        BadName: If a setting was given that cannot be.
    """
    found: dict[str, tuple[str, Kind]] = {}
    for choice in chosen:
        try:
            if reason := board.unable(choice):
                found[choice.label] = (reason, "skip")
            else:
                board.method(choice)
        except BadName:
            raise
        except Exception as error:  # a method may raise anything
            found[choice.label] = (sentence(error), "fail")
    return found


def _forecast(board: Board, choice: Choice, faces: Ready) -> str:
    try:
        return board.forecast(choice, faces)
    except BenchError as error:
        return f"will fail: {error}"


def pick_device(device: str) -> str:
    """Turn `auto` into `cuda` where there is one, else `cpu`.

    Raises:
        BenchError: If the device does not exist here.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise BadName(f"no device {device!r} on this machine; use --device auto or cpu") from None
    return device


def checked_settings(
    settings: Mapping[str, Mapping[str, Any]], chosen: Sequence[Choice]
) -> Mapping[str, Mapping[str, Any]]:
    """Check settings by method name without importing any method."""
    for name, given in settings.items():
        choices.check_settings("methods", catalog.entry("methods", name).name, given)
        if name not in {choice.name for choice in chosen}:
            raise BadName(f"settings are given for {name}, which takes no part in this run")
    return settings


def _announce(
    chosen: Sequence[Choice],
    places: Sequence[Choice],
    measure: Choice,
    options: Options,
    out: Path,
    data: Path | None,
) -> None:
    if data is None and all(place.name == "embedded" for place in places):
        say("no --data: using the embedded faces (rendered ones, and 100 real ones as test input)")
    say(
        f"plan: {', '.join(c.label for c in chosen)} on {', '.join(p.label for p in places)}; "
        f"protocol {measure.label}, budget {options.budget}, device {options.device}, "
        f"seed {options.seed}, run folder {out}"
    )


def _announce_gaps(ruler: "Protocol") -> None:
    gaps = dict.fromkeys(metric.column for metric in ruler.metrics() if metric.missing())
    if gaps:
        say(f"  left out: {', '.join(gaps)}; below the board stands what they need")


def _prepare(
    board: Board,
    chosen: Sequence[Choice],
    fit: Sequence[Choice],
    places: Sequence[Choice],
    built: Mapping[str, "Dataset"],
) -> tuple[list[Ready], list[Failure]]:
    """Get data sets ready; one that cannot be used fails its own cells only."""
    ready, failures = [], []
    for place in places:
        try:
            faces = prepare(place.label, built[place.label], board.protocol, board.store, say)
        except Exception as error:  # a data set of somebody else may raise anything
            say(f"fail: {place.label}: {sentence(error)}")
            failures += [board.lost(choice, place.label, sentence(error)) for choice in chosen]
            continue
        ready.append(faces)
        if any(catalog.describe("methods", choice.name).trainable for choice in fit):
            with suppress(BenchError):  # the cells of methods that learn will say so
                _ = faces.train
    return ready, failures
