"""One step alone, without a board: train a method, upscale a folder, measure a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from facesr.bench import choices, keys, plan, steps
from facesr.bench.board import Board, Options, learns
from facesr.bench.contract import Metric
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.bench.faces import Faces, folder, unpacked
from facesr.bench.files import digest, read_json
from facesr.bench.run import checked_settings, pick_device, say
from facesr.bench.score import Score
from facesr.bench.store import Store


def train(
    method: str,
    dataset: str | None = None,
    *,
    protocol: str = "realworld",
    data: Path | None = None,
    budget: str | None = None,
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
        dataset: Name of the data set; the one found below `data`, or `embedded`, if left out.
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
    choice, measure = choices.parse("methods", method), choices.parse("protocols", protocol)
    overrides = checked_settings({choice.name: settings or {}}, [choice])
    length = budget or ("paper" if data else "smoke")
    options = Options(length, overrides, pick_device(device), seed, retrain)
    ruler = plan.build_protocol(measure)
    places = [choices.parse("datasets", dataset)] if dataset else plan.default_datasets(data, ruler)
    store = Store(out)
    board = Board(store, measure, ruler, options, say)
    built = board.method(choice)
    if not learns(built):
        raise BenchError(f"{choice.label} has nothing to train; `bench upscale` takes it as it is")
    source = plan.build_dataset(places[0], ruler, data, limit)
    if absent := source.missing():
        raise BadData(absent)
    faces = source.split("train")
    target = store.training(choice.label, keys.fingerprint(faces))
    say(
        f"plan: train {choice.label} on {len(faces.hr)} HR and {len(faces.lr)} LR faces of "
        f"{places[0].label}; budget {length}, device {options.device}, seed {seed}, in {target}"
    )
    with store.locked(store.method(choice.label), choice.label, say):
        key = keys.training_key(built, choice.name, faces)
        steps.train(built, choice.label, faces, target, key, retrain)
    return target / "weights.safetensors"


def upscale(
    method: str,
    images: Path,
    out: Path,
    *,
    weights: Path | None = None,
    scale: int | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int | None = None,
) -> Faces:
    """Upscale a folder of square images of one size.

    Args:
        method: Name, or `name[setting=value]`.
        images: Folder of images.
        out: Folder to write `images/*.png` to.
        weights: File that `bench train` wrote, or an official one that the method reads.
        scale: Factor; that of the weights, or 4, if left out.
        settings: Settings of the method; those of the weights are taken if left out.
        device: As in `run`.
        seed: Seed of upscaling; that of the weights, or 0, if left out.

    Returns:
        The upscaled faces.

    Raises:
        BenchError: If a file cannot be used, or weights are needed and absent.
    """
    choice = choices.parse("methods", method)
    recorded = read_json(weights.parent / "train.json") if weights else {}
    trained = dict(recorded.get("key", {}).get("settings", {}))
    wanted = {"scale": scale, "seed": seed}
    for name, value in wanted.items():
        if value is not None and trained.setdefault(name, value) != value:
            raise BenchError(f"{weights} was trained with {name}={trained[name]}, not {value}")
    given = trained | dict(settings or {})
    factor, chance = int(given.pop("scale", 4)), int(given.pop("seed", 0))
    if reason := plan.unable(choice, factor):
        raise BenchError(reason)
    built = plan.build_method(choice, "paper", given, factor, chance)
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
    key = keys.image_key(built, choice.name, digest(weights) if weights else "", lr)
    return steps.upscale(built, choice.label, lr, out, key).faces


def score(
    images: Path,
    reference: Path | None = None,
    *,
    metrics: str | Sequence[str] | None = None,
    protocol: str | None = None,
) -> list[Score]:
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
    if metrics and protocol:
        raise BadName("give --metrics or --protocol, not both")
    if protocol:
        chosen = plan.build_protocol(choices.parse("protocols", protocol)).metrics()
    else:
        names = choices.choose("metrics", metrics or "all")
        chosen = [plan.build_metric(choice) for choice in names]
    sr = folder(images)
    real = folder(reference, size=sr.size) if reference else None
    if not (metrics or protocol):
        chosen = [metric for metric in chosen if _fits(metric, sr, real)]
    for metric in chosen:
        if metric.needs in ("faces", "pairs") and real is None:
            wish = "real faces" if metric.needs == "faces" else "originals of the same names"
            raise BadName(f"{type(metric).__name__.lower()} needs {wish}; give --reference DIR")
    with unpacked(sr) as once, unpacked(real or sr) as other:
        return [metric(once, other if real else None) for metric in chosen]


def _fits(metric: Metric, sr: Faces, real: Faces | None) -> bool:
    paired = real is not None and real.stems == sr.stems
    fits = {"nothing": True, "faces": real is not None, "pairs": paired, "input": False}
    return fits[metric.needs]


def _load(method: Any, weights: Path, label: str) -> None:
    try:
        method.load(weights)
    except BenchError:
        raise
    except Exception as error:  # safetensors, pickle and key errors: all mean the wrong file
        first = str(error).strip().partition("\n")[0]
        raise BenchError(f"{weights} holds no weights that {label} can read ({first})") from None
