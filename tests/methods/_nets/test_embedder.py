import pytest
import torch
from torch import nn

from facesr.methods._nets.embedder import Embedder


def test_it_has_the_number_of_parameters_that_its_docstring_gives() -> None:
    assert Embedder.__doc__
    number = sum(p.numel() for p in Embedder().parameters())
    assert f"{number:,} parameters" in Embedder.__doc__


def test_four_levels_have_1_2_5_and_3_blocks_each_at_half_the_side() -> None:
    net, shapes = Embedder(0.125), []
    for level in net.levels:
        level.register_forward_hook(lambda _m, _i, y: shapes.append(y.shape[-1]))
    net(torch.zeros(2, 3, 64, 64))
    assert shapes == [32, 16, 8, 4]
    assert [len(list(level.children())) - 4 for level in net.levels] == [1, 2, 5, 3]


@pytest.mark.parametrize("side", [16, 64, 100])
def test_faces_of_any_size_give_features_of_one_length(side: int) -> None:
    net = Embedder(0.125)
    assert net(torch.randn(2, 3, side, side)).shape == (2, net.features) == (2, 64)


def test_features_of_a_training_batch_have_one_spread() -> None:
    features = Embedder(0.125)(torch.randn(32, 3, 32, 32))
    assert torch.allclose(features.mean(0), torch.zeros(64), atol=1e-4)
    assert torch.allclose(features.std(0, correction=0), torch.ones(64), atol=1e-2)


def test_gradients_reach_the_faces_while_the_weights_are_frozen() -> None:
    net = Embedder(0.125).eval().requires_grad_(False)
    faces = torch.randn(2, 3, 32, 32, requires_grad=True)
    net(faces).square().sum().backward()
    assert faces.grad is not None
    assert faces.grad.abs().max() > 0
    assert all(p.grad is None for p in net.parameters())


def test_a_small_embedder_learns_to_tell_people_apart() -> None:
    torch.manual_seed(0)
    people = torch.randn(4, 3, 16, 16)
    labels = torch.arange(4).repeat(8)
    net = Embedder(0.125)
    head = nn.Linear(net.features, 4)
    adam = torch.optim.Adam([*net.parameters(), *head.parameters()], 2e-3)
    for _ in range(40):
        faces = people[labels] + 0.5 * torch.randn(32, 3, 16, 16)
        loss = nn.functional.cross_entropy(head(net(faces)), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    net.eval()
    with torch.no_grad():
        faces = people[labels] + 0.5 * torch.randn(32, 3, 16, 16)
        right = (head(net(faces)).argmax(1) == labels).float().mean().item()
    assert right > 0.8
