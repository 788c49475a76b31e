"""The cells of a board, one method on one data set each: what will be done, and doing it."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from facesr.bench import plan, provenance, steps
from facesr.bench.choices import Choice
from facesr.bench.contract import Dataset, Method, Protocol, Split
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, read_image, write_png
from facesr.bench.files import write_text
from facesr.bench.score import Failure
from facesr.bench.steps import Say
from facesr.bench.store import Record, Store, read_json

SHOWN = 8


@dataclass(frozen=True)
class Options:
    """What holds for every cell of a run.

    Args:
        budget: `paper`, `short` or `smoke`.
        overrides: Settings by method name.
        device: Where networks run.
        seed: Seed of training and upscaling.
        retrain: Whether to replace weights that are there.
    """

    budget: str
    overrides: Mapping[str, Mapping[str, Any]]
    device: str
    seed: int
    retrain: bool = False


@dataclass
class Ready:
    """A data set whose test part is prepared; the training part follows when first asked for."""

    label: str
    dataset: Dataset
    test: Split
    _train: Split | None = None

    @property
    def train(self) -> Split:
        """The training part."""
        if self._train is None:
            self._train = self.dataset.split("train")
        return self._train


@dataclass(frozen=True)
class Board:
    """Methods on data sets under one protocol.

    Args:
        store: Run folder.
        protocol: The ruler.
        protocol_name: Its name.
        options: What holds for every cell.
        say: Where sentences for the user go.
    """

    store: Store
    protocol: Protocol
    protocol_name: str
    options: Options
    say: Say

    def method(self, choice: Choice) -> Method:
        """Build a method, freshly seeded, on its device."""
        import torch

        overrides = self.options.overrides.get(choice.name, {})
        scale, seed = self.protocol.scale, self.options.seed
        method = plan.build_method(choice, self.options.budget, overrides, scale, seed)
        method.device = torch.device(self.options.device)
        method.net.to(method.device)
        return method

    def forecast(self, choice: Choice, ready: Ready) -> str:
        """Say what a cell will do, and why."""
        method = self.method(choice)
        if reason := plan.unable(method, choice.label):
            return f"skip: {reason}"
        n = len(ready.test.lr)
        if learns(method):
            key = steps.training_key(method, choice.name, ready.train)
            folder = self._training(choice, ready)
            state = read_json(folder / "train.json")
            differs = steps.stale(folder, key)
            if differs and not self.options.retrain:
                return f"cannot reuse the weights that are there: {differs}"
            if differs or not state or (self.options.retrain and state.get("state") == "done"):
                size = f"{len(ready.train.hr)} HR and {len(ready.train.lr)} LR faces"
                return f"train on {size}, upscale {n}, score"
            if state.get("state") == "started":
                return f"continue training, upscale {n}, score"
            key = self._image_key(method, choice, state["weights"], ready)
        else:
            key = self._image_key(method, choice, "", ready)
        cell = self.store.cell(choice.label, ready.label)
        images = read_json(cell / "images.json")
        trained = "reuse weights, " if learns(method) else ""
        if images.get("key") != key:
            return f"{trained}upscale {n}, score"
        if "digest" not in images:
            return f"{trained}continue upscaling {n}, score"
        record = self.store.read(choice.label, ready.label, self.protocol_name)
        score_key = self._score_key(images["digest"], ready)
        return (
            "reuse all" if record and record.key == score_key else f"{trained}reuse images, score"
        )

    def cell(self, choice: Choice, ready: Ready) -> Record | Failure:
        """Train, upscale and score; what can go wrong ends in a sentence, not in an exception."""
        place = (choice.label, ready.label, self.protocol_name)
        try:
            method = self.method(choice)
            if reason := plan.unable(method, choice.label):
                return Failure(*place, reason, "skip")
            with self.store.locked(choice.label, self.say):
                record = self._work(method, choice, ready)
                self.store.write(record)
                return record
        except BenchError as error:
            return self._failed(Failure(*place, str(error)), "")
        except Exception as error:  # a method may raise anything; the other cells go on
            trace = traceback.format_exc()
            where = self.store.cell(*place[:2]) / f"{self.protocol_name}.error.txt"
            write_text(where, trace)
            reason = f"{type(error).__name__}: {error} (trace in {where})"
            return self._failed(Failure(*place, reason), trace)

    def _work(self, method: Method, choice: Choice, ready: Ready) -> Record:
        label, options = choice.label, self.options
        trained = steps.Trained("")
        if learns(method):
            key = steps.training_key(method, choice.name, ready.train)
            folder = self._training(choice, ready)
            trained = steps.train(method, label, ready.train, folder, key, options.retrain)
            method.net.to(method.device)
        cell = self.store.cell(label, ready.label)
        image_key = self._image_key(method, choice, trained.weights, ready)
        sr, speed = steps.upscale(method, label, ready.test.lr, cell, image_key)
        key = self._score_key(sr.fingerprint, ready)
        old = self.store.read(label, ready.label, self.protocol_name)
        if old is not None and old.key == key:
            return old
        scores, curves = steps.score(sr, ready.test, self.protocol)
        timing = {"train_seconds": trained.seconds, "images_per_second": round(speed, 2)}
        return Record(
            method=label,
            dataset=ready.label,
            protocol=self.protocol_name,
            budget=options.budget,
            settings=plan.settings_of(method),
            seed=method.seed,
            key=key,
            scores=scores,
            curves=curves,
            provenance=self._provenance(method, trained, ready, sr),
            timing=timing,
        )

    def _provenance(
        self, method: Method, trained: steps.Trained, ready: Ready, sr: Faces
    ) -> dict[str, Any]:
        about = type(ready.dataset).about
        return steps.machine(method) | {
            "versions": provenance.versions(),
            "weights": trained.weights,
            "data": {
                "train": steps.fingerprint(ready.train) if learns(method) else "",
                "input": ready.test.lr.fingerprint,
                "reference": ready.test.hr.fingerprint,
                "images": sr.fingerprint,
            },
            "dataset": about.title if about else ready.label,
            "notes": list(ready.test.notes),
        }

    def _training(self, choice: Choice, ready: Ready) -> Path:
        return self.store.training(choice.label, steps.fingerprint(ready.train))

    def _image_key(
        self, method: Method, choice: Choice, weights: str, ready: Ready
    ) -> dict[str, Any]:
        return {
            "settings": plan.settings_of(method),
            "weights": weights,
            "input": ready.test.lr.fingerprint,
            "code": steps.code_version("methods", choice.name),
        }

    def _score_key(self, images: str, ready: Ready) -> dict[str, Any]:
        key = steps.score_key(images, ready.test, self.protocol, self.protocol_name)
        return key | {"budget": self.options.budget}

    def _failed(self, failure: Failure, trace: str) -> Failure:
        self.store.fail(failure, trace)
        return failure


def learns(method: Method) -> bool:
    """Tell whether a method has something to train."""
    return type(method).train is not Method.train


def prepare(label: str, dataset: Dataset, store: Store, say: Say) -> Ready:
    """Get the test part of a data set ready and keep its inputs in the run folder.

    Raises:
        BenchError: If files are absent or unusable, with a sentence that names them.
    """
    if absent := dataset.missing():
        raise BenchError(f"{label}: {absent}")
    test = dataset.split("test")
    for half, faces, size in (("lr", test.lr, dataset.lr_size), ("hr", test.hr, dataset.hr_size)):
        if faces.size != size:
            raise BenchError(
                f"{label}: {half} faces of the test part are {faces.size} px, expected {size} px"
            )
    say(
        f"  {label}: {len(test.lr)} test inputs of {test.lr.size} px, {len(test.hr)} "
        f"{'originals' if test.paired else 'reference faces'} of {test.hr.size} px"
    )
    for note in test.notes:
        say(f"    {note}")
    _keep(test.lr, store.inputs(label))
    _keep(_shown(test.hr), store.real(label))
    return Ready(label, dataset, test)


def _shown(faces: Faces) -> Faces:
    """Choose the faces that a report shows by the SHA-256 of their names, so that nobody does."""

    def place(i: int) -> str:
        return sha256(f"{faces.stems[i]}.png".encode()).hexdigest()

    return faces.take(sorted(sorted(range(len(faces)), key=place)[:SHOWN]))


def _keep(faces: Faces, folder: Path) -> None:
    """Copy faces into the run folder, so that it explains itself."""
    wanted = dict(zip((f"{stem}.png" for stem in faces.stems), faces.names, strict=True))
    for path in folder.glob("*.png"):
        if path.name not in wanted:
            path.unlink(missing_ok=True)
    for name, source in wanted.items():
        pixels = read_image(faces.root / source)
        if not (folder / name).is_file() or not np.array_equal(read_image(folder / name), pixels):
            write_png(pixels, folder / name)
