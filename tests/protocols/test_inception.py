from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols._features import features
from facesr.protocols.features import inception
from facesr.protocols.features.inception import Inception, _Network
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kid import Kid

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def random_state() -> dict[str, torch.Tensor]:
    """Draw weights in the layout of the published file; activations keep their size."""
    random, state = torch.Generator().manual_seed(0), {}
    for name, old in _Network().state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1)
        elif name.endswith(("running_var", "bn.weight")):
            state[name] = torch.rand(old.shape, generator=random) + 0.5
        elif name.endswith("conv.weight"):
            size = (2 / old[0].numel()) ** 0.5
            state[name] = torch.randn(old.shape, generator=random) * size
        else:
            state[name] = torch.randn(old.shape, generator=random) * 0.1
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("assets")
    path = folder / assets.asset("inception").file
    path.parent.mkdir()
    torch.save(random_state(), path)
    ours = replace(assets.asset("inception"), sha256=digest(path))
    others = tuple(a for a in assets.ASSETS if a.name != "inception")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(folder))
        patch.setattr(assets, "ASSETS", (*others, ours))
        yield path
    inception._network.cache_clear()


def images(n: int, size: int = 64) -> torch.Tensor:
    pixels = torch.randint(0, 256, (n, 3, size, size), generator=torch.Generator().manual_seed(1))
    return pixels.byte()


def pytorch_fid(weights: Path, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    from pytorch_fid import inception as theirs

    read = torch.load(weights, weights_only=True)
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: read)
    return theirs.InceptionV3().eval()


@pytest.mark.parametrize("size", [64, 299])
def test_features_equal_pytorch_fid(
    weights: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    batch = images(3, size).float() / 255
    with torch.inference_mode():
        theirs = pytorch_fid(weights, monkeypatch)(batch)[0][:, :, 0, 0]
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


def test_folding_batch_norm_changes_nothing_but_rounding(weights: Path) -> None:
    plain = _Network()
    plain.load_state_dict(torch.load(weights, weights_only=True))
    prepared = inception._prepared(images(2).float() / 255, "legacy-pytorch")
    with torch.inference_mode():
        expected = plain.eval()(prepared)
        folded = inception._network(weights, "cpu")(prepared)
    assert (folded - expected).abs().max() < 2e-6 * expected.abs().max()


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_fid_equals_pytorch_fid(
    weights: Path, draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    sr, real = store(draw(5), "sr"), store(draw(6, seed=1), "real")
    network, stats = pytorch_fid(weights, monkeypatch), []
    for faces in (sr, real):
        with torch.inference_mode():
            x = network(next(faces.batches(10)))[0][:, :, 0, 0].double().numpy()
        # a matrix root of 2,048 x 2,048 takes minutes; in the span of all pictures it is the same
        stats.append(x)
    mean = np.vstack(stats).mean(axis=0)
    basis = np.linalg.svd(np.vstack(stats) - mean, full_matrices=False)[2]
    small = [(x - mean) @ basis.T for x in stats]
    (m1, c1), (m2, c2) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in small)
    theirs = calculate_frechet_distance(m1, c1, m2, c2)
    score = Fid().score(sr, real)
    assert score.value == pytest.approx(theirs, rel=1e-4)
    assert score.identity == (
        f"fid[inception-tf@{digest(weights)[:8]},resize=legacy-pytorch,"
        f"ref=real@{real.fingerprint[:8]},v1.1]"
    )
    assert not score.ranked


def test_kid_equals_torch_fidelity(weights: Path, draw: Draw, store: Store) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    sr, real = store(draw(6), "sr"), store(draw(6, seed=1), "real")
    found = [torch.from_numpy(features(faces, Inception()).copy()) for faces in (sr, real)]
    theirs = kid_features_to_metric(*found, kid_subsets=1, kid_subset_size=6, verbose=False)
    score = Kid().score(sr, real)
    assert score.value == pytest.approx(1000 * theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert (score.metric, score.unit, score.ranked) == ("kid", "x1000", True)


def test_other_weights_are_refused(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(assets.asset("inception"), sha256="6726825d")
    monkeypatch.setattr(assets, "ASSETS", (wrong,))
    with pytest.raises(BenchError, match="expected 6726825d"):
        Inception()(images(1).float() / 255)


def test_weights_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    state = random_state()
    del state["Mixed_7c.branch_pool.bn.bias"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(RuntimeError, match=r"Mixed_7c\.branch_pool\.bn\.bias"):
        inception._network(tmp_path / "other.pth", "cpu")


@pytest.mark.parametrize("metric", [Fid(), Kid()])
def test_without_weights_nothing_else_is_called_fid(
    metric: Fid | Kid, draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = metric.score(store(draw(4), "sr"), store(draw(4), "real"))
    assert (score.value, score.low, score.samples, score.ranked) == (None, None, (), False)
    assert score.note.startswith("needs the asset 'inception'")
    assert score.note == metric.missing()


def test_an_unknown_resize_is_named() -> None:
    with pytest.raises(BadName, match="no resize named 'clean'; known: legacy-pytorch"):
        Fid(resize="clean")  # type: ignore[arg-type]
