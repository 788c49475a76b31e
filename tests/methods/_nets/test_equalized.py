import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from facesr.methods._nets.equalized import EqualConv2d, EqualLinear


def test_a_convolution_scales_its_weights_by_the_he_constant() -> None:
    layer = EqualConv2d(8, 5)
    x = torch.randn(2, 8, 6, 6)
    assert layer.scale == pytest.approx(math.sqrt(2 / (8 * 9)))
    by_hand = conv2d(x, layer.weight * math.sqrt(2 / 72), layer.bias, padding=1)
    assert torch.allclose(layer(x), by_hand, atol=1e-6)


def test_a_linear_layer_scales_its_weights_by_the_he_constant() -> None:
    layer = EqualLinear(32, 3, gain=1)
    x = torch.randn(2, 32)
    assert torch.allclose(layer(x), linear(x, layer.weight / math.sqrt(32), layer.bias), atol=1e-6)


@pytest.mark.parametrize("layer", [EqualConv2d(300, 200), EqualLinear(3000, 2000)])
def test_weights_start_with_unit_variance_and_biases_at_zero(layer: nn.Module) -> None:
    weight, bias = layer.state_dict()["weight"], layer.state_dict()["bias"]
    assert weight.std().item() == pytest.approx(1, abs=0.01)
    assert bias.abs().max() == 0


def test_biases_start_where_asked_or_are_left_out() -> None:
    layer = EqualConv2d(3, 4, bias=1.0)
    assert layer.bias is not None
    assert torch.equal(layer.bias, torch.ones(4))
    assert EqualConv2d(3, 4, bias=None).bias is None


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_the_gain_is_the_deviation_of_the_output(gain: float) -> None:
    torch.manual_seed(0)
    y = EqualConv2d(64, 64, 1, gain)(torch.randn(16, 64, 16, 16))
    assert y.std().item() == pytest.approx(gain, rel=0.05)


def test_one_step_of_adam_moves_layers_of_all_sizes_at_one_relative_speed() -> None:
    def moved(layer: EqualConv2d) -> Tensor:
        before = layer.weight.detach() * layer.scale
        adam = torch.optim.Adam(layer.parameters(), 0.01)
        layer(torch.randn(4, layer.weight.shape[1], 8, 8)).square().mean().backward()
        adam.step()
        return (layer.weight.detach() * layer.scale - before).abs().mean() / before.std()

    torch.manual_seed(0)
    small, large = moved(EqualConv2d(4, 8)), moved(EqualConv2d(256, 8))
    assert small.item() == pytest.approx(0.01, rel=0.15)
    assert large.item() == pytest.approx(0.01, rel=0.15)
