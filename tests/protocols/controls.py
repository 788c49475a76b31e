"""Every metric with what is known of it, for tests that hold for all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.errors import BadData
from facesr.bench.files import digest
from facesr.bench.score import Score
from facesr.datasets._render import render
from facesr.protocols.features import _backbones, inception
from facesr.protocols.metrics import _blocks, brisque, dists, lpips, niqe
from facesr.protocols.metrics._blocks import FEATURES

Pixels = NDArray[np.uint8]
N = 8


@dataclass(frozen=True)
class Case:
    """A metric and what is known of it.

    Args:
        best: Value of a set against itself; None where there is none, because nothing is compared
            or the model depends on the faces.
        size: Of the faces.
        within: How much the order of pictures and batches may change, as a share of the value.
        noise: Deviations of noise, each no better than the one before.
        reference: How many other faces it is compared with, where those are asked for.
        settings: Of the metric.
        loose: How far from `best` a set may be, where it is unbiased and may lie beyond.
    """

    best: float | None = None
    size: int = 64
    within: float = 1e-9
    noise: tuple[float, ...] = (0, 30, 90)
    loose: float = 1e-9
    reference: int = 8
    settings: tuple[tuple[str, Any], ...] = ()


SINGLE = 1e-4  # features are single precision, and distances are differences of sums
WILD = (0.0, 200.0, 2000.0)  # the embedder averages less away
POOLED = (("embedder", "pooled"),)
CASES: dict[str, list[Case]] = {
    "brisque": [Case()],
    "cosine": [Case(1, settings=POOLED)],
    "detection": [Case(settings=(("detector", name),)) for name in ("hog", "mtcnn")],
    "dists": [Case(0, within=1e-4)],
    "fd": [Case(0, within=SINGLE, loose=1e-4)],
    "fid": [Case(0, within=SINGLE, loose=1e-4)],
    "identification": [Case(noise=WILD, settings=POOLED)],
    "kd": [Case(0, within=SINGLE, loose=np.inf)],
    "kid": [Case(0, within=SINGLE, loose=np.inf)],
    "landmarks": [Case(0, settings=(("detector", "mtcnn"),))],
    "lpips": [Case(0, within=1e-5, settings=(("network", n),)) for n in ("alex", "squeeze")],
    "ms_ssim": [Case(1, settings=(("scales", 3),))],
    "niqe": [Case(size=96)],
    "niqe_fit": [Case(reference=48, settings=(("block", 16),))],
    "pi": [Case(size=104)],
    "prdc": [
        Case(1, settings=(("part", part),))
        for part in ("precision", "recall", "density", "coverage")
    ],
    "psnr": [
        Case(100, settings=(("convention", way),)) for way in ("facesr", "dic", "basicsr", "matlab")
    ],
    "sharpness": [Case(0)],
    "shift": [Case(0, loose=1e-3, noise=(0, 40, 300))],
    "ssim": [
        Case(1, settings=(("convention", way),)) for way in ("facesr", "dic", "basicsr", "matlab")
    ],
    "verification": [
        Case(100, noise=WILD, settings=(*POOLED, ("definition", "scgan"))),
        Case(noise=WILD, settings=POOLED),
    ],
}


@cache
def heads(size: int = 64, n: int = N, first: int = 0) -> Pixels:
    """Render pictures, two of each person."""
    return np.stack([render(0, (first + i) // 2, i % 2, size).pixels for i in range(n)])


def noisy(pixels: Pixels, deviation: float) -> Pixels:
    noise = np.random.default_rng(1).normal(0, deviation, pixels.shape)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


@contextmanager
def weights(root: Path) -> Iterator[None]:
    """Give every metric its weights: random networks, models of rendered heads."""
    ours: dict[str, Asset] = {}

    def keep(name: str, write: Callable[[Path], object]) -> None:
        path = root / f"{name}{'.npz' if name == 'niqe' else ''}"
        write(path)
        ours[name] = Asset(name, path.name, digest(path), "", f"https://{name}", name)

    random = torch.Generator().manual_seed(0)

    def drawn(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Draw weights under which activations keep their size."""
        for key, old in state.items():
            if key.endswith(("running_var", "bn.weight")):
                state[key] = torch.rand(old.shape, generator=random) + 0.5
            elif old.dtype == torch.float32:
                size = (2 / old[0].numel()) ** 0.5 if old.ndim == 4 else 0.1
                state[key] = torch.randn(old.shape, generator=random) * size
        return state

    def positive(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=random)

    channels = {"alex": (64, 192, 384, 256, 256), "squeeze": (64, 128, 256, 384, 384, 512, 512)}
    networks = {"alex": "alexnet", "squeeze": "squeezenet1_1"}
    for net, sizes in channels.items():
        linear = {f"lin{i}.model.1.weight": positive(1, c, 1, 1) for i, c in enumerate(sizes)}
        keep(f"lpips_{net}", partial(torch.save, linear))
    for name in (*networks.values(), "vgg16"):
        network = _backbones._BUILD[name]("maximum").state_dict()  # type: ignore[index]
        keep(name, partial(torch.save, drawn(network)))
    textures = {key: positive(1, 1475, 1, 1) for key in ("alpha", "beta")}
    keep("dists", lambda path: torch.save(textures, path))
    keep("inception", lambda path: torch.save(drawn(inception._Network().state_dict()), path))
    pristine = heads(96, 80, 200).transpose(0, 3, 1, 2)
    blocks = _blocks.block_features(niqe.studio(pristine), 96)[0][:, 0]
    model = {"mu_pris_param": blocks.mean(axis=0), "cov_pris_param": np.cov(blocks, rowvar=False)}
    keep("niqe", lambda path: np.savez(path, **model))
    seen = brisque.statistics(_blocks.grey(pristine))
    keep("brisque", lambda path: path.write_text(REGRESSION))
    middle, wide = seen.mean(axis=0), 6 * seen.std(axis=0) + 1e-6
    ranges = zip((middle - wide).tolist(), (middle + wide).tolist(), strict=True)
    lines = [f"{i} {low!r} {high!r}" for i, (low, high) in enumerate(ranges, 1)]
    keep("brisque_range", lambda path: path.write_text("\n".join(["x", "-1 1", *lines])))
    others = [asset for asset in assets.ASSETS if asset.name not in ours]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(root))
        patch.setattr(assets, "ASSETS", (*others, *ours.values()))
        yield
    for kept in (
        _backbones._loaded,
        inception._network,
        lpips._linear,
        dists._weights,
        brisque._read,
    ):
        kept.cache_clear()


# the further from the middle of its ranges, the worse
VECTOR = " ".join(f"{i}:0" for i in range(1, FEATURES + 1))
REGRESSION = f"""svm_type epsilon_svr
kernel_type rbf
gamma 0.01
total_sv 1
rho -100
SV
-100 {VECTOR}
"""


def number(score: Score) -> float:
    assert score.value is not None, score.note
    assert isfinite(score.value)
    return score.value


def sentence(text: str) -> bool:
    """Tell words for a user from what falls out of a program."""
    return len(text.split()) > 3 and not any(
        mark in text for mark in ("Error", "Traceback", "nan", "inf ", "<", "None")
    )


def sound(measure: Callable[[], Score]) -> float | None:
    """Return a number that can be one, or None where there is a sentence instead."""
    try:
        score = measure()
    except BadData as error:
        if not sentence(str(error)):
            raise
        return None
    if score.value is None:
        assert sentence(score.note), score
        assert not score.ranked
        assert (score.low, score.high, score.samples) == (None, None, ())
        return None
    assert all(map(isfinite, (score.value, *score.samples)))
    if score.low is not None and score.high is not None:
        assert isfinite(score.low)
        assert isfinite(score.high)
        assert score.low - 1e-9 <= score.value <= score.high + 1e-9
    else:
        assert sentence(score.note), score
    return score.value
