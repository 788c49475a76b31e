"""`wild` on a few real photographs, where they are on the machine."""

from pathlib import Path

import numpy as np
import pytest

from facesr.bench.contract import Part
from facesr.datasets.wild import Wild

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
PARTS: tuple[Part, ...] = ("test", "train")


@pytest.fixture
def few_real(tmp_path: Path) -> Path:
    if not (SHARED / "lowres_wild").is_dir():
        pytest.skip("the photographs are not on this machine")
    data = tmp_path / "data"
    lfw = sorted((SHARED / "lfw/lfw-deepfunneled").glob("*/*_0001.jpg"))[:40:5]
    celeba = sorted((SHARED / "celeba/img_align_celeba").glob("*.jpg"))[:8]
    for path in (*lfw, *celeba, SHARED / "lowres_wild/photos/ultralight_8.jpg"):
        (data / path.relative_to(SHARED)).parent.mkdir(parents=True, exist_ok=True)
        (data / path.relative_to(SHARED)).symlink_to(path)
    identities = SHARED / "celeba/identity_CelebA.txt"
    (data / "celeba/identity_CelebA.txt").symlink_to(identities)
    return data


def test_real_photographs_are_framed_alike_in_both_halves(few_real: Path, tmp_path: Path) -> None:
    data = Wild(data=few_real, cache=tmp_path / "cache")
    halves = [data.split(part) for part in PARTS]
    lr = np.concatenate([split.lr.landmarks for split in halves if split.lr.landmarks is not None])
    hr = np.concatenate([split.hr.landmarks for split in halves if split.hr.landmarks is not None])
    assert len(hr) >= 14
    assert len(lr) >= 60
    assert lr.mean(0) * 4 == pytest.approx(hr.mean(0), abs=0.03 * 64)
