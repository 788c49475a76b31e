"""Drawing parameters: each image has its own generator, each draw can be exported and repeated."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.datasets._pixels import Floats, Pixels

Params = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One change of an image that keeps its size.

    Args:
        version: Goes up whenever the same parameters give another pixel.
        draw: Draws the parameters, JSON values that decide every pixel.
        apply: Takes a float image, its parameters and the side of the final result.
    """

    version: int
    draw: Callable[[np.random.Generator], Params]
    apply: Callable[[Floats, Params, int], Floats]


@dataclass(frozen=True)
class Chain:
    """A degradation from a sharp face to one of a given side.

    Args:
        version: Goes up whenever the same generator gives another pixel or parameter.
        draw: Draws the parameters, JSON values that decide every pixel; empty if none are random.
        apply: Takes an image, (h, h, 3), uint8 or float in [0, 1], its parameters and the side of
            the result, (size, size, 3), uint8.
    """

    version: int
    draw: Callable[[np.random.Generator], Params]
    apply: Callable[[NDArray[Any], Params, int], Pixels]


def generator(seed: int, *key: object) -> np.random.Generator:
    """Return a generator that depends on nothing but a seed and a key such as a file name."""
    text = "/".join(map(str, (seed, *key)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))


def within(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly from a range, with four decimals."""
    return round(float(rng.uniform(low, high)), 4)


def noise_seed(rng: np.random.Generator) -> int:
    """Draw the seed of noise, which stands for all of it in exported parameters."""
    return int(rng.integers(1 << 32))
