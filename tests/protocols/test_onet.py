from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols import _features
from facesr.protocols._features import features
from facesr.protocols.features import onet
from facesr.protocols.features.onet import Onet

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def images(n: int, size: int = 64) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_features_are_what_facenet_pytorch_gives_its_heads() -> None:
    from facenet_pytorch.models.mtcnn import ONet

    theirs, heard = ONet().eval(), []
    theirs.prelu5.register_forward_hook(lambda _m, _i, out: heard.append(out))
    batch = images(5, 48)
    with torch.no_grad():
        theirs((batch * 255 - 127.5) * 0.0078125)
        ours = Onet()(batch)
    assert ours.shape == (5, Onet.dim)
    assert torch.allclose(ours, heard[0], atol=1e-5)


def test_other_sizes_are_brought_to_48_with_antialiasing() -> None:
    batch = images(3)
    small = F.interpolate(batch, (48, 48), mode="bilinear", antialias=True)
    assert torch.equal(Onet()(batch), Onet()(small))


def test_a_feature_does_not_depend_on_neighbours_or_order() -> None:
    batch = images(9)
    whole = Onet()(batch)
    alone = torch.cat([Onet()(image[None]) for image in batch])
    assert torch.allclose(whole, alone, atol=1e-5)
    assert torch.allclose(Onet()(batch.flip(0)).flip(0), whole, atol=1e-5)


def test_features_of_a_set_do_not_depend_on_the_batch_size(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = draw(7)
    first = features(store(pixels, "one"), Onet())[:]
    monkeypatch.setattr(_features, "BATCH", 3)
    second = np.concatenate([*_features._computed(store(pixels, "two"), Onet())])
    assert first.dtype == np.float32
    assert np.abs(first - second).max() < 1e-5 * np.abs(first).max()


def test_features_that_are_not_finite_are_refused(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Onet, "__call__", lambda self, batch: torch.full((len(batch), 256), torch.nan)
    )
    with pytest.raises(BadData, match=r"onet features of 0000\.png are not finite"):
        features(store(draw(2, seed=99), "broken"), Onet())


def test_without_the_package_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onet, "find_spec", lambda name: None)
    assert "pip install facenet-pytorch" in Onet().missing()
    assert Onet().label == "onet@missing,resize=bilinear-antialiased-48"
