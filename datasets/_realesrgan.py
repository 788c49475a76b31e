"""The second-order degradation of Real-ESRGAN.

Paper: Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
Synthetic Data", https://arxiv.org/abs/2107.10833, Section 3. Ranges and probabilities are those
that the released x4plus model was trained with (options/train_realesrgan_x4plus.yml).

As there: sizes of kernels in pixels, the first resizing relative to the input, the second one to
the result, no antialiasing, borders mirrored without the edge pixel. Different: JPEG is libjpeg's
at whole qualities, where the training code approximates it on the GPU; the sharp face is not
sharpened first, which belongs to the training target; each image draws for itself, where the
training code draws resizing, noise and order once a batch. It was made for crops of 256 to 400
pixels; a face of 64 meets kernels as large as its features.
"""

from math import floor, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.datasets._blur import bell, convolve, sinc
from facesr.datasets._draw import Chain, Params, noise_seed, within
from facesr.datasets._noise import gaussian_noise, jpeg, poisson_noise
from facesr.datasets._pixels import Floats, Pixels, as_bytes, as_float
from facesr.datasets._resize import interpolate

_KERNEL_SIZES = range(7, 22, 2)
_LONG = 13  # a sinc kernel of this size or more may cut off lower
_SINC = 0.1
_SHAPES = {
    ("gaussian", False): 0.45,
    ("gaussian", True): 0.25,
    ("generalized", False): 0.12,
    ("generalized", True): 0.03,
    ("plateau", False): 0.12,
    ("plateau", True): 0.03,
}
_BETA = {"generalized": (0.5, 4.0), "plateau": (1.0, 2.0)}
_MODES = ("area", "bilinear", "bicubic")
_GAUSSIAN_NOISE = 0.5
_GREY_NOISE = 0.4
_QUALITY = (30, 95)
_SECOND_BLUR = 0.8
_FINAL_SINC = 0.8


def draw(rng: np.random.Generator) -> Params:
    """Draw both stages and the end: a JPEG and the last resizing with a sinc, in either order."""
    first = {
        "blur": _draw_kernel(rng, (0.2, 3)),
        **_draw_stage(rng, (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3)),
    }
    second = {
        "blur": _draw_kernel(rng, (0.2, 1.5)) if rng.random() < _SECOND_BLUR else None,
        **_draw_stage(rng, (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5)),
    }
    final = {
        "jpeg_last": bool(rng.random() < 0.5),
        "mode": str(rng.choice(_MODES)),
        "sinc": _draw_sinc(rng, pi / 3, pi / 3) if rng.random() < _FINAL_SINC else None,
    }
    return {"first": first, "second": second, "final": final}


def _draw_kernel(rng: np.random.Generator, sigma: tuple[float, float]) -> Params:
    if rng.random() < _SINC:
        return _draw_sinc(rng, pi / 3, pi / 5)
    size = int(rng.choice(_KERNEL_SIZES))
    shape, oval = list(_SHAPES)[rng.choice(len(_SHAPES), p=list(_SHAPES.values()))]
    first = within(rng, *sigma)
    beta = 1.0
    if shape in _BETA:  # half of them below 1, or at 1 where the range begins there
        low, high = _BETA[shape]
        beta = within(rng, low, 1) if rng.random() < 0.5 else within(rng, 1, high)
    return {
        "shape": shape,
        "size": size,
        "sigma": [first, within(rng, *sigma) if oval else first],
        "angle": within(rng, -pi, pi) if oval else 0.0,
        "beta": beta,
    }


def _draw_sinc(rng: np.random.Generator, short: float, long: float) -> Params:
    size = int(rng.choice(_KERNEL_SIZES))
    cutoff = within(rng, short if size < _LONG else long, pi)
    return {"shape": "sinc", "size": size, "cutoff": cutoff}


def _draw_stage(
    rng: np.random.Generator,
    up_down_keep: tuple[float, float, float],
    factors: tuple[float, float],
    sigma: tuple[float, float],
    scale: tuple[float, float],
) -> Params:
    direction = rng.choice(3, p=up_down_keep)
    low, high = [(1, factors[1]), (factors[0], 1), (1, 1)][direction]
    counted = rng.random() >= _GAUSSIAN_NOISE
    return {
        "factor": within(rng, low, high),
        "mode": str(rng.choice(_MODES)),
        "noise": "poisson" if counted else "gaussian",
        "amount": within(rng, *(scale if counted else sigma)),
        "grey": bool(rng.random() < _GREY_NOISE),
        "noise_seed": noise_seed(rng),
        "quality": int(rng.integers(_QUALITY[0], _QUALITY[1] + 1)),
    }


def apply(image: NDArray[Any], params: Params, size: int) -> Pixels:
    """Degrade twice, then bring to the final size; see the module."""
    first, second, final = params["first"], params["second"], params["final"]
    x = _filter(as_float(image), first["blur"])
    factor = first["factor"]
    x = interpolate(x, max(floor(len(x) * factor), 1), first["mode"], factor)
    x = jpeg(_noise(x, first), first["quality"], 2)
    x = _filter(x, second["blur"])
    x = interpolate(x, max(floor(size * second["factor"]), 1), second["mode"])
    x = _noise(x, second)
    if final["jpeg_last"]:
        x = _filter(interpolate(x, size, final["mode"]), final["sinc"])
        return as_bytes(jpeg(x, second["quality"], 2))
    x = jpeg(x, second["quality"], 2)
    return as_bytes(_filter(interpolate(x, size, final["mode"]), final["sinc"]))


def _filter(image: Floats, kernel: Params | None) -> Floats:
    if kernel is None:
        return image
    if kernel["shape"] == "sinc":
        weights = sinc(kernel["size"], kernel["cutoff"])
    else:
        across, along = kernel["sigma"]
        weights = bell(
            kernel["size"], (across, along), kernel["angle"], kernel["beta"], kernel["shape"]
        )
    return convolve(image, weights, "reflect")


def _noise(image: Floats, stage: Params) -> Floats:
    rng = np.random.default_rng(stage["noise_seed"])
    if stage["noise"] == "poisson":
        noisy = poisson_noise(image, rng, stage["amount"], stage["grey"])
    else:
        noisy = gaussian_noise(image, rng, stage["amount"] / 255, stage["grey"])
    return np.clip(noisy, 0, 1)


REALESRGAN = Chain(1, draw, apply)
