from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from facesr.bench.errors import BenchError
from facesr.methods.scgan import SCGAN


def released() -> dict[str, Tensor]:
    """Make random weights in exactly the layout of the authors' file."""
    generator = torch.Generator().manual_seed(11)
    state: dict[str, Tensor] = {}

    def put(name: str, *shape: int) -> None:
        fan = max(1, int(torch.tensor(shape[1:]).prod()))
        state[name] = torch.randn(shape, generator=generator) / fan**0.5

    for name, outside, inside in (("a1.0", 128, 256), ("a2.0", 96, 128)):
        put(f"{name}.weight", outside, inside, 1, 1)
        put(f"{name}.bias", outside)
    put("layers_in.weight", 256, 3, 3, 3)
    for i, (inside, outside, blocks) in enumerate([(256, 256, 12), (256, 128, 3)]):
        for j in range(blocks):
            block, come = f"layers_set_final.{i}.{j}", inside if j == 0 else outside
            put(f"{block}.conv1.weight", outside, come, 3, 3)
            put(f"{block}.conv2.weight", outside, outside, 3, 3)
            if come != outside:
                put(f"{block}.skip.weight", outside, come, 1, 1)
                put(f"{block}.skip.bias", outside)
        norm = f"layers_set_final_up.{i}.1"
        state[f"{norm}.weight"] = 1 + 0.1 * torch.randn(outside, generator=generator)
        state[f"{norm}.running_var"] = 50 + 50 * torch.rand(outside, generator=generator)
        for name in ("bias", "running_mean"):
            state[f"{norm}.{name}"] = torch.randn(outside, generator=generator)
        state[f"{norm}.num_batches_tracked"] = torch.tensor(9)
        put(f"layers_set_final_up.{i}.3.weight", outside, outside, 1, 1)
        put(f"layers_set_final_up.{i}.3.bias", outside)
    put("main.0.weight", 96, 128, 3, 3)
    for name, outside in (("main.2", 96), ("main.4", 3)):
        put(f"{name}.weight", outside, 96, 1, 1)
        put(f"{name}.bias", outside)
    return state


def meant(w: dict[str, Tensor], x: Tensor, in_place: bool = True) -> Tensor:
    """Compute what the file means, BGR to BGR, from its own names and nothing of ours.

    `in_place` rectifies the features themselves, so that every later use of them sees it.
    """

    def rectified(y: Tensor) -> Tensor:
        return y.relu_() if in_place else y.relu()

    def block(y: Tensor, name: str) -> Tensor:
        z = F.conv2d(rectified(y), w[f"{name}.conv1.weight"], padding=1).relu()
        z = F.conv2d(z, w[f"{name}.conv2.weight"], padding=1)
        if f"{name}.skip.weight" in w:
            return z + F.conv2d(y, w[f"{name}.skip.weight"], w[f"{name}.skip.bias"])
        return z + y

    x = F.conv2d(x, w["layers_in.weight"], padding=1)
    for i, blocks in enumerate((12, 3)):
        y = x
        for j in range(blocks):
            y = block(y, f"layers_set_final.{i}.{j}")
        x = y + (x if i == 0 else F.conv2d(x, w["a1.0.weight"], w["a1.0.bias"]))
        up = f"layers_set_final_up.{i}"
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        mean, var = w[f"{up}.1.running_mean"], w[f"{up}.1.running_var"]
        x = F.batch_norm(x, mean, var, w[f"{up}.1.weight"], w[f"{up}.1.bias"]).relu()
        x = F.conv_transpose2d(x, w[f"{up}.3.weight"], w[f"{up}.3.bias"])
    x = F.conv2d(x, w["main.0.weight"], padding=1).relu()
    x = F.conv2d(x, w["main.2.weight"], w["main.2.bias"]).relu()
    return F.conv2d(x, w["main.4.weight"], w["main.4.bias"]).tanh()


def upscaled(path: Path, lr: Tensor) -> Tensor:
    method = SCGAN()
    method.load(path)
    method.net.eval()
    with torch.no_grad():
        return method.upscale(lr)


@pytest.mark.parametrize("key", ["G_l2h", "G_RLS", None])
def test_the_published_file_gives_what_it_means(tmp_path: Path, key: str | None) -> None:
    state, path = released(), tmp_path / "pretrained_model.pth"
    torch.save({key: state} if key else state, path)
    lr = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = (meant(state, lr.flip(1) * 2 - 1).flip(1) + 1) / 2
        not_in_place = (meant(state, lr.flip(1) * 2 - 1, in_place=False).flip(1) + 1) / 2
    sr = upscaled(path, lr)
    assert torch.allclose(sr, expected, atol=1e-4)
    assert expected.std() > 0.05
    assert (expected - not_in_place).abs().mean() > 0.01  # so the trap is a trap
    assert (sr - sr.flip(1)).abs().mean() > 0.01  # and so is the order of colours


def test_the_layer_a2_of_the_file_changes_nothing(tmp_path: Path) -> None:
    state, lr, results = released(), torch.rand(1, 3, 16, 16), []
    for factor in (1, 100):
        torch.save(
            {"G_l2h": state | {"a2.0.weight": state["a2.0.weight"] * factor}}, tmp_path / "w"
        )
        results.append(upscaled(tmp_path / "w", lr))
    assert torch.equal(*results)


def test_a_narrower_network_refuses_the_published_file(tmp_path: Path) -> None:
    torch.save({"G_l2h": released()}, tmp_path / "w.pth")
    with pytest.raises(BenchError, match=r"w\.pth does not fit scgan of width 0\.5"):
        SCGAN(width=0.5).load(tmp_path / "w.pth")
