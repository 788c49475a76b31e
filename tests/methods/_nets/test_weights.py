from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from facesr.bench.errors import BenchError
from facesr.methods._nets.weights import fit, keep, read_state


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_both_kinds_of_file_fill_a_network(tmp_path: Path, ending: str) -> None:
    net, other = nn.Linear(2, 3), nn.Linear(2, 3)
    path = tmp_path / f"weights.{ending}"
    if ending == "pth":
        torch.save(net.state_dict(), path)
    else:
        save_file(net.state_dict(), path)
    fit(other, read_state(path), path, "a layer")
    assert torch.equal(other.weight, net.weight)


def test_what_is_kept_is_read_again_and_leaves_nothing_else(tmp_path: Path) -> None:
    state = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.ones(1)}
    keep(state, tmp_path / "kept.safetensors")
    again = load_file(tmp_path / "kept.safetensors")
    assert all(torch.equal(again[name], state[name]) for name in state)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.safetensors"]


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_a_broken_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no weights at all")
    with pytest.raises(BenchError, match=r"cannot be read as weights: .*; give a safetensors"):
        read_state(tmp_path / name)


def test_a_pickled_object_is_not_run(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 3), tmp_path / "weights.pth")
    with pytest.raises(BenchError, match="cannot be read as weights"):
        read_state(tmp_path / "weights.pth")


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "weights.pth")
    with pytest.raises(BenchError, match="holds a list, expected a state dict"):
        read_state(tmp_path / "weights.pth")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"does not fit a layer: size mismatch"):
        fit(nn.Linear(2, 3), nn.Linear(2, 4).state_dict(), tmp_path / "w.pth", "a layer")
