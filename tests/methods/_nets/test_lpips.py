from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg16

from facesr.bench.errors import BenchError
from facesr.methods._nets import lpips
from facesr.methods._nets.lpips import Lpips
from facesr.protocols.metrics.lpips import lpips as measured

WIDTHS = (64, 128, 256, 512, 512)
LAST = (3, 8, 15, 22, 29)


class Activations(nn.Module):
    """Every last ReLU of a size."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for i, layer in enumerate(self.layers.children()):
            x = layer(x)
            if i in LAST:
                found.append(x.clone())  # pooling and further ReLUs leave it alone
        return found


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights in the layout of the published files."""
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in vgg16().features.state_dict().items()}
    torch.manual_seed(0)
    backbone = {f"features.{k}": 0.05 * torch.randn(shape) for k, shape in shapes.items()}
    linear = {f"lin{i}.model.1.weight": torch.rand(1, n, 1, 1) for i, n in enumerate(WIDTHS)}
    torch.save(backbone | {"classifier.0.bias": torch.zeros(1)}, tmp_path / "vgg16")
    torch.save(linear, tmp_path / "lpips_vgg")
    monkeypatch.setattr(lpips, "find", lambda name: tmp_path / name)
    return tmp_path


def test_differences_of_its_features_are_the_metric(files: Path) -> None:
    net = Lpips()
    x, y = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    pairs = zip(net(2 * x - 1), net(2 * y - 1), strict=True)
    made = torch.stack([(a - b).square().sum(1).mean((1, 2)) for a, b in pairs]).sum(0)
    weights = [w for _, w in sorted(torch.load(files / "lpips_vgg", weights_only=True).items())]
    network: nn.Module = Activations(net.layers)
    expected = measured(x, y, network, weights)  # type: ignore[arg-type]  # pyright: ignore
    assert torch.allclose(made, expected, rtol=1e-4)
    assert (made > 0).all()


def test_large_images_are_looked_at_as_256_pixels(files: Path) -> None:
    net, image = Lpips(), torch.rand(1, 3, 512, 512)
    small = nn.functional.avg_pool2d(image, 2)
    for a, b in zip(net(image), net(small), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_files_without_the_weights_are_refused(files: Path) -> None:
    torch.save({"lin0.model.1.weight": torch.ones(1, 64, 1, 1)}, files / "lpips_vgg")
    with pytest.raises(BenchError, match="the files of LPIPS lack weights"):
        Lpips()


def test_absent_assets_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    assert "needs the asset 'vgg16'" in lpips.absent()
