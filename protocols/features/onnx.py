"""Networks that describe faces and come as ONNX files, run by onnxruntime where it is installed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import digest
from facesr.protocols.features import _view
from facesr.protocols.features._view import ARCFACE, View

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Onnx:
    """A network in an ONNX file with one picture as input and one vector as output.

    It runs face by face on one core, so that neither the batch nor the machine's number of cores
    can change the last digits.

    Args:
        name: What columns call it.
        view: What it is shown.
        asset: Name of the file among the assets; empty for a user's own.
        file: The user's own file.
    """

    name: str
    view: View
    asset: str = ""
    file: Path | None = None

    @property
    def version(self) -> int:
        """Raised whenever the code leads to other vectors."""
        return _view.VERSION

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the file."""
        if self.file is not None:
            return _digest(self.file, _stamp(self.file))[:8]
        return assets.asset(self.asset).sha256[:8]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return _opened(self._path).dim

    @property
    def label(self) -> str:
        """Name, digest and view."""
        return f"{self.name}@{self.digest},{self.view.label}"

    @property
    def _path(self) -> Path:
        if absent := self.missing():
            raise BenchError(f"{self.name} {absent}")
        return self.file if self.file is not None else assets.find(self.asset)

    def missing(self) -> str:
        """Say in a sentence what is absent, onnxruntime or the file; empty if neither is."""
        if find_spec("onnxruntime") is None:
            return "needs the package onnxruntime: pip install 'facesr[recognition]'"
        return "" if self.file is not None else assets.missing(self.asset)

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, h), float32 in [0, 1], into (n, dim), float32."""
        run = _opened(self._path).run
        return torch.from_numpy(np.stack([run(x[None]) for x in self.view(batch).numpy()]))


def from_file(path: Path) -> Onnx:
    """Take a user's own network.

    It is shown what ArcFace is, at the side that the file asks for, unless a file beside it with
    the ending `.json` says otherwise: an object with some of the fields of `View`.

    Raises:
        BadName: If a file is absent or of another form.
    """
    if not path.is_file():
        raise BadName(f"{path} does not exist; name an ONNX file with a network that knows faces")
    beside = path.with_suffix(".json")
    fields = _fields(beside) if beside.is_file() else {}
    view = replace(ARCFACE, **({"side": _side(path)} | fields))
    return Onnx(path.stem, view, file=path)


def _fields(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        left, top, right, bottom = map(float, given.get("box", ARCFACE.box))
        fields = given | {"box": (left, top, right, bottom)}
        view = replace(ARCFACE, **fields)
        right_kind = isinstance(view.side, int) and view.order in ("rgb", "bgr")
        fits = -1 <= left < right <= 2 and -1 <= top < bottom <= 2
        usable = right_kind and fits and view.side > 0 and view.deviation > 0 <= abs(view.mean)
    except (OSError, ValueError, TypeError, AttributeError):
        usable, fields = False, {}
    if not usable:
        raise BadName(
            f"{path} does not say what a network is shown; write an object with some of side, box "
            "(left, top, right, bottom as shares of the frame), order (rgb or bgr), mean, deviation"
        )
    return fields


class _Network(NamedTuple):
    run: Callable[[Values], Values]
    dim: int
    side: int


def _side(path: Path) -> int:
    return _opened(path).side if find_spec("onnxruntime") else ARCFACE.side


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_ino


@lru_cache(maxsize=4)
def _digest(path: Path, _stamp: tuple[int, int]) -> str:
    return digest(path)


def _opened(path: Path) -> _Network:
    return _network(path, _stamp(path))


@lru_cache(maxsize=4)
def _network(path: Path, _stamp: tuple[int, int]) -> _Network:
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own errors share no public base class
        reason = str(error).partition("\n")[0]
        raise BadName(f"{path} is not a network that onnxruntime can run ({reason})") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape, made = inputs[0].shape, outputs[0].shape
    sizes = [n for n in made[1:] if isinstance(n, int)]
    if len(inputs) > 1 or len(shape) != 4 or shape[1] not in (3, "3") or len(sizes) < len(made) - 1:
        raise BadName(
            f"{path} takes {[i.shape for i in inputs]} and gives {made}, expected one input "
            "(n, 3, h, h) and one output (n, d)"
        )
    side = shape[2] if isinstance(shape[2], int) else ARCFACE.side
    source, target = inputs[0].name, outputs[0].name
    return _Network(lambda x: session.run([target], {source: x})[0].reshape(-1), prod(sizes), side)
