import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols.realworld import Realworld

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@pytest.fixture
def split(draw: Draw, store: Store) -> Split:
    return Split(store(draw(5, size=16, seed=7), "lr"), store(draw(120, seed=1), "hr"))


def test_columns_are_those_of_the_table(
    split: Split, draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    found = list(Realworld().score(store(draw(25), "sr"), split))
    scores = [score for score in found if isinstance(score, Score)]
    assert scores == found
    assert [score.metric for score in scores] == [
        "kd[onet]",
        "fd[onet]",
        "kid",
        "fid",
        "niqe[fit]",
        "detection[hog]",
    ]
    assert len({score.identity for score in scores}) == len(scores)
    empty = [score.metric for score in scores if score.value is None]
    assert empty == ["kid", "fid"]
    for score in scores:
        numbers = [x for x in (score.value, score.low, score.high) if x is not None]
        assert all(map(math.isfinite, [*numbers, *score.samples]))
        assert score.value is None or (score.interval and len(numbers) == 3)
        assert score.n == 25


def test_published_niqe_is_measured_where_it_is_defined() -> None:
    def columns(protocol: Realworld) -> list[str]:
        return [type(metric).__name__ for metric in protocol.metrics()]

    assert "Niqe" not in columns(Realworld())
    assert "Niqe" in columns(Realworld(lr_size=32))


def test_every_metric_file_has_one_metric() -> None:
    for name in catalog.names("metrics"):
        metric = catalog.load("metrics", name)()
        assert isinstance(metric.missing(), str)
        assert metric.needs in ("nothing", "faces", "pairs", "input")
