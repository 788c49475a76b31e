"""Checks that every method must pass; outside packages call `check_method` in their own tests."""

import importlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from facesr.bench import catalog, choices, plan
from facesr.bench.contract import Method, Split
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces, write_images

N = 4
SLACK = 0.5  # an overshoot is clamped, another range of values is a mistake


@dataclass(frozen=True)
class _Trial:
    """A method under test and the faces it is tried on."""

    cls: type[Method]
    settings: dict[str, Any]
    lr: Tensor
    data: Split
    tmp: Path

    def build(self, seed: int = 0) -> Method:
        torch.manual_seed(seed)
        method = self.cls(**(self.settings | {"seed": seed}))
        method.net.eval()
        return method

    def upscale(self, method: Method, lr: Tensor) -> Tensor:
        method.net.eval()
        with torch.inference_mode():
            return method.upscale(lr)


def check_named(name: str) -> list[str]:
    """Check a method by its name, or by `package.module:Class`.

    Returns:
        The promises, all found kept.

    Raises:
        BadName: If there is no such method or class.
        BenchError: With a sentence that names the first broken promise.
    """
    if ":" not in name:
        choice = choices.parse("methods", name)
        cls = catalog.load("methods", choice.name)
        return check_method(cls, plan.typed(cls, choice.settings, choice.name))
    module, _, attribute = name.partition(":")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BadName(f"cannot load {name!r}: {error}; write package.module:Class") from None
    return check_method(cls)


def check_method(
    cls: type[Any], settings: dict[str, Any] | None = None, size: int = 16
) -> list[str]:
    """Train a method for two steps on a handful of made-up faces, upscale, save and load.

    Settings named `steps` or `*_steps` are capped at two; the rest is the smoke budget.

    Args:
        cls: The class.
        settings: Settings other than the defaults.
        size: Side of the low-resolution faces, in pixels.

    Returns:
        The promises, all found kept.

    Raises:
        BenchError: With a sentence that names the first broken promise.
    """
    kept = list(_check_class(cls))
    scale = next(iter(cls.about.scales), 4) if cls.about else 4
    with tempfile.TemporaryDirectory() as folder:
        data = _made_up(Path(folder), size, scale)
        small = {"scale": scale} | _small(cls) | (settings or {})
        lr = next(data.lr.batches(N))
        trial = _Trial(cls, small, lr, data, Path(folder))
        try:
            return kept + list(_check_behaviour(trial))
        except BenchError:
            raise
        except Exception as error:  # a method may raise anything
            raise BenchError(f"{cls.__name__} raised {type(error).__name__}: {error}") from error


def _check_class(cls: type[Any]) -> Iterator[str]:
    name = getattr(cls, "__name__", str(cls))
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise BenchError(f"{name} does not derive from facesr.bench.contract.Method")
    if issubclass(cls, nn.Module):
        raise BenchError(f"{name} must hold a network in self.net, not derive from nn.Module")
    if not is_dataclass(cls) or "__dataclass_params__" not in vars(cls):
        raise BenchError(f"{name} is not a dataclass; put @dataclass above it")
    if getattr(cls, "__abstractmethods__", None):
        raise BenchError(f"{name} does not define {', '.join(sorted(cls.__abstractmethods__))}")
    unknown = {key for b in cls.budgets.values() for key in b} - {f.name for f in fields(cls)}
    if unknown:
        raise BenchError(f"{name}.budgets sets {sorted(unknown)}, which are no fields of it")
    yield "is a dataclass that derives from Method and holds its network"


def _check_behaviour(trial: _Trial) -> Iterator[str]:
    name = trial.cls.__name__
    method = trial.build()
    try:
        json.dumps(plan.settings_of(method))
    except TypeError as error:
        raise BenchError(f"{name} has a setting that cannot be recorded: {error}") from None
    yield "its settings can be recorded"

    before = trial.data.lr.fingerprint, trial.data.hr.fingerprint
    if type(method).train is not Method.train:
        method = _trained(trial, 0)
        yield "trains on unpaired faces of other sizes and numbers"
    sr = trial.upscale(method, trial.lr)
    _check_output(trial, sr, method)
    yield f"upscales {tuple(trial.lr.shape)} to {tuple(sr.shape)}, float32, finite"

    if not torch.equal(sr, trial.upscale(method, trial.lr)):
        raise BenchError(f"{name}.upscale gives another result the second time")
    yield "upscales the same faces the same way"

    alone = torch.cat([trial.upscale(method, one[None]) for one in trial.lr])
    if not torch.allclose(sr, alone, atol=1e-4):
        raise BenchError(f"{name}.upscale depends on its batch neighbours")
    yield "upscales a face the same way in any batch"

    again = trial.build()
    weights = trial.tmp / "weights.safetensors"
    _save(method, weights)
    again.load(weights)
    if not torch.equal(sr, trial.upscale(again, trial.lr)):
        raise BenchError(f"{name} keeps something outside self.net: a reloaded one differs")
    yield "is whole in its saved weights"

    if type(method).train is not Method.train:
        if not torch.equal(sr, trial.upscale(_trained(trial, 0), trial.lr)):
            raise BenchError(f"{name}.train gives another result for the same seed")
        yield "trains to the same result from the same seed"
    fresh = replace(trial.data.lr, identities=None, landmarks=None)
    real = replace(trial.data.hr, identities=None, landmarks=None)
    if (fresh.fingerprint, real.fingerprint) != before:
        raise BenchError(f"{name} changed the faces it was given")
    yield "leaves the faces it was given alone"


def _check_output(trial: _Trial, sr: Tensor, method: Method) -> None:
    name, (n, _, h, w) = trial.cls.__name__, trial.lr.shape
    want = (n, 3, h * method.scale, w * method.scale)
    if tuple(sr.shape) != want:
        raise BenchError(f"{name}.upscale returned {tuple(sr.shape)}, expected {want}")
    if sr.dtype != torch.float32:
        raise BenchError(f"{name}.upscale returned {sr.dtype}, expected torch.float32")
    if not bool(sr.isfinite().all()):
        raise BenchError(f"{name}.upscale returned NaN or infinity")
    low, high = sr.min().item(), sr.max().item()
    if low < -SLACK or high > 1 + SLACK:
        raise BenchError(f"{name}.upscale returned {low:.2g} to {high:.2g}, expected 0 to 1")


def _trained(trial: _Trial, seed: int) -> Method:
    method = trial.build(seed)
    out = Path(tempfile.mkdtemp(dir=trial.tmp))
    method.train(trial.data, out)
    return method


def _save(method: Method, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({k: v.detach().contiguous() for k, v in method.net.state_dict().items()}, path)


def _small(cls: type[Method]) -> dict[str, Any]:
    """Return the smoke settings with every number of steps capped at two."""
    smoke = dict(cls.budgets.get("smoke", {}))
    for setting in fields(cls):
        value = smoke.get(setting.name, setting.default)
        if (setting.name == "steps" or setting.name.endswith("_steps")) and isinstance(value, int):
            smoke[setting.name] = min(value, 2)
    return smoke


def _made_up(tmp: Path, size: int, scale: int) -> Split:
    """Write smooth random pictures: unpaired, of two sizes, five of one and seven of the other."""
    generator = torch.Generator().manual_seed(0)

    def half(name: str, n: int, side: int) -> Faces:
        coarse = torch.rand(n, 3, 8, 8, generator=generator)
        smooth = nn.functional.interpolate(coarse, size=side, mode="bilinear")
        names: Sequence[str] = [f"{i}.png" for i in range(n)]
        write_images(smooth, names, tmp / name)
        return Faces(tmp / name, tuple(names), side, name)

    return Split(half("lr", 5, size), half("hr", 7, size * scale))
