import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn.functional import interpolate

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.bench.files import write_json
from facesr.bench.plan import settings_of
from facesr.methods.lrgan import LRGAN

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.methods.degradation import (  # pyright: ignore[reportMissingImports]
        degrader,
        distances,
        ways,
    )
else:
    sys.path.insert(0, str(Path(__file__).parent))
    from degradation import degrader, distances, ways


@pytest.fixture
def training(
    trained: Callable[..., LRGAN], make_split: Callable[..., Split], tmp_path: Path
) -> Path:
    """What a run leaves of a tiny training."""
    out = tmp_path / "runs" / "lrgan" / "train-01234567"
    method = trained(make_split(), out)
    write_json(out / "train.json", {"key": {"settings": settings_of(method)}})
    return out


def test_the_degrader_of_a_training_is_measured_beside_interpolation(
    training: Path, make_split: Callable[..., Split], tmp_path: Path
) -> None:
    method, data = degrader(training), make_split(lr=6, hr=8)
    hr = data.hr.pixels().float() / 255
    made = ways(method, hr)
    assert {images.shape for images in made.values()} == {torch.Size([8, 3, 16, 16])}
    assert torch.equal(
        made["bicubic"], interpolate(hr, size=(16, 16), mode="bicubic", antialias=True).clamp(0, 1)
    )
    assert not torch.allclose(made["learned"], made["bicubic"], atol=0.01)
    found = distances(method, data.hr, data.lr, tmp_path / "degraded")
    assert set(found) == {"learned", "bicubic", "bilinear"}
    assert all(score.n == 8 for score in found.values())


def test_a_folder_without_a_degrader_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds no training that learned to degrade"):
        degrader(tmp_path)
