"""What the networks of LRGAN can learn, in numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, mse_loss
from torch.nn.utils import parametrize

from facesr.bench.contract import Split
from facesr.methods._lrgan import Training
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.lrgan import HighToLow, LowToHigh
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Trainer
from facesr.methods.lrgan import ARCHITECTURES, LRGAN

MakeSplit = Callable[..., Split]
NEAR_ZERO = 1e-3  # mean squared error of images in [0, 1]
EIGHT: dict[str, Any] = {
    "batch": 8,
    "augment": "none",
    "joint_steps": 0,
    "learning_rate": 2e-3,
    "beta": 0.001,  # the pixel loss leads
    "ema": 0.9,
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_low_to_high_overfits_eight_faces(
    trained: Callable[..., LRGAN], make_split: MakeSplit, tmp_path: Path, architecture: str
) -> None:
    data = make_split(8, 8, 8, 32)
    settings = EIGHT | {"architecture": architecture, "variant": "bilinear", "steps": 200}
    method = trained(data, tmp_path / "out", **settings)
    hr = data.hr.pixels().float() / 255
    with torch.no_grad():
        error = mse_loss(method.upscale(avg_pool2d(hr, 4)), hr).item()
    assert error < NEAR_ZERO


@pytest.mark.slow
def test_high_to_low_overfits_eight_faces(make_split: MakeSplit, tmp_path: Path) -> None:
    data, seed = make_split(8, 8, 8, 32), 0
    torch.manual_seed(seed)
    nets = {
        "h2l": HighToLow(32, 64, 0.125),
        "l2h": LowToHigh(0.05),
        "d_lr": Discriminator(8, 0.125),
    }
    adam = {
        name: torch.optim.Adam(net.parameters(), 2e-3, (0.0, 0.9)) for name, net in nets.items()
    }
    feed = Feed(data, seed, torch.device("cpu"))
    run = Training(nets, feed, "pixel_only", 8, 1, 1.0, 0.001, 64, seed)
    trainer = Trainer("lrgan", nets, adam, feed, tmp_path, seed, averages={"h2l": 0.9})
    trainer.run(list(run.stages(300, 0))[:1])
    hr = data.hr.pixels().float() / 127.5 - 1
    with torch.no_grad():
        lr = trainer.average("h2l")(hr, torch.randn(8, 64))
    assert mse_loss(lr, avg_pool2d(hr, 4)).item() / 4 < NEAR_ZERO


@pytest.mark.parametrize("size", [16, 64])
@pytest.mark.parametrize("rate", [1e-4, 1e-3])
def test_no_layer_of_a_discriminator_in_training_has_a_spectral_norm_above_one(
    size: int, rate: float
) -> None:
    torch.manual_seed(0)
    net = Discriminator(size, 0.25)
    adam = torch.optim.Adam(net.parameters(), rate, betas=(0.0, 0.9))
    for _ in range(12):
        adam.zero_grad()
        net(torch.randn(4, 3, size, size)).square().mean().backward()
        adam.step()
    net.eval()
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 14  # two per block, the first shortcut, the verdict
    norms = []
    for layer in layers:
        assert parametrize.is_parametrized(layer, "weight")
        norms.append(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item())
    # the iterations before and at each update find the largest value but for a few hundredths
    assert max(norms) < 1.1
    assert min(norms) > 0.97
