"""What happens to faces in the wild: blur, shrinking, noise, colour casts, compression.

Every function is pure: it takes an image, (h, w, 3), float64 in [0, 1], and returns another. A
chain draws its parameters first, from the image's own generator, then applies them, so that the
parameters alone repeat the result.
"""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

Floats = NDArray[np.float64]
Params = dict[str, Any]

DEGRADE_VERSION = 1  # goes up whenever `in_the_wild` gives another pixel
_LUMA = np.array([0.299, 0.587, 0.114])


def generator(seed: int, *key: object) -> np.random.Generator:
    """Return a generator that depends on nothing but a seed and a key such as a file name."""
    text = "/".join(map(str, (seed, *key)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))


def as_float(image: NDArray[Any]) -> Floats:
    """Return an image as float64 in [0, 1]; uint8 is divided by 255."""
    return image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)


def as_bytes(image: Floats) -> NDArray[np.uint8]:
    """Clamp to [0, 1] and round to 8 bits."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _triangle(x: Floats) -> Floats:
    return np.maximum(1 - abs(x), 0)


def _cubic(x: Floats) -> Floats:
    """Keys 1981 with a = -0.5."""
    x = abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


_KERNELS: dict[str, Callable[[Floats], Floats]] = {"bilinear": _triangle, "bicubic": _cubic}


def resize(image: Floats, size: int, kernel: str = "bicubic") -> Floats:
    """Resize to a square; the kernel is stretched when shrinking, so that nothing aliases.

    Args:
        image: (h, w, 3).
        size: New side.
        kernel: `area`, `bilinear` or `bicubic`.
    """
    rows, columns = (_weights(n, size, kernel) for n in image.shape[:2])
    half = np.tensordot(rows, image, (1, 0))
    return np.tensordot(columns, half, (1, 1)).transpose(1, 0, 2)


def _weights(old: int, new: int, kernel: str) -> Floats:
    """Return the share of each old pixel in each new one, (new, old)."""
    if kernel == "area":
        edges = np.arange(new + 1) * (old / new)
        low, high = edges[:-1, None], edges[1:, None]
        at = np.arange(old)
        return np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None) * (new / old)
    stretch = max(old / new, 1)
    middle = (np.arange(new) + 0.5) * (old / new)
    weights = _KERNELS[kernel]((np.arange(old) + 0.5 - middle[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)


def gaussian(sigma: float) -> Floats:
    """Return a Gaussian kernel that sums to 1; `sigma` in pixels, 0 for none."""
    reach = max(int(np.ceil(3 * sigma)), 0)
    at = np.arange(-reach, reach + 1)
    line = np.exp(-0.5 * (at / max(sigma, 1e-9)) ** 2)
    kernel = line[:, None] * line
    return kernel / kernel.sum()


def motion(length: float, angle: float) -> Floats:
    """Return the kernel of a straight move of `length` pixels, `angle` radians from the x axis."""
    reach = int(np.ceil(length / 2))
    at = np.arange(-reach, reach + 1)
    along = np.linspace(-0.5, 0.5, 16 * reach + 1)[:, None] * length
    across = _triangle(along * np.cos(angle) - at)
    kernel = _triangle(along * np.sin(angle) - at).T @ across
    return kernel / kernel.sum()


def defocus(radius: float) -> Floats:
    """Return a disc of `radius` pixels with a soft edge, the blur of a lens out of focus."""
    reach = int(np.ceil(radius))
    at = np.arange(-reach, reach + 1)
    kernel = np.clip(radius + 0.5 - np.hypot(at[:, None], at), 0, 1)
    return kernel / kernel.sum()


def convolve(image: Floats, kernel: Floats) -> Floats:
    """Filter with a kernel of odd sides, mirroring the border."""
    up, left = (n // 2 for n in kernel.shape)
    padded = np.pad(image, ((up, up), (left, left), (0, 0)), mode="symmetric")
    size = padded.shape[0], padded.shape[1]
    seen = np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel, size)[..., None]
    return np.fft.irfft2(seen, size, axes=(0, 1))[2 * up :, 2 * left :]


def add_noise(image: Floats, rng: np.random.Generator, read: float, shot: float) -> Floats:
    """Add the noise of a sensor, with variance `read`^2 + `shot` * brightness."""
    deviation = np.sqrt(read**2 + shot * np.clip(image, 0, 1))
    return image + deviation * rng.standard_normal(image.shape)


def tint(image: Floats, gains: ArrayLike) -> Floats:
    """Scale red, green and blue: a wrong white balance."""
    return image * np.asarray(gains, np.float64)


def adjust(
    image: Floats, brightness: float = 1, contrast: float = 1, saturation: float = 1
) -> Floats:
    """Scale brightness, then contrast around the mean luma, then saturation around each luma."""
    image = image * brightness
    image = image.mean((0, 1)) @ _LUMA * (1 - contrast) + image * contrast
    luma = (image @ _LUMA)[..., None]
    return luma + (image - luma) * saturation


def jpeg(image: Floats, quality: int) -> Floats:
    """Compress and decompress, with colour at half resolution as is usual below quality 90."""
    file = io.BytesIO()
    subsampling = 0 if quality >= 90 else 2
    Image.fromarray(as_bytes(image)).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return as_float(np.asarray(Image.open(file)))


def in_the_wild(
    image: NDArray[Any], rng: np.random.Generator, size: int
) -> tuple[NDArray[np.uint8], Params]:
    """Make a low-resolution face as a camera far away would have taken it.

    Args:
        image: A sharp face, (h, h, 3), uint8 or float in [0, 1].
        rng: The image's own generator.
        size: Side of the result.

    Returns:
        The face, (size, size, 3), uint8, and the drawn parameters, JSON values.
    """
    params = draw_wild(rng)
    return apply_wild(image, params, size), params


def draw_wild(rng: np.random.Generator) -> Params:
    """Draw the parameters of `in_the_wild`; lengths are in pixels of the result."""

    def within(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 4)

    blur = str(rng.choice(("gaussian", "defocus", "motion", "none"), p=(0.45, 0.2, 0.2, 0.15)))
    return {
        "blur": blur,
        "blur_size": within(*{"motion": (0.6, 1.8), "none": (0, 0)}.get(blur, (0.2, 0.75))),
        "angle": within(0, np.pi),
        "gains": [within(0.88, 1.12) for _ in range(3)],
        "brightness": within(0.75, 1.2),
        "contrast": within(0.7, 1.1),
        "saturation": within(0.6, 1.15),
        "kernel": str(rng.choice(("area", "bicubic", "bilinear"))),
        "read": within(0.002, 0.016),
        "shot": within(0.0, 0.0008),
        "noise_seed": int(rng.integers(1 << 32)),
        "quality": int(rng.integers(50, 96)),
        "compressed_at": int(rng.choice((1, 2), p=(0.6, 0.4))),
    }


def apply_wild(image: NDArray[Any], params: Params, size: int) -> NDArray[np.uint8]:
    """Degrade a face with parameters that were drawn before; see `in_the_wild`."""
    x = as_float(image)
    length = params["blur_size"] * len(x) / size
    if params["blur"] == "gaussian":
        x = convolve(x, gaussian(length))
    elif params["blur"] == "defocus":
        x = convolve(x, defocus(length))
    elif params["blur"] == "motion":
        x = convolve(x, motion(length, params["angle"]))
    x = tint(x, params["gains"])
    x = adjust(x, params["brightness"], params["contrast"], params["saturation"])
    x = resize(x, size * params["compressed_at"], params["kernel"])
    x = add_noise(x, np.random.default_rng(params["noise_seed"]), params["read"], params["shot"])
    x = jpeg(x, params["quality"])
    return as_bytes(resize(x, size, "area"))
