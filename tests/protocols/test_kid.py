from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols._features import features
from facesr.protocols.features.inception import Inception
from facesr.protocols.metrics.kid import Kid

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def test_kid_equals_torch_fidelity(weights: Path, draw: Draw, store: Store) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    sr, real = store(draw(6), "sr"), store(draw(6, seed=1), "real")
    found = [
        torch.from_numpy(features(faces, Inception())[:].astype(float)) for faces in (sr, real)
    ]
    theirs = kid_features_to_metric(*found, kid_subsets=1, kid_subset_size=6, verbose=False)
    score = Kid().score(sr, real)
    assert score.value == pytest.approx(1000 * theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert (score.metric, score.unit, score.ranked) == ("kid", "x1000", True)


def test_the_published_form_equals_torch_fidelity_and_is_not_ranked(
    weights: Path, draw: Draw, store: Store
) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    sr, real = store(draw(6), "sr"), store(draw(6, seed=1), "real")
    found = [torch.from_numpy(features(f, Inception())[:].astype(float)) for f in (sr, real)]
    theirs = kid_features_to_metric(*found, kid_subset_size=4, verbose=False)
    score = Kid(subsets=100, size=4).score(sr, real)
    assert score.value == pytest.approx(1000 * theirs["kernel_inception_distance_mean"], rel=1e-9)
    deviation = 1000 * theirs["kernel_inception_distance_std"]
    assert f"standard deviation is {deviation:.3g}, which is no interval" in score.note
    assert (score.metric, score.ranked, score.sampling) == ("kid[subsets=100]", False, "none")
    assert "subsets=100,size=4,seed=2020,ref=real" in score.identity


def test_subsets_of_small_sets_are_smaller_and_say_so(
    weights: Path, draw: Draw, store: Store
) -> None:
    sr, real = store(draw(6), "sr"), store(draw(5, seed=1), "real")
    score = Kid(subsets=3).score(sr, real)
    assert "size=5," in score.identity
    assert "mean of 3 subsets of 5 faces" in score.note


def test_subsets_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(BadName, match="subsets=-1 and size=1000; expected 0 or more"):
        Kid(subsets=-1)
    with pytest.raises(BadName, match="of 2 or more faces"):
        Kid(subsets=5, size=1)


def test_without_weights_nothing_else_is_called_kid(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = Kid().score(store(draw(4), "sr"), store(draw(4), "real"))
    assert (score.value, score.low, score.samples, score.ranked) == (None, None, (), False)
    assert score.note.startswith("needs the asset 'inception'")
    assert score.note == Kid().missing()
