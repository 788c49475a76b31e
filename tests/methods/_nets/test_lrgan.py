from collections.abc import Iterable

import pytest
import torch
from torch import nn

from facesr.bench.errors import BenchError
from facesr.methods._nets.blocks import ResidualBlock
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.lrgan import HighToLow, LowToHigh
from facesr.methods.lrgan import LRGAN


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_released_architecture_has_the_published_number_of_parameters() -> None:
    assert count(LRGAN(architecture="released").net) == 15_490_403


def test_the_papers_architecture_has_the_number_its_docstring_gives() -> None:
    assert count(LRGAN().net) == 15_745_635
    assert LowToHigh.__doc__
    assert "15,745,635" in LowToHigh.__doc__
    assert count(LowToHigh(0.5)) == pytest.approx(4.0e6, rel=0.02)  # the CR paper's table


def test_low_to_high_has_17_blocks_in_three_groups_and_high_to_low_12_in_six() -> None:
    def blocks(groups: Iterable[nn.Module]) -> list[int]:
        return [sum(isinstance(m, ResidualBlock) for m in group.modules()) for group in groups]

    h2l = HighToLow(width=0.125)
    assert blocks(LowToHigh(0.125).groups) == [12, 3, 2]
    assert blocks([*h2l.down, *h2l.up]) == [2] * 6


def test_high_to_low_drops_to_4_pixels_and_rises_to_16() -> None:
    net, sides = HighToLow(width=0.125), []
    for group in (*net.down, *net.up, net.last):
        group.register_forward_hook(lambda _m, _i, y: sides.append(y.shape[-1]))
    assert net(torch.zeros(2, 3, 64, 64), torch.zeros(2, 64)).shape == (2, 3, 16, 16)
    assert sides == [32, 16, 8, 4, 8, 16, 16]
    assert HighToLow.__doc__
    assert f"{count(HighToLow()):,} parameters" in HighToLow.__doc__


@pytest.mark.parametrize(
    ("size", "sides"),
    [(16, [16, 16, 16, 16, 8, 4]), (64, [32, 16, 16, 16, 8, 4]), (128, [64, 32, 16, 16, 8, 4])],
)
def test_discriminators_pool_down_to_4_pixels(size: int, sides: list[int]) -> None:
    net, seen = Discriminator(size, 0.125), []
    for block in net.blocks:
        block.register_forward_hook(lambda _m, _i, y: seen.append(y.shape[-1]))
    assert net(torch.zeros(2, 3, size, size)).shape == (2, 1)
    assert seen == sides
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("size", [4, 20, 48, 512])
def test_a_discriminator_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(BenchError, match=f"images of {size} px"):
        Discriminator(size)
