"""What the networks of CR can learn, in numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import mse_loss

from facesr.bench.contract import Split
from facesr.methods._cr import shrink
from facesr.methods.cr import CR


@pytest.mark.slow
def test_it_overfits_eight_faces(make_split: Callable[..., Split], tmp_path: Path) -> None:
    data = make_split(lr=8, hr=8)
    method = CR(
        variant="without_sr_ri",
        inputs="artificial",
        width=0.125,
        batch=8,
        steps=400,
        cr_steps=20,
        learning_rate=6e-3,
        lambda_sr_gan=0,
        ema=0.95,
    )
    method.train(data, tmp_path / "out")
    method.net.eval()
    hr = data.hr.pixels().float() / 255
    with torch.no_grad():
        assert mse_loss(method.upscale(shrink(hr)), hr).item() < 1e-3
