"""The steps of a cell, train, upscale and score: each decides by content what may be reused."""

import csv
import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from facesr.bench import provenance
from facesr.bench.contract import Method, Protocol, Split
from facesr.bench.errors import BenchError, Stale
from facesr.bench.faces import Faces, unpacked, write_images
from facesr.bench.files import digest, digest_of_files, read_json, write_json, write_whole
from facesr.bench.progress import progress
from facesr.bench.score import Curve, Score
from facesr.bench.store import difference

BATCH = 32
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """Weights that a method can go on with.

    Args:
        weights: SHA-256 of the weights; empty for a method without any.
        seconds: How long the training took, in all processes that took part.
        machine: Where it ended; empty without a training.
    """

    weights: str
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Upscaled:
    """What a method made of its inputs.

    Args:
        faces: The upscaled faces.
        images_per_second: Speed of the network, without reading and writing.
        machine: Where it was done.
        remarks: What the method could not do as well as it should, and for how many faces.
    """

    faces: Faces
    images_per_second: float
    machine: dict[str, Any]
    remarks: tuple[str, ...] = ()

    @property
    def files(self) -> str:
        """Digest of the files of the faces, byte by byte, which needs no data set to check."""
        return digest_of_files(self.faces.root, self.faces.names)


def stale(folder: Path, key: dict[str, Any]) -> str:
    """Say what differs between a training in a folder and the one asked for; empty if nothing."""
    return difference(read_json(folder / "train.json").get("key", key), key)


def train(
    method: Method, label: str, data: Split, folder: Path, key: dict[str, Any], retrain: bool
) -> Trained:
    """Train, continue a training that was interrupted, or find that there is nothing to do.

    The weights are in `folder/weights.safetensors` then, for `Method.load`.

    Raises:
        Stale: If the folder holds a training under other conditions and `retrain` is off.
    """
    note, weights = folder / "train.json", folder / "weights.safetensors"
    state = read_json(note)
    if differs := _obstacle(state, weights, key):
        if not retrain:
            raise Stale(
                f"the weights of {label} in {folder} cannot be reused ({differs}); pass --retrain "
                "to replace them, or --out for another run folder"
            )
        state = {}
    if state.get("state") == "done":
        return Trained(state["weights"], state["timing"]["train_seconds"], state.get("machine", {}))
    if not state:
        discard(folder)
    write_json(note, {"key": key, "state": "started"})
    start = time.monotonic()
    method.train(data, folder)
    seconds = max(time.monotonic() - start, _logged_seconds(folder / "log.csv"))
    save_weights(method, weights)
    done = Trained(digest(weights), round(seconds, 2), machine(method))
    write_json(
        note,
        {
            "key": key,
            "state": "done",
            "weights": done.weights,
            "timing": {"train_seconds": done.seconds},
            "machine": done.machine,
            "versions": provenance.versions(),
        },
    )
    return done


def discard(folder: Path) -> None:
    """Remove a folder in a way that a kill cannot leave half of it under its name."""
    aside = folder.with_name(f".{folder.name}.gone")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside)


def save_weights(method: Method, path: Path) -> None:
    """Store the weights of `method.net`, whole or not at all."""
    from safetensors.torch import save

    tensors = {k: v.detach().cpu().contiguous() for k, v in method.net.state_dict().items()}
    write_whole(path, lambda file: file.write(save(tensors)))


@torch.inference_mode()
def upscale(method: Method, label: str, lr: Faces, folder: Path, key: dict[str, Any]) -> Upscaled:
    """Upscale faces into `folder/images`; what an interrupted call finished is kept.

    Args:
        method: Ready to upscale.
        label: Its name on the board.
        lr: What it is given.
        folder: Where images and `images.json` go.
        key: What decides whether images that are there may be kept.

    Raises:
        BenchError: If the method returns another shape, NaN or infinity, or if the folder holds
            images that this function did not write.
    """
    images, note = folder / "images", folder / "images.json"
    state: dict[str, Any] = read_json(note)
    foreign = not state and images.is_dir() and any(images.iterdir())
    if foreign or images.resolve() == lr.root.resolve():
        raise BenchError(f"{images} would be overwritten; choose another folder to write to")
    made = outputs(images, lr, method.scale, label)
    if not _reusable(state, key, made, method):
        discard(images)
        state = dict(key=key, machine=machine(method))
        write_json(note, state)
    method.net.eval()
    seconds, done = 0.0, 0
    with progress(f"upscaling with {label}", len(lr)) as advance:
        for start in range(0, len(lr), BATCH):  # fixed batches: a resumed run rounds the same way
            part = range(start, min(start + BATCH, len(lr)))
            names = made.names[part.start : part.stop]
            if not all((images / name).is_file() for name in names):
                batch = next(lr.take(part).batches(BATCH)).to(method.device)
                method.remarks.clear()
                began = time.perf_counter()
                pixels = _checked(method.upscale(batch), batch, names, method.scale, label).cpu()
                seconds += time.perf_counter() - began
                done += len(part)
                if method.remarks:  # by batch, so that one made twice does not count twice
                    state.setdefault("remarks", {})[str(start)] = dict(method.remarks)
                    write_json(note, state)
                write_images(pixels, names, images)
            advance(len(part))
    if done:
        state["timing"] = {"images_per_second": round(done / seconds, 2)}
    write_json(note, state | {"digest": made.fingerprint})
    speed = state.get("timing", {}).get("images_per_second", 0.0)
    counted = sum(map(Counter, state.get("remarks", {}).values()), Counter[str]())
    remarks = tuple(f"{count:,} of {len(lr):,} {what}" for what, count in sorted(counted.items()))
    return Upscaled(made, speed, state.get("machine", {}), remarks)


def outputs(images: Path, lr: Faces, scale: int, label: str) -> Faces:
    """Return the faces that a method makes of `lr`: PNG files of the same stems."""
    names = tuple(f"{stem}.png" for stem in lr.stems)
    return Faces(images, names, lr.size * scale, f"{label}/{lr.title}", lr.identities)


def score(
    sr: Faces, data: Split, protocol: Protocol, more: Mapping[str, Faces] | None = None
) -> tuple[list[Score], list[Curve]]:
    """Measure upscaled faces.

    Args:
        sr: What a method made of the test inputs.
        data: The test part.
        protocol: The ruler.
        more: What it made of the protocol's further inputs.

    Raises:
        BenchError: If a number is NaN or infinite.
    """
    scores, curves = [], []
    for result in _results(sr, data, protocol, more or {}):
        if isinstance(result, Curve):
            curves.append(result)
            numbers = (*result.y, *result.low, *result.high)
        else:
            scores.append(result)
            numbers = tuple(x for x in (result.value, result.low, result.high) if x is not None)
            numbers += result.samples
        if not all(math.isfinite(x) for x in numbers):
            raise BenchError(f"{result.metric} is not finite on {sr.title}; look at {sr.root}")
    return scores, curves


def _results(
    sr: Faces, data: Split, protocol: Protocol, more: Mapping[str, Faces]
) -> Iterator[Score | Curve]:
    """Measure, each image decoded once."""
    with unpacked(sr) as once:
        yield from protocol.score(once, data)
    if more:
        with ExitStack() as stack:
            made = {name: stack.enter_context(unpacked(faces)) for name, faces in more.items()}
            yield from protocol.curves(made, data)


def machine(method: Method) -> dict[str, Any]:
    """Describe where a method runs and from which commit."""
    return provenance.machine(str(method.device)) | {"commit": provenance.commit()}


def _obstacle(state: dict[str, Any], weights: Path, key: dict[str, Any]) -> str:
    """Say why a training in a folder cannot be reused or continued; empty if it can."""
    if differs := difference(state.get("key", key), key):
        return differs
    if state.get("state") == "done" and not (
        weights.is_file() and digest(weights) == state["weights"]
    ):
        return f"{weights.name} is not the file that was trained here"
    return ""


def _logged_seconds(log: Path) -> float:
    """Read how long a training took that ran in several processes, where its log knows."""
    try:
        with log.open(newline="", encoding="utf-8") as file:
            return max((float(row["seconds"]) for row in csv.DictReader(file)), default=0.0)
    except (OSError, KeyError, TypeError, ValueError):
        return 0.0


def _reusable(state: dict[str, Any], key: dict[str, Any], made: Faces, method: Method) -> bool:
    """Tell whether images are those that would be made, or a part of them made on such a device."""
    if state.get("key") != key:
        return False
    if "digest" not in state:
        return bool(state["machine"]["device_name"] == machine(method)["device_name"])
    try:
        return replace(made, title="").fingerprint == state["digest"]
    except BenchError:
        return False


def _checked(
    sr: torch.Tensor, lr: torch.Tensor, names: tuple[str, ...], scale: int, label: str
) -> torch.Tensor:
    want = (len(lr), 3, lr.shape[2] * scale, lr.shape[3] * scale)
    if tuple(sr.shape) != want:
        raise BenchError(f"{label} returned {tuple(sr.shape)}, expected {want}")
    bad = ~sr.isfinite().flatten(1).all(1)
    if bad.any():
        raise BenchError(f"{label} returned NaN or infinity for {names[int(bad.nonzero()[0])]}")
    return sr.float().clamp(0, 1)
