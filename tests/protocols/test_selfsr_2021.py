from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim
from facesr.protocols.selfsr_2021 import Selfsr2021

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def test_sizes_and_tests_are_those_of_the_paper() -> None:
    preset = Selfsr2021()
    assert (preset.lr_size, preset.scale) == (16, 8)  # section IV: "128x128 ... 16x16"
    real = Selfsr2021(scale=4)
    assert real.lr_size * real.scale == 64  # section IV: "64x64 and 16x16 pixels"
    recipe = catalog.load("datasets", preset.datasets[0])
    for training, n in (("celeba", 1_000), ("helen", 50), ("realworld", 3_000)):  # section IV
        assert recipe(training=training).portion("test", "lr").n == n


def test_metrics_are_those_of_tables_1_and_2() -> None:
    preset = Selfsr2021()
    assert preset.asked(paired=True) == [
        Psnr("y", convention="dic"),
        Ssim("y", convention="dic"),
        Lpips("alex"),
        Fid(),
    ]
    assert preset.asked(paired=False) == [Fid()]


def test_conventions_are_in_the_columns_and_change_the_numbers(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    hr, sr = store(draw(3), "hr"), store(draw(3) // 2 + 60, "sr")
    data = Split(hr, hr, paired=True)
    quirky, plain = (
        [score for score in preset.score(sr, data) if isinstance(score, Score)]
        for preset in (Selfsr2021(), Selfsr2021(plain=True))
    )
    assert [s.metric for s in quirky] == ["psnr[dic]", "ssim[dic]", "lpips[alex]", "fid"]
    assert quirky[0].identity.startswith("psnr[dic,y,crop=8,")
    assert plain[:2] == [Psnr()(sr, hr), Ssim()(sr, hr)]
    for first, second in zip(quirky[:2], plain[:2], strict=True):
        assert first.value is not None
        assert second.value is not None
        assert abs(first.value - second.value) > 1e-3
    assert all(score.note.startswith("needs the asset") for score in quirky[2:])
