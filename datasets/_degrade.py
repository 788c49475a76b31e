"""What happens to faces on their way to a camera and after it: the degradations, by name.

A chain turns a sharp face into a low-resolution one. It draws its parameters first, from the
image's own generator, then applies them, so that the parameters alone repeat the result, whatever
else is degraded, in whichever order, batch or worker. Steps can stand before or after a chain:
`jitter+scgan` changes the colours of the sharp face, `scgan+jitter` those of the degraded one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.catalog import suggest
from facesr.bench.errors import BadImage, BadName
from facesr.datasets import _chains
from facesr.datasets._draw import Chain, Params, Step, generator
from facesr.datasets._pixels import Pixels, as_bytes, as_float
from facesr.datasets._realesrgan import REALESRGAN
from facesr.datasets._resize import imresize, resize

__all__ = [
    "CHAINS",
    "STEPS",
    "Chain",
    "Params",
    "Step",
    "as_bytes",
    "as_float",
    "chain_of",
    "degrade",
    "generator",
    "imresize",
    "resize",
    "version",
]

CHAINS: Mapping[str, Chain] = MappingProxyType(
    {
        "bicubic": _chains.plain("bicubic"),
        "bilinear": _chains.plain("bilinear"),
        "area": _chains.AREA,
        "nearest": _chains.plain("nearest"),
        "lrgan": _chains.LRGAN,
        "scgan": _chains.SCGAN,
        "realesrgan": REALESRGAN,
        "wild": _chains.WILD,
    }
)
STEPS: Mapping[str, Step] = MappingProxyType(_chains.STEPS)


def degrade(
    image: NDArray[Any], chain: str, rng: np.random.Generator, size: int
) -> tuple[Pixels, Params]:
    """Make a low-resolution face.

    Args:
        image: A sharp face, (h, h, 3), uint8 or float in [0, 1].
        chain: A name of `CHAINS`, or one with names of `STEPS` before or after it, joined by `+`.
        rng: The image's own generator; see `generator`.
        size: Side of the result.

    Returns:
        The face, (size, size, 3), uint8, and the drawn parameters, JSON values.

    Raises:
        BadName: If there is no such chain.
        BadImage: If the image is no square of RGB pixels in range.
    """
    found = chain_of(chain)
    _check(image)
    params = found.draw(rng)
    return found.apply(image, params, size), params


def version(chain: str) -> int:
    """Return a number that goes up when the chain gives other pixels; part of cache keys.

    Raises:
        BadName: If there is no such chain.
    """
    return chain_of(chain).version


def chain_of(name: str) -> Chain:
    """Return the chain of a name, put together if it holds a `+`.

    The parameters of a chain that was put together are those of its parts, by name.

    Raises:
        BadName: If a part does not exist or comes twice, or if not exactly one part is a chain.
    """
    parts = name.split("+")
    for part in parts:
        if part not in CHAINS and part not in STEPS:
            known = [*CHAINS, *STEPS] if len(parts) > 1 else list(CHAINS)
            raise BadName(f"no degradation named {part!r}; {suggest(part, known)}")
    if len(parts) == 1 and name in CHAINS:
        return CHAINS[name]
    if sum(part in CHAINS for part in parts) != 1 or len(set(parts)) < len(parts):
        raise BadName(
            f"the degradation {name!r} does not fit together; join steps ({', '.join(STEPS)}), "
            f"each at most once, and exactly one chain ({', '.join(CHAINS)}) by +"
        )
    return _joined(parts)


def _joined(parts: list[str]) -> Chain:
    links: list[Chain | Step] = [CHAINS.get(part) or STEPS[part] for part in parts]

    def draw(rng: np.random.Generator) -> Params:
        return {part: link.draw(rng) for part, link in zip(parts, links, strict=True)}

    def apply(image: NDArray[Any], params: Params, size: int) -> Pixels:
        for part, link in zip(parts, links, strict=True):
            if isinstance(link, Chain):
                image = link.apply(image, params[part], size)
            else:
                image = np.clip(link.apply(as_float(image), params[part], size), 0, 1)
        return image if image.dtype == np.uint8 else as_bytes(image)

    return Chain(sum(link.version for link in links), draw, apply)


def _check(image: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or not 0 < image.shape[0] == image.shape[1]:
        raise BadImage(
            f"the image to degrade has the shape {image.shape}, expected (h, h, 3); crop it to a "
            "square, and repeat the channel of a grey one"
        )
    if image.dtype == np.uint8:
        return
    if not np.issubdtype(image.dtype, np.floating):
        raise BadImage(f"the image to degrade holds {image.dtype}, expected uint8 or float")
    if not (image.min() >= 0 and image.max() <= 1):  # false for NaN
        raise BadImage(
            f"the image to degrade reaches from {image.min():g} to {image.max():g}, expected "
            "floats in [0, 1]; divide bytes by 255"
        )
