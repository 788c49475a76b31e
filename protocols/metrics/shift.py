"""How far a face has moved between input and output.

A method whose grid of pixels is off, such as one that resizes corner to corner, loses decibels and
nobody sees why. Input and output are registered by least squares on brightness (Lucas & Kanade, An
iterative image registration technique with an application to stereo vision, IJCAI 1981), with a
gain and an offset: the input is resized by cubic convolution at a displacement, both are blurred
until the detail that the method invented and the aliasing of the input are gone, and the
displacement is improved by Gauss-Newton steps from the peak of their correlation. The border counts
less than the middle. Displacements of sharp faces are found to 0.05 pixels.
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
from facesr.protocols._checks import called, given, same_names, too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array, Pixels, luma
from facesr.protocols._pairs import PairMetric

VERSION = 1
LEAST = 16
BLUR = 1.5  # deviation in pixels of the input
_STEPS = 20
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
    size, small = sr.shape[-1], lr.shape[-1]
    blur = _blur(size, BLUR * size / small)
    window = _window(size)
    target = blur @ sr @ blur.T
    away = _start(target, blur @ _resized(lr, np.zeros((len(lr), 2)), size)[0] @ blur.T, window)
    settled = np.zeros(len(sr), bool)
    for _ in range(_STEPS):
        model, down, right = (blur @ image @ blur.T for image in _resized(lr, away, size))
        step = _step(target, model, down, right, window)
        away = away + step
        settled |= np.abs(step).max(axis=1) < _SETTLED
        if settled.all() or not np.isfinite(away).any():
            break
    found = settled & (np.abs(away).max(axis=1) < _FURTHEST * size)
    return np.where(found[:, None], away, np.nan)


def _step(target: Array, model: Array, down: Array, right: Array, window: Array) -> Array:
    """Solve for displacement, gain and offset; NaN where slopes are too weak."""
    columns = np.stack([down, right, model, np.ones_like(model)], axis=-1)
    flat = columns.reshape(len(model), -1, 4)
    weighted = flat * window.reshape(-1, 1)
    normal = weighted.swapaxes(1, 2) @ flat / window.sum()
    known = weighted.swapaxes(1, 2) @ target.reshape(len(model), -1, 1) / window.sum()
    slopes = np.linalg.eigvalsh(np.nan_to_num(normal[:, :2, :2]))[:, 0]
    solvable = (slopes > _CONTRAST) & np.isfinite(known).all(axis=(1, 2))
    normal[~solvable] = np.eye(4)
    moved_down, moved_right, gain, _ = np.linalg.solve(normal, known)[..., 0].T
    step = np.stack([moved_down, moved_right], axis=1) / np.where(gain == 0, np.nan, gain)[:, None]
    return np.where(solvable[:, None], step, np.nan)


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


def _resized(lr: Array, away: Array, size: int) -> tuple[Array, Array, Array]:
    """Resize by cubic convolution, displaced; and how that changes with either displacement."""
    rows, rows_slope = _cubic(away[:, 0], size, lr.shape[-1])
    columns, columns_slope = (w.swapaxes(1, 2) for w in _cubic(away[:, 1], size, lr.shape[-1]))
    along = lr @ columns
    return rows @ along, rows_slope @ along, rows @ (lr @ columns_slope)


def _cubic(away: Array, size: int, small: int) -> tuple[Array, Array]:
    """Return weights of Keys' cubic convolution and their derivative by `away`, (n, size, small).

    Source: Keys, Cubic convolution interpolation for digital image processing, IEEE Transactions on
    Acoustics, Speech, and Signal Processing 1981, eq. 15; borders are repeated.
    """
    scale = size / small
    at = (np.arange(size) + 0.5 - np.nan_to_num(away)[:, None]) / scale - 0.5
    first = np.floor(at).astype(int) - 1
    weights = np.zeros((len(away), size, small))
    slopes = np.zeros_like(weights)
    n, i = np.ogrid[: len(away), :size]
    for tap in range(4):
        offset = at - (first + tap)
        d = np.abs(offset)
        near = d <= 1
        value = np.where(near, (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2)
        slope = np.where(near, (4.5 * d - 5) * d, (-1.5 * d + 5) * d - 4) * np.sign(offset)
        here = np.clip(first + tap, 0, small - 1)
        np.add.at(weights, (n, i, here), value)
        np.add.at(slopes, (n, i, here), -slope / scale)
    return weights, slopes


@cache
def _blur(size: int, deviation: float) -> Array:
    steps = np.arange(size)
    weights = np.exp(-np.square(steps[:, None] - steps) / (2 * deviation**2))
    return weights / weights.sum(axis=1, keepdims=True)


@cache
def _window(size: int) -> Array:
    line = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return np.outer(line, line)


@dataclass(frozen=True)
class Shift(PairMetric):
    """Mean over pictures of the distance between output and input, in pixels of the output."""

    needs: ClassVar[Needs] = "input"
    unit: ClassVar[str] = "px"

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
        lr = same_names(sr, given(reference, self.column), self.column)
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
        lost = np.flatnonzero(np.isnan(values).any(axis=1))
        if len(lost):
            why = (
                f"{len(lost)} of {len(sr)} faces, such as {sr.names[lost[0]]}, cannot be "
                f"registered with their input: one of the two is flat, or they do not match"
            )
            return self.absent(sr, label, why)
        down, right = values.mean(axis=0)
        if np.hypot(down, right) > _NOTED:
            note = f"on average {down:+.2f} px down and {right:+.2f} px to the right of the input"
        return super().summary(np.hypot(*values.T), sr, label, note)
