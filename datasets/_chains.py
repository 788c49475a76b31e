"""Chains of degradations, as papers state them, and the steps that go before or after.

Where a paper is silent the choice is marked as inferred.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facesr.datasets._blur import convolve, defocus, gaussian, motion, short_gaussian
from facesr.datasets._colour import adjust, draw_jitter, jitter, tint
from facesr.datasets._draw import Chain, Params, Step, noise_seed, within
from facesr.datasets._noise import gaussian_noise, jpeg, sensor_noise
from facesr.datasets._pixels import Floats, Pixels, as_bytes, as_float
from facesr.datasets._resize import MatlabKernel, imresize, resize


def plain(kernel: MatlabKernel) -> Chain:
    """Resize alone, as MATLAB's `imresize` does it at its defaults; see `imresize`."""

    def apply(image: NDArray[Any], params: Params, size: int) -> Pixels:
        small = imresize(image, size, kernel)
        return small if small.dtype == np.uint8 else as_bytes(small)

    return Chain(1, _nothing, apply)


def _nothing(rng: np.random.Generator) -> Params:
    return {}


def apply_area(image: NDArray[Any], params: Params, size: int) -> Pixels:
    """Average the pixels under each new one, weighted by their overlap, rounded once."""
    if image.dtype != np.uint8:
        return as_bytes(resize(as_float(image), size, "area"))
    return np.floor(resize(image.astype(np.float64), size, "area") + 0.5).astype(np.uint8)


def draw_lrgan(rng: np.random.Generator) -> Params:
    """Draw the kernel size of LRGAN's blur, 2 to 6 pixels (Bulat et al. 2018, Section 4.1)."""
    return {"blur_size": int(rng.integers(2, 7))}


def apply_lrgan(image: NDArray[Any], params: Params, size: int) -> Pixels:
    """Blur and shrink bilinearly, what LRGAN compares its learned degradation with.

    Inferred, and the same in the method `lrgan`: the kernel is Gaussian with a sigma of a quarter
    of its size in pixels of the sharp face, the edge is continued, and shrinking is antialiased.
    """
    blurred = convolve(as_float(image), short_gaussian(params["blur_size"]), "edge")
    return as_bytes(resize(blurred, size, "bilinear"))


def draw_scgan(rng: np.random.Generator) -> Params:
    """Draw the parameters of SCGAN's complex degradation (Hou et al. 2023, Section 4.1).

    Blur 0.5 to 8, bilinear or bicubic, noise 1 to 25 of 255, JPEG quality 30 to 95. Inferred: all
    evenly.
    """
    return {
        "sigma": within(rng, 0.5, 8),
        "kernel": str(rng.choice(("bilinear", "bicubic"))),
        "noise": within(rng, 1, 25),
        "noise_seed": noise_seed(rng),
        "quality": int(rng.integers(30, 96)),
    }


def apply_scgan(image: NDArray[Any], params: Params, size: int) -> Pixels:
    """Apply ((x * k) down + n)_JPEG.

    The released code degrades nothing by rule. Inferred: the range of the Gaussian k is that of its
    sigma in pixels of the sharp face, shrinking is antialiased as MATLAB's, noise differs between
    channels, JPEG halves the resolution of colour. Of a face of 64 pixels the widest blurs leave
    little more than its colours.
    """
    x = convolve(as_float(image), gaussian(params["sigma"]))
    x = imresize(x, size, params["kernel"])
    noise = np.random.default_rng(params["noise_seed"])
    return as_bytes(jpeg(gaussian_noise(x, noise, params["noise"] / 255), params["quality"], 2))


def draw_wild(rng: np.random.Generator) -> Params:
    """Draw how a camera far away saw a face; lengths are in pixels of the result.

    Our own ranges, for the rendered faces that ship with the package; no paper states them.
    """
    blur = str(rng.choice(("gaussian", "defocus", "motion", "none"), p=(0.45, 0.2, 0.2, 0.15)))
    return {
        "blur": blur,
        "blur_size": within(rng, *{"motion": (0.6, 1.8), "none": (0, 0)}.get(blur, (0.2, 0.75))),
        "angle": within(rng, 0, np.pi),
        "gains": [within(rng, 0.88, 1.12) for _ in range(3)],
        "brightness": within(rng, 0.75, 1.2),
        "contrast": within(rng, 0.7, 1.1),
        "saturation": within(rng, 0.6, 1.15),
        "kernel": str(rng.choice(("area", "bicubic", "bilinear"))),
        "read": within(rng, 0.002, 0.016),
        "shot": within(rng, 0.0, 0.0008),
        "noise_seed": noise_seed(rng),
        "quality": int(rng.integers(50, 96)),
        "compressed_at": int(rng.choice((1, 2), p=(0.6, 0.4))),
    }


def apply_wild(image: NDArray[Any], params: Params, size: int) -> Pixels:
    """Blur, cast a colour, shrink, add a sensor's noise, compress, sometimes at double size."""
    x = _blur(as_float(image), params["blur"], params["blur_size"], params["angle"], size)
    x = tint(x, params["gains"])
    x = adjust(x, params["brightness"], params["contrast"], params["saturation"])
    x = resize(x, size * params["compressed_at"], params["kernel"])
    noise = np.random.default_rng(params["noise_seed"])
    x = jpeg(sensor_noise(x, noise, params["read"], params["shot"]), params["quality"])
    return as_bytes(resize(x, size, "area"))


def _blur(image: Floats, blur: str, length: float, angle: float, size: int) -> Floats:
    """Blur by a length in pixels of a result with the side `size`."""
    length *= len(image) / size
    if blur == "gaussian":
        return convolve(image, gaussian(length))
    if blur == "defocus":
        return convolve(image, defocus(length))
    if blur == "motion":
        return convolve(image, motion(length, angle))
    return image


def blurring(blur: Literal["gaussian", "defocus", "motion"], low: float, high: float) -> Step:
    """Blur alone, with the ranges of the chain `wild`, in pixels of the result."""

    def draw(rng: np.random.Generator) -> Params:
        turned = {"angle": within(rng, 0, np.pi)} if blur == "motion" else {}
        return {"length": within(rng, low, high), **turned}

    def apply(image: Floats, params: Params, size: int) -> Floats:
        return _blur(image, blur, params["length"], params.get("angle", 0.0), size)

    return Step(1, draw, apply)


def apply_jitter(image: Floats, params: Params, size: int) -> Floats:
    """Change colours; see `jitter`."""
    return jitter(image, params)


STEPS = {
    "gaussian": blurring("gaussian", 0.2, 0.75),
    "defocus": blurring("defocus", 0.2, 0.75),
    "motion": blurring("motion", 0.6, 1.8),
    "jitter": Step(1, draw_jitter, apply_jitter),
}
AREA = Chain(1, _nothing, apply_area)
LRGAN = Chain(1, draw_lrgan, apply_lrgan)
SCGAN = Chain(1, draw_scgan, apply_scgan)
WILD = Chain(1, draw_wild, apply_wild)
