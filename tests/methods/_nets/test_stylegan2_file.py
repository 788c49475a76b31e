from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from facesr.bench.errors import BenchError
from facesr.methods._nets.stylegan2 import Generator, channels_of
from facesr.methods._nets.stylegan2_file import read_generator


@pytest.fixture
def net() -> Generator:
    torch.manual_seed(0)
    return Generator(channels_of(32, width=1 / 64), style=24, mapping=3)


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def same(one: Generator, two: Generator) -> bool:
    codes = torch.randn(2, one.latents, one.style_dim)
    with torch.no_grad():
        return torch.equal(one(codes), two(codes))


@pytest.mark.parametrize("size", [256, 1024])
def test_a_file_of_published_layout_loads_whole_at_either_size(size: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Generator(channels_of(size))
    path = saved(tmp_path / "g.pt", {"g_ema": net.state_dict(), "latent_avg": torch.zeros(512)})
    again = read_generator(path)
    assert (again.size, again.style_dim, again.latents) == (size, 512, {256: 14, 1024: 18}[size])
    for name, x in net.state_dict().items():
        assert torch.equal(x, again.state_dict()[name])


def test_channels_and_layers_are_taken_from_the_weights(net: Generator, tmp_path: Path) -> None:
    checkpoint = {"g": {}, "d": {}, "g_ema": net.state_dict()}
    assert same(read_generator(saved(tmp_path / "g.pt", checkpoint)), net)
    assert same(read_generator(saved(tmp_path / "b.pt", net.state_dict())), net)
    save_file(net.state_dict(), tmp_path / "g.safetensors")
    assert same(read_generator(tmp_path / "g.safetensors"), net)


def test_noise_that_an_old_file_lacks_is_drawn_from_the_seed(
    net: Generator, tmp_path: Path
) -> None:
    state = {k: v for k, v in net.state_dict().items() if not k.startswith("noises.")}
    path = saved(tmp_path / "g.pt", {"g_ema": state})
    one, same_seed, other = (read_generator(path, seed) for seed in (0, 0, 1))
    name = "noises.noise_6"
    assert torch.equal(one.state_dict()[name], same_seed.state_dict()[name])
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"g_ema": {"conv": torch.zeros(1)}}, "holds no StyleGAN2 generator"),
        ({"g_ema": 3}, "holds no StyleGAN2 generator"),
        ([1], "holds a list, expected a state dict"),
        ({"input.input": torch.zeros(1, 8, 4, 4)}, "lacks a part .*style.1.weight"),
    ],
)
def test_another_file_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=message):
        read_generator(saved(tmp_path / "g.pt", content))


def test_a_file_that_lacks_one_layer_is_refused(net: Generator, tmp_path: Path) -> None:
    state = net.state_dict()
    del state["convs.3.activate.bias"]
    with pytest.raises(BenchError, match=r"does not fit a StyleGAN2 generator for 32 px.*convs\.3"):
        read_generator(saved(tmp_path / "g.pt", state))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"there is no generator at .*none\.pt; give"):
        read_generator(tmp_path / "none.pt")
