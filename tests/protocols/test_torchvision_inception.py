from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import inception_v3

from facesr.bench.errors import BenchError
from facesr.bench.files import digest
from facesr.protocols.features import torchvision_inception as ours
from facesr.protocols.features.torchvision_inception import TorchvisionInception


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nn.Module]:
    """A network with random weights, whose file stands for the published one."""
    torch.manual_seed(0)
    made = inception_v3(weights=None, init_weights=False).eval()
    for name, value in made.state_dict().items():
        if name.endswith(("bn.weight", "running_var")):
            value.uniform_(0.5, 1.5)
        elif name.endswith(("bn.bias", "running_mean")):
            value.normal_(0, 0.1)
        elif name.endswith("conv.weight"):  # as large as keeps the input visible in the features
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
    state = {k: v for k, v in made.state_dict().items() if "num_batches_tracked" not in k}
    folder = tmp_path_factory.mktemp("assets")
    path = folder / ours.WEIGHTS.file
    path.parent.mkdir(parents=True)
    torch.save(state, path)  # in 2018 files had no count of batches
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(folder))
        patch.setattr(ours, "WEIGHTS", replace(ours.WEIGHTS, sha256=digest(path)))
        yield made
    ours._network.cache_clear()


def seen(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Go through the layers that LRGAN's `inception.py` takes, one after the other."""
    pools = {"Conv2d_2b_3x3": nn.MaxPool2d(3, 2), "Conv2d_4a_3x3": nn.MaxPool2d(3, 2)}
    for name, layer in network.named_children():
        if name.startswith(("Conv2d", "Mixed")):
            x = layer(x)
            x = pools[name](x) if name in pools else x
    return x.mean(dim=(2, 3))


def test_features_are_those_of_the_released_code(network: nn.Module) -> None:
    batch = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    large = F.interpolate(batch, (299, 299), mode="bilinear", align_corners=False)
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    with torch.inference_mode():
        expected = seen(network, large * (deviation / 0.5) + (mean - 0.5) / 0.5)
        right = seen(network, 2 * large - 1)
        found = TorchvisionInception()(batch)
    assert found.shape == (2, TorchvisionInception.dim)
    assert (found - expected).abs().max() < 2e-6 * expected.abs().max()
    assert (found - right).abs().max() > 0.01 * right.abs().max()


def test_the_label_says_all_that_decides_a_feature(network: nn.Module) -> None:
    label = f"inception-torchvision@{ours.WEIGHTS.sha256[:8]}"
    assert TorchvisionInception().label == (
        f"{label},resize=legacy-pytorch,input=imagenet-rescaled"
    )


def test_absent_and_other_weights_are_refused(
    network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "WEIGHTS", replace(ours.WEIGHTS, sha256="1a9a5a14"))
    with pytest.raises(BenchError, match="expected 1a9a5a14"):
        TorchvisionInception()(torch.zeros(1, 3, 8, 8))
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    with pytest.raises(BenchError, match=r"needs the asset .inception_torchvision.: get"):
        TorchvisionInception()(torch.zeros(1, 3, 8, 8))
