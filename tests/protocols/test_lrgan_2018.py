from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench import catalog
from facesr.bench.contract import Split
from facesr.bench.faces import Faces
from facesr.bench.run import run
from facesr.bench.score import Score
from facesr.protocols._fids import EarlyFid
from facesr.protocols._quirks import Resaved, Saving
from facesr.protocols.lrgan_2018 import Lrgan2018
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.psnr import Psnr

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
RELEASED = Saving("minmax", "down", "jpeg")


@pytest.fixture
def split(weights: Path, draw: Draw, store: Store) -> Split:
    hr = store(draw(6, size=16, seed=1), "hr")
    names = ("aflw-0.png", "celeba-0.png", "ls3dw-0.png", "ls3dw-1.png", "vggface2-0.png", "x.png")
    for old, new in zip(hr.names, names, strict=True):
        (hr.root / old).rename(hr.root / new)
    return Split(store(draw(4, size=4), "lr"), replace(hr, names=names))


def scores(preset: Lrgan2018, sr: Faces, data: Split) -> list[Score]:
    return [score for score in preset.score(sr, data) if isinstance(score, Score)]


def test_sizes_and_data_are_those_of_the_paper() -> None:
    preset = Lrgan2018()
    assert (preset.lr_size, preset.scale) == (16, 4)  # section 3: "16x16 ... 64x64"
    assert preset.datasets == ("lrgan_2018",)
    assert catalog.load("datasets", "lrgan_2018")().portion("test", "lr").n == 3_000  # section 4


def test_table_1_is_measured_as_the_released_code_does() -> None:
    preset = Lrgan2018()
    assert preset.asked(paired=False) == [Resaved(EarlyFid("torchvision", 64), RELEASED)]
    assert preset.asked(paired=True) == [Resaved(Psnr(), RELEASED)]


def test_plain_is_the_plain_fid(split: Split, draw: Draw, store: Store) -> None:
    sr = store(draw(4, size=16, seed=3), "sr")
    assert Lrgan2018(plain=True).asked(paired=False) == [Fid()]
    assert scores(Lrgan2018(plain=True), sr, split) == [Fid()(sr, split.hr)]


@pytest.mark.parametrize(
    ("switch", "value", "mark"),
    [
        ("output", "minmax", "saved=minmax-v1"),
        ("storage", "jpeg", "saved=jpeg75-v1"),
        ("drop_last", True, "batch=64,last=dropped"),
        ("inception", "torchvision", "inception-torchvision@1a9a5a14"),
        ("reference", "srtrainset_2", "ref=hr (SRtrainset_2)@"),
    ],
)
def test_each_switch_is_in_the_identity(
    split: Split, draw: Draw, store: Store, switch: str, value: object, mark: str
) -> None:
    preset = Lrgan2018(plain=True)
    sr = store(draw(3, size=16, seed=3), "sr")
    before = scores(preset, sr, split)[0].identity
    setattr(preset, switch, value)
    after = scores(preset, sr, split)[0].identity
    assert mark in after
    assert mark not in before


def test_the_reference_is_the_folder_of_the_release_where_it_is(
    split: Split, draw: Draw, store: Store
) -> None:
    sr = store(draw(3, size=16, seed=3), "sr")
    preset = replace(Lrgan2018(plain=True), plain=False, reference="srtrainset_2")
    (found,) = scores(preset, sr, split)
    assert found.value == Fid().score(sr, split.hr.take([0, 2, 3])).value
    other = replace(split, hr=split.hr.take([1, 4, 5]))
    assert scores(preset, sr, other) == [Fid()(sr, other.hr)]


def test_psnr_takes_the_place_of_fid_on_pairs(split: Split, draw: Draw, store: Store) -> None:
    hr = store(draw(4, size=16, seed=3) // 2 + 40, "pairs")
    (found,) = scores(Lrgan2018(), hr, Split(split.lr, hr, paired=True))
    assert found.metric == "psnr[minmax-down-jpeg75]"
    assert found.value is not None
    assert found.value < 25  # the originals themselves have 100


def test_a_board_on_the_embedded_faces_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path / "none"))
    results = run("bicubic", "lrgan_2018", ["embedded"], limit=4, out=tmp_path / "runs")
    assert not results.failures
    (row,) = results.rows
    assert row.score.metric == "fid[torchvision,drop64,minmax-down-jpeg75]"
    assert row.score.note.startswith("needs the asset 'inception_torchvision'")
