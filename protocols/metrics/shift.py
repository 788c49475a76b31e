"""How far a face has moved between input and output.

A method whose grid of pixels is off, such as one that resizes corner to corner, loses decibels and
nobody sees why. Input and output are registered by least squares on brightness (Lucas & Kanade, An
iterative image registration technique with an application to stereo vision, IJCAI 1981), with a
gain and an offset: the input is resized by cubic convolution at a displacement, both are blurred
until the detail that the method invented and the aliasing of the input are gone, and the
displacement is improved by Gauss-Newton steps from the peak of their correlation. A border
of a tenth is left out, since what lies beyond the picture moves in there.

Accuracy, up to 3 pixels: an output without detail of its own is placed to 0.05 pixels. Against the
aliasing of a 16-pixel input, sharp faces of 64 pixels are placed with a root mean square error of
0.04 pixels per axis if the input was reduced by an antialiased filter and of 0.1 if by plain means;
of 0.01 from 32 pixels. Lengths being positive, that is about what perfect outputs get.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from facesr.bench.contract import Needs
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols._checks import called, same_names, some, too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array, Pixels, luma
from facesr.protocols._pairs import PairMetric

VERSION = 1
LEAST = 16
BLUR = 1.0  # deviation in pixels of the input
_MARGIN = 0.1
_STEPS = 100
_SETTLED = 1e-3
_FURTHEST = 0.25
_CONTRAST = 0.01  # least mean square of slopes, in (grey levels per pixel)^2
_NOTED = 0.25


def displacement(sr: Array, lr: Array) -> Array:
    """Register outputs with their inputs.

    Args:
        sr: Brightness of outputs, (n, size, size), 0 to 255.
        lr: Brightness of inputs, (n, size / scale, size / scale).

    Returns:
        How far the output lies below and to the right of its input, (n, 2), in pixels of the
        output; NaN where it cannot be told: in flat pictures, in stripes, where nothing fits.
    """
    size = sr.shape[-1]
    blur, window = _blur(size, BLUR * size / lr.shape[-1]), _window(size)
    target = blur @ sr @ blur.T
    away = _start(target, _model(lr, np.zeros((len(lr), 2)), blur)[0], window)
    moving = np.arange(len(sr))
    for _ in range(_STEPS):
        step = _step(target[moving], *_model(lr[moving], away[moving], blur), window)
        away[moving] += step
        moving = moving[np.abs(step).max(axis=1) >= _SETTLED]
        if not len(moving):
            break
    away[moving] = np.nan
    away[np.abs(away).max(axis=1) > _FURTHEST * size] = np.nan
    return away


def _step(target: Array, model: Array, down: Array, right: Array, window: Array) -> Array:
    """Solve for displacement, gain and offset; NaN where slopes are too weak."""
    n = len(model)
    parts = np.stack([down, right, model, np.ones_like(model)], axis=1).reshape(n, 4, -1)
    weighted = parts * (window / window.sum()).ravel()
    normal = weighted @ parts.swapaxes(1, 2)
    known = weighted @ target.reshape(n, -1, 1)
    slopes = np.linalg.eigvalsh(np.nan_to_num(normal[:, :2, :2]))[:, 0]
    solvable = (slopes > _CONTRAST) & np.isfinite(known).all(axis=(1, 2))
    normal[~solvable] = np.eye(4)
    solved = np.linalg.solve(normal, known)[..., 0]
    gain = solved[:, 2:3]
    usable = solvable[:, None] & (gain > 0)
    return np.where(usable, solved[:, :2] / np.where(usable, gain, 1), np.nan)


def _start(target: Array, model: Array, window: Array) -> Array:
    """Return the whole pixels at which two images correlate best."""
    size = target.shape[-1]
    spectra = [
        np.fft.rfft2(window * (image - image.mean(axis=(1, 2), keepdims=True)))
        for image in (target, model)
    ]
    match = np.fft.irfft2(spectra[0] * spectra[1].conj(), s=(size, size))
    best = np.nan_to_num(match).reshape(len(target), -1).argmax(axis=1)
    peak = np.stack(np.divmod(best, size), axis=1)
    return np.where(peak > size // 2, peak - size, peak).astype(np.float64)


def _model(lr: Array, away: Array, blur: Array) -> tuple[Array, Array, Array]:
    """Resize and blur the input, displaced; and say how that changes with either displacement."""
    small = lr.shape[-1]
    rows, rows_slope = (blur @ w for w in _cubic(away[:, 0], len(blur), small))
    columns, columns_slope = (
        (blur @ w).swapaxes(1, 2) for w in _cubic(away[:, 1], len(blur), small)
    )
    return rows @ lr @ columns, rows_slope @ lr @ columns, rows @ lr @ columns_slope


def _cubic(away: Array, size: int, small: int) -> tuple[Array, Array]:
    """Return weights of Keys' cubic convolution and their derivative by `away`, (n, size, small).

    Source: Keys, Cubic convolution interpolation for digital image processing, IEEE Transactions on
    Acoustics, Speech, and Signal Processing 1981, eq. 15; borders are repeated.
    """
    scale = size / small
    at = (np.arange(size) + 0.5 - away[:, None]) / scale - 0.5
    offset = np.clip(at, -1, small)[..., None] - np.arange(-2, small + 2)
    d = np.abs(offset)
    near, far = d <= 1, (d > 1) & (d < 2)
    value = near * ((1.5 * d - 2.5) * d * d + 1) + far * (((-0.5 * d + 2.5) * d - 4) * d + 2)
    slope = near * (4.5 * d - 5) * d + far * ((-1.5 * d + 5) * d - 4)
    return _folded(value), _folded(slope * np.sign(offset) / -scale)


def _folded(weights: Array) -> Array:
    """Give the weights of two places beyond either border to the border."""
    weights[..., 2] += weights[..., :2].sum(axis=-1)
    weights[..., -3] += weights[..., -2:].sum(axis=-1)
    return weights[..., 2:-2]


@cache
def _blur(size: int, deviation: float) -> Array:
    steps = np.arange(size)
    weights = np.exp(-np.square(steps[:, None] - steps) / (2 * deviation**2))
    return weights / weights.sum(axis=1, keepdims=True)


@cache
def _window(size: int) -> Array:
    inside = ((np.arange(size) + 0.5) / size - _MARGIN) / (1 - 2 * _MARGIN)
    line = np.sin(np.pi * inside.clip(0, 1)) ** 2
    return np.outer(line, line)


@dataclass(frozen=True)
class Shift(PairMetric):
    """Mean over pictures of the distance between output and input, in pixels of the output."""

    needs: ClassVar[Needs] = "input"
    unit: ClassVar[str] = "px"
    undefined: ClassVar[str] = (
        "cannot be registered with their input: one of the two is flat, or they do not match"
    )
    smallest: ClassVar[float] = 0.02

    @property
    def column(self) -> str:
        """See `PairMetric.column`."""
        return "shift"

    def label(self, reference: Faces) -> str:
        """See `PairMetric.label`."""
        version = versions(VERSION, _luma.VERSION)
        return identity("shift", "y", blur=f"{BLUR:g}", version=version, reference=reference)

    def partner(self, sr: Faces, reference: Faces | None) -> Faces:
        """See `PairMetric.partner`; the inputs are smaller by a whole factor."""
        if reference is None:
            raise BadData("shift compares outputs with their inputs; name a folder of those")
        lr = same_names(some(sr, self.column), reference, self.column)
        if sr.size % lr.size:
            raise BadData(
                f"{called(sr)} has {sr.size}x{sr.size} faces, which is no multiple of the "
                f"{lr.size}x{lr.size} of {called(lr)}; shift compares outputs with their inputs"
            )
        return lr

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        return too_small(sr, LEAST)

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        return lambda sr, lr: displacement(luma(sr), luma(lr))

    def summary(self, values: Array, sr: Faces, label: str, note: str = "") -> Score:
        """See `PairMetric.summary`; says where faces lie if they lie elsewhere on average."""
        down, right = values.mean(axis=0)
        if np.hypot(down, right) > _NOTED:
            note = f"on average {down:+.2f} px down and {right:+.2f} px to the right of the input"
        return super().summary(np.hypot(*values.T), sr, label, note)
