from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench import assets
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces
from facesr.protocols.features import inception
from facesr.protocols.features.inception import Inception, _Network

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def images(n: int, size: int = 64) -> torch.Tensor:
    pixels = torch.randint(0, 256, (n, 3, size, size), generator=torch.Generator().manual_seed(1))
    return pixels.byte()


@pytest.mark.parametrize("size", [64, 299])
def test_features_equal_pytorch_fid(weights: Path, pytorch_fid: torch.nn.Module, size: int) -> None:
    batch = images(3, size).float() / 255
    with torch.inference_mode():
        theirs = pytorch_fid(batch)[0][:, :, 0, 0]
        ours = Inception()(batch)
    assert ours.shape == (3, Inception.dim)
    assert (ours - theirs).abs().max() < 2e-6 * theirs.abs().max()


def test_features_equal_torch_fidelity_with_its_resize(weights: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    batch = images(3)
    net = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(weights))
    with torch.inference_mode():
        theirs = net(batch)[0]
        ours = Inception("legacy-tensorflow")(batch.float() / 255)
    assert (ours - theirs).abs().max() < 2e-6 * theirs.abs().max()
    assert not torch.allclose(Inception()(batch.float() / 255), ours, rtol=1e-3)


@pytest.mark.parametrize("size", [16, 64, 299, 400])
def test_clean_resize_is_pillow_in_floating_point_on_each_channel(size: int) -> None:
    batch = images(2, size)
    expected = np.stack(
        [
            [
                np.asarray(Image.fromarray(channel).resize((299, 299), Image.Resampling.BICUBIC))
                for channel in image.float().numpy()
            ]
            for image in batch
        ]
    ).clip(0, 255)
    ours = inception._prepared(batch.float() / 255, "clean").numpy() * 128 + 128
    assert np.abs(ours - expected).max() < 5e-5


def test_features_do_not_depend_on_neighbours_or_order(weights: Path) -> None:
    batch = images(4).float() / 255
    with torch.inference_mode():
        whole = Inception()(batch)
        others = torch.cat([Inception()(batch[3:]), Inception()(batch[:3].flip(0))]).flip(0)
    assert (whole - others).abs().max() < 2e-6 * whole.abs().max()


def test_folding_batch_norm_changes_nothing_but_rounding(weights: Path) -> None:
    plain = _Network()
    plain.load_state_dict(torch.load(weights, weights_only=True))
    prepared = inception._prepared(images(2).float() / 255, "legacy-pytorch")
    with torch.inference_mode():
        expected = plain.eval()(prepared)
        folded = inception._network(weights, "cpu")(prepared)
    assert (folded - expected).abs().max() < 2e-6 * expected.abs().max()


def test_other_weights_are_refused(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(assets.asset("inception"), sha256="6726825d")
    monkeypatch.setattr(assets, "ASSETS", (wrong,))
    with pytest.raises(BenchError, match="expected 6726825d"):
        Inception()(images(1).float() / 255)


def test_weights_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    del state["Mixed_7c.branch_pool.bn.bias"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(RuntimeError, match=r"Mixed_7c\.branch_pool\.bn\.bias"):
        inception._network(tmp_path / "other.pth", "cpu")
