"""How long a degradation takes, for one face of 64 pixels."""

from typing import Any

import numpy as np
import pytest

from facesr.datasets._degrade import CHAINS, degrade, generator

Benchmark = Any


@pytest.mark.benchmark(group="a face degraded from 64 to 16 px")
@pytest.mark.parametrize("chain", CHAINS)
def test_degrading_a_face(benchmark: Benchmark, chain: str) -> None:
    face = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    keys = iter(range(10**9))  # a new draw each time

    def ours() -> Any:
        return degrade(face, chain, generator(0, next(keys)), 16)

    assert benchmark(ours)[0].shape == (16, 16, 3)
