"""The steps of a cell, train, upscale and score: each decides by content what may be reused."""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from facesr.bench import catalog, provenance
from facesr.bench.catalog import Kind
from facesr.bench.contract import Method, Protocol, Split
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, write_images
from facesr.bench.files import digest, digest_of, write_json, write_whole
from facesr.bench.plan import settings_of
from facesr.bench.progress import progress
from facesr.bench.score import Curve, Score
from facesr.bench.store import Record, difference, read_json

BATCH = 32
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """Weights that a method can go on with.

    Args:
        weights: SHA-256 of the weights; empty for a method without any.
        seconds: How long the training took.
        images_per_second: Left out of equality between runs, like every timing.
    """

    weights: str
    seconds: float = 0.0


@cache
def code_version(kind: Kind, name: str) -> str:
    """Return a digest of the code that decides what an entry computes."""
    return digest_of(catalog.code(catalog.entry(kind, name).module))[:16]


def fingerprint(data: Split) -> str:
    """Return the fingerprint of both halves of a split."""
    return digest_of([data.lr.fingerprint, data.hr.fingerprint, data.paired])


def training_key(method: Method, name: str, data: Split) -> dict[str, Any]:
    """Return everything that decides what a training leads to."""
    return {
        "settings": settings_of(method),
        "data": fingerprint(data),
        "code": code_version("methods", name),
    }


def stale(folder: Path, key: dict[str, Any]) -> str:
    """Say what differs between a training in a folder and the one asked for; empty if nothing."""
    return difference(read_json(folder / "train.json").get("key", key), key)


def train(
    method: Method, label: str, data: Split, folder: Path, key: dict[str, Any], retrain: bool
) -> Trained:
    """Train, continue or reuse the weights in a folder.

    Raises:
        BenchError: If the folder holds a training under other conditions and `retrain` is off.
    """
    state = read_json(folder / "train.json")
    if retrain and state.get("state") == "done":
        shutil.rmtree(folder)
        state = {}
    if differs := stale(folder, key):
        if not retrain:
            raise BenchError(
                f"the weights of {label} in {folder} were trained under other conditions "
                f"({differs}); pass --retrain to replace them, or --out for another run folder"
            )
        shutil.rmtree(folder)
        state = {}
    weights = folder / "weights.safetensors"
    if state.get("state") == "done":
        if not weights.is_file() or digest(weights) != state["weights"]:
            raise BenchError(f"{weights} is not the file that was trained here; pass --retrain")
        method.load(weights)
        return Trained(state["weights"], state["timing"]["train_seconds"])
    write_json(folder / "train.json", {"key": key, "state": "started"})
    start = time.monotonic()
    method.train(data, folder)
    seconds = round(time.monotonic() - start, 2)
    save_weights(method, weights)
    trained = Trained(digest(weights), seconds)
    write_json(
        folder / "train.json",
        {
            "key": key,
            "state": "done",
            "weights": trained.weights,
            "timing": {"train_seconds": seconds},
            "provenance": machine(method) | {"versions": provenance.versions()},
        },
    )
    return trained


def save_weights(method: Method, path: Path) -> None:
    """Store the weights of `method.net`, whole or not at all."""
    from safetensors.torch import save

    tensors = {k: v.detach().cpu().contiguous() for k, v in method.net.state_dict().items()}
    write_whole(path, lambda file: file.write(save(tensors)))


@torch.inference_mode()
def upscale(
    method: Method, label: str, lr: Faces, folder: Path, key: dict[str, Any]
) -> tuple[Faces, float]:
    """Upscale faces into `folder/images`; what an interrupted call finished is kept.

    Args:
        method: Ready to upscale.
        label: Its name on the board.
        lr: What it is given.
        folder: Where images and `images.json` go.
        key: What decides whether images that are there may be kept.

    Returns:
        The upscaled faces, and how many were done per second (0 if none was).

    Raises:
        BenchError: If the method returns another shape, NaN or infinity.
    """
    images = folder / "images"
    note = folder / "images.json"
    state = read_json(note)
    if state.get("key") != key or not _untouched(state, images, lr, method.scale):
        shutil.rmtree(images, ignore_errors=True)
        write_json(note, {"key": key})
    method.net.eval()
    seconds = 0.0
    done = 0
    with progress(f"upscaling with {label}", len(lr)) as advance:
        for start in range(0, len(lr), BATCH):  # fixed batches: a resumed run rounds the same way
            part = lr.take(range(start, min(start + BATCH, len(lr))))
            if not all((images / name).is_file() for name in part.names):
                batch = next(part.batches(BATCH)).to(method.device)
                began = time.perf_counter()
                sr = method.upscale(batch)
                pixels = _checked(sr, batch, part.names, method.scale, label).cpu()
                seconds += time.perf_counter() - began
                done += len(part)
                write_images(pixels, part.names, images)
            advance(len(part))
    made = upscaled(images, lr, method.scale, label)
    write_json(note, {"key": key, "digest": made.fingerprint})
    return made, done / seconds if done else 0.0


def upscaled(images: Path, lr: Faces, scale: int, label: str) -> Faces:
    """Return the faces that a method made of `lr`."""
    names = tuple(f"{stem}.png" for stem in lr.stems)
    return Faces(images, names, lr.size * scale, f"{label}/{lr.title}", lr.identities)


def score(sr: Faces, data: Split, protocol: Protocol) -> tuple[list[Score], list[Curve]]:
    """Measure upscaled faces.

    Raises:
        BenchError: If a number is NaN or infinite.
    """
    scores, curves = [], []
    for result in protocol.score(sr, data):
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


def score_key(images: str, data: Split, protocol: Protocol, name: str) -> dict[str, Any]:
    """Return everything that decides what scoring leads to."""
    return {
        "images": images,
        "input": data.lr.fingerprint,
        "reference": data.hr.fingerprint,
        "code": code_version("protocols", name),
        "absent": [sentence for metric in protocol.metrics() if (sentence := metric.missing())],
    }


def machine(method: Method) -> dict[str, Any]:
    """Describe where a method runs and from which commit."""
    return provenance.machine(str(method.device)) | {"commit": provenance.commit()}


def reusable(record: Record | None, key: dict[str, Any]) -> bool:
    """Tell whether stored scores are those that a run would compute."""
    return record is not None and record.key == key


def _untouched(state: dict[str, Any], images: Path, lr: Faces, scale: int) -> bool:
    """Tell whether finished images are still the ones that were written."""
    if "digest" not in state:
        return True
    try:
        return upscaled(images, lr, scale, "").fingerprint == state["digest"]
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
