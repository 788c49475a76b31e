import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from facesr.bench.contract import Split
from facesr.bench.faces import folder, write_images
from facesr.methods._nets.stylegan2 import Generator, channels_of

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.methods.generator import (  # pyright: ignore[reportMissingImports]
        distance,
        made,
        trained,
    )
else:
    sys.path.insert(0, str(Path(__file__).parent))
    from generator import distance, made, trained


@pytest.fixture
def tiny() -> Generator:
    torch.manual_seed(0)
    return Generator(channels_of(64, width=1 / 64), 8, 2)


def test_the_same_codes_make_the_same_faces(tiny: Generator) -> None:
    faces = made(tiny, 40)
    assert faces.shape == (40, 3, 64, 64)
    assert 0 <= faces.min() < faces.max() <= 1
    assert torch.equal(faces, made(tiny, 40))
    assert len({face.numpy().tobytes() for face in faces}) == 40


def test_faces_that_are_made_are_compared_with_real_ones(
    tiny: Generator, make_split: Callable[..., Split], tmp_path: Path
) -> None:
    write_images(made(tiny, 8), tuple(f"{i}.png" for i in range(8)), tmp_path)
    to_real, to_its_own = (
        distance(tiny, faces, 8) for faces in (make_split(8, 8).hr, folder(tmp_path))
    )
    assert to_real.metric == "kd[onet]"
    assert to_real.value is not None
    assert to_its_own.value is not None
    assert to_its_own.value < 0 < to_real.value  # unbiased: below zero for equal sets


def test_a_training_is_looked_at_at_its_start_now_and_then_and_at_its_end(
    make_split: Callable[..., Split], tmp_path: Path
) -> None:
    seen: dict[int, torch.Tensor] = {}

    def look(done: int, generator: nn.Module) -> None:
        seen[done] = made(generator, 2)

    trained(make_split(8, 8), tmp_path, 3, 1 / 64, 2, look, 2)
    assert list(seen) == [0, 2, 3]
    assert not torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[2], seen[3])
