"""Noise and compression."""

import io

import numpy as np
from PIL import Image

from facesr.datasets._pixels import LUMA, Floats, as_bytes, as_float


def sensor_noise(image: Floats, rng: np.random.Generator, read: float, shot: float) -> Floats:
    """Add the noise of a sensor, with variance `read`^2 + `shot` * brightness."""
    deviation = np.sqrt(read**2 + shot * np.clip(image, 0, 1))
    return image + deviation * rng.standard_normal(image.shape)


def gaussian_noise(
    image: Floats, rng: np.random.Generator, sigma: float, grey: bool = False
) -> Floats:
    """Add white Gaussian noise.

    Args:
        image: (h, w, 3).
        rng: Source of the noise.
        sigma: Deviation, for an image of range [0, 1].
        grey: Whether the three channels get the same noise.
    """
    shape = (*image.shape[:2], 1) if grey else image.shape
    return image + sigma * rng.standard_normal(shape)


def poisson_noise(
    image: Floats, rng: np.random.Generator, scale: float, grey: bool = False
) -> Floats:
    """Add the noise of counting, as Real-ESRGAN does.

    The image at 8 bits is counted in as many levels as it has values, rounded up to a power of
    two, so that the variance is `scale`^2 * brightness / levels.

    Args:
        image: (h, w, 3).
        rng: Source of the noise.
        scale: Factor of the noise.
        grey: Whether the noise is that of the luma, the same in all channels.
    """
    light = as_float(as_bytes((image @ LUMA)[..., None] if grey else image))
    levels = 2.0 ** np.ceil(np.log2(len(np.unique(light))))
    return image + scale * (rng.poisson(light * levels) / levels - light)


def jpeg(image: Floats, quality: int, subsampling: int | None = None) -> Floats:
    """Compress and decompress.

    Args:
        image: (h, w, 3).
        quality: Of libjpeg, 1 to 100.
        subsampling: 2 halves the resolution of colour, 0 keeps it; left out, it is halved below
            quality 90, as cameras do.
    """
    file = io.BytesIO()
    if subsampling is None:
        subsampling = 0 if quality >= 90 else 2
    Image.fromarray(as_bytes(image)).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return as_float(np.asarray(Image.open(file)))
