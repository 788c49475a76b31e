"""How long metrics take; `make bench` times them side by side with what others use.

As part of the tests each runs once, untimed, so that it cannot rot.
"""

from typing import Any

import numpy as np
import pytest

from facesr.protocols._luma import luma
from facesr.protocols.metrics.fd import frechet_distance
from facesr.protocols.metrics.niqe import Model, niqe

Benchmark = Any
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def features() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    mixing = RANDOM.normal(size=(512, 512)) / 512**0.5
    return RANDOM.normal(size=(800, 512)) @ mixing, RANDOM.normal(size=(800, 512)) @ mixing + 0.01


@pytest.mark.benchmark(group="Frechet distance, 512-d, 800 + 800")
def test_frechet_distance_ours(benchmark: Benchmark, features: Any) -> None:
    assert benchmark(frechet_distance, *features) > 0


@pytest.mark.benchmark(group="Frechet distance, 512-d, 800 + 800")
def test_frechet_distance_pytorch_fid(benchmark: Benchmark, features: Any) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    def theirs() -> float:
        x, y = features
        sides = [(f.mean(0), np.cov(f, rowvar=False)) for f in (x, y)]
        return float(calculate_frechet_distance(*sides[0], *sides[1]))

    assert benchmark(theirs) == pytest.approx(frechet_distance(*features), rel=1e-6)


@pytest.mark.benchmark(group="NIQE, 100 pictures of 64 px")
def test_niqe_ours(benchmark: Benchmark) -> None:
    pictures = RANDOM.integers(0, 256, (100, 3, 64, 64)).astype(np.uint8)
    model = Model(np.zeros(36), np.eye(36))
    assert len(benchmark(lambda: niqe(luma(pictures).round(), model, 32))) == 100
