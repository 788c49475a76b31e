"""Natural scene statistics of images and their blocks, on which NIQE and BRISQUE rest.

Papers: Mittal, Soundararajan & Bovik, Making a "completely blind" image quality analyzer, IEEE
Signal Processing Letters 2013, section III, whose equations are numbered here; Mittal, Moorthy &
Bovik, No-reference image quality assessment in the spatial domain, IEEE Transactions on Image
Processing 2012, section III.
"""

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from facesr.protocols._luma import Array, Pixels

VERSION = 1
FEATURES = 36
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_ALMOST_FLAT = 1e-9

Border = Literal["nearest", "constant"]


class Fit(NamedTuple):
    """Asymmetric generalised Gaussians, each field (...,).

    Args:
        shape: Exponent, 0.2 to 10.
        left: Root of the mean square of the values below zero; NaN where there is none.
        right: The same above zero.
        spread: Times `left` or `right`, the scale of that side (eq. 4).
        lean: Times the difference of the scales, the mean (eq. 8).
    """

    shape: Array
    left: Array
    right: Array
    spread: Array
    lean: Array


def grey(rgb: Pixels) -> Array:
    """Return brightness by ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded half up.

    Args:
        rgb: (n, 3, h, w), 0 to 255.

    Returns:
        (n, h, w), integers of 0 to 255.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.int64), 1, 0)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.float64)


def block_features(y: Array, block: int) -> tuple[Array, Array]:
    """Describe blocks by 18 shape and spread parameters at each of two scales.

    Returns:
        Features, (n, blocks, 36), NaN where a flat block has no spread; sharpness, (n, blocks).
    """
    high, wide = y.shape[1] // block * block, y.shape[2] // block * block
    image, parts, sharpness = y[:, :high, :wide], [], np.empty(0)
    for side in (block, block // 2):
        coefficients, deviation = normalised(image)
        parts.append(_parameters(_cut(coefficients, side)))
        if side == block:
            sharpness = _cut(deviation, side).mean(axis=(-2, -1))
            image = halved(image)
    return np.concatenate(parts, axis=-1), sharpness


def normalised(image: Array, border: Border = "nearest") -> tuple[Array, Array]:
    """Subtract the local mean, divide by the local deviation plus one (eq. 1).

    Args:
        image: (n, h, w), in steps of about one.
        border: What lies outside: the nearest pixel, or zero.

    Returns:
        Coefficients and local deviations, both (n, h, w).
    """
    mean = _blurred(image, border)
    deviation = np.sqrt(np.abs(_blurred(np.square(image), border) - np.square(mean)))
    away = image - mean
    away[np.abs(away) < _ALMOST_FLAT] = 0  # rounding must not pass for texture
    return away / (deviation + 1), deviation


def _blurred(image: Array, border: Border) -> Array:
    """Weight 7x7 neighbours by a Gaussian of 7/6 pixels."""
    from scipy.ndimage import correlate1d

    weights = np.exp(-np.square(np.arange(-3, 4)) / (2 * (7 / 6) ** 2))
    weights /= weights.sum()
    rows = correlate1d(image, weights, axis=1, mode=border)
    return np.asarray(correlate1d(rows, weights, axis=2, mode=border))


def _cut(image: Array, side: int) -> Array:
    """Cut (n, h, w) into (n, blocks, side, side)."""
    n, h, w = image.shape
    cells = image.reshape(n, h // side, side, w // side, side).swapaxes(2, 3)
    return cells.reshape(n, -1, side, side)


def _parameters(blocks: Array) -> Array:
    """Fit asymmetric generalised Gaussians (eqs. 2 to 8): (..., side, side) to (..., 18)."""
    fit = asymmetric(blocks)
    found = [fit.shape, (fit.left + fit.right) * fit.spread / 2]
    for shift in SHIFTS:
        fit = asymmetric(blocks * np.roll(blocks, shift, axis=(-2, -1)))
        left, right = fit.left * fit.spread, fit.right * fit.spread
        found += [fit.shape, (right - left) * fit.lean, left, right]
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


def asymmetric(x: Array) -> Fit:
    """Fit an asymmetric generalised Gaussian to each image, (..., h, w), by its moments."""
    grid = _grid()
    square, negative = np.square(x), x < 0
    pixels = x.shape[-2] * x.shape[-1]
    below, above = (np.count_nonzero(side, axis=(-2, -1)) for side in (negative, x > 0))
    total = square.sum(axis=(-2, -1))
    under = (square * negative).sum(axis=(-2, -1))
    over = (square * ~negative).sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = np.sqrt(under / below), np.sqrt(over / above)
        ratio = left / right
        moment = np.square(np.abs(x).sum(axis=(-2, -1))) / (total * pixels)
        wanted = moment * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    at = _nearest(grid.moment, np.nan_to_num(wanted, nan=0.0))  # a flat one gets the first shape
    return Fit(grid.shape[at], left, right, grid.spread[at], grid.lean[at])


def symmetric(x: Array) -> tuple[Array, Array]:
    """Fit a generalised Gaussian around zero to each image, (..., h, w), by its moments.

    Paper: of BRISQUE, eqs. 4 to 6.

    Returns:
        Shapes and variances, (...,); the shape is NaN where the image is zero everywhere.
    """
    grid = _grid()
    variance = np.square(x).mean(axis=(-2, -1))
    with np.errstate(invalid="ignore"):
        wanted = variance / np.square(np.abs(x).mean(axis=(-2, -1)))
    at = _nearest((1 / grid.moment)[::-1], wanted)
    return np.where(np.isnan(wanted), np.nan, grid.shape[::-1][at]), variance


def _nearest(increasing: Array, wanted: Array) -> NDArray[np.intp]:
    after = np.searchsorted(increasing, wanted).clip(1, len(increasing) - 1)
    nearer = wanted - increasing[after - 1] <= increasing[after] - wanted
    return np.where(nearer, after - 1, after)


def halved(image: Array) -> Array:
    """Halve (n, h, w) as MATLAB's imresize: antialiased bicubic (a = -1/2), mirrored border."""
    rows, columns = _halving(image.shape[1]), _halving(image.shape[2])
    return rows @ image @ columns.T


@cache
def _halving(size: int) -> Array:
    """Weights, (half the size, rounded up; size)."""
    out = np.arange((size + 1) // 2)[:, None]
    taps = 2 * out + np.arange(-3, 5)
    far = np.abs(taps - (2 * out + 0.5)) / 2
    near = 1.5 * far**3 - 2.5 * far**2 + 1
    tail = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
    values = np.where(far <= 1, near, np.where(far < 2, tail, 0))
    values /= values.sum(axis=1, keepdims=True)
    mirrored = np.where(taps < 0, -1 - taps, np.where(taps >= size, 2 * size - 1 - taps, taps))
    weights = np.zeros((len(out), size))
    np.add.at(weights, (np.broadcast_to(out, taps.shape), mirrored), values)
    return weights
