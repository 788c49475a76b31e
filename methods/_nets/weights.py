"""Files of weights: read without running what is in them, and fitted into a network."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from facesr.bench.errors import BenchError
from facesr.bench.files import write_whole


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a plain state dict, from a safetensors or a torch file, to the CPU.

    Raises:
        BenchError: If the file holds anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise BenchError(
            f"{path} cannot be read as weights: {str(error).splitlines()[0]}; give a safetensors "
            "file, or a torch file of a plain state dict"
        ) from None
    if not isinstance(state, dict):
        raise BenchError(
            f"{path} holds a {type(state).__name__}, expected a state dict: names and tensors"
        )
    return state


def keep(state: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors to a safetensors file, whole or not at all.

    Args:
        state: Tensors by name, such as the state dict of a network.
        path: The file.
    """
    content = save({name: tensor.cpu().contiguous() for name, tensor in state.items()})
    write_whole(path, lambda file: file.write(content))


def fit(net: nn.Module, state: dict[str, Tensor], path: Path, wanted: str) -> None:
    """Fill a network with weights, all of them.

    Args:
        net: The network.
        state: Its weights.
        path: Where they come from, for the message.
        wanted: What they should belong to, such as "lrgan of width 0.5".

    Raises:
        BenchError: If names or shapes differ.
    """
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise BenchError(
            f"{path} does not fit {wanted}: {str(error).splitlines()[-1].strip()}"
        ) from None
