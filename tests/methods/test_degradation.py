import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.bench.files import write_json
from facesr.bench.plan import settings_of
from facesr.bench.score import Score
from facesr.methods._nets.cr import Regulariser
from facesr.methods.cr import CR
from facesr.methods.lrgan import LRGAN

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.methods.degradation import (  # pyright: ignore[reportMissingImports]
        comparisons,
        degraded,
        distances,
        learned,
        lines,
    )
else:
    sys.path.insert(0, str(Path(__file__).parent))
    from degradation import comparisons, degraded, distances, learned, lines


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
    method, data = learned(training), make_split(lr=6, hr=8)
    hr = data.hr.pixels().float() / 255
    made = degraded(method, hr)
    assert {images.shape for images in made.values()} == {torch.Size([8, 3, 16, 16])}
    assert torch.equal(
        made["bicubic"], interpolate(hr, size=(16, 16), mode="bicubic", antialias=True).clamp(0, 1)
    )
    assert not torch.allclose(made["learned"], made["bicubic"], atol=0.01)
    found = distances(made, data.lr, tmp_path, "onet")
    assert set(found) == {"learned", "bicubic", "bilinear"}
    assert all(score.n == 8 for score in found.values())


def test_what_cr_regulates_is_measured_beside_what_it_was_given(
    make_split: Callable[..., Split], tmp_path: Path
) -> None:
    training = tmp_path / "cr[variant=full]" / "train-01234567"
    training.mkdir(parents=True)
    method = CR(width=0.0625)
    regulariser = method.cascade.regulariser
    assert isinstance(regulariser, Regulariser)
    torch.nn.init.constant_(regulariser.state_dict()["last.bias"], 0.5)
    save_file(method.net.state_dict(), training / "weights.safetensors")
    write_json(training / "train.json", {"key": {"settings": settings_of(method)}})
    data = make_split(lr=6, hr=8)
    found = list(comparisons(learned(training), data, data, tmp_path))
    assert [title for title, _, _ in found] == ["8 artificial faces"] * 2
    faces, artificial = found[0][1], found[0][2]
    assert list(faces) == ["regulated train", "genuine train"]
    assert torch.equal(faces["genuine train"], data.lr.pixels().float() / 255)
    moved = faces["regulated train"] - faces["genuine train"]
    assert torch.allclose(moved[faces["genuine train"] < 0.7], torch.tensor(0.25), atol=1e-5)
    assert artificial.size == 16


def test_the_first_set_is_tested_against_the_others_on_the_same_faces() -> None:
    def score(value: float | None, *samples: float) -> Score:
        end = None if value is None else 1.0
        return Score(
            "kd[onet]", value, "lower", 9, "", end, end, sampling="jackknife", samples=samples
        )

    near, far = score(0.5, 0.4, 0.5, 0.6), score(2.0, 1.8, 2.0, 2.1)
    regulated, genuine = lines("8 faces", {"regulated": near, "genuine": far})
    assert regulated == "regulated       to 8 faces: kd[onet] x1000 0.50 [1.00, 1.00]"
    # Gaps of -1.4, -1.5 and -1.5, so an error of 1/15; p is 1 - t / sqrt(t^2 + 2) for t = 22.5.
    assert genuine == "genuine         to 8 faces: kd[onet] x1000 2.00 [1.00, 1.00], p = 0.002"
    missing = Score("kd[onet]", None, "lower", 1, "", note="too few faces")
    assert "not measured: too few faces" in next(lines("8 faces", {"regulated": missing}))


def test_a_folder_without_either_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds no training that learned to degrade"):
        learned(tmp_path)
