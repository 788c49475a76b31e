from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Metric, Split
from facesr.bench.faces import Faces
from facesr.bench.run import run
from facesr.bench.score import Score
from facesr.protocols._fids import EarlyFid
from facesr.protocols._quirks import Resaved, Saving
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.niqe import Niqe
from facesr.protocols.metrics.niqe_fit import NiqeFit
from facesr.protocols.metrics.verification import Verification
from facesr.protocols.scgan_2022 import FACENET, Scgan2022

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
RELEASED = Saving("minmax", "down")


def inner(metrics: list[Metric]) -> list[Metric]:
    """Return metrics without the way in which outputs are saved, after checking it."""
    found = [metric.metric for metric in metrics if isinstance(metric, Resaved)]
    assert [metric.how for metric in metrics if isinstance(metric, Resaved)] == [RELEASED] * len(
        metrics
    )
    return found


def test_sizes_and_tests_are_those_of_the_paper() -> None:
    preset = Scgan2022()
    assert (preset.lr_size, preset.scale) == (16, 4)  # section 4.1: "a scaling factor of 4"
    recipe = catalog.load("datasets", preset.datasets[0])
    counts = {"ls3dw": 1_000, "ffhq": 2_500, "widerface": 2_000, "webface": 1_028}  # section 4.1
    for test, n in counts.items():
        side = "hr" if recipe(test=test).degradation("test") else "lr"
        assert recipe(test=test).portion("test", side).paper == n


def test_metrics_without_originals_are_those_of_tables_1_and_6() -> None:
    assert inner(Scgan2022().asked(paired=False)) == [
        EarlyFid("torchvision", 64),
        Kid(subsets=100, size=1000),
        Niqe(),
        NiqeFit(block=32),
        Detection("hog"),
    ]


def test_metrics_with_originals_are_those_of_tables_1_6_and_7_and_of_section_4_4_3() -> None:
    assert inner(Scgan2022().asked(paired=True)) == [
        EarlyFid("torchvision", 64),
        Kid(subsets=100, size=1000),
        Lpips("alex"),
        Detection("hog"),
        Verification("facenet", definition="scgan", threshold=FACENET),
        Landmarks("retinaface", norm="l1"),
    ]
    assert pytest.approx(0.379) == FACENET


def test_plain_is_every_plain_metric() -> None:
    assert Scgan2022(plain=True).asked(paired=False)[:2] == [Fid(), Kid()]
    assert not any(isinstance(m, Resaved) for m in Scgan2022(plain=True).asked(paired=True))


def test_a_stretch_changes_what_a_plain_metric_sees(draw: Draw, store: Store) -> None:
    sr, hr = store(draw(3) // 3 + 60, "sr"), store(draw(3, seed=1), "hr")
    data = Split(hr, hr)

    def fitted(preset: Scgan2022) -> list[Score]:
        return [s for s in preset.score(sr, data) if isinstance(s, Score)]

    quirky, plain = fitted(Scgan2022()), fitted(Scgan2022(plain=True))
    assert [s.metric for s in plain] == ["fid", "kid", "niqe", "niqe[fit]", "detection[hog]"]
    assert [s.metric for s in quirky] == [
        "fid[torchvision,drop64,minmax-down]",
        "kid[subsets=100,minmax-down]",
        "niqe[minmax-down]",
        "niqe[fit,minmax-down]",
        "detection[hog,minmax-down]",
    ]
    assert plain[4] == Detection()(sr, None)
    for score in quirky:
        assert score.identity.endswith("saved=minmax-down-v1]")
    assert not {s.identity for s in quirky} & {s.identity for s in plain}


def test_a_board_on_the_embedded_faces_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path / "none"))
    results = run("bicubic", "scgan_2022", ["embedded"], limit=4, out=tmp_path / "runs")
    assert not results.failures
    assert len(results.rows) == 5
    for row in results.rows:
        assert isinstance(row.score, Score)
        assert row.score.value is not None or row.score.note
