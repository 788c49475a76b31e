"""Blur kernels, each of odd sides and summing to 1, and the filtering with them.

The bell-shaped and sinc kernels follow Wang et al. 2021, "Real-ESRGAN", Section 3.2, and the
kernels that its code trains with.
"""

from typing import Literal

import numpy as np

from facesr.datasets._pixels import Floats

Border = Literal["symmetric", "reflect", "edge"]


def gaussian(sigma: float) -> Floats:
    """Return a Gaussian kernel that reaches 3 `sigma`; `sigma` in pixels, 0 for none."""
    reach = max(int(np.ceil(3 * sigma)), 0)
    at = np.arange(-reach, reach + 1)
    line = np.exp(-0.5 * (at / max(sigma, 1e-9)) ** 2)
    kernel = line[:, None] * line
    return kernel / kernel.sum()


def short_gaussian(size: int) -> Floats:
    """Return a Gaussian of `size` x `size` pixels whose sigma is a quarter of its size.

    An even one lies between pixels: it moves the image by half a pixel up and left, as a filter
    of even size does in torch.
    """
    line = np.zeros(2 * (size // 2) + 1)
    line[:size] = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / (size / 4)) ** 2)
    kernel = line[:, None] * line
    return kernel / kernel.sum()


def bell(
    size: int,
    sigma: tuple[float, float],
    angle: float = 0.0,
    beta: float = 1.0,
    shape: Literal["gaussian", "generalized", "plateau"] = "gaussian",
) -> Floats:
    """Return a kernel that falls off along ellipses.

    With the squared distance d = x' S^-1 x in units of sigma: exp(-d/2) for `gaussian`,
    exp(-d^beta/2) for `generalized`, 1 / (1 + d^beta) for `plateau`.

    Args:
        size: Side of the kernel, odd.
        sigma: Deviations in pixels, along the ellipse's first and second axis.
        angle: Of the first axis from the x axis towards growing y, in radians.
        beta: Exponent of the last two shapes.
        shape: How it falls off.
    """
    y, x = np.indices((size, size)) - size // 2
    along = (np.cos(angle) * x + np.sin(angle) * y) / sigma[0]
    across = (np.cos(angle) * y - np.sin(angle) * x) / sigma[1]
    distance = along**2 + across**2
    if shape == "plateau":
        kernel = 1 / (1 + distance**beta)
    else:
        kernel = np.exp(-0.5 * (distance**beta if shape == "generalized" else distance))
    return kernel / kernel.sum()


def sinc(size: int, cutoff: float) -> Floats:
    """Return a round low-pass filter, cut off to a square; it rings.

    Its value at the distance r is cutoff J1(cutoff r) / (2 pi r).

    Args:
        size: Side of the kernel, odd.
        cutoff: Angular frequency in radians per pixel, pi for the highest that pixels hold.
    """
    radius = np.hypot(*(np.indices((size, size)) - size // 2))
    outside = np.where(radius == 0, 1, radius)
    kernel = cutoff * _bessel(cutoff * outside) / (2 * np.pi * outside)
    kernel[radius == 0] = cutoff**2 / (4 * np.pi)
    return kernel / kernel.sum()


def _bessel(x: Floats) -> Floats:
    """J1 by its integral over a period, exact to 1e-13 for x up to 200."""
    turn = np.arange(512) * (2 * np.pi / 512)
    return np.cos(turn - x[..., None] * np.sin(turn)).mean(-1)


def motion(length: float, angle: float) -> Floats:
    """Return the kernel of a straight move of `length` pixels, `angle` radians from the x axis."""
    reach = int(np.ceil(length / 2))
    at = np.arange(-reach, reach + 1)
    along = np.linspace(-0.5, 0.5, 16 * reach + 1)[:, None] * length
    across = _triangle(along * np.cos(angle) - at)
    kernel = _triangle(along * np.sin(angle) - at).T @ across
    return kernel / kernel.sum()


def _triangle(x: Floats) -> Floats:
    return np.maximum(1 - abs(x), 0)


def defocus(radius: float) -> Floats:
    """Return a disc of `radius` pixels with a soft edge, the blur of a lens out of focus."""
    reach = int(np.ceil(radius))
    at = np.arange(-reach, reach + 1)
    kernel = np.clip(radius + 0.5 - np.hypot(at[:, None], at), 0, 1)
    return kernel / kernel.sum()


def convolve(image: Floats, kernel: Floats, border: Border = "symmetric") -> Floats:
    """Filter with a kernel of odd sides.

    Args:
        image: (h, w, 3).
        kernel: Weights.
        border: What lies beyond: the mirror image (`symmetric`), the same without its edge pixel
            (`reflect`), or the edge pixel again and again (`edge`).
    """
    up, left = (n // 2 for n in kernel.shape)
    padded = np.pad(image, ((up, up), (left, left), (0, 0)), mode=border)
    size = padded.shape[0], padded.shape[1]
    seen = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel, size)[..., None]
    return np.fft.irfft2(seen, size, axes=(0, 1))[2 * up :, 2 * left :]
