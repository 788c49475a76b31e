"""Train, upscale, score: everything the command line does, as typed calls."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesr.bench import catalog, choices, plan
from facesr.bench.board import Board, Options, Ready, learns, prepare
from facesr.bench.choices import Choice
from facesr.bench.errors import BadData, BenchError
from facesr.bench.faces import Faces, folder
from facesr.bench.score import Curve, Failure, Score
from facesr.bench.store import Results, Store

if TYPE_CHECKING:
    from facesr.bench.contract import Protocol


def say(sentence: str) -> None:
    """Tell the user something while a long piece of work goes on."""
    sys.stderr.write(f"{sentence}\n")
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
        retrain: Whether to replace weights that were trained under other conditions.

    Returns:
        The rows of the cells that were asked for, and the cells that failed with their reasons.

    Raises:
        BadName: If a name or setting does not exist; nothing has been computed then.
    """
    chosen = choices.choose("methods", methods)
    measure = choices.parse("protocols", protocol)
    named = choices.choose("datasets", datasets) if datasets else None
    options = Options(
        budget or ("paper" if data else "smoke"),
        _checked(settings or {}, chosen),
        pick_device(device),
        seed,
        retrain,
    )
    ruler = plan.build_protocol(measure)
    places = named or plan.default_datasets(data)
    board = Board(Store(out), ruler, measure.label, options, say)
    for choice in chosen:
        board.method(choice)  # settings of the wrong type end here, before any data is touched
    _announce(chosen, places, measure, options, out, data)
    _announce_gaps(ruler)
    ready, failures = _prepare(board, chosen, places, data, limit)
    cells = [(choice, faces) for choice in chosen for faces in ready]
    for choice, faces in cells:
        say(f"  {choice.label} on {faces.label}: {board.forecast(choice, faces)}")
    records = []
    for choice, faces in cells:
        outcome = board.cell(choice, faces)
        if isinstance(outcome, Failure):
            say(f"{outcome.kind}: {choice.label} on {faces.label}: {outcome.reason}")
            failures.append(outcome)
        else:
            records.append(outcome)
    return Results([row for record in records for row in record.rows()], failures)


def train(
    method: str,
    dataset: str,
    *,
    protocol: str = "realworld",
    data: Path | None = None,
    budget: str = "paper",
    settings: Mapping[str, Any] | None = None,
    out: Path = Path("runs"),
    device: str = "auto",
    seed: int = 0,
    limit: int | None = None,
    retrain: bool = False,
) -> Path:
    """Train one method on one data set.

    Args:
        method: Name, or `name[setting=value]`.
        dataset: Name of the data set.
        protocol: Name of the protocol, which decides sizes.
        data: As in `run`.
        budget: As in `run`.
        settings: Settings of the method.
        out: Run folder.
        device: As in `run`.
        seed: As in `run`.
        limit: As in `run`.
        retrain: As in `run`.

    Returns:
        The file of weights.

    Raises:
        BenchError: If the method has nothing to learn, or the data cannot be used.
    """
    from facesr.bench import steps

    choice, place = choices.parse("methods", method), choices.parse("datasets", dataset)
    overrides = _checked({choice.name: settings or {}}, [choice])
    options = Options(budget, overrides, pick_device(device), seed, retrain)
    measure = choices.parse("protocols", protocol)
    ruler = plan.build_protocol(measure)
    store = Store(out)
    board = Board(store, ruler, measure.label, options, say)
    built = board.method(choice)
    if not learns(built):
        raise BenchError(f"{choice.label} has nothing to train; `bench upscale` takes it as it is")
    source = plan.build_dataset(place, ruler, data, limit)
    if absent := source.missing():
        raise BadData(f"{place.label}: {absent}")
    faces = source.split("train")
    target = store.training(choice.label, steps.fingerprint(faces))
    with store.locked(choice.label, say):
        key = steps.training_key(built, choice.name, faces)
        steps.train(built, choice.label, faces, target, key, retrain)
    return target / "weights.safetensors"


def upscale(
    method: str,
    images: Path,
    out: Path,
    *,
    weights: Path | None = None,
    scale: int = 4,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Faces:
    """Upscale a folder of square images of one size.

    Args:
        method: Name, or `name[setting=value]`.
        images: Folder of images.
        out: Folder to write `images/*.png` to.
        weights: File that `bench train` wrote, or an official one that the method reads.
        scale: Factor.
        settings: Settings of the method; those beside the weights are taken if left out.
        device: As in `run`.
        seed: As in `run`.

    Returns:
        The upscaled faces.

    Raises:
        BenchError: If a file cannot be used, or weights are needed and absent.
    """
    import torch

    from facesr.bench import steps
    from facesr.bench.files import digest
    from facesr.bench.store import read_json

    choice = choices.parse("methods", method)
    recorded = read_json(weights.parent / "train.json") if weights else {}
    given = dict(recorded.get("key", {}).get("settings", {})) | dict(settings or {})
    given = {"scale": scale, "seed": seed} | given
    scale, seed = int(given.pop("scale")), int(given.pop("seed"))
    built = plan.build_method(choice, "paper", given, scale, seed)
    if reason := plan.unable(built, choice.label):
        raise BenchError(reason)
    if weights is None and learns(built):
        raise BenchError(
            f"{choice.label} has to learn first; give --weights FILE, which `bench train "
            f"{choice.label}` and `bench run` write"
        )
    if weights is not None:
        if not weights.is_file():
            raise BenchError(f"{weights} does not exist")
        _load(built, weights, choice.label)
    built.device = torch.device(pick_device(device))
    built.net.to(built.device)
    lr = folder(images)
    key = {
        "settings": plan.settings_of(built),
        "weights": digest(weights) if weights else "",
        "input": lr.fingerprint,
        "code": steps.code_version("methods", choice.name),
    }
    return steps.upscale(built, choice.label, lr, out, key)[0]


def score(
    images: Path,
    reference: Path | None = None,
    *,
    metrics: str | Sequence[str] | None = None,
    protocol: str | None = None,
) -> list[Score | Curve]:
    """Measure any folder of images, any lab's.

    Args:
        images: Folder of square images of one size.
        reference: Folder of real faces; with the same file names where originals are compared.
        metrics: Names of metrics; all that the two folders allow if left out.
        protocol: Name of a protocol whose metrics are taken instead.

    Returns:
        One score per metric; one that cannot be measured says why.

    Raises:
        BenchError: If a file cannot be used, or a metric needs a reference and none is given.
    """
    from facesr.bench.contract import Metric

    if metrics and protocol:
        raise BenchError("give --metrics or --protocol, not both")
    if protocol:
        chosen = plan.build_protocol(choices.parse("protocols", protocol)).metrics()
    else:
        names = choices.choose("metrics", metrics or "all")
        chosen = [plan.build_metric(choice) for choice in names]
    sr = folder(images)
    real = folder(reference, size=sr.size) if reference else None
    paired = real is not None and real.names == sr.names

    def usable(metric: Metric) -> bool:
        return {"nothing": True, "faces": real is not None, "pairs": paired}.get(
            metric.needs, False
        )

    if not (metrics or protocol):
        chosen = [metric for metric in chosen if usable(metric)]
    for metric in chosen:
        if not usable(metric):
            name = type(metric).__name__.lower()
            wish = (
                "a reference folder" if metric.needs == "faces" else "originals of the same names"
            )
            raise BenchError(f"{name} needs {wish}; give --reference DIR")
    return [metric.score(sr, real) for metric in chosen]


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
        raise BenchError(
            f"no device {device!r} on this machine; use --device auto or cpu"
        ) from None
    return device


def _checked(
    settings: Mapping[str, Mapping[str, Any]], chosen: Sequence[Choice]
) -> Mapping[str, Mapping[str, Any]]:
    """Check settings by method name without importing any method."""
    for name, given in settings.items():
        choices.check_settings("methods", catalog.entry("methods", name).name, given)
        if name not in {choice.name for choice in chosen}:
            raise BenchError(f"settings are given for {name}, which takes no part in this run")
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
    for metric in ruler.metrics():
        if absent := metric.missing():
            say(f"  {type(metric).__name__.lower()} is left out: {absent}")


def _prepare(
    board: Board,
    chosen: Sequence[Choice],
    places: Sequence[Choice],
    data: Path | None,
    limit: int | None,
) -> tuple[list[Ready], list[Failure]]:
    """Get data sets ready; one that cannot be used fails its own cells only."""
    ready, failures = [], []
    for place in places:
        try:
            dataset = plan.build_dataset(place, board.protocol, data, limit)
            ready.append(prepare(place.label, dataset, board.store, say))
            if any(learns(board.method(choice)) for choice in chosen):
                _ = ready[-1].train
        except BenchError as error:
            say(f"fail: {place.label}: {error}")
            reason = str(error)
            where = (place.label, board.protocol_name, reason)
            failures += [Failure(choice.label, *where) for choice in chosen]
            ready = [faces for faces in ready if faces.label != place.label]
    return ready, failures


def _load(method: Any, weights: Path, label: str) -> None:
    try:
        method.load(weights)
    except BenchError:
        raise
    except Exception as error:  # safetensors, pickle and key errors: all mean the wrong file
        first = str(error).strip().partition("\n")[0]
        raise BenchError(
            f"{weights} holds no weights of {label} with these settings: {first}"
        ) from None
