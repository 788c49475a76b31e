"""Networks that come as ONNX files, run by onnxruntime where it is installed."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench import assets
from facesr.bench.errors import BenchError

Values = NDArray[np.float32]
Run = Callable[[Values], dict[str, Values]]


def missing(asset: str) -> str:
    """Say in a sentence what is absent, onnxruntime or the file; empty if neither is."""
    if find_spec("onnxruntime") is None:
        return "needs the package onnxruntime: pip install 'facesr[recognition]'"
    return assets.missing(asset)


@cache
def network(asset: str) -> Run:
    """Return a function from an input (1, 3, h, w) to the outputs by name, in the file's order.

    It runs on one core, so that the number of cores cannot change the last digits.

    Raises:
        BenchError: If onnxruntime or the file is absent, or the file is not the published one.
    """
    if absent := missing(asset):
        raise BenchError(absent)
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = str(assets.find(asset))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    return lambda x: dict(zip(names, session.run(names, {source: x}), strict=True))
