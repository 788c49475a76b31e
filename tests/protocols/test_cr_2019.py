from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols.cr_2019 import Cr2019
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.identification import Identification
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def test_sizes_and_tests_are_those_of_the_paper() -> None:
    preset = Cr2019()
    assert (preset.lr_size, preset.scale) == (16, 4)  # section 4: "sized at 16x16 ... 64x64"
    recipe = catalog.load("datasets", preset.datasets[0])
    for test, n in (("lr_pipa", 8_641), ("lr_dukemtmc", 7_044), ("helen", 2_330)):  # section 4, 4.3
        assert recipe(test=test).portion("test", "lr").paper == n


def test_metrics_are_those_of_tables_1_to_3() -> None:
    preset = Cr2019(embedder="facenet")
    rank_1 = Identification("facenet", gallery="outputs")
    assert preset.asked(paired=False) == [Fid("legacy-tensorflow"), rank_1]
    assert preset.asked(paired=True) == [Psnr(), Ssim()]
    assert preset.metrics()[0] == Fid("legacy-tensorflow")
    assert Cr2019(plain=True).asked(paired=False)[0] == Fid()
    y = Cr2019(convention="matlab")
    assert y.asked(paired=True) == [Psnr(convention="matlab"), Ssim(convention="matlab")]


def test_raw_input_stands_beside_what_a_method_makes(
    crowd: Callable[..., Faces],
    store: Store,
    pooled: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    sr = crowd(people=6, shots=3, title="sr")
    small = sr.pixels()[:, :, ::8, ::8].permute(0, 2, 3, 1).numpy()
    lr = store(small, "lr", identities=sr.identities)
    data = Split(lr, crowd(people=2, seed=1, title="hr"))
    found = list(Cr2019(embedder=pooled).score(sr, data))
    assert [each.metric for each in found] == [
        "fid",
        "identification[outputs,pooled]",
        "identification[outputs,pooled,input]",
        "cmc[outputs,pooled]",
        "cmc[outputs,pooled,input]",
    ]
    _, made, raw, curve, raw_curve = found
    assert isinstance(made, Score)
    assert isinstance(raw, Score)
    assert made.value is not None
    assert raw.value is not None
    assert made.value > raw.value
    assert isinstance(curve, Curve)
    assert isinstance(raw_curve, Curve)
    assert (curve.y[0], raw_curve.y[0]) == pytest.approx((made.value, raw.value))
    assert raw.ranked is False
    assert raw.note.endswith("the same for all methods")
    assert raw.identity.endswith(",input]")
    other = list(Cr2019(embedder=pooled).score(crowd(people=6, title="other", seed=2), data))
    assert isinstance(other[2], Score)
    assert (other[2].value, other[2].identity) == (raw.value, raw.identity)


def test_pictures_of_nobody_known_are_a_sentence(
    draw: Draw, store: Store, pooled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    sr, lr = store(draw(3, size=16), "sr"), store(draw(3, size=4), "lr")
    found = list(Cr2019(embedder=pooled).score(sr, Split(lr, replace(sr, title="hr"))))
    assert len(found) == 3
    for score in found[1:]:
        assert isinstance(score, Score)
        assert score.value is None
        assert "does not say who is shown" in score.note


def test_helen_is_measured_like_any_pairs(draw: Draw, store: Store) -> None:
    hr = store(draw(3, size=16), "hr")
    sr = store(draw(3, size=16) // 2, "sr")
    assert list(Cr2019().score(sr, Split(hr, hr, paired=True))) == [
        Psnr()(sr, hr),
        Ssim()(sr, hr),
    ]
