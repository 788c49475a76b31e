import json
from pathlib import Path

import pytest

from facesr.bench import assets
from facesr.bench.detectors._base import DETECTORS, detector
from facesr.bench.errors import BadName, BenchError


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_is_built_by_name_and_shares_two_settings(name: str) -> None:
    built = detector(name, enlarge=2.0, threshold=0.9)
    assert type(built).__name__ == DETECTORS[name]
    assert built.recipe["detector"].startswith(name)
    assert built.recipe["enlarge"] == 2.0
    assert 0.9 in json.loads(json.dumps(list(built.recipe.values()))) + list(
        built.recipe.get("thresholds", [])
    )
    assert built.recipe != detector(name).recipe


def test_a_near_miss_is_named() -> None:
    with pytest.raises(BadName, match="no detector named 'retinanet'; did you mean 'retinaface'"):
        detector("retinanet")
    with pytest.raises(BadName, match="known: mtcnn, retinaface, scrfd, yunet"):
        detector("haar")
    with pytest.raises(BadName, match="yunet has no setting 'treshold'; did you mean 'threshold'"):
        detector("yunet", treshold=0.5)


@pytest.mark.parametrize("name", ["retinaface", "scrfd", "yunet"])
def test_what_is_absent_is_said_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    absent = detector(name).missing()
    assert absent.startswith(("needs the asset", "needs the package onnxruntime: pip install"))


def test_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    path = tmp_path / assets.asset("retinaface").file
    path.parent.mkdir()
    path.write_bytes(b"something else")
    with pytest.raises(BenchError, match="expected 2979b33ffafd"):
        assets.find("retinaface")
