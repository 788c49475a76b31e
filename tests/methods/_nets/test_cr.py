import pytest
import torch
from torch import nn

from facesr.methods._nets.cr import (
    Block,
    Cascade,
    FeatureDiscriminator,
    Regulariser,
    Restorer,
)
from facesr.methods.cr import CR


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_what_is_deployed_has_the_published_number_of_parameters() -> None:
    assert count(CR().net) == pytest.approx(2.7e6, rel=0.02)
    assert Cascade.__doc__
    assert f"{count(Cascade()):,} parameters" in Cascade.__doc__


def test_groups_have_12_3_and_2_blocks_at_growing_sides_and_a_regulariser_has_3() -> None:
    net, shapes = Restorer(0.125), []
    for group in net.groups:
        group.register_forward_hook(lambda _m, _i, y: shapes.append(tuple(y.shape[2:])))
    assert net(torch.zeros(2, 3, 8, 16)).shape == (2, 3, 32, 64)
    assert shapes == [(8, 16), (16, 32), (32, 64)]
    blocks = [sum(isinstance(m, Block) for m in group.modules()) for group in net.groups]
    assert blocks == [12, 3, 2]
    assert sum(isinstance(m, Block) for m in Regulariser(0.125).modules()) == 3


def test_a_block_adds_to_its_input() -> None:
    block, x = Block(8), torch.randn(2, 8, 4, 4)
    norm = block.body[-1]
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.zeros_(norm.weight)
    assert torch.equal(block(x), x)


def test_a_regulariser_leaves_faces_as_they_are_until_it_has_learned() -> None:
    net, lr = Regulariser(0.125), torch.randn(3, 3, 16, 16)
    assert torch.equal(net(lr), lr)
    net(lr).square().mean().backward()
    assert net.last.weight.grad is not None
    assert net.last.weight.grad.abs().max() > 0


def test_the_cascade_regulates_before_it_restores() -> None:
    net = Cascade(0.125, 0.25).eval()
    nn.init.normal_(net.regulariser.get_submodule("last").get_parameter("bias"))
    lr = torch.randn(2, 3, 16, 16)
    assert torch.equal(net(lr), net.restorer(net.regulariser(lr)))
    assert not torch.allclose(net(lr), net.restorer(lr), atol=1e-4)
    plain = Cascade(0.125, None).eval()
    assert torch.equal(plain(lr), plain.restorer(lr))


def test_restored_faces_stay_in_range() -> None:
    sr = Restorer(0.125)(100 * torch.randn(2, 3, 16, 16))
    assert sr.abs().max() <= 1


def test_the_discriminator_of_features_has_five_layers_of_spectral_norm_one() -> None:
    net = FeatureDiscriminator(16, 0.125)
    layers = [m for m in net.modules() if isinstance(m, nn.Linear)]
    assert [layer.out_features for layer in layers] == [64, 64, 64, 64, 1]
    assert layers[0].in_features == 16
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.detach(), 2).item() < 1.1
    assert net(torch.randn(3, 16)).shape == (3, 1)
