from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from facesr.bench.errors import BenchError
from facesr.bench.run import run
from facesr.bench.score import Score
from facesr.bench.single import score, train, upscale

Add = Callable[[str, str, str], None]


def test_train_then_upscale_a_folder(toys: Add, tmp_path: Path) -> None:
    weights = train(
        "tint", "blobs", protocol="glow", out=tmp_path / "runs", settings={"steps": 4}, device="cpu"
    )
    images = tmp_path / "cache/blobs-0-16/train/lr"
    faces = upscale("tint", images, tmp_path / "out", weights=weights, device="cpu")
    assert (len(faces), faces.size) == (40, 64)
    with pytest.raises(BenchError, match="has to learn first"):
        upscale("tint", images, tmp_path / "out", device="cpu")
    with pytest.raises(BenchError, match="nothing to train"):
        train("repeat", "blobs", protocol="glow", out=tmp_path / "runs", device="cpu")
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"no weights at all")
    with pytest.raises(BenchError, match="holds no weights that tint can read"):
        upscale("tint", images, tmp_path / "out", weights=noise, device="cpu")


def test_score_takes_any_two_folders(toys: Add, tmp_path: Path) -> None:
    run("repeat", "glow", "blobs", out=tmp_path / "runs", device="cpu")
    (only,) = score(tmp_path / "runs/repeat/blobs/images", metrics="brightness")
    assert isinstance(only, Score)
    assert only.n == 40
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="holds no image"):
        score(tmp_path / "empty", metrics="brightness")


def test_bad_input_images_fail_with_their_name(toys: Add, tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    for i in range(3):
        Image.new("RGB", (64, 64), (i, 2, 3)).save(good / f"{i}.png")
    (good / "1.png").write_bytes((good / "1.png").read_bytes()[:40])
    with pytest.raises(BenchError, match=r"1\.png is"):
        score(good, metrics="brightness")


def test_upscaling_never_removes_images_that_no_run_wrote(toys: Add, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "images"
    mine.mkdir(parents=True)
    Image.new("RGB", (16, 16)).save(mine / "a.png")
    with pytest.raises(BenchError, match="would be overwritten"):
        upscale("repeat", mine, tmp_path / "mine", device="cpu")
    assert [path.name for path in mine.iterdir()] == ["a.png"]


def test_weights_bring_their_settings_and_refuse_others(toys: Add, tmp_path: Path) -> None:
    weights = train("tint", "blobs", protocol="glow", out=tmp_path / "runs", seed=3, device="cpu")
    images = tmp_path / "cache/blobs-0-16/train/lr"
    assert len(upscale("tint", images, tmp_path / "out", weights=weights, device="cpu")) == 40
    with pytest.raises(BenchError, match="trained with seed=3, not 5"):
        upscale("tint", images, tmp_path / "out", weights=weights, seed=5, device="cpu")
