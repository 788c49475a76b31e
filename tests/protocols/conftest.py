"""Drawn heads and ways to spoil them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from facesr.bench import assets
from facesr.bench.faces import Faces, write_png
from facesr.bench.files import digest
from facesr.protocols.features import embedders, inception

Pixels = NDArray[np.uint8]
Draw = Callable[..., Pixels]
Store = Callable[..., Faces]
Place = Callable[..., None]
SHARED = Path(__file__).parents[2].parent / "shared"


def _texture(random: np.random.Generator, size: int) -> NDArray[np.float64]:
    away = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    away[0, 0] = np.inf
    noise = np.fft.ifft2(np.fft.fft2(random.normal(size=(size, size))) / away).real
    return noise / noise.std()


def _head(random: np.random.Generator, size: int) -> Pixels:
    y, x = np.mgrid[0:size, 0:size] / size
    turn = random.uniform(-0.06, 0.06)
    skin = random.uniform(90, 220) * np.array([1.0, 0.8, 0.68])
    image = np.ones((size, size, 3)) * random.uniform(20, 230, 3)

    def dot(cx: float, cy: float, rx: float, ry: float, colour: NDArray[np.float64]) -> None:
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        image[inside] = colour

    dot(0.5, 0.42, 0.4, 0.42, random.uniform(10, 120, 3))
    dot(0.5, 0.53, 0.32, 0.41, skin)
    for side in (-1, 1):
        cx = 0.5 + turn + 0.13 * side
        dot(cx, 0.36, 0.085, 0.018, skin * 0.35)
        dot(cx, 0.44, 0.065, 0.035, np.full(3, 235.0))
        dot(cx, 0.44, 0.03, 0.033, np.full(3, 25.0))
    dot(0.5 + turn * 1.4, 0.57, 0.035, 0.06, skin * 0.82)
    dot(0.5 + turn, 0.73, 0.12, random.uniform(0.02, 0.05), np.array([150.0, 50.0, 60.0]))
    image = gaussian_filter(image, (0.5, 0.5, 0)) + 7 * _texture(random, size)[..., None]
    return image.clip(0, 255).round().astype(np.uint8)


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw n different heads, (n, size, size, 3)."""

    def draw(n: int, size: int = 64, seed: int = 0) -> Pixels:
        random = np.random.default_rng(seed)
        return np.stack([_head(random, size) for _ in range(n)])

    return draw


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Write pixels to a folder of the test."""

    def store(pixels: Pixels, title: str, **labels: object) -> Faces:
        names = tuple(f"{i:04d}.png" for i in range(len(pixels)))
        for name, image in zip(names, pixels, strict=True):
            write_png(image, tmp_path / title / name)
        return Faces(tmp_path / title, names, pixels.shape[1], title, **labels)  # type: ignore[arg-type]

    return store


@pytest.fixture(scope="session")
def blur() -> Callable[[Pixels, float], Pixels]:
    def blur(pixels: Pixels, sigma: float) -> Pixels:
        return gaussian_filter(pixels, (0, sigma, sigma, 0))

    return blur


@pytest.fixture(scope="session")
def noise() -> Callable[[Pixels, float], Pixels]:
    def noise(pixels: Pixels, sigma: float) -> Pixels:
        added = pixels + np.random.default_rng(1).normal(0, sigma, pixels.shape)
        return added.clip(0, 255).round().astype(np.uint8)

    return noise


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real images and weights beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real images and weights is not on this machine")
    return SHARED


def random_inception() -> dict[str, torch.Tensor]:
    """Draw weights in the layout of the published file; activations keep their size."""
    random, state = torch.Generator().manual_seed(0), {}
    for name, old in inception._Network().state_dict().items():
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
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Write weights in the places and the layouts of the published ones."""
    folder = tmp_path_factory.mktemp("assets")

    def place(**states: Mapping[str, torch.Tensor]) -> None:
        written = []
        for name, state in states.items():
            path = folder / assets.asset(name).file
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(dict(state), path)
            written.append(replace(assets.asset(name), sha256=digest(path), size=0))
        others = (each for each in assets.ASSETS if each.name not in states)
        patch.setattr(assets, "ASSETS", (*others, *written))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_ASSETS", str(folder))
        yield place


@pytest.fixture(scope="module")
def weights(place: Place) -> Iterator[Path]:
    """File of random weights of Inception."""
    place(inception=random_inception())
    yield assets.find("inception")
    inception._network.cache_clear()


@pytest.fixture
def pytorch_fid(weights: Path, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """The network of pytorch-fid with the same weights."""
    from pytorch_fid import inception as theirs

    read = torch.load(weights, weights_only=True)
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: read)
    return theirs.InceptionV3().eval()


class Pooled:
    """An embedder that needs no weights: average colours of 8x8 fields, less their mean."""

    name, digest, dim, label, version = "pooled", "00000000", 192, "pooled@00000000", 1

    def missing(self) -> str:
        return ""

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        fields = torch.nn.functional.adaptive_avg_pool2d(batch.double(), 8).flatten(1)
        return (fields - fields.mean(dim=1, keepdim=True)).float()


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of an embedder that works everywhere."""
    monkeypatch.setitem(embedders.EMBEDDERS, "pooled", Pooled)
    return "pooled"


@pytest.fixture
def crowd(draw: Draw, store: Store) -> Callable[..., Faces]:
    """Store pictures of people: each a head, its pictures with noise and another brightness."""

    def crowd(people: int = 12, shots: int = 3, title: str = "crowd/hr", seed: int = 0) -> Faces:
        random = np.random.default_rng(seed)
        heads = draw(people, 32, seed).astype(float)
        heads = heads.mean(axis=0) + 0.3 * (heads - heads.mean(axis=0))
        heads = np.repeat(heads, shots, axis=0)
        light = random.uniform(0.8, 1.2, (len(heads), 1, 1, 1))
        pixels = light * heads + random.normal(0, 30, heads.shape)
        names = tuple(f"p{i // shots:02d}" for i in range(len(heads)))
        return store(pixels.clip(0, 255).astype(np.uint8), title, identities=names)

    return crowd
