"""Comparisons of `exactness.py`: what they share, and those of fidelity."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench import assets
from facesr.bench.contract import Metric, Pair
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols import _luma
from facesr.protocols.metrics.dists import Dists
from facesr.protocols.metrics.lpips import _BACKBONES, Lpips, Network
from facesr.protocols.metrics.ms_ssim import EXPONENTS, MsSsim
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.sharpness import sharpness
from facesr.protocols.metrics.shift import displacement
from facesr.protocols.metrics.ssim import Ssim

Values = NDArray[np.float64]
Pixels = NDArray[np.uint8]
WANG = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}


class Found(NamedTuple):
    """What came out on either side, and from how many images."""

    ours: Any
    theirs: Any
    images: int


class Unable(Exception):
    """Why a comparison cannot be made here."""


class Sets(Protocol):
    """The pictures of a run."""

    n: int
    data: Path | None

    def real(self, size: int = 64, n: int = 0, first: int = 0) -> Faces:
        """Return `n` originals; those of another `first` are other ones."""
        ...

    def made(self, size: int = 64) -> Faces:
        """Return spoiled copies of `real(size)`."""
        ...

    def photos(self, n: int) -> Faces:
        """Return whole photographs."""
        ...

    def pairs(self) -> tuple[Faces, list[Pair]]:
        """Return pictures of known people, and pairs of them."""
        ...


Compare = Callable[[Sets], Found]


@dataclass(frozen=True)
class Check:
    """A comparison.

    Args:
        metric: Column of the metric.
        package: Whose implementation; empty for one written for the tests.
        what: Which part of it, or how the oracle computes.
        within: Largest deviation that is allowed.
        relative: Whether it is a share of the reference's number.
        compare: Computes both sides.
    """

    metric: str
    package: str
    what: str
    within: float
    relative: bool
    compare: Compare


CHECKS: list[Check] = []


def check(
    metric: str, package: str, what: str, within: float, relative: bool = False
) -> Callable[[Compare], Compare]:
    """List a comparison."""

    def keep(compare: Compare) -> Compare:
        CHECKS.append(Check(metric, package, what, within, relative, compare))
        return compare

    return keep


def oracle(name: str) -> Any:
    """Import a test module beside this file: its oracles are used, not written again."""
    return import_module(f"test_{name}")


def module(name: str) -> Any:
    """Import a package that has no types."""
    return import_module(name)


def samples(metric: Metric, sr: Faces, real: Faces | None) -> Values:
    """Return one number per picture."""
    return np.array(metric.score(plain(sr), real and plain(real)).samples)


def plain(faces: Faces) -> Faces:
    """Forget who is shown, so that samples are pictures."""
    return Faces(faces.root, faces.names, faces.size, faces.title)


def number(score: Score) -> float:
    """Return the number of a score, or say why there is none."""
    if score.value is None:
        raise Unable(score.note)
    return score.value


def images(faces: Faces) -> Pixels:
    """Return pixels, (n, h, w, 3)."""
    return faces.pixels().permute(0, 2, 3, 1).numpy()


def shares(faces: Faces) -> torch.Tensor:
    """Return pixels, (n, 3, h, w), float32, 0 to 1."""
    return faces.pixels().float() / 255


# fidelity


@check("Y", "scikit-image", "color.rgb2ycbcr", 1e-9)
def _y(sets: Sets) -> Found:
    faces = sets.made()
    theirs = module("skimage.color").rgb2ycbcr(images(faces))[..., 0]
    return Found(_luma.luma(faces.pixels().numpy()), theirs, len(faces))


def _seen(way: str) -> Callable[[Faces], Values]:
    """Return what a convention compares, by other code than ours, (n, h, w) or (n, h, w, 3)."""

    def y(faces: Faces) -> Values:
        return oracle("psnr").brightness(images(faces))

    inner = slice(8, -8)
    return {
        "rgb": lambda f: images(f).astype(np.float64),
        "y": y,
        "dic": lambda f: y(f).round()[:, inner, inner],
        "negative": lambda f: 256 - y(f).round()[:, inner, inner],
        "basicsr": lambda f: _single(images(f)),
        "matlab": lambda f: np.floor(y(f) + 0.5 + 1e-9),
    }[way]


def _single(pixels: Pixels) -> Values:
    y = (pixels.astype(np.float32) / 255) @ np.array([65.481, 128.553, 24.966]) + 16
    return ((y / 255).astype(np.float32) * np.float32(255)).astype(np.float64)


def _psnr(metric: Psnr, way: str) -> None:
    @check(metric.column, "scikit-image", f"peak_signal_noise_ratio of {way}", 1e-9)
    def compare(sets: Sets) -> Found:
        sr, hr = sets.made(), sets.real()
        psnr = module("skimage.metrics").peak_signal_noise_ratio
        sides = zip(_seen(way)(hr), _seen(way)(sr), strict=True)
        theirs = [psnr(a, b, data_range=255) for a, b in sides]
        return Found(samples(metric, sr, hr), theirs, len(sr))


def _ssim(metric: Ssim, way: str) -> None:
    @check(metric.column, "scikit-image", f"structural_similarity of {way}", 1e-9)
    def compare(sets: Sets) -> Found:
        sr, hr = sets.made(), sets.real()
        settings = WANG | ({"channel_axis": 2} if way == "rgb" else {})
        ssim = module("skimage.metrics").structural_similarity
        sides = zip(_seen(way)(hr), _seen(way)(sr), strict=True)
        return Found(samples(metric, sr, hr), [ssim(a, b, **settings) for a, b in sides], len(sr))


def _toolbox(metric: Ssim, way: str) -> None:
    @check(metric.column, "scipy", "the Toolbox's formula by gaussian_filter", 1e-9)
    def compare(sets: Sets) -> Found:
        sr, hr = sets.made(), sets.real()
        sides = zip(_seen(way)(sr), _seen(way)(hr), strict=True)
        theirs = [oracle("ssim").toolbox(a, b) for a, b in sides]
        return Found(samples(metric, sr, hr), theirs, len(sr))


for _metric, _way in (
    (Psnr(), "rgb"),
    (Psnr("y"), "y"),
    (Psnr(convention="dic"), "dic"),
    (Psnr("y", convention="basicsr"), "basicsr"),
    (Psnr(convention="matlab"), "matlab"),
):
    _psnr(_metric, _way)
for _similar, _way in (
    (Ssim(), "rgb"),
    (Ssim("y"), "y"),
    (Ssim(convention="dic"), "negative"),
    (Ssim("y", convention="basicsr"), "basicsr"),
):
    _ssim(_similar, _way)
_toolbox(Ssim(convention="matlab"), "matlab")
_toolbox(Ssim("rgb", convention="matlab"), "rgb")


def _ms_ssim(scales: int, size: int) -> None:
    @check(MsSsim(scales=scales).column, "piq", "multi_scale_ssim, float64", 1e-5)
    def compare(sets: Sets) -> Found:
        sr, hr = sets.made(size), sets.real(size)
        fewer = torch.tensor(EXPONENTS[:scales], dtype=torch.float64)  # piq scales them to sum 1
        theirs = module("piq").multi_scale_ssim(
            *(faces.pixels().double() for faces in (sr, hr)),
            data_range=255.0,
            reduction="none",
            scale_weights=None if scales == len(EXPONENTS) else fewer,
        )
        return Found(samples(MsSsim(scales=scales), sr, hr), theirs, len(sr))


_ms_ssim(5, 176)
_ms_ssim(3, 64)


def _lpips(net: Network) -> None:
    @check(f"lpips[{net}]", "lpips", "LPIPS 0.1, its linear weights, random backbone", 1e-6, True)
    def compare(sets: Sets) -> Found:
        package, backbone = module("lpips"), assets.find(_BACKBONES[net])
        theirs = package.LPIPS(net=net, version="0.1", pnet_rand=True, verbose=False)
        state = torch.load(backbone, weights_only=True)
        names = theirs.net.state_dict()
        theirs.net.load_state_dict({k: state[f"features.{k.split('.', 1)[1]}"] for k in names})
        sr, hr = sets.made(), sets.real()
        pairs = zip((2 * shares(sr) - 1).split(8), (2 * shares(hr) - 1).split(8), strict=True)
        values = torch.cat([theirs(a, b).flatten() for a, b in pairs])
        return Found(samples(Lpips(net), sr, hr), values, len(sr))


for _net in ("alex", "vgg", "squeeze"):
    _lpips(_net)


@check("dists", "piq", "DISTS, random weights", 1e-5)
def _dists(sets: Sets) -> Found:
    perceptual, sr, hr = module("piq.perceptual"), sets.made(), sets.real()
    read = torch.load(assets.find("dists"), weights_only=True)
    layers = oracle("dists").torchvision_layers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptual, "vgg16", lambda **_: SimpleNamespace(features=layers))
        patch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: read)
        net = perceptual.DISTS(reduction="none")
    pairs = zip(shares(sr).split(8), shares(hr).split(8), strict=True)
    return Found(samples(Dists(), sr, hr), torch.cat([net(a, b) for a, b in pairs]), len(sr))


@check("sharpness", "scipy", "ratio of variances of ndimage.laplace", 1e-9)
def _sharpness(sets: Sets) -> Found:
    sr, hr = (_luma.luma(f.pixels().numpy()) for f in (sets.made(), sets.real()))
    edges = [
        np.array([module("scipy.ndimage").laplace(y)[1:-1, 1:-1].var() for y in side])
        for side in (sr, hr)
    ]
    return Found(sharpness(sr, hr), np.log2(edges[0] / edges[1]), len(sr))


@check("shift", "scipy", "known displacements by ndimage.shift, in pixels", 0.05)
def _shift(sets: Sets) -> Found:
    away = np.random.default_rng(0).uniform(-3, 3, (sets.n, 2))
    lr = [
        Image.fromarray(i).resize((16, 16), Image.Resampling.BICUBIC) for i in sets.real().images()
    ]
    large = [np.asarray(i.resize((64, 64), Image.Resampling.BICUBIC)) for i in lr]
    y = [
        _luma.luma(np.stack(side).transpose(0, 3, 1, 2))
        for side in (large, list(map(np.asarray, lr)))
    ]
    move = module("scipy.ndimage").shift
    moved = np.stack([move(one, by, mode="nearest") for one, by in zip(y[0], away, strict=True)])
    return Found(displacement(moved, y[1]), away, sets.n)
