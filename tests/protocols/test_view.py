import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from facesr.protocols.features._view import ARCFACE, View, weights


@pytest.mark.parametrize("side", [24, 48, 112])
def test_parts_are_resized_as_pillow_does(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    box = (0.125, 0.1, 0.875, 0.94)
    expected = Image.fromarray(pixels).resize(
        (side, side), Image.Resampling.BILINEAR, box=(8, 6.4, 56, 60.16)
    )
    batch = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    found = View(side, box, mean=0, deviation=1)(batch)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - np.asarray(expected)).max() <= 1.001  # Pillow rounds twice


@pytest.mark.parametrize("side", [32, 64, 100])
def test_a_whole_face_is_resized_as_torch_does(side: int) -> None:
    batch = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(0)).double()
    expected = F.interpolate(
        batch, (side, side), mode="bilinear", antialias=True, align_corners=False
    )
    found = View(side, mean=0, deviation=255)(batch)
    assert found == pytest.approx(expected.float(), abs=1e-6)


def test_colours_and_numbers_are_those_of_the_network() -> None:
    batch = torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert View(4)(batch)[0, :, 0, 0].tolist() == pytest.approx([1, 0, -1])
    assert View(4, order="bgr", mean=0, deviation=1)(batch)[0, :, 0, 0].tolist() == [0, 127.5, 255]


def test_the_border_is_repeated_beyond_the_frame() -> None:
    rows = weights(8, 16, -0.25, 0.75)
    assert torch.equal(rows[:4], rows[:1].expand(4, 8))
    assert rows[0, 0] == 1
    assert rows.sum(dim=1) == pytest.approx(torch.ones(16).double())


def test_a_batch_is_shown_as_its_faces_are() -> None:
    batch = torch.rand((5, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    alone = torch.cat([ARCFACE(face[None]) for face in batch])
    assert ARCFACE(batch) == pytest.approx(alone, abs=1e-6)


def test_everything_shown_is_part_of_the_label() -> None:
    views = [View(8), View(9), View(8, (0, 0, 1, 0.5)), View(8, order="bgr"), View(8, mean=0)]
    assert len({view.label for view in [*views, View(8, deviation=1)]}) == 6
