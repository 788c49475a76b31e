from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from facesr.bench.errors import BenchError
from facesr.methods._nets.scgan import SHARED, Degrader, Discriminator, PlainBlock, Restorer

PARTS = ("project", "first", "down.0", "down.1", "down.2", "down.3", "up.0", "up.1", "last")


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def sides(net: nn.Module, layers: Iterator[nn.Module], *given: Tensor) -> list[tuple[int, int]]:
    """Return channels and side of what some layers give."""
    seen: list[tuple[int, int]] = []
    for layer in layers:
        layer.register_forward_hook(lambda _m, _i, y: seen.append((y.shape[1], y.shape[-1])))
    net(*given)
    return seen


def nothing(_module: nn.Module, _given: tuple[Tensor, ...], y: Tensor) -> Tensor:
    return torch.zeros_like(y)


@pytest.mark.parametrize(("net", "parameters"), [(Restorer, 15_476_323), (Degrader, 12_291_896)])
def test_the_generators_have_the_released_numbers_of_parameters(
    net: type[Restorer | Degrader], parameters: int
) -> None:
    assert count(net()) == parameters
    assert f"{parameters:,} parameters" in (net.__doc__ or "")


@pytest.mark.parametrize(("size", "parameters"), [(64, 15_456_641), (16, 15_390_849)])
def test_the_discriminators_have_the_released_numbers_of_parameters(
    size: int, parameters: int
) -> None:
    assert count(Discriminator(size)) == parameters
    assert f"{parameters:,}" in (Discriminator.__doc__ or "")


def test_the_degrader_drops_to_4_pixels_and_rises_to_16() -> None:
    net = Degrader(width=0.125)
    steps = sides(net, iter([*net.down, *net.up]), torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))
    assert [side for _, side in steps] == [32, 16, 8, 4, 8, 16]
    full = Degrader(width=1)
    wide = sides(full, iter([*full.down, *full.up]), torch.zeros(1, 3, 64, 64), torch.zeros(1, 64))
    assert [channels for channels, _ in wide] == [96, 128, 256, 512, 128, 32]


def test_the_restorer_has_12_and_3_blocks_and_no_norm_but_after_interpolations() -> None:
    net = Restorer(0.125)
    assert [len(list(group.children())) for group in net.groups] == [12, 3]
    norms = [name for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == ["norms.0", "norms.1"]
    assert sides(net, iter(net.mixes), torch.zeros(1, 3, 16, 16)) == [(32, 32), (16, 64)]


def test_the_last_two_or_four_blocks_of_a_discriminator_pool() -> None:
    for size, expected in ((16, [16, 16, 16, 16, 8, 4]), (64, [64, 64, 32, 16, 8, 4])):
        net = Discriminator(size, 0.125)
        seen = sides(net, iter(net.blocks), torch.zeros(1, 3, size, size))
        assert [side for _, side in seen] == expected
    with pytest.raises(BenchError, match="images of 20 px"):
        Discriminator(20)


def test_a_skip_passes_the_rectified_input_alone() -> None:
    block = PlainBlock(3, 3)
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 3, 4, 4)
    assert torch.equal(block(x), x.relu())


def test_a_block_leaves_its_input_alone() -> None:
    for pool in (False, True):
        x = torch.randn(1, 3, 4, 4)
        before = x.clone()
        PlainBlock(3, 8, pool)(x)
        assert torch.equal(x, before)


def test_the_long_skips_pass_rectified_features() -> None:
    net = Restorer(0.125).eval()
    for group in net.groups:  # a chain that gives zero
        assert isinstance(group, nn.Sequential)
        group.register_forward_hook(nothing)
    received: list[Tensor] = []
    net.skip.register_forward_pre_hook(lambda _m, given: received.append(given[0]))
    net(torch.randn(1, 3, 16, 16))
    assert received[0].min() == 0
    assert received[0].max() > 0


@pytest.mark.parametrize(
    ("sharing", "shared"),
    [
        ("none", ""),
        ("SA", "down.0 down.1 down.2 down.3 up.0 up.1"),
        ("SE", "down.0 down.1 down.2 down.3"),
        ("SD", "up.0 up.1"),
        ("SM", "down.2 down.3 up.0 up.1"),
    ],
)
def test_degraders_share_the_layers_that_table_2_names(sharing: str, shared: str) -> None:
    one, other = Degrader(width=0.125), Degrader(width=0.125)
    other.share(one, sharing)
    for part in PARTS:
        pairs = zip(
            one.get_submodule(part).parameters(),
            other.get_submodule(part).parameters(),
            strict=True,
        )
        assert {a is b for a, b in pairs} == {part in shared.split()}
    assert sharing in SHARED
