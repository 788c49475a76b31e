"""The training loop of every learned method: stages of steps over named networks."""

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from facesr.bench.errors import BenchError
from facesr.bench.progress import progress
from facesr.methods._train import checkpoint
from facesr.methods._train.average import REACH, Average
from facesr.methods._train.compiled import PAYS_FROM, Compiled
from facesr.methods._train.data import Dice, Feed, derived_seed
from facesr.methods._train.finite import require_finite, require_finite_weights
from facesr.methods._train.log import Log
from facesr.methods._train.samples import write_grid

CHECKPOINT = "checkpoint.pt"
LOG_ROWS = 1000
SAMPLE_GRIDS = 20
_CHECK_EVERY_ON_CUDA = 25  # looking at a number makes the device wait


@dataclass(frozen=True)
class Stage:
    """A part of a training run.

    Args:
        name: What logs and messages call it.
        steps: How many times `step` is called.
        step: Updates the networks once, through `Trainer.minimise`.
        rate: Factor of every learning rate, given the done share of the stage in [0, 1).
    """

    name: str
    steps: int
    step: Callable[["Trainer"], None]
    rate: Callable[[float], float] = lambda done: 1.0


@dataclass
class Trainer:
    """Runs stages; a run that was killed goes on from its checkpoint, on a CPU bit for bit.

    Randomness may come from the feed, from `noise` and from torch's own generators.

    Args:
        label: Name of the method, for messages.
        nets: All networks with a state, by name.
        optimisers: All optimisers, by the name of what they update.
        feed: Where batches come from.
        out: Folder for `checkpoint.pt`, `log.csv` and `samples/`.
        seed: Seed of everything random.
        averages: Decay of the moving average, by name of the network.
        reach: See `Average`; the same for all of them.
        clip: Largest norm of the gradients of one update; None for any.
        sample: Makes the columns of a picture of progress, of one length each; networks are in
            evaluation mode meanwhile.
        checkpoint_share: Part of the time that writing checkpoints may take; what a kill costs is
            the time between two of them.
        mixed: Whether steps run in bfloat16; None for where that is fast, on CUDA devices.
        compiled: Whether networks run compiled; None for on CUDA devices, in runs that are long
            enough to pay. Where compiling fails they run as they are written.
    """

    label: str
    nets: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]
    feed: Feed
    out: Path
    seed: int
    averages: Mapping[str, float] = field(default_factory=dict)
    reach: float = REACH
    clip: float | None = None
    sample: Callable[[], Sequence[Tensor]] | None = None
    checkpoint_share: float = 0.05
    mixed: bool | None = None
    compiled: bool | None = None

    def __post_init__(self) -> None:
        self.device = self.feed.device
        if self.mixed is None:
            self.mixed = self.device.type == "cuda"
        self.done = 0  # steps of all stages
        self._stage: Stage | None = None
        self._values: dict[str, Tensor] = {}
        self._updated: set[str] = set()
        self._looked, self._shown = 0.0, ""
        self._dice = Dice(derived_seed(self.seed, "noise"))
        self._seconds = 0.0  # of earlier processes
        self._started = time.monotonic()
        self._rates = {
            name: [group["lr"] for group in optimiser.param_groups]
            for name, optimiser in self.optimisers.items()
        }
        self._parameters = {
            name: [p for g in optimiser.param_groups for p in g["params"] if p.requires_grad]
            for name, optimiser in self.optimisers.items()
        }
        for net in self.nets.values():
            net.to(self.device).train()
        for optimiser in self.optimisers.values():
            _fuse(optimiser)
        kept = {name: decay for name, decay in self.averages.items() if decay}
        self._averages = {n: Average(self.nets[n], decay, self.reach) for n, decay in kept.items()}
        self._compiled = Compiled(self.nets)

    def run(self, stages: Sequence[Stage]) -> None:
        """Run all stages, or what an earlier process left of them.

        Raises:
            BenchError: If a loss or a gradient is not finite, or a checkpoint does not fit.
        """
        stages = [stage for stage in stages if stage.steps]
        torch.manual_seed(derived_seed(self.seed, "torch"))
        self._resume(stages)
        self._log = Log(self.out / "log.csv", self.done)
        self._total = sum(stage.steps for stage in stages)
        self._saved, self._cost = time.monotonic(), 0.0
        self._layout(torch.channels_last)
        with (
            progress(f"training {self.label}", self._total, "steps", self.done) as advance,
            self._compiled.during(self._compiling()),
            # shapes never change, so that trying algorithms once pays
            torch.backends.cudnn.flags(
                enabled=True, benchmark=True, deterministic=torch.backends.cudnn.deterministic
            ),
        ):
            before = 0
            for stage in stages:
                self._stage, self._fresh = stage, True
                for step in range(max(0, self.done - before), stage.steps):
                    self._step(stage, step)
                    advance(1, self._text())
                before += stage.steps
        self._layout(torch.contiguous_format)

    def minimise(self, names: str | tuple[str, ...], **losses: Tensor) -> None:
        """Update what some optimisers hold by one step down the sum of some losses.

        Only those parameters receive gradients.

        Args:
            names: One optimiser or several that share the losses.
            losses: Terms of the sum, weighted already.

        Raises:
            BenchError: If a loss or a gradient is not finite.
        """
        chosen = (names,) if isinstance(names, str) else names
        title = "+".join(chosen)
        parameters = [p for name in chosen for p in self._parameters[name]]
        with torch.autocast(self.device.type, enabled=False):
            for name in chosen:
                self.optimisers[name].zero_grad(set_to_none=True)
            terms = torch.stack([loss.float() for loss in losses.values()])
            terms.sum().backward(inputs=parameters)
            for name, loss in zip(losses, terms.detach(), strict=True):
                self._values[f"{title}/{name}"] = loss
            if self.device.type != "cuda" or self.done % _CHECK_EVERY_ON_CUDA == 0:
                require_finite(title, terms.detach(), losses, parameters, self._where())
            if self.clip is not None:
                nn.utils.clip_grad_norm_(parameters, self.clip)
            for name in chosen:
                self.optimisers[name].step()
        if self.mixed:
            torch.clear_autocast_cache()  # it holds the weights of before the update
        self._updated.update(chosen)

    def noise(self, *shape: int) -> Tensor:
        """Draw normal noise of a shape, on the device; the same on every device."""
        return torch.randn(shape, generator=self.generator("noise")).to(self.device)

    def generator(self, name: str) -> torch.Generator:
        """Return a generator on the CPU for one draw of whatever else a step needs."""
        return self._dice.generator(name)

    def average(self, name: str) -> nn.Module:
        """Return the moving average of a network, or the network where none is kept."""
        return self._averages[name].net if name in self._averages else self.nets[name]

    def _step(self, stage: Stage, step: int) -> None:
        factor = stage.rate(step / stage.steps)
        for name, optimiser in self.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor
        self._values, self._updated = {}, set()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bool(self.mixed)):
            self._update(stage)
        for name, average in self._averages.items():
            if name in self._updated:
                average.update(self.nets[name])
        self.done += 1
        last = step + 1 == stage.steps
        if last or self.done % max(1, self._total // LOG_ROWS) == 0:
            self._log.add(self.done, stage.name, self._elapsed(), self._numbers())
        if last or self.done % max(1, self._total // SAMPLE_GRIDS) == 0:
            self._draw()
        if last or self._due():
            self._save()

    def _update(self, stage: Stage) -> None:
        """Call a step; the first of a stage, which compiles, again if the compiler fails."""
        fresh, self._fresh = self._fresh, False
        if not (fresh and self._compiled.on):
            stage.step(self)
            return
        before = copy.deepcopy(self._state())
        try:
            stage.step(self)
        except BenchError:
            raise
        except Exception as error:  # whatever a compiler raises; a fault of the step comes again
            self._compiled.give_up(self.label, error)
            self._restore(before)
            self._values, self._updated = {}, set()
            stage.step(self)

    def _compiling(self) -> bool:
        if self.compiled is None:
            return self.device.type == "cuda" and self._total >= PAYS_FROM
        return self.compiled

    def _numbers(self) -> dict[str, float]:
        rates = {
            f"learning_rate/{name}": self.optimisers[name].param_groups[0]["lr"]
            for name in self.optimisers
            if name in self._updated
        }
        return {name: value.item() for name, value in self._values.items()} | rates

    def _text(self) -> str:
        """Losses for the progress line, looked at once a second."""
        now = time.monotonic()
        if now - self._looked >= 1.0 and self._stage:
            self._looked = now
            shown = (f"{name} {value.item():.3g}" for name, value in self._values.items())
            self._shown = ", ".join([self._stage.name, *shown])
        return self._shown

    def _where(self) -> str:
        stage = self._stage.name if self._stage else ""
        return f"at step {self.done + 1} (stage {stage!r}) of training {self.label}"

    def _draw(self) -> None:
        if self.sample is None:
            return
        with (
            torch.random.fork_rng(devices=[]),
            self._compiled.paused(),
            self._evaluating(),
            torch.no_grad(),
        ):
            columns = self.sample()
        write_grid(self.out / "samples" / f"{self.done:07d}.png", columns, self.feed.signed)

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        modes = [(module, module.training) for n in self.nets.values() for module in n.modules()]
        for net in self.nets.values():
            net.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode

    def _layout(self, layout: torch.memory_format) -> None:
        for net in [*self.nets.values(), *(average.net for average in self._averages.values())]:
            net.to(memory_format=layout)

    def _elapsed(self) -> float:
        return self._seconds + time.monotonic() - self._started

    def _due(self) -> bool:
        since = time.monotonic() - self._saved
        return self.checkpoint_share > 0 and self._cost <= self.checkpoint_share * since

    def _save(self) -> None:
        start = time.monotonic()
        require_finite_weights(self.nets, self.done, self.label)
        self._log.write()
        checkpoint.save(self.out / CHECKPOINT, self._state())
        self._saved = time.monotonic()
        self._cost = self._saved - start

    def _state(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "stage": self._stage.name if self._stage else "",
            "seconds": self._elapsed(),
            "nets": {name: net.state_dict() for name, net in self.nets.items()},
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "averages": {name: average.state() for name, average in self._averages.items()},
            "feed": self.feed.state(),
            "noise": dict(self._dice.counts),
            "random": checkpoint.random_state(self.device),
        }

    def _resume(self, stages: Sequence[Stage]) -> None:
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        state = checkpoint.load(path, self.device)
        try:
            if state["stage"] != _stage_at(stages, state["done"]):
                raise KeyError(state["stage"])
            self._restore(state)
        except (KeyError, RuntimeError, ValueError):
            raise BenchError(
                f"{path} belongs to a run with other settings; remove it to train from the start"
            ) from None
        self._seconds = state["seconds"]

    def _restore(self, state: dict[str, Any]) -> None:
        for name, net in self.nets.items():
            net.load_state_dict(state["nets"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for name, average in self._averages.items():
            average.restore(state["averages"][name])
        self.feed.restore(state["feed"])
        self._dice.counts = dict(state["noise"])
        self.done = state["done"]
        checkpoint.restore_random_state(state["random"], self.device)


def _fuse(optimiser: Optimizer) -> None:
    """Let Adam read and write everything once per update, where its settings leave that open."""
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 4):
        return  # it cannot on a CPU
    for group in optimiser.param_groups:
        if {"fused", "foreach"} <= group.keys() and not group["fused"] and not group["foreach"]:
            group["fused"] = True


def _stage_at(stages: Sequence[Stage], done: int) -> str:
    """Name the stage that ran the `done`-th step; empty if there is none."""
    for stage in stages:
        if done <= stage.steps:
            return stage.name
        done -= stage.steps
    return ""
