"""The cells of a board, one method on one data set each: what will be done, and doing it."""

import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facesr.bench import keys, plan, provenance, steps
from facesr.bench.choices import Choice
from facesr.bench.contract import Method, Protocol
from facesr.bench.errors import BenchError, Stale, sentence
from facesr.bench.files import digest_of, read_json, write_text
from facesr.bench.ready import Ready
from facesr.bench.score import Failure, Kind
from facesr.bench.steps import Say
from facesr.bench.store import Record, Store


@dataclass(frozen=True)
class Options:
    """What holds for every cell of a run.

    Args:
        budget: `paper`, `short` or `smoke`.
        overrides: Settings by method name.
        device: Where networks run.
        seed: Seed of training and upscaling.
        retrain: Whether to replace weights that cannot be reused.
    """

    budget: str
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    device: str = "cpu"
    seed: int = 0
    retrain: bool = False


@dataclass(frozen=True)
class Board:
    """Methods on data sets under one protocol.

    Args:
        store: Run folder.
        measure: The protocol, as it was chosen.
        protocol: The protocol, built.
        options: What holds for every cell.
        say: Where sentences for the user go.
    """

    store: Store
    measure: Choice
    protocol: Protocol
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

    def unable(self, choice: Choice) -> str:
        """Say why a method cannot take part, without building it; empty if it can."""
        return plan.unable(choice, self.protocol.scale)

    def forecast(self, choice: Choice, ready: Ready) -> str:
        """Say what a cell will do, and why."""
        method = self.method(choice)
        n, kept, weights = len(ready.test.lr), "", _digest(method)
        if learns(method):
            key = keys.training_key(method, choice.name, ready.train)
            folder = self._training(choice, ready)
            state = read_json(folder / "train.json")
            differs = steps.stale(folder, key)
            if differs and not self.options.retrain:
                return f"cannot reuse the weights that are there: {differs}"
            if differs or not state:
                size = f"{len(ready.train.hr)} HR and {len(ready.train.lr)} LR faces"
                return f"train on {size}, upscale {n}, score"
            if state.get("state") == "started":
                return f"continue training, upscale {n}, score"
            kept, weights = "reuse weights, ", state["weights"]
        key = keys.image_key(method, choice.name, weights, ready.test.lr)
        images = read_json(self.store.cell(choice.label, ready.label) / "images.json")
        if images.get("key") != key:
            return f"{kept}upscale {n}, score"
        if "digest" not in images:
            return f"{kept}continue upscaling {n}, score"
        record = self.store.read(choice.label, ready.label, self.measure.label)
        seen = [images["digest"], *self._more(choice, ready)]
        whole = record is not None and record.key == self._score_key(seen, key, ready)
        return "reuse all" if whole else f"{kept}reuse images, score"

    def cell(self, choice: Choice, ready: Ready) -> Record | Failure:
        """Train, upscale and score; what can go wrong ends in a sentence, not in an exception."""
        place = (choice.label, ready.label, self.measure.label)
        try:
            with self.store.locked(self.store.method(choice.label), choice.label, self.say):
                try:
                    record = self._work(choice, ready)
                    self.store.write(record)
                    self._trace(place).unlink(missing_ok=True)
                    return record
                except Stale as error:
                    return Failure(*place, str(error))  # the stored row stays good
                except BenchError as error:
                    return self._failed(Failure(*place, str(error)), "")
                except Exception as error:  # a method may raise anything; the other cells go on
                    write_text(self._trace(place), traceback.format_exc())
                    reason = f"{sentence(error)} (trace in {self._trace(place)})"
                    return self._failed(Failure(*place, reason), traceback.format_exc())
        except OSError as error:  # the run folder itself cannot be written
            return Failure(*place, f"{self.store.root} cannot be written: {error}")

    def lost(self, choice: Choice, dataset: str, reason: str, kind: Kind = "fail") -> Failure:
        """Note a cell that never started, where the run folder can be written."""
        failure = Failure(choice.label, dataset, self.measure.label, reason, kind)
        with suppress(OSError):
            self.store.fail(failure, "")
        return failure

    def _work(self, choice: Choice, ready: Ready) -> Record:
        label, options, method = choice.label, self.options, self.method(choice)
        trained = steps.Trained(_digest(method))
        if learns(method):
            key = keys.training_key(method, choice.name, ready.train)
            folder = self._training(choice, ready)
            trained = steps.train(method, label, ready.train, folder, key, options.retrain)
            method = self.method(choice)  # anew, so that only what was saved counts
            method.load(folder / "weights.safetensors")
            method.net.to(method.device)
        made_as = keys.image_key(method, choice.name, trained.weights, ready.test.lr)
        cell = self.store.cell(label, ready.label)
        made = steps.upscale(method, label, ready.test.lr, cell, made_as)
        for remark in made.remarks:
            self.say(f"{label} on {ready.label}: {remark}")
        more = {
            name: steps.upscale(
                method,
                f"{label} ({name})",
                lr,
                cell / name,
                keys.image_key(method, choice.name, trained.weights, lr),
            ).faces
            for name, lr in self.protocol.inputs(ready.test).items()
        }
        images = [made.faces.fingerprint, *(faces.fingerprint for faces in more.values())]
        key = self._score_key(images, made_as, ready)
        old = self.store.read(label, ready.label, self.measure.label)
        if old is not None and old.key == key:
            return old
        scores, curves = steps.score(made.faces, ready.test, self.protocol, more)
        return Record(
            method=label,
            dataset=ready.label,
            protocol=self.measure.label,
            budget=options.budget,
            settings=plan.settings_of(method),
            seed=method.seed,
            key=key,
            scores=scores,
            curves=curves,
            provenance=self._provenance(method, choice, trained, ready, made),
            timing={
                "train_seconds": trained.seconds,
                "images_per_second": made.images_per_second,
            },
            names=made.faces.names,
        )

    def _provenance(
        self,
        method: Method,
        choice: Choice,
        trained: steps.Trained,
        ready: Ready,
        made: steps.Upscaled,
    ) -> dict[str, Any]:
        own = {"trained_on": trained.machine} if trained.machine else {}
        data = {
            "train": keys.fingerprint(ready.train) if learns(method) else "",
            "input": ready.test.lr.fingerprint,
            "reference": ready.test.hr.fingerprint,
            "images": made.faces.fingerprint,
            "files": made.files,
        }
        counts = {"input": len(ready.test.lr), "reference": len(ready.test.hr)}
        if learns(method):
            counts |= {"train_lr": len(ready.train.lr), "train_hr": len(ready.train.hr)}
        return (
            made.machine
            | own
            | ready.about()
            | {
                "versions": provenance.versions(),
                "weights": trained.weights,
                "parameters": sum(p.numel() for p in method.net.parameters()),
                "remarks": list(made.remarks),
                "changed": plan.changed(method, choice, self.options.budget),
                "counts": counts,
                "data": data,
            }
        )

    def _training(self, choice: Choice, ready: Ready) -> Path:
        return self.store.training(choice.label, keys.fingerprint(ready.train))

    def _more(self, choice: Choice, ready: Ready) -> list[str]:
        """Return the digests of what was made of further inputs, as far as it is there."""
        cell = self.store.cell(choice.label, ready.label)
        names = self.protocol.inputs(ready.test)
        return [read_json(cell / name / "images.json").get("digest", "") for name in names]

    def _score_key(
        self, images: Sequence[str], made: dict[str, Any], ready: Ready
    ) -> dict[str, Any]:
        seen = images[0] if len(images) == 1 else digest_of(list(images))
        key = keys.score_key(seen, made, ready.test, self.protocol, self.measure.name)
        return key | {"budget": self.options.budget, "limit": ready.dataset.limit}

    def _trace(self, place: tuple[str, str, str]) -> Path:
        return self.store.cell(*place[:2]) / "error.txt"

    def _failed(self, failure: Failure, trace: str) -> Failure:
        self.store.fail(failure, trace)
        return failure


def learns(method: Method) -> bool:
    """Tell whether a method has something to train."""
    return type(method).train is not Method.train


def _digest(method: Method) -> str:
    """Return a digest of ready-made weights; empty for a method without any, or one that learns."""
    state = {} if learns(method) else method.net.state_dict()
    bare = {name: value.cpu().numpy().tobytes().hex() for name, value in state.items()}
    return digest_of(bare) if bare else ""
