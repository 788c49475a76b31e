from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols.features import _backbones
from facesr.protocols.metrics import lpips as module
from facesr.protocols.metrics.lpips import Lpips, Network, lpips

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

LISTED = {asset.name: asset.sha256 for asset in assets.ASSETS}
NETS: tuple[Network, ...] = ("alex", "vgg", "squeeze")
CHANNELS: dict[Network, tuple[int, ...]] = {
    "alex": (64, 192, 384, 256, 256),
    "vgg": (64, 128, 256, 512, 512),
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
}


def random_backbone(net: Network) -> dict[str, Tensor]:
    """Weights in the layout of torchvision; activations keep their size."""
    random = torch.Generator().manual_seed(0)
    state = _backbones._BUILD[module._BACKBONES[net]]("maximum").state_dict()
    for key, old in state.items():
        size = (2 / old[0].numel()) ** 0.5 if old.ndim == 4 else 0.1
        state[key] = torch.randn(old.shape, generator=random) * size
    return state | {"classifier.6.weight": torch.zeros(2, 2)}


pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture(scope="module")
def drawn(place: Callable[..., None]) -> Iterator[None]:
    """Random weights, one set for all tests."""
    random = torch.Generator().manual_seed(1)
    states: dict[str, dict[str, Tensor]] = {}
    for net in NETS:
        states[module._BACKBONES[net]] = random_backbone(net)
        linear = (torch.rand((1, c, 1, 1), generator=random) for c in CHANNELS[net])
        states[f"lpips_{net}"] = {f"lin{i}.model.1.weight": w for i, w in enumerate(linear)}
    place(**states)
    yield
    _backbones._loaded.cache_clear()
    module._linear.cache_clear()


def pairs(draw: Draw, noise: Spoil, n: int = 4, size: int = 64) -> tuple[Tensor, Tensor]:
    y = draw(n, size=size)
    x = np.stack([noise(y[i : i + 1], 5 * 3**i)[0] for i in range(n)])
    first, second = (torch.from_numpy(z).permute(0, 3, 1, 2).float() / 255 for z in (x, y))
    return first, second


def loaded(net: Network) -> tuple[_backbones.Backbone, list[Tensor]]:
    network, device = _backbones.backbone(module._BACKBONES[net])
    return network, module._linear(assets.find(f"lpips_{net}"), device)


def slow(x: Tensor, y: Tensor, net: Network) -> list[float]:
    """Equation 1 on the layers of torchvision, picture by picture in double precision."""
    models: Any = pytest.importorskip("torchvision.models")
    state = torch.load(assets.find(module._BACKBONES[net]), weights_only=True)
    linear = torch.load(assets.find(f"lpips_{net}"), weights_only=True)
    if net == "vgg":
        seen: tuple[int, ...] = (3, 8, 15, 22, 29)
        layers = models.vgg.make_layers(models.vgg.cfgs["D"], batch_norm=False)
    else:
        layers = getattr(models, module._BACKBONES[net])(weights=None).features
        seen = (1, 4, 7, 9, 11) if net == "alex" else (1, 4, 7, 9, 10, 11, 12)
    wanted = {key: state[f"features.{key}"] for key in layers.state_dict()}
    layers.load_state_dict(wanted)
    layers.double()
    mean = torch.tensor([-0.030, -0.088, -0.188], dtype=torch.float64).view(3, 1, 1)
    deviation = torch.tensor([0.458, 0.448, 0.450], dtype=torch.float64).view(3, 1, 1)
    found = []
    for pair in zip(x.double(), y.double(), strict=True):
        units: list[list[Tensor]] = [[], []]
        for z, kept in zip(pair, units, strict=True):
            image = ((z * 2 - 1) - mean) / deviation
            for i, layer in enumerate(layers):
                image = layer(image[None])[0]
                if i in seen:
                    kept.append(image / (image.norm(dim=0) + 1e-10))
        total = 0.0
        for k, (a, b) in enumerate(zip(*units, strict=True)):
            weight = linear[f"lin{k}.model.1.weight"].double().view(-1, 1, 1)
            total += float((weight * (a - b) ** 2).sum(dim=0).mean())
        found.append(total)
    return found


@pytest.mark.parametrize("net", NETS)
def test_lpips_equals_the_formula_of_the_paper(draw: Draw, noise: Spoil, net: Network) -> None:
    x, y = pairs(draw, noise)
    with torch.inference_mode():
        expected = slow(x, y, net)
        network, weights = loaded(net)
        assert lpips(x, y, network, weights).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_lpips_equals_the_authors_package(
    draw: Draw, noise: Spoil, net: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    package: Any = pytest.importorskip("lpips")
    theirs = package.LPIPS(net=net, version="0.1", pnet_rand=True, verbose=False)
    state = torch.load(assets.find(module._BACKBONES[net]), weights_only=True)
    theirs.net.load_state_dict(
        {key: state[f"features.{key.split('.', 1)[1]}"] for key in theirs.net.state_dict()}
    )
    published = Path(package.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    weights = module._linear(published, torch.device("cpu"))
    x, y = pairs(draw, noise)
    with torch.inference_mode():
        expected = theirs(x * 2 - 1, y * 2 - 1).flatten().tolist()
        assert lpips(x, y, loaded(net)[0], weights).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("net", NETS)
def test_equal_sets_have_zero_and_more_noise_is_worse(
    draw: Draw, store: Store, noise: Spoil, net: Network
) -> None:
    pixels = draw(3)
    hr = store(pixels, "hr")
    spoilt = [store(noise(pixels, sigma), f"{sigma}") for sigma in (3, 10, 30, 90)]
    values = [Lpips(net).score(sr, hr).value for sr in (hr, *spoilt)]
    assert values[0] == 0
    assert values == sorted(values)  # type: ignore[type-var]
    assert len(set(values)) == 5


def test_batches_and_order_change_less_than_is_stated(
    draw: Draw, store: Store, noise: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = draw(5)
    sr, hr = store(noise(pixels, 25), "sr"), store(pixels, "hr")
    whole = Lpips().score(sr, hr).samples
    order = [3, 0, 4, 2, 1]
    monkeypatch.setattr(Lpips, "at_once", 2 * 64 * 64)
    shuffled = Lpips().score(sr.take(order), hr.take(order)).samples
    assert shuffled == pytest.approx([whole[i] for i in order], rel=1e-5)


def test_the_identity_holds_both_digests_and_the_net(draw: Draw, store: Store) -> None:
    faces = store(draw(1), "sr")
    for net in NETS:
        score = Lpips(net).score(faces, faces)
        name = module._BACKBONES[net]
        first, second = (digest(assets.find(n))[:8] for n in (name, f"lpips_{net}"))
        assert score.metric == f"lpips[{net}]"
        assert score.identity.startswith(f"lpips[{net},{name}@{first},linear-0.1@{second},ref=sr@")


def test_without_weights_the_place_is_empty_and_says_what_is_missing(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    faces = store(draw(1), "sr")
    score = Lpips().score(faces, faces)
    assert (score.value, score.ranked) == (None, False)
    assert "needs the asset 'alexnet': get alexnet-owt" in score.note
    assert "needs the asset 'lpips_alex': get " in score.note


def test_other_weights_are_refused(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tuple(replace(a, sha256="0" * 8) for a in assets.ASSETS)
    monkeypatch.setattr(assets, "ASSETS", wrong)
    faces = store(draw(1), "sr")
    with pytest.raises(BenchError, match="expected 00000000"):
        Lpips().score(faces, faces)


@pytest.mark.parametrize("net", NETS)
def test_faces_below_the_smallest_size_are_a_sentence(
    draw: Draw, store: Store, net: Network
) -> None:
    least = _backbones.LEAST[module._BACKBONES[net]]
    small, enough = store(draw(1, size=least - 1), "small"), store(draw(1, size=least), "enough")
    assert Lpips(net).score(enough, enough).value == 0
    score = Lpips(net).score(small, small)
    assert score.note == f"defined from {least} pixels on, these faces have {least - 1}"
    with pytest.raises(RuntimeError), torch.inference_mode():
        loaded(net)[0](torch.zeros(1, 3, least - 1, least - 1))


def test_flat_pictures_have_a_finite_number(store: Store) -> None:
    black, white = np.zeros((1, 64, 64, 3), np.uint8), np.full((1, 64, 64, 3), 255, np.uint8)
    value = Lpips().score(store(black, "sr"), store(white, "hr")).value
    assert value is not None
    assert value > 0


def test_a_value_that_is_no_number_stays_none(draw: Draw, noise: Spoil) -> None:
    x, y = pairs(draw, noise, 2)
    x[1, 0, 30, 30] = torch.nan
    with torch.inference_mode():
        network, weights = loaded("alex")
        assert lpips(x, y, network, weights).isnan().tolist() == [False, True]


def test_other_nets_are_refused() -> None:
    with pytest.raises(BadName, match="no network named 'resnet'; known: alex, vgg, squeeze"):
        Lpips("resnet")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("alexnet", "7be5be79"),
        ("vgg16", "397923af"),
        ("squeezenet1_1", "b8a52dc0"),
        ("lpips_alex", "df73285e"),
        ("lpips_vgg", "a78928a0"),
        ("lpips_squeeze", "4a5350f2"),
    ],
)
def test_the_published_files_are_listed(name: str, start: str) -> None:
    assert LISTED.get(name, "").startswith(start)
