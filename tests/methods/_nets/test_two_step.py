import pytest
import torch
from torch import nn

from facesr.methods._nets.attention import AttentionBlock, SelfAttention
from facesr.methods._nets.two_step import Discriminator, HighToLow, LowToHigh


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_low_to_high_has_the_published_size() -> None:
    number = count(LowToHigh())
    assert number * 4 / 1e6 == pytest.approx(34, rel=0.02)  # MB in single precision
    assert LowToHigh.__doc__
    assert f"{number:,} parameters, {number * 4 / 1e6:.1f} MB" in LowToHigh.__doc__


def test_low_to_high_has_sections_of_6_3_2_and_1_blocks() -> None:
    for factor in (2, 4, 8):
        net = LowToHigh(factor, 0.125)
        kinds = [[type(m) for m in section.children()] for section in net.sections]
        assert kinds == [[AttentionBlock] * n for n in (6, 3, 2, 1)]
        assert count(net) == count(LowToHigh(8, 0.125))


@pytest.mark.parametrize(
    ("factor", "sides"), [(8, [16, 32, 64, 128]), (4, [16, 32, 64, 64]), (2, [16, 32, 32, 32])]
)
def test_the_side_doubles_between_sections(factor: int, sides: list[int]) -> None:
    net, seen = LowToHigh(factor, 0.125), []
    for section in net.sections:
        section.register_forward_hook(lambda _m, _i, y: seen.append(y.shape[-1]))
    made = net(torch.randn(2, 3, 16, 16))
    assert seen == sides
    assert made.shape == (2, 3, 16 * factor, 16 * factor)
    assert made.abs().max() <= 1


def test_high_to_low_has_the_number_its_docstring_gives() -> None:
    assert HighToLow.__doc__
    assert f"{count(HighToLow()):,} parameters" in HighToLow.__doc__


@pytest.mark.parametrize(
    ("factor", "sides"),
    [
        (8, [128, 64, 32, 16, 8, 4, 8, 16, 16]),
        (4, [64, 64, 32, 16, 8, 4, 8, 16, 16]),
        (2, [32, 32, 32, 16, 8, 4, 8, 16, 16]),
    ],
)
def test_high_to_low_pools_to_a_quarter_of_its_output_and_rises_twice(
    factor: int, sides: list[int]
) -> None:
    size = 16 * factor
    net, seen = HighToLow(size, factor, noise=8, width=0.1), []
    assert (len(net.down), len(net.up)) == (5, 4)
    for block in (*net.down, *net.up):
        block.register_forward_hook(lambda _m, inputs, _y: seen.append(inputs[0].shape[-1]))
    assert net(torch.randn(2, 3, size, size), torch.randn(2, 8)).shape == (2, 3, 16, 16)
    assert seen == sides


def test_noise_decides_how_a_face_is_degraded() -> None:
    torch.manual_seed(0)
    net, hr = HighToLow(64, 4, noise=8, width=0.1), torch.randn(1, 3, 64, 64)
    one, two = net(hr, torch.randn(1, 8)), net(hr, torch.randn(1, 8))
    assert not torch.allclose(one, two, atol=1e-4)


@pytest.mark.parametrize(("size", "layers", "parts"), [(128, 4, 64), (64, 4, 16), (16, 3, 16)])
def test_discriminators_end_in_two_layers_of_attention(size: int, layers: int, parts: int) -> None:
    net = Discriminator(size, layers, 0.125)
    kinds = [type(m) for m in net.layers]
    plain = [nn.Conv2d, nn.LeakyReLU]
    assert kinds == plain * (layers - 2) + [*plain, SelfAttention] * 2
    assert net(torch.randn(2, 3, size, size)).shape == (2, parts)


def test_a_discriminator_judges_each_image_alone() -> None:
    net, images = Discriminator(16, 3, 0.125), torch.randn(4, 3, 16, 16)
    assert torch.allclose(net(images)[1:2], net(images[1:2]), atol=1e-5)
