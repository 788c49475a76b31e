from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols.features import _backbones
from facesr.protocols.metrics import dists as module
from facesr.protocols.metrics.dists import Dists, dists

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

LISTED = {asset.name: asset.sha256 for asset in assets.ASSETS}


pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture(scope="module")
def drawn(place: Callable[..., None]) -> Iterator[None]:
    """Random weights, one set for all tests."""
    random = torch.Generator().manual_seed(0)
    backbone = _backbones._vgg16("maximum").state_dict()
    for key, old in backbone.items():
        size = (2 / old[0].numel()) ** 0.5 if old.ndim == 4 else 0.1
        backbone[key] = torch.randn(old.shape, generator=random) * size
    weights = {key: torch.rand((1, 1475, 1, 1), generator=random) for key in ("alpha", "beta")}
    place(vgg16=backbone, dists=weights)
    yield
    _backbones._loaded.cache_clear()
    module._weights.cache_clear()


def pairs(draw: Draw, noise: Spoil, n: int = 3, size: int = 64) -> tuple[Tensor, Tensor]:
    y = draw(n, size=size)
    x = np.stack([noise(y[i : i + 1], 5 * 4**i)[0] for i in range(n)])
    first, second = (torch.from_numpy(z).permute(0, 3, 1, 2).float() / 255 for z in (x, y))
    return first, second


def measured(x: Tensor, y: Tensor) -> list[float]:
    network, device = _backbones.backbone("vgg16", "l2")
    with torch.inference_mode():
        return dists(x, y, network, *module._weights(assets.find("dists"), device)).tolist()


def torchvision_layers() -> torch.nn.Sequential:
    vgg: Any = pytest.importorskip("torchvision.models").vgg
    layers = vgg.make_layers(vgg.cfgs["D"], batch_norm=False)
    state = torch.load(assets.find("vgg16"), weights_only=True)
    layers.load_state_dict({key: state.get(f"features.{key}") for key in layers.state_dict()})
    return layers


def slow(x: Tensor, y: Tensor) -> list[float]:
    """Equations 5 to 7 on the layers of torchvision, channel by channel in double precision."""
    layers = torchvision_layers().double()
    window = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])).double() / 16
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
    weights = torch.load(assets.find("dists"), weights_only=True)
    alpha, beta = (weights[key].double().flatten() for key in ("alpha", "beta"))
    found = []
    for pair in zip(x.double(), y.double(), strict=True):
        seen: list[list[Tensor]] = [[], []]
        for z, kept in zip(pair, seen, strict=True):
            kept += list(z)
            image = (z - mean) / deviation
            for i, layer in enumerate(layers):
                if isinstance(layer, torch.nn.MaxPool2d):
                    squares = F.pad(image**2, (1, 1, 1, 1)).unfold(1, 3, 2).unfold(2, 3, 2)
                    image = ((squares * window).sum(dim=(3, 4)) + 1e-12).sqrt()
                else:
                    image = layer(image[None])[0]
                if i in (3, 8, 15, 22, 29):
                    kept += list(image)
        similar = 0.0
        for k, (a, b) in enumerate(zip(*seen, strict=True)):
            ma, mb = float(a.mean()), float(b.mean())
            va, vb = float(a.var(correction=0)), float(b.var(correction=0))
            cov = float(((a - ma) * (b - mb)).mean())
            similar += float(alpha[k]) * (2 * ma * mb + 1e-6) / (ma**2 + mb**2 + 1e-6)
            similar += float(beta[k]) * (2 * cov + 1e-6) / (va + vb + 1e-6)
        found.append(1 - similar / float(alpha.sum() + beta.sum()))
    return found


@pytest.mark.parametrize("size", [17, 64])
def test_dists_equals_the_formula_of_the_paper(draw: Draw, noise: Spoil, size: int) -> None:
    x, y = pairs(draw, noise, 2, size)
    with torch.inference_mode():
        expected = slow(x, y)
    assert measured(x, y) == pytest.approx(expected, abs=1e-6)


def test_dists_equals_piq(draw: Draw, noise: Spoil, monkeypatch: pytest.MonkeyPatch) -> None:
    perceptual: Any = pytest.importorskip("piq.perceptual")
    state = torch.load(assets.find("dists"), weights_only=True)
    whole = state["alpha"].sum() + state["beta"].sum()
    published = {key: value / whole for key, value in state.items()}
    backbone = SimpleNamespace(features=torchvision_layers())
    monkeypatch.setattr(perceptual, "vgg16", lambda **_: backbone)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: published)
    x, y = pairs(draw, noise)
    with torch.inference_mode():
        theirs = perceptual.DISTS(reduction="none")(x, y).tolist()
    assert measured(x, y) == pytest.approx(theirs, abs=1e-5)


def test_equal_sets_have_zero_and_more_noise_is_worse(
    draw: Draw, store: Store, noise: Spoil
) -> None:
    pixels = draw(2)
    hr = store(pixels, "hr")
    spoilt = [store(noise(pixels, sigma), f"{sigma}") for sigma in (3, 10, 30, 90)]
    values = [Dists().score(sr, hr).value for sr in (hr, *spoilt)]
    assert values[0] == 0
    assert values == sorted(values)  # type: ignore[type-var]
    assert len(set(values)) == 5


def test_batches_and_order_change_less_than_is_stated(
    draw: Draw, store: Store, noise: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = draw(4)
    sr, hr = store(noise(pixels, 25), "sr"), store(pixels, "hr")
    whole = Dists().score(sr, hr)
    order = [3, 0, 2, 1]
    monkeypatch.setattr(Dists, "at_once", 3 * 64 * 64)
    shuffled = Dists().score(sr.take(order), hr.take(order)).samples
    assert shuffled == pytest.approx([whole.samples[i] for i in order], abs=1e-5)
    first, second = (digest(assets.find(name))[:8] for name in ("vgg16", "dists"))
    marks = f"vgg16@{first},weights@{second},largest=256-pil-bilinear"
    assert whole.identity.startswith(f"dists[{marks},ref=hr@")


def test_large_faces_are_reduced_to_256_first(draw: Draw, store: Store, noise: Spoil) -> None:
    y = draw(1, size=300)
    x = noise(y, 25)

    def small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(pixels[0]).resize((256, 256), Image.Resampling.BILINEAR)
        return np.array(image)[None]

    large = Dists().score(store(x, "sr"), store(y, "hr")).value
    assert large == Dists().score(store(small(x), "small"), store(small(y), "small hr")).value


def test_what_cannot_be_measured_is_a_sentence(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small, faces = store(draw(1, size=16), "small"), store(draw(1), "sr")
    assert Dists().score(small, small).note == "defined from 17 pixels on, these faces have 16"
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = Dists().score(faces, faces)
    assert (score.value, score.ranked) == (None, False)
    assert "needs the asset 'vgg16': get vgg16-" in score.note
    assert "needs the asset 'dists': get " in score.note


def test_a_value_that_is_no_number_stays_none(draw: Draw, noise: Spoil) -> None:
    x, y = pairs(draw, noise, 2)
    x[1, 0, 30, 30] = torch.nan
    assert np.isnan(measured(x, y)).tolist() == [False, True]


def test_flat_pictures_have_a_finite_number(store: Store) -> None:
    black, white = np.zeros((1, 64, 64, 3), np.uint8), np.full((1, 64, 64, 3), 255, np.uint8)
    value = Dists().score(store(black, "sr"), store(white, "hr")).value
    assert value is not None
    assert 0 < value <= 1


@pytest.mark.parametrize(("name", "start"), [("vgg16", "397923af"), ("dists", "f5e65c96")])
def test_the_published_files_are_listed(name: str, start: str) -> None:
    assert LISTED.get(name, "").startswith(start)
