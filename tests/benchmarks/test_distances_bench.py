"""Distances between sets and their features, side by side with what others use.

`make bench` times them; the ratio stands beside each time. Set OMP_NUM_THREADS=1 to compare work
and not the use of cores. As part of the tests each runs once, untimed and smaller. Features are
drawn: `few` is fewer pictures than features, where covariances are singular.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench import assets
from facesr.bench.files import digest
from facesr.protocols.features import inception
from facesr.protocols.features.inception import Inception
from facesr.protocols.metrics.fd import frechet_between, frechet_distance, from_moments, gaussian
from facesr.protocols.metrics.kd import kernel_distance
from facesr.protocols.metrics.prdc import prdc

Benchmark = Any
Array = NDArray[np.float64]
# seconds of the processor: other programs at the same time do not count
CPU: Any = {"timer": time.process_time, "min_rounds": 3, "max_time": 1}
SETS = {"many": (3000, 3000), "few": (1000, 1000)}


@pytest.fixture
def dim(benchmark: Benchmark) -> int:
    """2,048, or few where nothing is timed."""
    return 64 if benchmark.disabled else 2048


@cache
def drawn(n: int, dim: int, seed: int, shift: float = 0.0) -> Array:
    spread = np.arange(1, dim + 1) ** -0.5
    mixing = np.random.default_rng(0).normal(size=(dim, dim)) / dim**0.5
    return np.random.default_rng(seed).normal(size=(n, dim)) * spread @ mixing + shift


def sets(kind: str, dim: int) -> tuple[Array, Array]:
    n, m = (size * dim // 2048 for size in SETS[kind])
    return drawn(n, dim, 1), drawn(m, dim, 2, 0.01)


def moments(x: Array) -> tuple[Array, Array]:
    return x.mean(axis=0), np.cov(x, rowvar=False)


@pytest.mark.benchmark(group="Frechet distance of given moments, 2,048-d", **CPU)
def test_moments_ours(benchmark: Benchmark, dim: int) -> None:
    ours, theirs = (moments(x) for x in sets("many", dim))
    assert benchmark(lambda: frechet_between(*ours, from_moments(*theirs))) > 0


@pytest.mark.benchmark(group="Frechet distance of given moments, 2,048-d", **CPU)
def test_moments_of_the_next_method_ours(benchmark: Benchmark, dim: int) -> None:
    ours, theirs = (moments(x) for x in sets("many", dim))
    known = from_moments(*theirs)
    assert benchmark(lambda: frechet_between(*ours, known)) > 0


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
@pytest.mark.benchmark(group="Frechet distance of given moments, 2,048-d", **CPU)
def test_moments_pytorch_fid(benchmark: Benchmark, dim: int) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    ours, theirs = (moments(x) for x in sets("many", dim))
    value = benchmark.pedantic(calculate_frechet_distance, (*ours, *theirs))
    assert frechet_between(*ours, from_moments(*theirs)) == pytest.approx(value, rel=1e-6)


@pytest.mark.benchmark(group="Frechet distance of 1,000 + 1,000 features, 2,048-d", **CPU)
def test_few_features_ours(benchmark: Benchmark, dim: int) -> None:
    assert benchmark(frechet_distance, *sets("few", dim)) > 0


@pytest.mark.benchmark(group="Frechet distance of 1,000 + 1,000 features, 2,048-d", **CPU)
def test_few_features_pytorch_fid(benchmark: Benchmark, dim: int) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    x, y = sets("few", dim)
    with np.errstate(all="ignore"):
        value = benchmark.pedantic(
            lambda: calculate_frechet_distance(*moments(x), *moments(y)), rounds=1
        )
    # it takes roots of eigenvalues that are zero but for rounding
    assert frechet_distance(x, y) == pytest.approx(value, rel=1e-3)


@pytest.mark.benchmark(group="Kernel distance of 1,000 + 1,000 features, 2,048-d", **CPU)
def test_kernel_ours(benchmark: Benchmark, dim: int) -> None:
    assert benchmark(kernel_distance, *sets("few", dim))


@pytest.mark.benchmark(group="Kernel distance of 1,000 + 1,000 features, 2,048-d", **CPU)
def test_kernel_torch_fidelity(benchmark: Benchmark, dim: int) -> None:
    """Its 100 subsets, which are drawn from no more than these 1,000."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = sets("few", dim)
    size = len(x)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    found = benchmark.pedantic(
        lambda: kid_features_to_metric(*tensors, kid_subset_size=size, verbose=False)
    )
    theirs = found["kernel_inception_distance_mean"]
    assert kernel_distance(x, y) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.benchmark(group="Precision, recall, density and coverage, 1,000 + 1,000", **CPU)
def test_prdc_ours(benchmark: Benchmark, dim: int) -> None:
    assert benchmark(prdc, *sets("few", dim)).recall.shape == (1,)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random weights of Inception, in the place and the layout of the published ones."""
    random, state = torch.Generator().manual_seed(0), {}
    for name, old in inception._Network().state_dict().items():
        drawn = torch.randn(old.shape, generator=random) * 0.05
        state[name] = 1 + drawn.abs() if name.endswith(("running_var", "bn.weight")) else drawn
    place = tmp_path_factory.mktemp("assets")
    path = place / assets.asset("inception").file
    path.parent.mkdir()
    torch.save(state, path)
    ours = replace(assets.asset("inception"), sha256=digest(path))
    others = tuple(a for a in assets.ASSETS if a.name != "inception")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(place))
        patch.setattr(assets, "ASSETS", (*others, ours))
        yield path
    inception._network.cache_clear()


def batch(benchmark: Benchmark) -> torch.Tensor:
    n = 1 if benchmark.disabled else 32
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.benchmark(group="Inception features of 32 faces of 64 px", **CPU)
def test_features_ours(benchmark: Benchmark, weights: Path) -> None:
    images = batch(benchmark)
    with torch.inference_mode():
        found = benchmark(Inception(), images)
    assert found.shape == (len(images), 2048)


@pytest.mark.benchmark(group="Inception features of 32 faces of 64 px", **CPU)
def test_features_pytorch_fid(
    benchmark: Benchmark, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid import inception as other

    read = torch.load(weights, weights_only=True)
    monkeypatch.setattr(other, "load_state_dict_from_url", lambda *_, **__: read)
    network, images = other.InceptionV3().eval(), batch(benchmark)
    with torch.inference_mode():
        theirs = benchmark(network, images)[0][:, :, 0, 0]
        ours = Inception()(images)
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


PEAK = """
import resource, sys
import numpy as np
from facesr.protocols._cache import stored_rows
from facesr.protocols._intervals import groups
from facesr.protocols.metrics import fd, kd

n, m, d = map(int, sys.argv[1:])

def drawn(n, seed):
    random = np.random.default_rng(seed)
    blocks = lambda: (random.random((min(500, n - i), d), np.float32) for i in range(0, n, 500))
    return stored_rows("drawn", f"{seed}-{n}", (n, d), blocks)

x, y = drawn(n, 1), drawn(m, 2)
fd._distances(x, fd.gaussian(y), groups(n).parts)
kd._distances(x, y, kd.spread(y), groups(n).parts)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.benchmark(group="Both distances, features in files, peak memory aside")
@pytest.mark.parametrize("n", [1_000, 20_000])
def test_peak_memory(benchmark: Benchmark, tmp_path: Path, n: int) -> None:
    """Timed with it, 100,000 pictures take a quarter of an hour: all pairs enter."""
    sizes = (n // 10, n // 10, 64) if benchmark.disabled else (n, n, 256)
    here = os.environ | {"FACESR_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", PEAK, *map(str, sizes)]
    run = benchmark.pedantic(
        lambda: subprocess.run(command, env=here, check=True, capture_output=True, text=True)
    )
    benchmark.extra_info["peak_mib"] = round(int(run.stdout) / 1024)
    assert int(run.stdout) > 0


def test_a_fit_is_what_its_moments_say() -> None:
    x = drawn(200, 64, 1)
    fit, again = gaussian(x), from_moments(*moments(x))
    assert np.allclose(fit.factor @ fit.factor.T, again.factor @ again.factor.T, atol=1e-12)
