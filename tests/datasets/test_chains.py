import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from facesr.datasets._blur import convolve, gaussian
from facesr.datasets._degrade import CHAINS, as_bytes, as_float, degrade, generator, imresize
from facesr.datasets._noise import jpeg


def picture(key: object = 0, size: int = 64) -> np.ndarray:
    rng = generator(3, "picture", key)
    smooth = convolve(rng.random((size, size, 3)), gaussian(1.5 * size / 64))
    return as_bytes((smooth - 0.5) * 3 + 0.5)


def psnr(x: np.ndarray, y: np.ndarray) -> float:
    return float(-10 * np.log10(((as_float(x) - as_float(y)) ** 2).mean()))


def test_plain_chains_are_those_of_matlab_and_area_is_the_mean_of_blocks() -> None:
    image = picture()
    for chain in ("bicubic", "bilinear", "nearest"):
        assert np.array_equal(
            degrade(image, chain, generator(0), 16)[0], imresize(image, 16, chain)
        )
        floats = degrade(as_float(image), chain, generator(0), 16)[0]
        assert np.array_equal(floats, as_bytes(imresize(as_float(image), 16, chain)))
    blocks = image.reshape(16, 4, 16, 4, 3).astype(int).sum((1, 3))
    assert np.array_equal(degrade(image, "area", generator(0), 16)[0], (blocks + 8) // 16)


def test_lrgan_degrades_as_the_method_of_that_name_does() -> None:
    from facesr.methods._train.blur import random_blur

    images = np.stack([as_float(picture(i)) for i in range(40)])
    sizes = torch.randint(2, 7, (40,), generator=torch.Generator().manual_seed(0)).tolist()
    assert set(sizes) == {2, 3, 4, 5, 6}
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    blurred = random_blur(batch, torch.Generator().manual_seed(0))
    theirs = interpolate(blurred, scale_factor=1 / 4, mode="bilinear", antialias=True)
    for image, size, expected in zip(images, sizes, theirs.permute(0, 2, 3, 1), strict=True):
        ours = CHAINS["lrgan"].apply(image, {"blur_size": size}, 16)
        assert np.abs(ours - expected.numpy() * 255).max() <= 0.5 + 1e-6


def spread(values: list[float], low: float, high: float) -> None:
    """Check that values cover a range evenly and never leave it."""
    edge = (high - low) * 12 / len(values)
    assert low <= min(values) < low + edge
    assert high - edge < max(values) <= high + 1e-4
    error = (high - low) / (12 * len(values)) ** 0.5
    assert np.mean(values) == pytest.approx((low + high) / 2, abs=4.5 * error)


def shared(values: list[Any], expected: dict[Any, float]) -> None:
    """Check how often each value was drawn."""
    counts = Counter(values)
    assert set(counts) == set(expected)
    for value, p in expected.items():
        share = counts[value] / len(values)
        assert share == pytest.approx(p, abs=4.5 * (p * (1 - p) / len(values)) ** 0.5)


def draws(chain: str, n: int = 2000) -> list[dict[str, Any]]:
    return [CHAINS[chain].draw(generator(0, i)) for i in range(n)]


def test_scgan_draws_from_the_ranges_of_its_paper() -> None:
    drawn = draws("scgan")
    spread([p["sigma"] for p in drawn], 0.5, 8)
    spread([p["noise"] for p in drawn], 1, 25)
    spread([p["quality"] for p in drawn], 30, 95)
    shared([p["kernel"] for p in drawn], {"bilinear": 0.5, "bicubic": 0.5})
    assert len({p["noise_seed"] for p in drawn}) == len(drawn)


def test_lrgan_draws_from_the_range_of_its_paper() -> None:
    shared([p["blur_size"] for p in draws("lrgan")], dict.fromkeys(range(2, 7), 0.2))


def test_realesrgan_resizes_adds_noise_and_compresses_as_it_was_trained() -> None:
    drawn = draws("realesrgan", 3000)
    stages = {
        "first": ((0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3)),
        "second": ((0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5)),
    }
    for name, (directions, (low, high), sigma, scale) in stages.items():
        stage = [p[name] for p in drawn]
        factors = [p["factor"] for p in stage]
        expected = dict(zip((1, -1, 0), directions, strict=True))
        shared([int(np.sign(f - 1)) for f in factors], expected)
        spread([f for f in factors if f > 1], 1, high)
        spread([f for f in factors if f < 1], low, 1)
        shared([p["noise"] for p in stage], {"gaussian": 0.5, "poisson": 0.5})
        spread([p["amount"] for p in stage if p["noise"] == "gaussian"], *sigma)
        spread([p["amount"] for p in stage if p["noise"] == "poisson"], *scale)
        shared([p["grey"] for p in stage], {True: 0.4, False: 0.6})
        spread([p["quality"] for p in stage], 30, 95)
        shared([p["mode"] for p in stage], dict.fromkeys(("area", "bilinear", "bicubic"), 1 / 3))
    shared([p["final"]["jpeg_last"] for p in drawn], {True: 0.5, False: 0.5})
    modes = [p["final"]["mode"] for p in drawn]
    shared(modes, dict.fromkeys(("area", "bilinear", "bicubic"), 1 / 3))


def test_realesrgan_blurs_as_it_was_trained() -> None:
    drawn = draws("realesrgan", 4000)
    shared([p["second"]["blur"] is None for p in drawn], {True: 0.2, False: 0.8})
    shared([p["final"]["sinc"] is None for p in drawn], {True: 0.2, False: 0.8})
    for name, sigma in (("first", 3.0), ("second", 1.5)):
        kernels = [p[name]["blur"] for p in drawn if p[name]["blur"]]
        shared([k["size"] for k in kernels], dict.fromkeys(range(7, 22, 2), 1 / 8))
        sincs = [k for k in kernels if k["shape"] == "sinc"]
        shared([k["shape"] == "sinc" for k in kernels], {True: 0.1, False: 0.9})
        spread([k["cutoff"] for k in sincs if k["size"] < 13], math.pi / 3, math.pi)
        spread([k["cutoff"] for k in sincs if k["size"] >= 13], math.pi / 5, math.pi)
        bells = [k for k in kernels if k["shape"] != "sinc"]
        shared(
            [(k["shape"], k["sigma"][0] != k["sigma"][1]) for k in bells],
            {
                ("gaussian", False): 0.45,
                ("gaussian", True): 0.25,
                ("generalized", False): 0.12,
                ("generalized", True): 0.03,
                ("plateau", False): 0.12,
                ("plateau", True): 0.03,
            },
        )
        spread([k["sigma"][0] for k in bells], 0.2, sigma)
        spread([k["angle"] for k in bells if k["angle"]], -math.pi, math.pi)
        betas = [k["beta"] for k in bells if k["shape"] == "generalized"]
        shared([beta < 1 for beta in betas], {True: 0.5, False: 0.5})
        spread([beta for beta in betas if beta < 1], 0.5, 1)
        spread([beta for beta in betas if beta > 1], 1, 4)
        flat = [k["beta"] for k in bells if k["shape"] == "plateau"]
        shared([beta == 1 for beta in flat], {True: 0.5, False: 0.5})
        spread([beta for beta in flat if beta > 1], 1, 2)
    ends = [p["final"]["sinc"] for p in drawn if p["final"]["sinc"]]
    spread([k["cutoff"] for k in ends], math.pi / 3, math.pi)


def test_the_order_of_the_end_of_realesrgan_decides_whether_jpeg_shows() -> None:
    params = CHAINS["realesrgan"].draw(generator(0, 1))
    params["second"] |= {"quality": 30, "amount": 0.05, "noise": "poisson"}
    params["final"]["sinc"] = None
    gaps = {}
    for last in (True, False):
        params["final"]["jpeg_last"] = last
        low = as_float(CHAINS["realesrgan"].apply(picture(), params, 16))
        gaps[last] = np.abs(jpeg(low, 30, 2) - low).mean()
    assert gaps[True] < gaps[False] / 3  # what was compressed last changes little when it is again


STRENGTHS = [
    ("scgan", ("sigma",), (0.5, 1.5, 3.0, 5.0, 8.0)),
    ("scgan", ("noise",), (1, 7, 13, 19, 25)),
    ("scgan", ("quality",), (95, 75, 50, 30)),
    ("lrgan", ("blur_size",), (2, 4, 6)),
    ("lrgan", ("blur_size",), (3, 5)),
    ("realesrgan", ("first", "amount"), (1, 15, 30)),
    ("realesrgan", ("second", "amount"), (1, 12, 25)),
    ("realesrgan", ("second", "quality"), (95, 60, 30)),
    ("wild", ("blur_size",), (0.2, 0.4, 0.75)),
    ("wild", ("read",), (0.002, 0.008, 0.016)),
    ("wild", ("quality",), (95, 70, 50)),
]


@pytest.mark.parametrize(("chain", "path", "values"), STRENGTHS)
def test_stronger_parameters_degrade_more(
    chain: str, path: tuple[str, ...], values: tuple[float, ...]
) -> None:
    mild: dict[str, Any] = {
        "scgan": {"sigma": 0.5, "kernel": "bicubic", "noise": 1, "noise_seed": 1, "quality": 95},
        "lrgan": {},
        "realesrgan": mild_realesrgan(),
        "wild": CHAINS["wild"].draw(generator(0)) | mild_wild(),
    }[chain]
    *above, last = path
    changed = mild
    for name in above:
        changed = changed[name]
    quality = []
    for value in values:
        changed[last] = value
        pairs = [(CHAINS[chain].apply(picture(i), mild, 16), picture(i)) for i in range(8)]
        quality.append(np.mean([psnr(low, imresize(sharp, 16)) for low, sharp in pairs]))
    assert all(a > b for a, b in pairwise(quality)), quality


def mild_realesrgan() -> dict[str, Any]:
    stage = {
        "blur": None,
        "factor": 1.0,
        "mode": "area",
        "noise": "gaussian",
        "amount": 1.0,
        "grey": False,
        "noise_seed": 1,
        "quality": 95,
    }
    final = {"jpeg_last": True, "mode": "area", "sinc": None}
    return {"first": dict(stage), "second": dict(stage), "final": final}


def mild_wild() -> dict[str, Any]:
    return {
        "blur": "gaussian",
        "blur_size": 0.2,
        "gains": [1, 1, 1],
        "brightness": 1,
        "contrast": 1,
        "saturation": 1,
        "kernel": "bicubic",
        "read": 0.002,
        "shot": 0.0,
        "quality": 95,
        "compressed_at": 1,
    }


def test_the_wild_chain_draws_every_blur_and_stays_near_the_picture() -> None:
    seen, errors = set(), []
    for i in range(60):
        low, params = degrade(picture(), "wild", generator(0, i), 16)
        seen.add(params["blur"])
        errors.append(np.abs(as_float(low) - as_float(imresize(picture(), 16))).mean())
    assert seen == {"gaussian", "defocus", "motion", "none"}
    assert 0.02 < np.mean(errors) < 0.2
