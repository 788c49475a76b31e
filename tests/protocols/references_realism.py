"""Comparisons of `exactness.py`: realism."""

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench import assets
from facesr.bench.faces import Faces, read_image
from facesr.protocols._features import extractor_named, features
from facesr.protocols.features.inception import Inception
from facesr.protocols.metrics import _blocks, brisque, niqe, niqe_fit, pi
from facesr.protocols.metrics.fd import Fd
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kd import Kd
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.prdc import Prdc

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.protocols.references import (  # pyright: ignore[reportMissingImports]
        Found,
        Sets,
        Unable,
        Values,
        check,
        module,
        number,
        oracle,
        plain,
        samples,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from references import (
        Found,
        Sets,
        Unable,
        Values,
        check,
        module,
        number,
        oracle,
        plain,
        samples,
    )


# realism of sets


@cache
def _pytorch_fid(**settings: bool) -> Any:
    theirs = module("pytorch_fid.inception")
    read = torch.load(assets.find("inception"), weights_only=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: read)
        return theirs.InceptionV3(**settings).eval()


def _described(net: Any, batches: Any) -> Values:
    found = [net(batch)[0].flatten(1).double().numpy() for batch in batches]
    return np.concatenate(found)


def _spanned(x: Values, y: Values) -> list[tuple[Values, Values]]:
    """Return means and covariances in the directions that the pictures span.

    The distance is the same there, and a general root of 2,048 x 2,048 takes half a minute.
    """
    both = np.vstack([x, y])
    basis = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)[2]
    basis = basis[: len(both) - 1]
    inside = [(side - both.mean(axis=0)) @ basis.T for side in (x, y)]
    return [(side.mean(axis=0), np.cov(side, rowvar=False)) for side in inside]


def _frechet(distance: Any, x: Values, y: Values) -> float:
    (m1, c1), (m2, c2) = _spanned(x, y)
    return float(distance(m1, c1, m2, c2))


@check("fid", "pytorch-fid", "InceptionV3 and calculate_frechet_distance", 1e-6, True)
def _fid(sets: Sets) -> Found:
    sr, real = sets.made(), sets.real(first=1)
    x, y = (_described(_pytorch_fid(), faces.batches(16)) for faces in (sr, real))
    distance = module("pytorch_fid.fid_score").calculate_frechet_distance
    return Found(number(Fid().score(sr, real)), _frechet(distance, x, y), len(sr))


@check("fid, resize=clean", "clean-fid", "build_resizer and frechet_distance", 1e-6, True)
def _clean(sets: Sets) -> Found:
    sr, real = sets.made(), sets.real(first=1)
    resize = module("cleanfid.resize").build_resizer("clean")
    net = _pytorch_fid(resize_input=False, normalize_input=False)

    def batches(faces: Faces) -> Any:
        for image in faces.images():
            yield torch.from_numpy((resize(image) - 128) / 128).permute(2, 0, 1)[None]

    x, y = (_described(net, batches(faces)) for faces in (sr, real))
    theirs = _frechet(module("cleanfid.fid").frechet_distance, x, y)
    return Found(number(Fid("clean").score(sr, real)), theirs, len(sr))


@check("fid, resize=legacy-tensorflow", "torch-fidelity", "its network and its FID", 1e-6, True)
def _tensorflow(sets: Sets) -> Found:
    sr, real = sets.made(), sets.real(first=1)
    kind = module("torch_fidelity.feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    path = str(assets.find("inception"))
    net = kind("x", ["2048"], feature_extractor_weights_path=path)
    x, y = (_described(net, faces.pixels().split(16)) for faces in (sr, real))
    stats = [dict(zip(("mu", "sigma"), side, strict=True)) for side in _spanned(x, y)]
    found = module("torch_fidelity.metric_fid").fid_statistics_to_metric(*stats, verbose=False)
    theirs = found["frechet_inception_distance"]
    return Found(number(Fid("legacy-tensorflow").score(sr, real)), theirs, len(sr))


def _kid(metric: Kid, **settings: int) -> None:
    @check(metric.column, "torch-fidelity", "kid_features_to_metric on equal features", 1e-9, True)
    def compare(sets: Sets) -> Found:
        sr, real = sets.made(), sets.real(first=1)
        sides = [torch.from_numpy(features(f, Inception())[:].astype(float)) for f in (sr, real)]
        size = min(settings.get("kid_subset_size", len(sr)), len(sr))
        found = module("torch_fidelity.metric_kid").kid_features_to_metric(
            *sides, **(settings | {"kid_subset_size": size}), verbose=False
        )
        theirs = 1000 * found["kernel_inception_distance_mean"]
        return Found(number(metric.score(sr, real)), theirs, len(sr))


_kid(Kid(), kid_subsets=1)
_kid(Kid(subsets=100, size=8), kid_subset_size=8)


@check("kd[onet]", "", "loop over all pairs of pictures", 1e-9, True)
def _kd(sets: Sets) -> Found:
    sr, real = sets.made(), sets.real(first=1)
    x, y = (features(f, extractor_named("onet"))[:].astype(float) for f in (sr, real))
    return Found(number(Kd().score(sr, real)), 1000 * oracle("kd").by_definition(x, y), len(sr))


@check("fd[onet]", "pytorch-fid", "calculate_frechet_distance on equal features", 1e-6, True)
def _fd(sets: Sets) -> Found:
    n = max(320, 8 * sets.n)  # more than the 256 features, so that covariances have full rank
    sr, real = sets.real(n=n), sets.real(n=n, first=1)
    x, y = (features(f, extractor_named("onet"))[:].astype(float) for f in (sr, real))
    sides = [part for z in (x, y) for part in (z.mean(axis=0), np.cov(z, rowvar=False))]
    theirs = module("pytorch_fid.fid_score").calculate_frechet_distance(*sides)
    return Found(number(Fd().score(sr, real)), theirs, n)


@check("precision, recall, density, coverage", "prdc", "compute_prdc on equal features", 1e-12)
def _prdc(sets: Sets) -> Found:
    sr, real = sets.made(), sets.real(first=1)
    x, y = (features(f, extractor_named("onet"))[:].astype(float) for f in (sr, real))
    theirs = module("prdc").compute_prdc
    parts = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}
    ours = [number(Prdc(part=part).score(sr, real)) for part in parts]  # type: ignore[arg-type]
    return Found(ours, [theirs(y, x, k)[part] for part, k in parts.items()], len(sr))


# realism of pictures


@check("niqe", "", "5.7296, the published value of baboon.png", 5e-3)
def _baboon(sets: Sets) -> Found:
    if sets.data is None:
        raise Unable("needs calibration/baboon.png")
    rgb = read_image(sets.data / "calibration" / "baboon.png").transpose(2, 0, 1)[None]
    return Found(niqe.niqe(niqe.studio(rgb), niqe.published()), [5.7296], 1)


def _textured(faces: Faces, n: int) -> Faces:
    """Take up to n faces without flat areas.

    There, pyiqa and piq take the rounding errors of a convolution for texture, which depend on the
    order of its sums; here they are nothing.
    """
    kept: list[int] = []
    for i, image in enumerate(faces.images()):
        y = _blocks.grey(image.transpose(2, 0, 1)[None])
        scales = y, niqe.studio(image.transpose(2, 0, 1)[None]), _blocks.halved(y)
        if all((_blocks.normalised(scale)[0] != 0).all() for scale in scales):
            kept.append(i)
        if len(kept) == n:
            break
    if not kept:
        raise Unable("every picture has flat areas")
    return plain(faces.take(kept))


def _untied(faces: Faces) -> NDArray[np.uint8]:
    """Return pixels, (n, 3, h, w), moving greys half-way between integers.

    There, torch rounds to even and MATLAB up.
    """
    rgb = faces.pixels().numpy().copy()
    rgb[:, 2][np.einsum("nchw,c->nhw", rgb.astype(int), [299, 587, 114]) % 1000 == 500] ^= 1
    return rgb


def _pyiqa(y: Values, model: niqe.Model, block: int = 96) -> Any:
    """Rate brightness, (n, h, w), by the other implementation."""
    many = len(y)
    return module("pyiqa.archs.niqe_arch").niqe(
        torch.from_numpy(y)[:, None],
        torch.from_numpy(model.mean)[None].repeat(many, 1),
        torch.from_numpy(model.covariance)[None].repeat(many, 1, 1),
        block_size_h=block,
        block_size_w=block,
    )


def _niqe(what: str, within: float, flat: bool) -> None:
    @check("niqe[grey]", "pyiqa", f"calculate_niqe on photographs {what}", within)
    def compare(sets: Sets) -> Found:
        model, photos = niqe.published(), sets.photos(20 if flat else 400)
        rgb = _untied(photos if flat else _textured(photos, 20))
        theirs = module("pyiqa.archs.niqe_arch").calculate_niqe(
            torch.from_numpy(rgb).double() / 255,
            mu_pris_param=torch.from_numpy(model.mean)[None],
            cov_pris_param=torch.from_numpy(model.covariance),
        )
        return Found(niqe.niqe(_blocks.grey(rgb), model), theirs, len(rgb))


# pyiqa searches shapes in single precision, so that now and then one is a step of the grid away
_niqe("without flat areas", 2e-3, flat=False)
_niqe("as they come, flat areas and all", 0.2, flat=True)


@check("niqe[fit]", "pyiqa", "niqe with the model that was fitted here, no flat areas", 1e-3)
def _niqe_fit(sets: Sets) -> Found:
    sr, real = _textured(sets.made(), sets.n), plain(sets.real(n=max(160, sets.n), first=1))
    score = niqe_fit.NiqeFit().score(sr, real)
    number(score)
    model = niqe_fit._fitted(real, 32).model
    return Found(score.samples, _pyiqa(niqe.studio(sr.pixels().numpy()), model, 32), len(sr))


@check("pi", "pyiqa", "equation 1 with its niqe and drawn scores of Ma, no flat areas", 1e-2)
def _pi(sets: Sets) -> Found:
    sr = _textured(sets.made(112), sets.n)
    ma = np.random.default_rng(0).uniform(3, 9, len(sr))
    lines = (f"{stem},{score!r}" for stem, score in zip(sr.stems, ma.tolist(), strict=True))
    (sr.root / pi.FILE).write_text("\n".join(lines), encoding="utf-8")
    rated = _pyiqa(pi.shaved(sr.pixels().numpy()), niqe.published()).numpy()
    return Found(samples(pi.Pi(), sr, None), 0.5 * (10 - ma + rated), len(sr))


@check("brisque", "piq", "brisque, random regression, no flat areas", 1e-5)
def _brisque(sets: Sets) -> Found:
    theirs, sr = module("piq.brisque"), _textured(sets.made(), sets.n)
    scaled = [theirs._scale_features(torch.full((1, 36), v).double())[0].numpy() for v in (0, 1)]
    low = (-1 - scaled[0]) / (scaled[1] - scaled[0])
    high = low + 2 / (scaled[1] - scaled[0])
    weights, vectors = oracle("brisque").random_regression()
    rgb = _untied(sr)
    ours = brisque.brisque(
        _blocks.grey(rgb), brisque.Model(low, high, vectors, weights, 0.05, -153.591)
    )
    with pytest.MonkeyPatch.context() as patch:
        regression = torch.from_numpy(weights), torch.from_numpy(vectors)
        patch.setattr(theirs, "load_url", lambda *_, **__: (regression[0], regression[1].clone()))
        rated = theirs.brisque(torch.from_numpy(rgb).double(), data_range=255, reduction="none")
    return Found(ours, rated, len(sr))
