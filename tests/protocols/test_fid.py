from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols.metrics.fid import Fid

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_fid_equals_pytorch_fid(
    weights: Path, draw: Draw, store: Store, pytorch_fid: torch.nn.Module
) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    sr, real = store(draw(5), "sr"), store(draw(6, seed=1), "real")
    stats = []
    for faces in (sr, real):
        with torch.inference_mode():
            x = pytorch_fid(next(faces.batches(10)))[0][:, :, 0, 0].double().numpy()
        # a matrix root of 2,048 x 2,048 takes minutes; in the span of all pictures it is the same
        stats.append(x)
    mean = np.vstack(stats).mean(axis=0)
    basis = np.linalg.svd(np.vstack(stats) - mean, full_matrices=False)[2]
    small = [(x - mean) @ basis.T for x in stats]
    (m1, c1), (m2, c2) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in small)
    theirs = calculate_frechet_distance(m1, c1, m2, c2)
    score = Fid().score(sr, real)
    assert score.value == pytest.approx(theirs, rel=1e-6)
    assert score.identity == (
        f"fid[inception-tf@{digest(weights)[:8]},resize=legacy-pytorch,"
        f"ref=real@{real.fingerprint[:8]},v2.1]"
    )
    assert not score.ranked


def test_without_weights_nothing_else_is_called_fid(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    score = Fid().score(store(draw(4), "sr"), store(draw(4), "real"))
    assert (score.value, score.low, score.samples, score.ranked) == (None, None, (), False)
    assert score.note.startswith("needs the asset 'inception'")
    assert score.note == Fid().missing()


def test_an_unknown_resize_is_named() -> None:
    with pytest.raises(BadName, match="no resize named 'nearest'; known: clean, legacy-pytorch"):
        Fid(resize="nearest")  # type: ignore[arg-type]


def test_each_resize_is_another_number_of_another_identity(
    weights: Path, draw: Draw, store: Store
) -> None:
    sr, real = store(draw(5), "sr"), store(draw(6, seed=1), "real")
    scores = [Fid(name).score(sr, real) for name in ("clean", "legacy-pytorch")]
    assert scores[0].value != pytest.approx(scores[1].value, rel=1e-3)
    assert "resize=clean" in scores[0].identity
    assert {score.metric for score in scores} == {"fid"}


def test_faces_against_themselves_have_no_distance(weights: Path, draw: Draw, store: Store) -> None:
    faces = store(draw(5), "both")
    score = Fid().score(faces, faces)
    assert score.value == pytest.approx(0, abs=1e-6 * max(score.samples))
