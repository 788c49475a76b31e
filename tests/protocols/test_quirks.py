from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.contract import Metric, Split
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.files import cache_folder
from facesr.protocols._quirks import (
    IfPaired,
    Preset,
    Resaved,
    Saving,
    marked,
    recompressed,
    resaved,
    stored,
    stretched,
)
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.psnr import Psnr

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
STRETCH = Saving("minmax", "down")


def test_a_stretch_reaches_both_ends_over_all_channels_together() -> None:
    picture = np.array([[[50, 60, 70], [80, 90, 150]]], np.uint8)
    assert stretched(picture).tolist() == [[[0, 26, 51], [77, 102, 255]]]
    assert stretched(picture, "down").tolist() == [[[0, 25, 51], [76, 102, 255]]]


@pytest.mark.parametrize("rounding", ["nearest", "down"])
def test_a_stretch_equals_the_arithmetic_of_released_code(draw: Draw, rounding: str) -> None:
    for picture in draw(4, size=16):
        values = picture.astype(np.float64)
        shares = (values - values.min()) / (values.max() - values.min()) * 255
        expected = np.floor(shares + (0.5 if rounding == "nearest" else 1e-9))
        assert (stretched(picture, rounding) == expected).all()  # type: ignore[arg-type]


def test_a_flat_picture_becomes_black_and_a_full_one_stays() -> None:
    assert not stretched(np.full((4, 4, 3), 200, np.uint8)).any()
    full = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    full[0, 0, 0], full[-1, -1, -1] = 0, 255
    for rounding in ("nearest", "down"):
        assert (stretched(full, rounding) == full).all()


def test_jpeg_is_what_pillow_writes_unless_told_otherwise(draw: Draw) -> None:
    picture = draw(1)[0]
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG")
    with Image.open(file) as image:
        assert (recompressed(picture) == np.asarray(image)).all()
    assert (recompressed(picture) != picture).any()


def test_switches_have_names_and_an_order() -> None:
    assert Saving().label == Saving(rounding="down").label == ""
    assert STRETCH.label == "minmax-down"
    assert Saving("minmax", "down", "jpeg").label == "minmax-down-jpeg75"
    assert Saving(storage="jpeg").label == "jpeg75"
    with pytest.raises(BadName, match="no storage named 'gif'; known: png, jpeg"):
        Saving(storage="gif")  # type: ignore[arg-type]


def test_changed_faces_are_kept_with_their_labels(draw: Draw, store: Store) -> None:
    points = np.ones((3, 5, 2), np.float32)
    faces = store(draw(3), "kept", identities=("a", "a", "b"), landmarks=points)
    changed = stored(faces, STRETCH)
    assert (changed.names, changed.identities) == (faces.names, faces.identities)
    assert changed.title == "kept (minmax-down)"
    assert changed.landmarks is not None
    assert (changed.landmarks == points).all()
    expected = [stretched(image, "down") for image in faces.images()]
    assert (np.stack(list(changed.images())) == np.stack(expected)).all()
    assert changed.root.is_relative_to(cache_folder())
    assert stored(faces, STRETCH).root == changed.root != stored(faces, Saving("minmax")).root


def test_changed_faces_are_made_once_and_anew_when_damaged(draw: Draw, store: Store) -> None:
    faces = store(draw(3, seed=5), "once")
    first = stored(faces, STRETCH)
    shard = next(first.root.glob("faces-*.npy"))
    before = shard.stat().st_mtime_ns
    assert stored(faces, STRETCH).fingerprint == first.fingerprint
    assert shard.stat().st_mtime_ns == before
    shard.write_bytes(shard.read_bytes()[:-7])
    again = stored(faces, STRETCH)
    assert again.fingerprint == first.fingerprint
    assert not list(first.root.parent.glob(".*.part"))


def test_an_interrupted_change_leaves_nothing_behind(draw: Draw, store: Store) -> None:
    class Failing:
        label = "failing"

        def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
            if (pixels == last).all():
                raise RuntimeError("killed")
            return pixels

    faces = store(draw(3, seed=6), "killed")
    last = list(faces.images())[-1]
    with pytest.raises(RuntimeError, match="killed"):
        stored(faces, Failing())
    folder = cache_folder() / "changed"
    assert not [path for path in folder.rglob("*") if "killed" in path.name]
    assert not list(folder.glob(".*.part"))


def test_a_folder_that_cannot_be_written_is_named(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    faces = store(draw(1), "nowhere")
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadData, match=r"cannot be written: .*; name another folder"):
        stored(faces, STRETCH)


def test_a_quirk_changes_the_number_the_column_and_the_identity(draw: Draw, store: Store) -> None:
    hr = store(draw(4) // 2 + 40, "hr")
    plain, quirky = Psnr().score(hr, hr), resaved(Psnr(), STRETCH).score(hr, hr)
    assert plain.value is not None
    assert quirky.value is not None
    assert quirky.value < 25 < plain.value
    assert (plain.metric, quirky.metric) == ("psnr", "psnr[minmax-down]")
    assert quirky.identity == marked(plain.identity, "saved=minmax-down-v1")
    assert quirky.note == "of outputs saved as minmax-down"
    assert len(quirky.samples) == quirky.n == 4


def test_each_quirk_lowers_fidelity_on_its_own(draw: Draw, store: Store) -> None:
    hr = store(draw(4) // 2 + 40, "hr")
    values = [
        resaved(Psnr(), how).score(hr, hr).value or 0
        for how in (Saving(), Saving(storage="jpeg"), Saving("minmax"))
    ]
    assert values[0] == 100 > values[1] > values[2]


def test_rounding_down_takes_half_a_level_away(draw: Draw, store: Store) -> None:
    faces = store(draw(4) // 2 + 40, "hr")
    nearest, down = (stored(faces, how).pixels().double() for how in (Saving("minmax"), STRETCH))
    assert set((nearest - down).unique().tolist()) == {0, 1}
    assert (nearest - down).mean() == pytest.approx(0.5, abs=0.05)


def test_without_quirks_the_plain_metric_is_returned() -> None:
    assert resaved(Psnr(), Saving()) == Psnr()


def test_a_wrapped_metric_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    for metric in (Psnr(), Detection(), Lpips()):
        wrapped = Resaved(metric, STRETCH)
        assert (wrapped.needs, wrapped.better) == (metric.needs, metric.better)
        assert wrapped.missing() == metric.missing()
        assert wrapped.column == marked(metric.column, "minmax-down")
    assert Metric.needs == "nothing"


def test_a_missing_asset_leaves_the_cell_empty_and_changes_no_face(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    hr = store(draw(2), "hr")
    score = Resaved(Lpips(), STRETCH).score(hr, hr)
    assert score.value is None
    assert score.metric == "lpips[alex,minmax-down]"
    assert score.note.startswith("needs the asset 'alexnet'")
    assert not (tmp_path / "cache/changed").exists()


@dataclass
class Both(Preset):
    without_quirks = {"output": "plain"}  # noqa: RUF012

    output: str = "minmax"

    def asked(self, paired: bool) -> list[Metric]:
        return [Psnr()] if paired else [Detection()]


def test_a_preset_asks_for_originals_only_where_there_are_any(draw: Draw, store: Store) -> None:
    hr, other = store(draw(2), "hr"), store(draw(3), "other")
    preset = Both()
    columns = {
        paired: [score.metric for score in preset.score(hr, Split(hr, real, paired))]
        for paired, real in ((True, hr), (False, other))
    }
    assert columns == {True: ["psnr"], False: ["detection[hog]"]}
    assert all(metric.needs != "pairs" for metric in preset.metrics())


def test_a_folder_without_originals_leaves_their_columns_empty(draw: Draw, store: Store) -> None:
    hr, other = store(draw(2), "hr"), store(draw(3), "other")
    metric = IfPaired(Psnr())
    assert metric.score(hr, hr) == Psnr().score(hr, hr)
    empty = metric.score(hr, other)
    assert (empty.metric, empty.value, empty.better) == ("psnr", None, "higher")
    assert empty.note == "compares with originals, faces of the same names, which are not here"


def test_plain_overrides_every_switch() -> None:
    assert (Both().output, Both(plain=True).output) == ("minmax", "plain")
    assert Both(plain=True, output="minmax").output == "plain"
