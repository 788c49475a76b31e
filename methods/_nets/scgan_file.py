"""The key layout of SCGAN's published weights of the restorer."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from facesr.methods._nets.lrgan_file import from_released as from_lrgan

WRAPPERS = ("G_l2h", "G_RLS")  # of the published file, and of what their training script writes
_FIRST, _LAST = "layers_in.weight", "main.4"


def released_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """Find the restorer in a file of the authors.

    Args:
        content: What the file holds.

    Returns:
        Its entries under the authors' names; None if this is no file of theirs.
    """
    for key in WRAPPERS:
        if isinstance(inside := content.get(key), dict):
            return dict(inside)
    return dict(content) if _FIRST in content else None


def from_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the entries for `Restorer`, and turn BGR into RGB.

    The names are those of LRGAN's file, without batch normalisation in the blocks and with the
    same 1x1 transposed convolutions. The authors train and test on images in the order blue,
    green, red, so the first and the last convolution change theirs.

    Args:
        state: Entries under the authors' names.
    """
    swapped = dict(state)
    swapped[_FIRST] = state[_FIRST].flip(1)
    for name in (f"{_LAST}.weight", f"{_LAST}.bias"):
        swapped[name] = state[name].flip(0)
    return from_lrgan(swapped)
