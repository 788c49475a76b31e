from dataclasses import replace
from typing import Any

import pytest

from facesr.bench import catalog
from facesr.bench.contract import Metric, Protocol
from facesr.bench.score import Score
from facesr.protocols._quirks import IfPaired, Saving, resaved
from facesr.protocols.metrics.psnr import Psnr

PROTOCOLS = catalog.names("protocols")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_metric_says_what_difference_counts(name: str) -> None:
    protocol: Protocol = catalog.load("protocols", name)()
    assert {m for m in protocol.metrics() if not m.smallest > 0} == set()


def test_a_metric_that_is_wrapped_keeps_it() -> None:
    assert resaved(Psnr(), Saving(output="minmax")).smallest == Psnr.smallest == 0.05
    assert IfPaired(Psnr()).smallest == 0.05


def test_it_reaches_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Score("psnr", 30.0, "higher", 4, "psnr")

    def score(self: Metric, *_: Any) -> Score:
        return bare

    monkeypatch.setattr(Psnr, "score", score)
    nothing: Any = None
    assert Psnr()(nothing, nothing) == replace(bare, smallest=0.05)
