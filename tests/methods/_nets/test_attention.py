import pytest
import torch
from torch import nn

from facesr.methods._nets.attention import AttentionBlock, SelfAttention


def test_self_attention_starts_as_the_identity() -> None:
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(SelfAttention(16)(x), x)


def test_self_attention_is_the_formula_of_its_paper() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16), torch.randn(2, 16, 3, 5)
    nn.init.constant_(layer.gain, 0.7)
    flat = x.flatten(2)  # (n, c, positions)
    f, g, h = (
        torch.einsum("oi,nip->nop", conv.weight[:, :, 0, 0], flat) + conv.bias[:, None]
        for conv in (layer.key, layer.query, layer.value)
        if conv.bias is not None
    )
    scores = f.mT @ g  # how much position j is seen, (n, i, j), with j the one that looks
    seen = torch.softmax(scores, 1)
    expected = x + 0.7 * (h @ seen).view_as(x)
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_every_position_reaches_every_other() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(8)
    nn.init.constant_(layer.gain, 1.0)
    x = torch.randn(1, 8, 6, 6, requires_grad=True)
    layer(x)[0, :, 0, 0].sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(1) > 0).all()


def test_a_block_weighs_channels_by_the_whole_image() -> None:
    torch.manual_seed(0)
    block, x = AttentionBlock(32), torch.randn(2, 32, 8, 8)
    y = block.conv2(torch.relu(block.conv1(x)))
    hidden = torch.relu(block.squeeze(y.mean((2, 3), keepdim=True)))
    share = torch.sigmoid(block.excite(hidden))
    assert torch.allclose(block(x), x + y * share, atol=1e-5)
    assert block.squeeze.out_channels == 2


@pytest.mark.parametrize("width", [8, 32])
def test_neither_has_any_normalisation(width: int) -> None:
    for net in (AttentionBlock(width), SelfAttention(width)):
        assert not [m for m in net.modules() if "Norm" in type(m).__name__]
