from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from facesr.bench.errors import BenchError
from facesr.methods.lrgan import LRGAN


def released_file(path: Path, counters: bool = True) -> dict[str, Tensor]:
    """Write random weights in exactly the layout of the authors' file."""
    generator = torch.Generator().manual_seed(11)
    state: dict[str, Tensor] = {}

    def put(name: str, *shape: int) -> None:
        fan = max(1, int(torch.tensor(shape[1:]).prod()))
        state[name] = torch.randn(shape, generator=generator) / fan**0.5

    def norm(name: str, n: int) -> None:
        state[f"{name}.weight"] = 1 + 0.1 * torch.randn(n, generator=generator)
        state[f"{name}.bias"] = 0.1 * torch.randn(n, generator=generator)
        state[f"{name}.running_mean"] = 0.1 * torch.randn(n, generator=generator)
        state[f"{name}.running_var"] = 0.5 + torch.rand(n, generator=generator)
        if counters:
            state[f"{name}.num_batches_tracked"] = torch.tensor(9)

    for i, (inside, outside, blocks) in enumerate([(256, 256, 12), (256, 128, 3)]):
        for j in range(blocks):
            block, come = f"layers_set_final.{i}.{j}", inside if j == 0 else outside
            put(f"{block}.conv1.weight", outside, come, 3, 3)
            norm(f"{block}.bn1", come)
            put(f"{block}.conv2.weight", outside, outside, 3, 3)
            norm(f"{block}.bn2", outside)
            if come != outside:
                put(f"{block}.skip.weight", outside, come, 1, 1)
                put(f"{block}.skip.bias", outside)
        norm(f"layers_set_final_up.{i}.1", outside)
        put(f"layers_set_final_up.{i}.3.weight", outside, outside, 1, 1)
        put(f"layers_set_final_up.{i}.3.bias", outside)
    for name, outside, inside in (("a1.0", 128, 256), ("a2.0", 96, 128)):
        put(f"{name}.weight", outside, inside, 1, 1)
        put(f"{name}.bias", outside)
    put("layers_in.weight", 256, 3, 3, 3)
    put("main.0.weight", 96, 128, 3, 3)
    for name, outside in (("main.2", 96), ("main.4", 3)):
        put(f"{name}.weight", outside, 96, 1, 1)
        put(f"{name}.bias", outside)
    torch.save(state, path)
    return state


def released_forward(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """Compute what the file means, from its own names and nothing of ours."""

    def norm(y: Tensor, name: str) -> Tensor:
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        return F.batch_norm(y, mean, var, w[f"{name}.weight"], w[f"{name}.bias"])

    def block(y: Tensor, name: str) -> Tensor:
        z = F.conv2d(norm(y, f"{name}.bn1").relu(), w[f"{name}.conv1.weight"], padding=1)
        z = F.conv2d(norm(z, f"{name}.bn2").relu(), w[f"{name}.conv2.weight"], padding=1)
        if f"{name}.skip.weight" in w:
            y = F.conv2d(y, w[f"{name}.skip.weight"], w[f"{name}.skip.bias"])
        return y + z

    x = F.conv2d(x, w["layers_in.weight"], padding=1)
    for i, blocks in enumerate((12, 3)):
        y = x
        for j in range(blocks):
            y = block(y, f"layers_set_final.{i}.{j}")
        x = y + (x if i == 0 else F.conv2d(x, w["a1.0.weight"], w["a1.0.bias"]))
        up = f"layers_set_final_up.{i}"
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = norm(x, f"{up}.1").relu()
        x = F.conv_transpose2d(x, w[f"{up}.3.weight"], w[f"{up}.3.bias"])
    x = F.conv2d(x, w["main.0.weight"], padding=1).relu()
    x = F.conv2d(x, w["main.2.weight"], w["main.2.bias"]).relu()
    return F.conv2d(x, w["main.4.weight"], w["main.4.bias"]).tanh()


@pytest.mark.parametrize("counters", [True, False])
def test_the_published_file_gives_what_it_means(tmp_path: Path, counters: bool) -> None:
    state = released_file(tmp_path / "model.pkl", counters)
    method = LRGAN(architecture="released")
    method.load(tmp_path / "model.pkl")
    method.net.eval()
    lr = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        sr = method.upscale(lr)
        expected = (released_forward(state, lr * 2 - 1) + 1) / 2
    assert torch.allclose(sr, expected, atol=2e-5)
    assert expected.std() > 0.05


def test_the_transposed_convolutions_of_the_file_matter(tmp_path: Path) -> None:
    state = released_file(tmp_path / "model.pkl")
    method = LRGAN(architecture="released")
    method.load(tmp_path / "model.pkl")
    method.net.eval()
    ours = method.net.state_dict()["mixes.0.weight"]
    theirs = state["layers_set_final_up.0.3.weight"]
    assert torch.equal(ours, theirs.transpose(0, 1))
    assert not torch.equal(ours, theirs)


def test_the_layer_a2_of_the_file_changes_nothing(tmp_path: Path) -> None:
    state = released_file(tmp_path / "model.pkl")
    method, lr = LRGAN(architecture="released"), torch.rand(1, 3, 16, 16)
    results = []
    for factor in (1, 100):
        torch.save(state | {"a2.0.weight": state["a2.0.weight"] * factor}, tmp_path / "m.pkl")
        method.load(tmp_path / "m.pkl")
        method.net.eval()
        with torch.no_grad():
            results.append(method.upscale(lr))
    assert torch.equal(*results)


def test_the_published_file_needs_its_own_architecture(tmp_path: Path) -> None:
    released_file(tmp_path / "model.pkl")
    with pytest.raises(BenchError, match=r"set lrgan\.architecture=released"):
        LRGAN().load(tmp_path / "model.pkl")
