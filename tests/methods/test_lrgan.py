from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.methods import lrgan
from facesr.methods.lrgan import LRGAN

MakeSplit = Callable[..., Split]
Build = Callable[..., LRGAN]


def first_weight(net: nn.Module) -> Tensor:
    return net.state_dict()["first.weight"]


def test_noise_decides_how_a_face_is_degraded(trained: Build, data: Split, tmp_path: Path) -> None:
    method = trained(data, tmp_path / "out")
    hr = data.hr.pixels().float() / 255
    one, two = torch.randn(7, 64), torch.randn(7, 64)
    degraded = method.degrade(hr, one)
    assert degraded.shape == (7, 3, 16, 16)
    assert degraded.min() >= 0
    assert degraded.max() <= 1
    assert torch.equal(degraded, method.degrade(hr, one))
    assert (degraded - method.degrade(hr, two)).abs().mean() > 1e-4


def test_the_degrader_can_be_read_back(
    build: Build, trained: Build, data: Split, tmp_path: Path
) -> None:
    method, again = trained(data, tmp_path / "out"), build()
    with pytest.raises(BenchError, match="no High-to-Low network yet"):
        again.degrade(torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))
    again.load_degrader(tmp_path / "out" / "high_to_low.safetensors")
    hr, noise = torch.rand(2, 3, 64, 64), torch.randn(2, 64)
    assert torch.equal(again.degrade(hr, noise), method.degrade(hr, noise))


@pytest.mark.parametrize("architecture", lrgan.ARCHITECTURES)
def test_neighbours_in_a_batch_do_not_matter(build: Build, architecture: str) -> None:
    method = build(architecture=architecture)
    method.net.eval()
    lr = torch.rand(5, 3, 16, 16)
    with torch.no_grad():
        together, alone = method.upscale(lr), method.upscale(lr[2:3])
    assert together.shape == (5, 3, 64, 64)
    assert torch.allclose(together[2:3], alone, atol=1e-5)
    assert 0 <= together.min() <= together.max() <= 1


def test_images_reach_the_network_from_minus_one_to_one(build: Build) -> None:
    method = build()
    seen: list[Tensor] = []

    class Echo(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x

    method.net = Echo()
    lr = torch.rand(1, 3, 4, 4)
    assert torch.allclose(method.upscale(lr), lr, atol=1e-6)
    assert torch.equal(seen[0], lr * 2 - 1)


def test_weights_of_another_width_are_refused_with_both_named(build: Build, tmp_path: Path) -> None:
    save_file(build(width=0.25).net.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BenchError, match=r"does not fit lrgan with .* width 0\.125"):
        build().load(tmp_path / "w.safetensors")
    method = build(width=0.25)
    method.load(tmp_path / "w.safetensors")
    assert torch.equal(
        first_weight(method.net), load_file(tmp_path / "w.safetensors")["first.weight"]
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 8}, "lrgan enlarges by 4 only, 8 was asked for"),
        ({"variant": "ful"}, "no variant 'ful'; known: full, bilinear, blur_bilinear, pixel_only"),
        ({"architecture": "old"}, "no architecture 'old'; known: paper, released"),
        ({"augment": "some"}, "no augment 'some'; known: full, flip, none"),
        ({"width": 0}, r"lrgan\.width is 0, expected a positive number"),
        ({"d_steps": 0}, r"lrgan\.d_steps is 0, expected a positive"),
        ({"steps": -1}, r"lrgan\.steps is -1, expected no negative"),
        ({"ema": 1.0}, r"lrgan\.ema is 1\.0, expected a number from 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((BenchError, BadName), match=message):
        LRGAN(**settings)


TINIEST: dict[str, Any] = {"width": 0.05, "batch": 2, "steps": 1, "joint_steps": 1, "noise": 4}


@pytest.mark.parametrize(("lr", "hr"), [(16, 16), (16, 32), (16, 63), (4, 16), (17, 68)])
def test_faces_of_sizes_that_do_not_belong_together_are_refused(
    build: Build, make_split: MakeSplit, tmp_path: Path, lr: int, hr: int
) -> None:
    data = make_split(1, 1, lr, hr)
    with pytest.raises(BadData, match=rf"lrgan was given faces of {lr} and {hr} px, expected 4 "):
        build().train(data, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("batch", [1, 3])
def test_one_face_is_enough_and_larger_batches_say_that_they_repeat_faces(
    trained: Build,
    make_split: MakeSplit,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    batch: int,
) -> None:
    method = trained(make_split(1, 1, 8, 32), tmp_path / "out", **TINIEST | {"batch": batch})
    said = [line for line in capsys.readouterr().err.splitlines() if "repeat" in line]
    assert said == (
        [
            "batches of 3 repeat faces: there are only 1 of high resolution",
            "batches of 3 repeat faces: there are only 1 of low resolution",
        ]
        if batch == 3
        else []
    )
    assert method.upscale(torch.rand(1, 3, 8, 8)).isfinite().all()


def test_grey_faces_are_faces(trained: Build, make_split: MakeSplit, tmp_path: Path) -> None:
    data = make_split(3, 3, 8, 32)
    for faces in (data.lr, data.hr):
        for name in faces.names:
            with Image.open(faces.root / name) as image:
                grey = image.convert("L")
            grey.save(faces.root / name)
    assert data.hr.pixels().shape == (3, 3, 32, 32)
    method = trained(data, tmp_path / "out", **TINIEST)
    assert method.upscale(torch.rand(1, 3, 8, 8)).isfinite().all()


def test_a_training_that_leaves_the_numbers_stops_with_advice(
    trained: Build, make_split: MakeSplit, tmp_path: Path
) -> None:
    settings = TINIEST | {"steps": 20, "learning_rate": 1e30, "d_learning_rate": 1e30}
    with pytest.raises(BenchError, match=r"of training lrgan; lower the learning rate"):
        trained(make_split(2, 2, 8, 32), tmp_path / "out", **settings)
