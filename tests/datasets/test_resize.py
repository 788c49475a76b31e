from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate as torch_interpolate

from facesr.datasets._resize import MatlabKernel, TorchKernel, imresize, interpolate, resize


@pytest.mark.parametrize("kernel", ["area", "bilinear", "bicubic"])
@pytest.mark.parametrize("old", [1, 10, 37])
def test_interpolating_does_as_torch_does(kernel: TorchKernel, old: int) -> None:
    image = np.random.default_rng(1).random((old, old, 3))
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    corners = {} if kernel == "area" else {"align_corners": False}
    for size in (1, 5, 16, 50):
        theirs = torch_interpolate(batch, (size, size), mode=kernel, **corners)
        expected = theirs[0].permute(1, 2, 0).numpy()
        assert np.allclose(interpolate(image, size, kernel), expected, rtol=0, atol=1e-12)
    for scale in (0.27, 0.91, 1.37):
        size = int(old * scale)
        if size:
            theirs = torch_interpolate(batch, scale_factor=scale, mode=kernel, **corners)
            expected = theirs[0].permute(1, 2, 0).numpy()
            ours = interpolate(image, size, kernel, scale)
            assert np.allclose(ours, expected, rtol=0, atol=1e-12)


def test_interpolating_aliases_and_resizing_does_not() -> None:
    stripes = np.tile((np.arange(64) % 4 < 1)[:, None], (64, 1, 3)).astype(float)
    assert interpolate(stripes, 16, "bilinear").std() < 1e-12
    assert interpolate(stripes, 16, "bilinear").mean() == 0
    assert resize(stripes, 16, "bilinear")[2:-2, 2:-2].mean() == pytest.approx(0.25)
    assert imresize(stripes, 16, "bilinear").mean() == pytest.approx(0.25, abs=0.01)


def test_area_shrinking_averages_blocks() -> None:
    image = np.random.default_rng(3).random((32, 32, 3))
    expected = image.reshape(8, 4, 8, 4, 3).mean((1, 3))
    assert np.allclose(resize(image, 8, "area"), expected)
    board = (np.indices((32, 32)).sum(0) % 2)[..., None] * np.ones(3)
    assert np.allclose(resize(board, 16, "area"), 0.5)


def test_area_shrinking_by_a_fraction_weights_by_overlap() -> None:
    slope = np.arange(5.0)[None, :, None] * np.ones((5, 1, 3))
    expected = [(0 + 1 + 0.5 * 2) / 2.5, (0.5 * 2 + 3 + 4) / 2.5]
    assert np.allclose(resize(slope, 2, "area")[0, :, 0], expected)


@pytest.mark.parametrize("size", [8, 13, 50])
def test_resizing_does_as_pillow_does(size: int) -> None:
    image = np.random.default_rng(3).random((32, 32, 3))
    for kernel, theirs in (
        ("bicubic", Image.Resampling.BICUBIC),
        ("bilinear", Image.Resampling.BILINEAR),
    ):
        channel = Image.fromarray(image[..., 0].astype(np.float32))
        expected = np.asarray(channel.resize((size, size), theirs))
        assert np.allclose(resize(image, size, kernel)[..., 0], expected, atol=1e-5)


def test_the_two_ways_of_shrinking_differ_at_the_border_alone() -> None:
    image = np.random.default_rng(3).random((64, 64, 3))
    gap = np.abs(imresize(image, 16) - resize(image, 16))
    assert gap[2:-2, 2:-2].max() < 1e-12
    assert gap.max() > 1e-3


@pytest.mark.parametrize("size", [1, 16, 25, 64])
def test_resizing_keeps_a_constant_and_a_size(size: int) -> None:
    flat = np.full((25, 25, 3), 0.7)
    image = np.random.default_rng(3).random((25, 25, 3))
    torchs: tuple[TorchKernel, ...] = get_args(TorchKernel)
    matlabs: tuple[MatlabKernel, ...] = get_args(MatlabKernel)
    for kernel in torchs:
        assert np.allclose(resize(flat, size, kernel), 0.7)
        assert np.allclose(interpolate(flat, size, kernel), 0.7)
        assert np.allclose(resize(image, 25, kernel), image)
        assert np.allclose(interpolate(image, 25, kernel), image)
    for name in matlabs:
        assert np.allclose(imresize(flat, size, name), 0.7)
        assert np.allclose(imresize(image, 25, name), image)
