from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesr.bench import assets
from facesr.bench.detectors._base import Found, Pixels

WEIGHTS = Path(__file__).parents[3].parent / "shared" / "weights"


@pytest.fixture(scope="session")
def portrait() -> Pixels:
    """A woman's head and shoulders; the face is 78 pixels wide."""
    images: Any = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(images.astronaut()[:250, 100:350])


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real weights."""
    if not (WEIGHTS / assets.asset("retinaface").file).is_file():
        pytest.skip("the detectors' weights are not below ../shared/weights")
    monkeypatch.setenv("FACESR_ASSETS", str(WEIGHTS))
    return WEIGHTS


def check_order(found: Found) -> None:
    """Landmarks come as eyes, nose, mouth corners, left ones first."""
    left_eye, right_eye, nose, left_mouth, right_mouth = found.points[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.fixture(name="check_order")
def _check_order() -> Any:
    return check_order
