"""Faces beside their originals, as pixels."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.protocols._checks import called, given, same_names, same_size
from facesr.protocols._luma import luma

Channel = Literal["rgb", "y"]
Array = NDArray[np.float64]

_BATCH = 64


def check(channel: str, crop: int) -> None:
    """Insist on settings that mean something.

    Raises:
        BadName: If they do not.
    """
    if channel not in get_args(Channel):
        raise BadName(f"no channel named {channel!r}; known: {', '.join(get_args(Channel))}")
    if crop < 0:
        raise BadName(f"crop={crop} is negative; give the border to leave out, in pixels")


def pictures(
    sr: Faces,
    reference: Faces | None,
    metric: str,
    channel: Channel,
    crop: int,
) -> Iterator[tuple[Array, Array]]:
    """Decode faces and originals side by side.

    Args:
        sr: What is measured.
        reference: The originals, with the names of `sr`.
        metric: For sentences.
        channel: `rgb`, or `y` for brightness.
        crop: Border that is left out, in pixels; see `too_small`.

    Yields:
        Two arrays, (up to 64, c, h, w), 0 to 255.

    Raises:
        BadData: If the two do not belong together.
    """
    hr = same_size(sr, given(reference, metric), metric)
    same_names(sr, hr, metric)
    return _decoded(sr, hr, metric, channel, crop)


def _decoded(
    sr: Faces, hr: Faces, metric: str, channel: Channel, crop: int
) -> Iterator[tuple[Array, Array]]:
    with progress(f"{metric} of {called(sr)}", len(sr)) as advance:
        for start in range(0, len(sr), _BATCH):
            part = range(start, min(start + _BATCH, len(sr)))
            yield _pixels(sr.take(part), channel, crop), _pixels(hr.take(part), channel, crop)
            advance(len(part))


def _pixels(faces: Faces, channel: Channel, crop: int) -> Array:
    rgb = faces.pixels().numpy()[:, :, crop : faces.size - crop, crop : faces.size - crop]
    return luma(rgb)[:, None] if channel == "y" else rgb.astype(np.float64)
