import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from facesr.methods._nets.selfsr import (
    Concatenated,
    GrowingDiscriminator,
    SelfConditioned,
    SuperResolver,
    level_of,
)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def doubled(images: Tensor) -> Tensor:
    return interpolate(images, scale_factor=2, mode="nearest")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_at_x8_it_has_the_published_number_of_parameters() -> None:
    assert count(SuperResolver(8)) == pytest.approx(17.89e6, rel=0.02)


@pytest.mark.parametrize("scale", [4, 8])
def test_the_docstring_gives_the_number_of_parameters(scale: int) -> None:
    assert SuperResolver.__doc__
    assert f"{count(SuperResolver(scale)):,}" in SuperResolver.__doc__


def test_levels_have_equal_numbers_of_layers() -> None:
    net = SuperResolver(8, 0.0625)
    layers = [sum(isinstance(m, SelfConditioned) for m in level.modules()) for level in net.levels]
    assert layers == [4, 4, 4, 4]


@pytest.mark.parametrize("conditioning", ["self", "concat"])
@pytest.mark.parametrize(("grown", "side"), [(1, 32), (1.5, 64), (2, 64), (None, 64)])
def test_the_side_doubles_with_every_level(
    conditioning: str, grown: float | None, side: int
) -> None:
    net = SuperResolver(4, 0.03, conditioning)
    sr = net(torch.rand(2, 3, 16, 16), grown)
    assert sr.shape == (2, 3, side, side)
    assert sr.abs().max() <= 1


@pytest.mark.parametrize("conditioning", ["self", "concat"])
@pytest.mark.parametrize("level", [1, 2])
def test_growing_does_not_change_what_is_restored(conditioning: str, level: int) -> None:
    net, lr = SuperResolver(8, 0.03, conditioning), torch.rand(2, 3, 8, 8) * 2 - 1
    for layer in net.to_rgb.parameters():
        layer.data /= 10  # far from where tanh is flat
    before, after = net(lr, level), net(lr, level + 1e-9)
    assert after.shape[-1] == 2 * before.shape[-1]
    assert torch.allclose(after, doubled(before), atol=1e-6)
    assert torch.allclose(net(lr, level + 1 - 1e-9), net(lr, level + 1), atol=1e-6)
    mean = (doubled(before).atanh() + net(lr, level + 1).atanh()) / 2
    assert torch.allclose(net(lr, level + 0.5), mean.tanh(), atol=1e-5)


@pytest.mark.parametrize("level", [1, 2])
def test_growing_does_not_change_a_verdict(level: int) -> None:
    net = GrowingDiscriminator(8, 8, 0.03)
    small = torch.rand(2, 3, 8 << level, 8 << level)
    assert torch.allclose(net(doubled(small), level + 1e-9), net(small, level), atol=1e-6)
    large = torch.rand(2, 3, 16 << level, 16 << level)
    assert torch.allclose(net(large, level + 1e-9), net(avg_pool2d(large, 2), level), atol=1e-6)
    assert torch.allclose(net(large, level + 1 - 1e-9), net(large, level + 1), atol=1e-6)


def test_real_images_grow_with_the_networks() -> None:
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(level_of(images, 2, 2), images)
    assert torch.equal(level_of(images, 2, 1), avg_pool2d(images, 2))
    soft = doubled(avg_pool2d(images, 2))
    assert torch.allclose(level_of(images, 2, 1 + 1e-9), soft, atol=1e-6)
    assert torch.allclose(level_of(images, 2, 1.25), 0.75 * soft + 0.25 * images)


def test_levels_that_do_not_run_get_no_gradient() -> None:
    net = SuperResolver(8, 0.03)
    net(torch.rand(1, 3, 8, 8), 2).mean().backward()
    reached = [
        any(p.grad is not None for p in level.parameters()) for level in (*net.levels, *net.to_rgb)
    ]
    assert reached == [True, True, True, False, False, True, False]


def test_a_layer_multiplies_normalised_features_with_a_map_of_the_image() -> None:
    layer = SelfConditioned(4, 6, 5)
    x, image = torch.randn(2, 4, 8, 8), torch.randn(2, 3, 8, 8)
    features = layer.conv(x)
    mean = features.mean((2, 3), keepdim=True)
    deviation = (features.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    by_hand = layer.map(image) * (features - mean) / deviation  # Eq. 6
    assert torch.allclose(
        layer(x, image), torch.where(by_hand > 0, by_hand, 0.2 * by_hand), atol=1e-5
    )


def test_the_maps_are_those_of_every_layer_and_vary_with_the_place() -> None:
    net = SuperResolver(4, 0.03)
    lr = torch.rand(2, 3, 16, 16)
    maps = net.maps(lr)
    assert [m.shape[-1] for m in maps] == [16] * 4 + [32] * 4 + [64] * 4
    assert all(m.std((2, 3)).min() > 0 for m in maps)
    flat = net.maps(torch.zeros(1, 3, 16, 16))
    assert all(torch.allclose(m, torch.ones_like(m)) for m in flat)
    assert SuperResolver(4, 0.03, "concat").maps(lr) == []


@pytest.mark.parametrize("conditioning", ["self", "concat"])
def test_the_brightness_of_the_input_reaches_the_output(conditioning: str) -> None:
    net = SuperResolver(4, 0.03, conditioning)
    lr = torch.rand(1, 3, 16, 16)
    assert (net(lr) - net(lr - 0.5)).abs().mean() > 1e-3  # normalisation alone would hide it


def test_concatenation_reads_the_image_in_every_layer() -> None:
    net = SuperResolver(4, 0.03, "concat")
    layers = [m for m in net.modules() if isinstance(m, Concatenated)]
    assert len(layers) == 12
    x, image = torch.randn(1, 8, 8, 8), torch.randn(1, 3, 8, 8)
    layer = Concatenated(8, 8)
    assert not torch.allclose(layer(x, image), layer(x, -image))


@pytest.mark.parametrize(("size", "scale"), [(8, 2), (12, 4), (16, 8)])
def test_a_discriminator_judges_faces_of_any_multiple_of_4(size: int, scale: int) -> None:
    net = GrowingDiscriminator(size, scale, 0.03)
    assert net(torch.rand(3, 3, size * scale, size * scale)).shape == (3, 1)
