from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from facesr.bench.errors import BadName
from facesr.methods._nets.lanczos import lanczos
from facesr.methods.bicubic import KERNELS, Bicubic

PILLOW = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.fixture(scope="module")
def lr() -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def pillow(images: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """Resize in Pillow's floating-point mode, which neither rounds nor clips."""
    height, width = size
    planes = [
        np.asarray(Image.fromarray(plane.numpy()).resize((width, height), PILLOW[kernel]))
        for plane in images.float().flatten(0, 1)
    ]
    return torch.from_numpy(np.stack(planes)).view(*images.shape[:2], height, width)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_equals_pillow(lr: Tensor, kernel: Any, scale: int) -> None:
    sr = Bicubic(scale=scale, kernel=kernel).upscale(lr)
    assert (sr - pillow(lr, (16 * scale, 16 * scale), kernel)).abs().max() < 1e-5


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_equals_pillows_8_bit_pictures_to_one_level(kernel: Any) -> None:
    pixels = np.random.default_rng(0).integers(80, 176, (16, 16, 3), np.uint8)
    lr = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    sr = (Bicubic(kernel=kernel).upscale(lr)[0].permute(1, 2, 0) * 255).round()
    reference = np.asarray(Image.fromarray(pixels).resize((64, 64), PILLOW[kernel]))
    assert np.abs(sr.numpy() - reference).max() <= 1


def test_bicubic_is_keys_cubic_by_hand() -> None:
    line = torch.tensor([0.1, 0.9, 0.4, 0.2, 0.8, 0.6]).view(1, 1, 1, 6)
    sr = Bicubic(scale=2).upscale(line.expand(1, 3, 6, 6))

    def keys(x: float) -> float:  # a = -0.5
        x = abs(x)
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    centre = (5 + 0.5) / 2 - 0.5
    want = sum(keys(i - centre) * line[0, 0, 0, i].item() for i in range(6))
    assert sr[0, 0, 6, 5].item() == pytest.approx(want, abs=1e-5)


def test_antialiasing_makes_no_difference_when_images_grow(lr: Tensor) -> None:
    plain = interpolate(lr, scale_factor=4, mode="bilinear", antialias=False)
    assert torch.allclose(Bicubic(kernel="bilinear").upscale(lr), plain, atol=1e-5)
    assert not torch.allclose(Bicubic(kernel="lanczos").upscale(lr), plain, atol=0.05)


@pytest.mark.parametrize("size", [(5, 9), (40, 7), (16, 16), (33, 64)])
def test_lanczos_equals_pillow_at_any_size_also_smaller(lr: Tensor, size: tuple[int, int]) -> None:
    made = lanczos(lr.double(), size)
    assert made.dtype == torch.float64
    assert (made - pillow(lr, size, "lanczos")).abs().max() < 1e-5


def test_lanczos_keeps_flat_images_flat() -> None:
    flat = torch.full((2, 3, 6, 6), 0.7)
    assert torch.allclose(Bicubic(kernel="lanczos").upscale(flat), torch.full((2, 3, 24, 24), 0.7))


def test_the_cubic_kernel_overshoots_less_than_torchs_without_antialiasing() -> None:
    edge = torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1
    ours = Bicubic().upscale(edge).max()
    other = interpolate(edge, scale_factor=4, mode="bicubic").max()
    assert 1 < ours < other


def test_an_unknown_kernel_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadName, match=r"no kernel 'cubic'; known: bicubic, bilinear"):
        Bicubic(kernel="cubic")  # type: ignore[arg-type]
