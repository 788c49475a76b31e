from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.errors import BenchError
from facesr.protocols.features import facenet
from facesr.protocols.features.facenet import VIEW, Facenet


@pytest.fixture(scope="module")
def published(place: Callable[..., None]) -> Iterator[Path]:
    """File of random weights."""
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    network = InceptionResnetV1(pretrained=None, classify=True, num_classes=7)
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    place(facenet=network.state_dict())
    yield assets.find("facenet")
    facenet._network.cache_clear()


def test_vectors_are_those_of_facenet_pytorch(published: Path) -> None:
    from facenet_pytorch import InceptionResnetV1, fixed_image_standardization

    theirs = InceptionResnetV1(pretrained=None, num_classes=7).eval()
    state = torch.load(published, weights_only=True)
    theirs.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits")})
    batch = torch.rand((2, 3, 1000, 1000), generator=torch.Generator().manual_seed(1))
    left, top, right, bottom = (round(1000 * edge) for edge in VIEW.box)
    shown = F.interpolate(
        batch[..., top:bottom, left:right], (160, 160), mode="bilinear", antialias=True
    )
    with torch.inference_mode():
        expected = theirs(fixed_image_standardization(255 * shown))
    found = Facenet()(batch)
    assert found.shape == (2, 512)
    assert found.norm(dim=1) == pytest.approx(torch.ones(2), abs=1e-6)
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_face_is_described_as_in_any_batch(published: Path) -> None:
    batch = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    assert Facenet()(batch)[2:] == pytest.approx(Facenet()(batch[2:]), abs=1e-6)


def test_another_file_is_refused(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(assets.asset("facenet"), sha256="0" * 64)
    monkeypatch.setattr(assets, "ASSETS", (other,))
    with pytest.raises(BenchError, match="expected 000000000000"):
        Facenet()(torch.zeros(1, 3, 64, 64))


def test_absent_weights_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    assert Facenet().missing().startswith("needs the asset 'facenet': get 20180402-114759-vggface2")
    assert Facenet().label.startswith(f"facenet@{Facenet().digest},box=0.115_0.005_0.868_1,")
