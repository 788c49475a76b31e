from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.faces import Faces
from facesr.protocols._features import features
from facesr.protocols.features.inception import Inception
from facesr.protocols.metrics.kid import Kid

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def test_kid_equals_torch_fidelity(weights: Path, draw: Draw, store: Store) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    sr, real = store(draw(6), "sr"), store(draw(6, seed=1), "real")
    found = [torch.from_numpy(features(faces, Inception()).copy()) for faces in (sr, real)]
    theirs = kid_features_to_metric(*found, kid_subsets=1, kid_subset_size=6, verbose=False)
    score = Kid().score(sr, real)
    assert score.value == pytest.approx(1000 * theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert (score.metric, score.unit, score.ranked) == ("kid", "x1000", True)


def test_without_weights_nothing_else_is_called_kid(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = Kid().score(store(draw(4), "sr"), store(draw(4), "real"))
    assert (score.value, score.low, score.samples, score.ranked) == (None, None, (), False)
    assert score.note.startswith("needs the asset 'inception'")
    assert score.note == Kid().missing()
