from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols.critical_resolution import CriticalResolution
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.niqe import Niqe
from facesr.protocols.two_step_2022 import TwoStep2022

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@pytest.fixture
def pairs(crowd: Callable[..., Faces]) -> Split:
    hr = crowd(people=40, shots=2)
    return Split(hr, hr, paired=True)


def test_sizes_and_tests_are_those_of_the_paper() -> None:
    preset = TwoStep2022()
    assert preset.lr_size * preset.scale == 1_024  # section 3: "16x16 LR and 1024x1024 HR"
    first = TwoStep2022(scale=8)
    assert first.lr_size * first.scale == 128  # section 3: "mid-resolution 128x128"
    recipe = catalog.load("datasets", preset.datasets[0])()
    assert recipe.portion("test", "lr").n == 8_241  # section 6.1.3


def test_metrics_are_those_of_tables_1_to_3() -> None:
    for paired in (False, True):
        assert TwoStep2022().asked(paired) == [Fid(), Niqe()]
        assert TwoStep2022(plain=True).asked(paired) == [Fid(), Niqe()]


def test_figure_1_goes_as_far_as_outputs_can(pairs: Split, pooled: str) -> None:
    sides = {
        scale: TwoStep2022(scale=scale, embedder=pooled)._figure_1.sides for scale in (64, 32, 8)
    }
    assert sides == {64: (16, 32, 64), 32: (16, 32, 64, 128), 8: (16, 32, 64, 128, 256)}


def test_the_curve_is_that_of_critical_resolution(
    pairs: Split, pooled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    preset = TwoStep2022(scale=4, embedder=pooled, sides=(8, 16, 32))
    plain = CriticalResolution(embedder=pooled, sides=(8, 16, 32), factors=())
    inputs = preset.inputs(pairs)
    assert list(inputs) == list(plain.inputs(pairs)) == ["r8", "r16", "r32"]
    found = list(preset.curves(inputs, pairs))
    assert found == list(plain.curves(inputs, pairs))
    assert any(isinstance(each, Curve) for each in found)


def test_without_originals_or_people_there_is_no_curve(
    pairs: Split,
    draw: Draw,
    store: Store,
    pooled: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    preset = TwoStep2022(scale=4, embedder=pooled)
    assert not preset.inputs(Split(pairs.lr, pairs.hr))
    assert not TwoStep2022(scale=4, embedder=pooled, curve=False).inputs(pairs)
    faces = store(draw(3), "unknown")
    found = [
        s for s in preset.score(faces, Split(faces, faces, paired=True)) if isinstance(s, Score)
    ]
    assert [score.metric for score in found] == ["fid", "niqe", "critical_resolution[pooled]"]
    assert "needs to know who is shown" in found[-1].note
    assert len(list(preset.score(faces, Split(faces, faces)))) == 2
