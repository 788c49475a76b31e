import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from facesr.methods._nets.stylegan2 import Generator, channels_of
from facesr.methods._nets.stylegan2_ops import EqualConv, EqualLinear, Fir, ModulatedConv, doubled

Shapes = dict[str, tuple[int, ...]]


def modulated(name: str, outside: int, inside: int, kernel: int) -> Shapes:
    return {
        f"{name}.conv.weight": (1, outside, inside, kernel, kernel),
        f"{name}.conv.modulation.weight": (inside, 512),
        f"{name}.conv.modulation.bias": (inside,),
    }


def styled(name: str, outside: int, inside: int, up: bool = False) -> Shapes:
    blur: Shapes = {f"{name}.conv.blur.kernel": (4, 4)} if up else {}
    own: Shapes = {f"{name}.noise.weight": (1,), f"{name}.activate.bias": (outside,)}
    return modulated(name, outside, inside, 3) | blur | own


def official(size: int) -> Shapes:
    """Names and shapes of the published files of a size, configuration F."""
    wide = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
    levels = [side for side in wide if side <= size]
    names: Shapes = {"input.input": (1, 512, 4, 4)}
    for i in range(1, 9):
        names |= {f"style.{i}.weight": (512, 512), f"style.{i}.bias": (512,)}
    names |= styled("conv1", 512, 512)
    names |= modulated("to_rgb1", 3, 512, 1) | {"to_rgb1.bias": (1, 3, 1, 1)}
    for k, side in enumerate(levels[1:]):
        inside, outside = wide[side // 2], wide[side]
        names |= styled(f"convs.{2 * k}", outside, inside, up=True)
        names |= styled(f"convs.{2 * k + 1}", outside, outside)
        names |= modulated(f"to_rgbs.{k}", 3, outside, 1)
        names |= {f"to_rgbs.{k}.bias": (1, 3, 1, 1), f"to_rgbs.{k}.upsample.kernel": (4, 4)}
    for i in range(2 * len(levels) - 1):
        side = 2 ** ((i + 5) // 2)
        names[f"noises.noise_{i}"] = (1, 1, side, side)
    return names


def small(size: int = 32) -> Generator:
    torch.manual_seed(0)
    net = Generator(channels_of(size, width=1 / 64), style=16, mapping=2)
    for name, parameter in net.named_parameters():
        if name.endswith(("noise.weight", "bias")):  # zero at first
            parameter.data += 0.3 * torch.randn_like(parameter)
    return net.eval()


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512, 1024])
def test_names_and_shapes_are_those_of_the_published_files(size: int) -> None:
    with torch.device("meta"):
        net = Generator(channels_of(size))
    expected = official(size)
    assert {name: tuple(x.shape) for name, x in net.state_dict().items()} == expected
    assert len(expected) == {256: 135, 512: 153, 1024: 171}.get(size, len(expected))
    assert net.latents == 2 * round(math.log2(size)) - 2
    count = sum(p.numel() for p in net.parameters())
    assert Generator.__doc__
    if size in (256, 1024):
        assert f"{count:,}" in Generator.__doc__


def test_faces_are_made_at_the_size_and_the_same_way_every_time() -> None:
    net = small()
    codes = net.map(torch.randn(3, 16))
    with torch.no_grad():
        faces = net(codes)
        assert torch.equal(faces, net(codes))
    assert faces.shape == (3, 3, 32, 32)
    assert faces.isfinite().all()


def test_neighbours_in_a_batch_do_not_matter() -> None:
    net, codes = small(), torch.randn(5, 8, 16)
    with torch.no_grad():
        assert torch.allclose(net(codes)[3:4], net(codes[3:4]), atol=1e-5)


def test_a_code_of_w_is_that_of_w_plus_repeated() -> None:
    net, code = small(), torch.randn(2, 16)
    with torch.no_grad():
        assert torch.equal(net(code), net(code[:, None].expand(-1, net.latents, -1)))


def test_layers_and_their_rgb_take_the_codes_in_the_published_order() -> None:
    net, seen = small(), {}
    for name, module in net.named_modules():
        if isinstance(module, ModulatedConv):
            module.register_forward_hook(
                lambda _m, inputs, _y, name=name: seen.update({name: inputs[1][0, 0].item()})
            )
    codes = torch.arange(8.0)[None, :, None].expand(1, 8, 16)
    with torch.no_grad():
        net(codes)
    assert seen == {
        **{"conv1.conv": 0, "to_rgb1.conv": 1},
        **{"convs.0.conv": 1, "convs.1.conv": 2, "to_rgbs.0.conv": 3},
        **{"convs.2.conv": 3, "convs.3.conv": 4, "to_rgbs.1.conv": 5},
        **{"convs.4.conv": 5, "convs.5.conv": 6, "to_rgbs.2.conv": 7},
    }


def test_noise_changes_a_face_and_is_drawn_for_each_image() -> None:
    net, codes = small(), torch.randn(1, 16).expand(2, -1)
    noise = net.draw_noise(2, torch.Generator().manual_seed(0))
    assert [x.shape[-1] for x in noise] == [4, 8, 8, 16, 16, 32, 32]
    with torch.no_grad():
        one, two = net(codes, noise)
        assert not torch.allclose(one, two, atol=1e-3)
        assert torch.allclose(net(codes[:1], [x[:1] for x in noise])[0], one, atol=1e-5)


def test_the_mean_code_is_that_of_its_seed() -> None:
    net = small()
    mean = net.mean(4096)
    assert mean.shape == (16,)
    assert torch.equal(mean, net.mean(4096))
    assert not torch.equal(mean, net.mean(4096, seed=1))
    assert torch.allclose(mean, net.map(torch.randn(16384, 16)).mean(0), atol=0.1)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_a_modulated_convolution_is_one_with_the_weight_of_each_image(
    up: bool, demodulate: bool
) -> None:
    torch.manual_seed(0)
    layer = ModulatedConv(4, 6, 3, 8, up=up, demodulate=demodulate)
    x, code = torch.randn(3, 4, 8, 8), torch.randn(3, 8)
    style = code @ layer.modulation.weight.T / math.sqrt(8) + 1
    for image, s, made in zip(x, style, layer(x, code), strict=True):
        weight = layer.weight[0] / math.sqrt(36) * s[None, :, None, None]
        if demodulate:
            weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            expected = layer.blur(conv_transpose2d(image[None], weight.transpose(0, 1), stride=2))
        else:
            expected = conv2d(image[None], weight, padding=1)
        assert torch.allclose(made, expected[0], atol=1e-5)


def test_demodulation_keeps_the_variance() -> None:
    torch.manual_seed(0)
    layer = ModulatedConv(64, 64, 3, 8)
    made = layer(torch.randn(4, 64, 16, 16), 3 * torch.randn(4, 8))[:, :, 1:-1, 1:-1]
    assert made.var().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("layer", [EqualLinear(500, 400), EqualLinear(500, 400, rate=0.01)])
def test_weights_are_drawn_alike_and_scaled_where_they_are_used(layer: EqualLinear) -> None:
    torch.manual_seed(0)
    assert (layer.weight * layer.rate).std().item() == pytest.approx(1, abs=0.02)
    spread = layer(torch.randn(200, 500)).std().item()
    assert spread == pytest.approx(layer.rate * layer.weight.std().item(), abs=0.05)
    assert EqualConv(50, 40, 3)(torch.randn(2, 50, 32, 32)).std().item() == pytest.approx(
        1, abs=0.1
    )


def test_the_filter_keeps_a_constant_and_doubles_or_halves_the_side() -> None:
    x = torch.full((1, 2, 8, 8), 3.0)

    def inner(y: Tensor) -> Tensor:
        return y[..., 2:-2, 2:-2]

    up, down = doubled()(x), Fir((1, 1), down=2)(x)
    assert up.shape == (1, 2, 16, 16)
    assert down.shape == (1, 2, 4, 4)
    for y in (up, Fir((2, 1))(x), down[..., 1:-1, 1:-1]):
        assert torch.allclose(inner(y) if y.shape[-1] > 4 else y, torch.tensor(3.0))


def test_the_filter_is_a_true_convolution_in_every_direction() -> None:
    fir, up = Fir((2, 1)), doubled()
    ramp = torch.arange(16.0).view(4, 4)
    fir.kernel, up.kernel = ramp, ramp
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4, 4] = 1
    assert torch.equal(fir(x)[0, 0, 3:7, 3:7], ramp)
    assert torch.equal(up(x)[0, 0, 7:11, 7:11], ramp)


def test_the_layout_of_memory_may_be_asked_for() -> None:
    net = small()
    assert net.to(memory_format=torch.channels_last) is net
    assert isinstance(net.to(torch.float64), nn.Module)
    assert net.input.input.dtype == torch.float64
