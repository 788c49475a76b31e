from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facesr.bench.contract import Split
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces, write_png
from facesr.bench.run import run
from facesr.bench.score import Score
from facesr.protocols._fids import StatisticsFid
from facesr.protocols.bfr_512 import Angle, Bfr512, CorrectedPsnr, CorrectedSsim, Grey, matched
from facesr.protocols.features import embedders
from facesr.protocols.features._view import View
from facesr.protocols.features.onnx import Onnx
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.niqe import Niqe
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@dataclass(frozen=True)
class Seen(Onnx):
    """A network whose vector is the picture that it is shown, less its mean."""

    @property
    def digest(self) -> str:
        return "00000000"

    @property
    def dim(self) -> int:
        return 192

    def missing(self) -> str:
        return ""

    def __call__(self, batch: Tensor) -> Tensor:
        seen = self.view(batch).flatten(1)
        return seen - seen.mean(dim=1, keepdim=True)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> str:
    view = View(8, box=(0.2, 0.2, 0.8, 0.8))
    monkeypatch.setitem(embedders.EMBEDDERS, "seen", lambda: Seen("seen", view))
    return "seen"


def test_sizes_and_metrics_are_those_of_the_scripts() -> None:
    preset = Bfr512(statistics="ffhq.pth")
    assert (preset.lr_size, preset.scale) == (512, 1)
    fid = StatisticsFid("ffhq.pth", first=3000)  # calculate_fid_folder.py, --num_sample
    assert preset.asked(paired=False) == [fid, Niqe()]
    assert preset.asked(paired=True) == [
        Lpips("vgg"),  # calculate_lpips.py
        fid,
        Niqe(),
        Angle("arcface", whole=True, least=1.0),  # calculate_cos_dist.py, "dist < 1"
        Landmarks("retinaface", norm="box"),
        Psnr(),
        Ssim(),
    ]


def test_vqfr_corrects_colours_and_pmrf_does_not() -> None:
    assert Bfr512(corrected=True).asked(paired=True)[-2:] == [CorrectedPsnr(), CorrectedSsim()]
    assert Bfr512(corrected=True, plain=True).asked(paired=True)[-2:] == [Psnr(), Ssim()]


def test_without_statistics_the_reference_is_a_set_unless_it_holds_the_originals() -> None:
    assert Bfr512().asked(paired=False)[0] == Fid("legacy-tensorflow")
    assert Bfr512(plain=True).asked(paired=False) == [Fid(), Niqe()]
    absent = Bfr512().asked(paired=True)[1]
    assert absent.missing().startswith("needs the statistics of FFHQ at 512 pixels")


def test_an_angle_is_in_degrees_between_grey_pictures(seen: str, draw: Draw, store: Store) -> None:
    hr, sr = store(draw(3, 256), "hr"), store(draw(3, 256, seed=1), "sr")
    score = Angle(seen).score(sr, hr)

    def vectors(faces: Faces) -> NDArray[np.float64]:
        grey = np.stack([Grey()(image) for image in faces.images()])
        batch = torch.from_numpy(grey).permute(0, 3, 1, 2).float() / 255
        found = Seen("", View(8))(batch).double().numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    expected = np.degrees(np.arccos((vectors(hr) * vectors(sr)).sum(axis=1)))
    assert score.value == pytest.approx(expected.mean(), abs=1e-4)
    assert (score.metric, score.unit, score.better) == ("angle[grey,over1,seen]", "°", "lower")
    assert "shown=grey-bilinear128,least=1" in score.identity
    assert "box=0_0_1_1" in score.identity


def test_grey_pictures_are_made_as_opencv_makes_them(draw: Draw) -> None:
    picture = draw(1, 256)[0]
    small = Grey()(picture)
    luma = np.round(picture @ np.array([0.299, 0.587, 0.114]))
    halves = luma.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    assert small.shape == (128, 128, 3)
    assert (small == small[..., :1]).all()
    assert np.abs(small[..., 0] - halves).max() <= 1


def test_pairs_within_a_degree_are_left_out_and_lower_the_mean_otherwise(
    seen: str, draw: Draw, store: Store
) -> None:
    pixels, others = draw(4, 32), draw(4, 32, seed=1)
    hr = store(pixels, "hr")
    sr = store(np.concatenate([pixels[:2], others[2:]]), "sr")
    quirky, plain = Angle(seen).score(sr, hr), Angle(seen, least=0).score(sr, hr)
    assert quirky.value is not None
    assert plain.value == pytest.approx(quirky.value / 2, rel=1e-5)
    assert (quirky.n, plain.n) == (2, 4)
    assert quirky.note.startswith("2 of 4 pairs within 1 degrees left out; not ranked")
    assert (quirky.ranked, plain.ranked) == (False, True)
    assert (plain.metric, plain.note) == ("angle[grey,seen]", "")
    same = Angle(seen).score(hr, hr)
    assert (same.value, same.note) == (None, "every pair lies within 1 degrees")


def test_aligned_embedders_see_the_part_that_they_always_see(
    seen: str, draw: Draw, store: Store
) -> None:
    hr, sr = store(draw(3, 32), "hr"), store(draw(3, 32, seed=1), "sr")
    part = Angle(seen, whole=False, least=0).score(sr, hr)
    assert part.metric == "angle[seen]"
    assert "box=0.2_0.2_0.8_0.8" in part.identity
    assert part.value != Angle(seen, least=0).score(sr, hr).value


def test_an_embedder_that_cannot_be_shown_a_whole_picture_is_named(pooled: str) -> None:
    with pytest.raises(BadName, match="pooled cannot be shown a whole picture; set whole=false"):
        Angle(pooled)


def test_matched_pictures_have_the_colours_of_their_originals(draw: Draw) -> None:
    x, y = (pixels.transpose(0, 3, 1, 2) for pixels in (draw(2, 16), draw(2, 16, seed=1)))
    moved = matched(x, y)
    axes = (2, 3)
    assert moved.mean(axis=axes) == pytest.approx(y.mean(axis=axes), abs=1e-9)
    assert matched(moved, y) == pytest.approx(moved, abs=1e-9)
    flat = np.full_like(x, 9)
    assert np.isfinite(matched(flat, y)).all()


def test_correction_forgives_another_brightness_and_says_so(draw: Draw, store: Store) -> None:
    pixels = draw(3)
    hr, dark = store(pixels, "hr"), store(pixels // 2, "dark")
    for quirky, plain in ((CorrectedPsnr(), Psnr()), (CorrectedSsim(), Ssim())):
        found, usual = quirky.score(dark, hr), plain.score(dark, hr)
        assert found.value is not None
        assert usual.value is not None
        assert found.value > usual.value
        assert found.metric == f"{usual.metric}[corrected]"
        assert found.identity == f"{usual.identity[:-1]},corrected-v1]"
    worse = store(np.roll(pixels, 3, axis=2) // 2, "shifted")
    assert (CorrectedPsnr().score(worse, hr).value or 100) < (
        CorrectedPsnr().score(dark, hr).value or 0
    )


def test_a_folder_of_faces_is_measured_end_to_end(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path / "none"))
    large = draw(2, 128)
    for part in ("train", "test"):
        for i, picture in enumerate(large):
            write_png(picture, tmp_path / f"faces/{part}/hr/{i}.png")
            small = Image.fromarray(picture).resize((64, 64)).resize((128, 128))
            write_png(np.asarray(small), tmp_path / f"faces/{part}/lr/{i}.png")
    results = run(
        "bicubic",
        "bfr_512[lr_size=128]",
        [f"folder:{tmp_path / 'faces'}"],
        limit=2,
        out=tmp_path / "runs",
    )
    assert not results.failures
    columns = [row.score.metric for row in results.rows]
    assert columns == [
        "lpips[vgg]",
        "fid[statistics,first3000]",
        "niqe",
        "angle[grey,over1,arcface]",
        "landmarks[box,retinaface]",
        "psnr",
        "ssim",
    ]
    values = {
        row.score.metric: row.score.value for row in results.rows if isinstance(row.score, Score)
    }
    assert values["psnr"] is not None
    assert values["lpips[vgg]"] is None


def test_scores_without_originals_need_none(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    faces = store(draw(3, 96), "lfw")
    found = list(Bfr512().score(faces, Split(faces, store(draw(3, 96, seed=1), "ffhq"))))
    assert [each.metric for each in found] == ["fid", "niqe"]
