import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols._features import EXTRACTORS, extractor_named
from facesr.protocols.features import dinov2
from facesr.protocols.features.dinov2 import Dinov2
from facesr.protocols.metrics.fd import Fd
from facesr.protocols.metrics.kd import Kd

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]

# Faces that are drawn when they are asked for, so that none of them is anywhere else; and a network
# that costs nothing.
DRAWN = """
import json, resource, sys
from pathlib import Path
import numpy as np
from torch.nn import functional as F
from facesr.bench.faces import Faces
from facesr.protocols import _features
from facesr.protocols.metrics.fd import Fd
from facesr.protocols.metrics.kd import Kd

class Drawn(Faces):
    def _blocks(self):
        for name in self.names:
            seen.append(name)
            yield np.random.default_rng(int(name)).integers(0, 256, (1, 16, 16, 3), np.uint8)

class Pooled:
    name = label = "pooled"
    digest, dim, version = "-", 147, 1
    def missing(self):
        return ""
    def __call__(self, batch):
        described.append(len(batch))
        return F.adaptive_avg_pool2d(batch, 7).flatten(1)

def faces(n, first):
    return Drawn(Path("nowhere"), tuple(str(first + i) for i in range(n)), 16, "drawn")

seen, described = [], []
_features.EXTRACTORS["pooled"] = Pooled
n, first = int(sys.argv[1]), int(sys.argv[2])
sr, real = faces(n, first), faces(n, 10**6)
values = [metric(features="pooled").score(sr, real).value for metric in (Fd, Kd)]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"described": sum(described), "values": values, "peak": peak}))
"""


def drawn(n: int, first: int, cache: Path) -> dict[str, float]:
    here = os.environ | {"FACESR_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", DRAWN, str(n), str(first)],
        env=here,
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(run.stdout))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("described")


@pytest.fixture(scope="module")
def method(place: Path) -> dict[str, float]:
    return drawn(1_000, 0, place)


def test_a_reference_is_described_and_summed_once_in_all_processes(
    place: Path, method: dict[str, float]
) -> None:
    files = {path: path.stat().st_mtime_ns for path in place.rglob("*.npy")}
    other = drawn(1_000, 5_000, place)
    assert (method["described"], other["described"]) == (2_000, 1_000)
    assert other["values"] != method["values"]
    kept = sorted(path.stem.split(".")[1][:6] for path in files if "." in path.stem)
    assert kept == ["factor", "spread"]
    assert all(path.stat().st_mtime_ns == time for path, time in files.items())


@pytest.mark.slow
def test_memory_does_not_depend_on_the_number_of_pictures(
    tmp_path: Path, method: dict[str, float]
) -> None:
    assert drawn(10_000, 0, tmp_path)["peak"] < 1.1 * method["peak"]


def test_networks_are_known_by_name_and_files_by_their_path(tmp_path: Path) -> None:
    assert {name: extractor_named(name).name for name in EXTRACTORS if name != "inception"} == {
        name: name for name in EXTRACTORS if name != "inception"
    }
    with pytest.raises(BadName, match="no features named 'vgg'; known: arcface, dinov2"):
        extractor_named("vgg")
    with pytest.raises(BadName, match=r"mine\.onnx does not exist"):
        Fd(str(tmp_path / "mine.onnx")).missing()


@pytest.mark.parametrize("metric", [Fd, Kd])
def test_without_its_package_or_file_arcface_leaves_the_place_empty(
    draw: Draw,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    metric: type[Fd] | type[Kd],
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = metric("arcface").score(store(draw(4), "sr"), store(draw(4), "real"))
    assert (score.value, score.ranked) == (None, False)
    assert score.metric.endswith("[arcface]")
    assert "arcface@4c06341c" in score.identity
    assert score.note.startswith("needs the")


def test_a_users_own_network_enters_the_identity_by_its_digest(
    draw: Draw, store: Store, shared: Path
) -> None:
    pytest.importorskip("onnxruntime")
    path = shared / "weights" / "openvino" / "face_reid_0095.onnx"
    sr, real = store(draw(8), "sr"), store(draw(8, seed=1), "real")
    score = Fd(str(path)).score(sr, real)
    assert score.metric == "fd[face_reid_0095]"
    assert f"face_reid_0095@{digest(path)[:8]}" in score.identity
    assert score.value is not None
    assert score.value > 0


def small_dinov2() -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(old.shape, generator=random) * 0.05
        for name, old in dinov2._Network(*dinov2.SIZES["s"]).state_dict().items()
    }


@pytest.fixture(scope="module")
def vits14(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random weights in the layout of the published file."""
    place = tmp_path_factory.mktemp("assets")
    path = place / "dinov2" / "dinov2_vits14_pretrain.pth"
    path.parent.mkdir()
    torch.save(small_dinov2(), path)
    ours = Asset("dinov2_vits14", f"dinov2/{path.name}", digest(path), "", "", "")
    others = tuple(a for a in assets.ASSETS if a.name != ours.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(place))
        patch.setattr(assets, "ASSETS", (*others, ours))
        yield path
    dinov2._network.cache_clear()


class Plain(nn.Module):
    """The same network from PyTorch's own encoder, the branches' factors put into its weights."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.state = state
        self.layers = [self._layer(f"blocks.{i}.") for i in range(12)]

    def _layer(self, at: str) -> nn.TransformerEncoderLayer:
        layer = nn.TransformerEncoderLayer(
            384, 6, 1536, 0.0, F.gelu, 1e-6, batch_first=True, norm_first=True
        )
        s = {name.removeprefix(at): v for name, v in self.state.items() if name.startswith(at)}
        one, two = s["ls1.gamma"], s["ls2.gamma"]
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": s["attn.qkv.weight"],
                "self_attn.in_proj_bias": s["attn.qkv.bias"],
                "self_attn.out_proj.weight": s["attn.proj.weight"] * one[:, None],
                "self_attn.out_proj.bias": s["attn.proj.bias"] * one,
                "linear1.weight": s["mlp.fc1.weight"],
                "linear1.bias": s["mlp.fc1.bias"],
                "linear2.weight": s["mlp.fc2.weight"] * two[:, None],
                "linear2.bias": s["mlp.fc2.bias"] * two,
                "norm1.weight": s["norm1.weight"],
                "norm1.bias": s["norm1.bias"],
                "norm2.weight": s["norm2.weight"],
                "norm2.bias": s["norm2.bias"],
            }
        )
        return layer.eval()

    def _positions(self) -> Tensor:
        """Read the bicubic surface of positions (a = -3/4) at (i + 1/2) * 37 / 16.1 - 1/2."""
        at = (np.arange(16) + 0.5) * 37 / 16.1 - 0.5
        taps = np.floor(at).astype(int)[:, None] + np.arange(-1, 3)
        far = np.abs(at[:, None] - taps)
        near = 1.25 * far**3 - 2.25 * far**2 + 1
        tail = -0.75 * (far**3 - 5 * far**2 + 8 * far - 4)
        weights = np.zeros((16, 37))
        np.add.at(
            weights, (np.arange(16)[:, None], taps.clip(0, 36)), np.where(far <= 1, near, tail)
        )
        w = torch.from_numpy(weights).float()
        grid = self.state["pos_embed"][0, 1:].reshape(37, 37, 384)
        return torch.einsum("ia,jb,abc->ijc", w, w, grid).reshape(1, 256, 384)

    def forward(self, x: Tensor) -> Tensor:
        s = self.state
        patches = F.unfold(x, 14, stride=14).transpose(1, 2)
        tokens = patches @ s["patch_embed.proj.weight"].flatten(1).T + s["patch_embed.proj.bias"]
        first = (s["cls_token"] + s["pos_embed"][:, :1]).expand(len(x), -1, -1)
        tokens = torch.cat([first, tokens + self._positions()], 1)
        for layer in self.layers:
            tokens = layer(tokens)
        return F.layer_norm(tokens[:, 0], (384,), s["norm.weight"], s["norm.bias"], 1e-6)


def test_dinov2_equals_a_plain_encoder_with_the_same_weights(vits14: Path) -> None:
    batch = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mean, deviation = (torch.tensor(v)[:, None, None] for v in (dinov2.MEAN, dinov2.DEVIATION))
    resized = F.interpolate(batch, (224, 224), mode="bicubic", antialias=True)
    plain = Plain(torch.load(vits14, weights_only=True))
    with torch.inference_mode():
        expected = plain((resized - mean) / deviation)
    found = Dinov2("s")(batch)
    assert found.shape == (2, Dinov2("s").dim)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    assert not found.requires_grad


def test_dinov2_is_named_by_size_and_digest(vits14: Path) -> None:
    assert Dinov2().name == "dinov2"
    assert Dinov2("s").label == (f"dinov2-s@{digest(vits14)[:8]},resize=bicubic-antialiased-224")
    with pytest.raises(BadName, match="no DINOv2 of size 'g'; known: s, b, l"):
        Dinov2("g")  # type: ignore[arg-type]


def test_weights_of_another_size_are_refused(vits14: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(assets.asset("dinov2_vits14"), name="dinov2_vitb14")
    monkeypatch.setattr(assets, "ASSETS", (wrong,))
    with pytest.raises(BenchError, match="is not a DINOv2 of size 'b'"):
        Dinov2()(torch.zeros(1, 3, 16, 16))


def test_distances_on_dinov2_take_the_one_path_of_all_networks(
    vits14: Path, draw: Draw, store: Store
) -> None:
    faces = store(draw(3), "sr")
    score = Fd("dinov2-s").score(faces, store(draw(3, seed=1), "real"))
    assert score.metric == "fd[dinov2-s]"
    assert score.value is not None
    assert score.value > 0
