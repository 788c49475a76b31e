from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols.synthetic import Synthetic

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def test_better_pictures_have_better_numbers(draw: Draw, store: Store, blur: Spoil) -> None:
    pixels = draw(30)
    hr, lr = store(pixels, "hr"), store(pixels[:, ::4, ::4], "lr")
    split = Split(lr, hr, paired=True)
    scores = [
        [s for s in Synthetic().score(store(blur(pixels, sigma), f"sr{sigma}"), split)]
        for sigma in (0.5, 2)
    ]
    assert [s.metric for s in scores[0]] == ["psnr", "ssim", "kd[onet]", "fd[onet]", "kid", "fid"]
    for good, bad in zip(*scores, strict=True):
        assert isinstance(good, Score)
        assert isinstance(bad, Score)
        if good.value is not None and bad.value is not None:
            gap = good.value - bad.value
            assert gap > 0 if good.better == "higher" else gap < 0
    assert sum(isinstance(s, Score) and s.value is not None for s in scores[0]) >= 4


def test_unpaired_data_are_refused_in_a_sentence(draw: Draw, store: Store) -> None:
    faces = store(draw(3), "wild/test/lr")
    with pytest.raises(BadData, match="wild/test/lr has no originals to compare with"):
        list(Synthetic().score(faces, Split(faces, faces)))
