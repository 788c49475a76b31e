"""Files of StyleGAN2 generators, in the layout of the widespread PyTorch training code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facesr.bench.errors import BenchError
from facesr.methods._nets.stylegan2 import Generator
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._nets.weights import fit, read_state


def read_generator(path: Path, seed: int = 0) -> Generator:
    """Read a generator of any size, from a training checkpoint or from bare weights.

    A checkpoint holds the averaged generator as `g_ema`. Older files have no noise of their own;
    it is drawn then.

    Args:
        path: A torch or safetensors file.
        seed: Seed of the noise that a file lacks.

    Raises:
        BenchError: If there is no such file, or it holds anything else.
    """
    if not path.is_file():
        raise BenchError(
            f"there is no generator at {path}; give a StyleGAN2 file with `g_ema`, or leave the "
            "setting empty to train one"
        )
    file: dict[str, Any] = dict(read_state(path))
    state: dict[str, Tensor] = file.get("g_ema", file)
    if not isinstance(state, dict) or "input.input" not in state:
        raise BenchError(
            f"{path} holds no StyleGAN2 generator: expected the entry `g_ema`, or names such as "
            "`input.input`; convert the file to the layout of rosinality/stylegan2-pytorch"
        )
    net = generator_like(state, path)
    if not any(name.startswith("noises.") for name in state):
        state = state | _noises(net, seed)
    fit(net, state, path, f"a StyleGAN2 generator for {net.size} px")
    return net


def read_discriminator(path: Path, net: Generator) -> Discriminator | None:
    """Read the discriminator that a training checkpoint keeps as `d`; None if there is none.

    Args:
        path: A torch file that `read_generator` accepts.
        net: What it read there.

    Raises:
        BenchError: If it does not belong to that generator.
    """
    state: Any = dict(read_state(path)).get("d")
    if not isinstance(state, dict):
        return None
    judge = Discriminator(net.widths)
    fit(judge, state, path, f"the discriminator of a StyleGAN2 generator for {net.size} px")
    return judge


def generator_like(state: Mapping[str, Tensor], path: Path) -> Generator:
    """Build a generator with the channels and layers that weights tell of.

    Raises:
        BenchError: If they tell of none.
    """
    try:
        first = state["input.input"].shape[1]
        style = state["style.1.weight"].shape[0]
        mapping = sum(n.startswith("style.") and n.endswith(".weight") for n in state)
        levels = sum(n.startswith("to_rgbs.") and n.endswith(".conv.weight") for n in state)
        wider = [state[f"convs.{2 * k}.conv.weight"].shape[1] for k in range(levels)]
    except (KeyError, IndexError) as error:
        raise BenchError(
            f"{path} lacks a part of a StyleGAN2 generator: {error}; give a whole file"
        ) from None
    return Generator([first, *wider], style, mapping)


def _noises(net: Generator, seed: int) -> dict[str, Tensor]:
    source = torch.Generator().manual_seed(seed)
    return {f"noises.noise_{i}": x for i, x in enumerate(net.draw_noise(1, source))}
