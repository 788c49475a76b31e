"""Scoring a method completely, against calling the usual programs one after the other.

One run measures both sides on the same faces and weights (random ones, where they cannot be
shipped) and prints the processor's seconds and their ratio, for the first method and for each
further one, whose reference faces are known by then:

    OMP_NUM_THREADS=1 FACESR_BENCH_FACES=1000 pytest tests/benchmarks/test_scoring_bench.py \
        --benchmark-enable -s

As part of the tests it runs on a few faces, and the general matrix root, which takes half a
minute, is left out. What is not installed is left out on both sides.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from facesr.bench import assets
from facesr.bench.contract import Metric, Split
from facesr.bench.faces import Faces, unpacked, write_png
from facesr.bench.files import digest
from facesr.bench.score import Score
from facesr.datasets._render import render
from facesr.protocols.features import _backbones, facenet, inception
from facesr.protocols.metrics import lpips
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim
from facesr.protocols.realworld import Realworld
from facesr.protocols.recognition import Recognition

Benchmark = Any
Values = dict[str, float]
SIZE = 64


def drawn(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Draw weights under which activations keep their size."""
    random = torch.Generator().manual_seed(0)
    for name, old in state.items():
        if name.endswith(("running_var", "bn.weight")):
            state[name] = torch.rand(old.shape, generator=random) + 0.5
        elif old.is_floating_point():
            size = (2 / old[0].numel()) ** 0.5 if old.ndim > 1 else 0.1
            state[name] = torch.randn(old.shape, generator=random) * size
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random weights of the three networks, in the layouts of the published files."""
    root = tmp_path_factory.mktemp("assets")
    linear = {
        f"lin{i}.model.1.weight": (1, c, 1, 1) for i, c in enumerate((64, 192, 384, 256, 256))
    }
    states = {
        "inception": drawn(inception._Network().state_dict()),
        "alexnet": drawn(_backbones._BUILD["alexnet"]("maximum").state_dict()),
        "lpips_alex": {key: torch.rand(shape) for key, shape in linear.items()},
        "facenet": drawn(import_module("facenet_pytorch").InceptionResnetV1().state_dict()),
    }
    ours = []
    for name, state in states.items():
        torch.save(state, root / name)
        ours.append(replace(assets.asset(name), file=name, sha256=digest(root / name), size=0))
    others = tuple(asset for asset in assets.ASSETS if asset.name not in states)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(root))
        patch.setattr(assets, "ASSETS", (*others, *ours))
        yield root
    for kept in (_backbones._loaded, inception._network, lpips._linear, facenet._network):
        kept.cache_clear()


@dataclass
class Job:
    """Originals and the outputs of two methods, in folders.

    Args:
        hr: The originals, four pictures of each person.
        lr: The inputs.
        methods: What two methods made.
        weights: Folder of weights.
        brief: Whether the root of a large matrix is left out.
    """

    hr: Faces
    lr: Faces
    methods: list[Faces]
    weights: Path
    brief: bool


@pytest.fixture
def job(benchmark: Benchmark, weights: Path, tmp_path: Path) -> Job:
    n = 4 if benchmark.disabled else int(os.environ.get("FACESR_BENCH_FACES", "100"))
    names = tuple(f"{i:05d}.png" for i in range(n))
    people = tuple(f"p{i // 4}" for i in range(n))
    originals = [render(0, i // 4, i % 4, SIZE).pixels for i in range(n)]

    def keep(title: str, images: list[Any]) -> Faces:
        for name, image in zip(names, images, strict=True):
            write_png(np.asarray(image), tmp_path / title / name)
        return Faces(tmp_path / title, names, np.asarray(images[0]).shape[0], title, people)

    small = [Image.fromarray(image).resize((16, 16)) for image in originals]
    ways = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
    made = [keep(way.name, [i.resize((SIZE, SIZE), way) for i in small]) for way in ways]
    return Job(keep("hr", originals), keep("lr", small), made, weights, benchmark.disabled)


def ours(job: Job, sr: Faces) -> Values:
    """Score by both protocols, and by what of the others they leave out."""
    data = Split(job.lr, job.hr, paired=True)
    with unpacked(sr) as once, unpacked(job.hr) as hr:
        data = replace(data, hr=hr)
        found = [*Realworld().score(once, data), *Recognition().score(once, data)]
        more: list[Metric] = [Psnr(), Ssim()]
        more += [Lpips()] if find_spec("lpips") else []
        found += [metric.score(once, hr) for metric in more]
    scores = [score for score in found if isinstance(score, Score)]
    return {score.metric: score.value for score in scores if score.value is not None}


def read(faces: Faces) -> list[Any]:
    return [Image.open(faces.root / name).convert("RGB") for name in faces.names]


def pairs(job: Job, sr: Faces) -> Iterator[tuple[Any, Any]]:
    for one, other in zip(read(sr), read(job.hr), strict=True):
        yield np.asarray(one), np.asarray(other)


def pytorch_fid(job: Job, sr: Faces) -> Values:
    theirs: Any = import_module("pytorch_fid.fid_score")
    network: Any = import_module("pytorch_fid.inception")
    state = torch.load(job.weights / "inception", weights_only=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "load_state_dict_from_url", lambda *_, **__: state)
        paths = [str(sr.root), str(job.hr.root)]
        dims = 64 if job.brief else 2048
        value = theirs.calculate_fid_given_paths(paths, 50, "cpu", dims, num_workers=0)
    return {} if job.brief else {"fid": float(value)}


def torch_fidelity(job: Job, sr: Faces) -> Values:
    found = import_module("torch_fidelity").calculate_metrics(
        input1=str(sr.root),
        input2=str(job.hr.root),
        kid=True,
        kid_subset_size=min(1000, len(sr)),
        cuda=False,
        cache=False,
        verbose=False,
        feature_extractor_weights_path=str(job.weights / "inception"),
    )
    return {"kid": 1000 * found["kernel_inception_distance_mean"]}


def pyiqa(job: Job, sr: Faces) -> Values:
    """Rate faces enlarged to 96 pixels: below, its NIQE is not defined."""
    rate: Any = import_module("pyiqa.archs.niqe_arch").calculate_niqe
    model = {"mu_pris_param": torch.zeros(1, 36), "cov_pris_param": torch.eye(36)}
    for image in read(sr):
        large = np.asarray(image.resize((96, 96), Image.Resampling.BICUBIC))
        rate(torch.from_numpy(large).permute(2, 0, 1)[None].float() / 255, **model)
    return {}


def perceptual(job: Job, sr: Faces) -> Values:
    net: Any = import_module("lpips").LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = torch.load(job.weights / "alexnet", weights_only=True)
    names = net.net.state_dict()
    net.net.load_state_dict({key: state[f"features.{key.split('.', 1)[1]}"] for key in names})
    linear = torch.load(job.weights / "lpips_alex", weights_only=True)
    net.load_state_dict(linear | {f"lins.{k[3:]}": v for k, v in linear.items()}, strict=False)
    found = []
    with torch.inference_mode():
        for images in pairs(job, sr):
            x, y = (torch.from_numpy(i).permute(2, 0, 1)[None] / 127.5 - 1 for i in images)
            found.append(float(net(x, y)))
    return {"lpips[alex]": float(np.mean(found))}


def scikit_image(job: Job, sr: Faces) -> Values:
    theirs: Any = import_module("skimage.metrics")
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    noise, similar = [], []
    for x, y in pairs(job, sr):
        noise.append(theirs.peak_signal_noise_ratio(y, x))
        similar.append(theirs.structural_similarity(y, x, channel_axis=2, **wang))
    return {"psnr": float(np.mean(noise)), "ssim": float(np.mean(similar))}


def dlib(job: Job, sr: Faces) -> Values:
    finds = import_module("dlib").get_frontal_face_detector()
    found = []
    for image in read(sr):
        large = np.asarray(image.resize((128, 128), Image.Resampling.BICUBIC))
        found.append(len(finds(np.pad(large, ((16, 16), (16, 16), (0, 0)), mode="edge"), 0)) > 0)
    return {"detection[hog]": 100 * float(np.mean(found))}


def facenet_pytorch(job: Job, sr: Faces) -> Values:
    """Find each face, cut it out and describe it; the crop differs from ours, and so do numbers."""
    package: Any = import_module("facenet_pytorch")
    mtcnn = package.MTCNN(image_size=160, min_face_size=30)
    resnet = package.InceptionResnetV1().eval()
    resnet.load_state_dict(torch.load(job.weights / "facenet", weights_only=True))
    with torch.inference_mode():
        for faces in (sr, job.hr):
            for image in read(faces):
                cut = mtcnn(image.resize((160, 160)))
                if cut is not None:
                    resnet(cut[None])
    return {}


THEIRS: dict[str, Callable[[Job, Faces], Values]] = {
    "pytorch_fid": pytorch_fid,
    "torch_fidelity": torch_fidelity,
    "pyiqa": pyiqa,
    "lpips": perceptual,
    "skimage": scikit_image,
    "dlib": dlib,
    "facenet_pytorch": facenet_pytorch,
}


def timed(work: Callable[[], Values]) -> tuple[float, Values]:
    began = time.process_time()
    values = work()
    return time.process_time() - began, values


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning")
@pytest.mark.benchmark(group="realworld and recognition, one method, 64 px")
def test_scoring_a_method_completely(
    benchmark: Benchmark, job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    others = {name: call for name, call in THEIRS.items() if find_spec(name)}
    seconds: dict[str, float] = {}
    values: Values = {}
    for name, call in others.items():
        with suppress(ImportError):
            import_module(name)  # what importing takes counts for nobody
        seconds[name], found = timed(lambda call=call: call(job, job.methods[0]))  # type: ignore[misc]
        values |= found
    first, own = timed(lambda: ours(job, job.methods[0]))
    further, _ = timed(lambda: benchmark.pedantic(ours, (job, job.methods[1]), rounds=1))
    total = sum(seconds.values())
    said = {"ours, first": first, "ours, further": further, "theirs": total, **seconds}
    benchmark.extra_info.update({key: round(value, 2) for key, value in said.items()})
    benchmark.extra_info |= {"ratio": total / first, "ratio, further": total / further}
    print(f"\n{len(job.hr)} faces:", benchmark.extra_info)  # noqa: T201
    same(job, own, values)


def same(job: Job, own: Values, values: Values) -> None:
    """Compare what both sides computed, with the settings of the other where they differ."""
    size = min(1000, len(job.hr))
    equal = Kid(resize="legacy-tensorflow", subsets=100, size=size)
    kid = equal.score(job.methods[0], job.hr).value
    for name, value in values.items():
        mine = kid if name == "kid" else own.get(name)
        # on singular covariances one takes roots of rounding errors, the other sums in float32
        near = 1e-3 if name in ("fid", "kid") else 1e-4
        assert mine == pytest.approx(value, rel=near), name
    assert Fid().column in own
