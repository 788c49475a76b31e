"""Natural scene statistics of image blocks, on which NIQE rests.

Paper: Mittal, Soundararajan & Bovik, Making a "completely blind" image quality analyzer, IEEE
Signal Processing Letters 2013, section III; the numbers of the equations are its own.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION = 1
FEATURES = 36
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_ALMOST_FLAT = 1e-9

Array = NDArray[np.float64]


def block_features(y: Array, block: int) -> tuple[Array, Array]:
    """Describe blocks by 18 shape and spread parameters at each of two scales.

    Returns:
        Features, (n, blocks, 36), NaN where a flat block has no spread; sharpness, (n, blocks).
    """
    high, wide = y.shape[1] // block * block, y.shape[2] // block * block
    image, parts, sharpness = y[:, :high, :wide], [], np.empty(0)
    for side in (block, block // 2):
        normalised, deviation = _normalised(image)
        parts.append(_parameters(_cut(normalised, side)))
        if side == block:
            sharpness = _cut(deviation, side).mean(axis=(-2, -1))
            image = _halved(image)
    return np.concatenate(parts, axis=-1), sharpness


def _normalised(image: Array) -> tuple[Array, Array]:
    """Subtract the local mean, divide by the local deviation plus one (eq. 1)."""
    mean = _blurred(image)
    deviation = np.sqrt(np.abs(_blurred(np.square(image)) - np.square(mean)))
    away = image - mean
    away[np.abs(away) < _ALMOST_FLAT] = 0  # rounding must not pass for texture
    return away / (deviation + 1), deviation


def _blurred(image: Array) -> Array:
    """Weight 7x7 neighbours by a Gaussian of 7/6 pixels, repeating the border."""
    steps = np.arange(-3, 4)
    weights = np.exp(-np.square(steps) / (2 * (7 / 6) ** 2))
    weights /= weights.sum()
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (3, 3)
        padded, size = np.pad(image, pad, mode="edge"), image.shape[axis]
        shifted = (w * padded.take(range(i, i + size), axis) for i, w in enumerate(weights))
        image = np.asarray(sum(shifted))
    return image


def _cut(image: Array, side: int) -> Array:
    """Cut (n, h, w) into (n, blocks, side, side)."""
    n, h, w = image.shape
    cells = image.reshape(n, h // side, side, w // side, side).swapaxes(2, 3)
    return cells.reshape(n, -1, side, side)


def _parameters(blocks: Array) -> Array:
    """Fit asymmetric generalised Gaussians (eqs. 2 to 8): (..., side, side) to (..., 18)."""
    shape, left, right, _ = _asymmetric(blocks)
    found = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        neighbours = np.roll(blocks, shift, axis=(-2, -1))
        shape, left, right, lean = _asymmetric(blocks * neighbours)
        found += [shape, (right - left) * lean, left, right]
    return np.stack(found, axis=-1)


class _Grid(NamedTuple):
    """Candidate shapes and, for each, the moments that the fit looks up."""

    shape: Array
    moment: Array
    spread: Array
    lean: Array


@cache
def _grid() -> _Grid:
    from scipy.special import gamma

    shape = np.arange(200, 10001) / 1000
    one, two, three = gamma(1 / shape), gamma(2 / shape), gamma(3 / shape)
    return _Grid(shape, two**2 / (one * three), np.sqrt(one / three), two / one)


def _asymmetric(x: Array) -> tuple[Array, Array, Array, Array]:
    """Estimate shape, left and right spread by moments; NaN spreads where a side is empty.

    The last array times the difference of the spreads is the mean (eq. 8).
    """
    grid = _grid()
    square = np.square(x)
    negative, positive = x < 0, x > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt((square * negative).sum(axis=(-2, -1)) / negative.sum(axis=(-2, -1)))
        right = np.sqrt((square * positive).sum(axis=(-2, -1)) / positive.sum(axis=(-2, -1)))
        ratio = left / right
        moment = np.abs(x).mean(axis=(-2, -1)) ** 2 / square.mean(axis=(-2, -1))
        wanted = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    wanted = np.nan_to_num(wanted, nan=0.0)  # a flat block gets the first shape
    after = np.searchsorted(grid.moment, wanted).clip(1, len(grid.moment) - 1)
    nearer = wanted - grid.moment[after - 1] <= grid.moment[after] - wanted
    at = np.where(nearer, after - 1, after)
    spread = grid.spread[at]
    return grid.shape[at], left * spread, right * spread, grid.lean[at]


def _halved(image: Array) -> Array:
    """Halve as MATLAB's imresize: antialiased bicubic (a = -1/2), mirrored border."""
    rows, columns = _halving(image.shape[1]), _halving(image.shape[2])
    return rows @ image @ columns.T


@cache
def _halving(size: int) -> Array:
    """Weights, (size / 2, size)."""
    out = np.arange(size // 2)[:, None]
    taps = 2 * out + np.arange(-3, 5)
    far = np.abs(taps - (2 * out + 0.5)) / 2
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    tail = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    values = np.where(far <= 1, near, np.where(far < 2, tail, 0))
    values /= values.sum(axis=1, keepdims=True)
    mirrored = np.where(taps < 0, -1 - taps, np.where(taps >= size, 2 * size - 1 - taps, taps))
    weights = np.zeros((size // 2, size))
    np.add.at(weights, (np.broadcast_to(out, taps.shape), mirrored), values)
    return weights
