"""Everything a training run needs to go on as if it had never stopped."""

import pickle
from pathlib import Path
from typing import Any

import torch

from facesr.bench.errors import BenchError
from facesr.bench.files import write_whole


def save(path: Path, state: dict[str, Any]) -> None:
    """Store a state of tensors, numbers, strings and containers of these, whole or not at all."""
    write_whole(path, lambda file: torch.save(state, file))


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a state; tensors come to `device`.

    Raises:
        BenchError: If the file cannot be read.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError):
        raise BenchError(
            f"{path} is no checkpoint that can be read; remove it to train from the start"
        ) from None


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of torch's own generators, as used by dropout."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_state(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's own generators."""
    torch.set_rng_state(states["cpu"].cpu())
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)
