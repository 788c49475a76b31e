from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols._scores import per_picture

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_and_nothing_is_averaged(
    draw: Draw, store: Store, bad: float
) -> None:
    faces = store(draw(3), "sr")
    sentence = r"x of 0001\.png is .*\(1 of 3 pictures\); nothing is averaged over what is left"
    with pytest.raises(BadData, match=sentence):
        per_picture("x", [1, bad, 2], faces, better="lower", identity="x[v1]", group="realism")
