"""Changes of colour, on images of range [0, 1]."""

import numpy as np
from numpy.typing import ArrayLike

from facesr.datasets._draw import Params, within
from facesr.datasets._pixels import LUMA, Floats

_SHIFT = 20 / 255
_RANGES = {
    "brightness": (0.5, 1.5),
    "contrast": (0.5, 1.5),
    "saturation": (0.0, 1.5),
    "hue": (-0.1, 0.1),
}


def tint(image: Floats, gains: ArrayLike) -> Floats:
    """Scale red, green and blue: a wrong white balance."""
    return image * np.asarray(gains, np.float64)


def adjust(
    image: Floats, brightness: float = 1, contrast: float = 1, saturation: float = 1
) -> Floats:
    """Scale brightness, then contrast around the mean luma, then saturation around each luma."""
    image = image * brightness
    image = image.mean((0, 1)) @ LUMA * (1 - contrast) + image * contrast
    luma = (image @ LUMA)[..., None]
    return luma + (image - luma) * saturation


def turn_hue(image: Floats, turn: float) -> Floats:
    """Turn every hue, keeping value and saturation of the HSV model.

    Args:
        image: (h, w, 3), in [0, 1].
        turn: Part of a whole turn, 1/3 for red to green.
    """
    value = image.max(-1)
    chroma = value - image.min(-1)
    red, green, blue = np.moveaxis(image, -1, 0)
    divisor = np.where(chroma == 0, 1, chroma)
    sixth = np.select(
        [value == red, value == green],
        [(green - blue) / divisor, (blue - red) / divisor + 2],
        (red - green) / divisor + 4,
    )
    place = (sixth[..., None] + 6 * turn + (5, 3, 1)) % 6
    return value[..., None] - chroma[..., None] * np.clip(np.minimum(place, 4 - place), 0, 1)


def draw_jitter(rng: np.random.Generator) -> Params:
    """Draw the colour changes that GFPGAN trains with (Wang et al. 2021, released options).

    Each channel shifted by up to 20/255 with probability 0.3; brightness and contrast times 0.5 to
    1.5, saturation times 0 to 1.5, hue turned by up to 0.1, in random order, with probability 0.3;
    grey with probability 0.01.
    """
    shifted, changed, grey = rng.random(3) < (0.3, 0.3, 0.01)
    order = [str(name) for name in rng.permutation(list(_RANGES))]
    return {
        "shift": [within(rng, -_SHIFT, _SHIFT) for _ in range(3)] if shifted else None,
        "grey": bool(grey),
        "changes": [[name, within(rng, *_RANGES[name])] for name in order] if changed else [],
    }


def jitter(image: Floats, params: Params) -> Floats:
    """Apply drawn colour changes, clamped to [0, 1] after each."""
    if params["shift"] is not None:
        image = np.clip(image + params["shift"], 0, 1)
    if params["grey"]:
        image = adjust(image, saturation=0)
    for name, amount in params["changes"]:
        changed = turn_hue(image, amount) if name == "hue" else adjust(image, **{name: amount})
        image = np.clip(changed, 0, 1)
    return image
