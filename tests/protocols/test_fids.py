from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.protocols._features import features
from facesr.protocols._fids import EarlyFid, StatisticsFid, fid, statistics, whole_batches
from facesr.protocols.features.inception import Inception
from facesr.protocols.features.torchvision_inception import TorchvisionInception
from facesr.protocols.metrics.fd import frechet_distance
from facesr.protocols.metrics.fid import Fid

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
N = Inception.dim


@pytest.fixture
def sets(weights: Path, draw: Draw, store: Store) -> tuple[Faces, Faces]:
    return store(draw(4, size=16), "sr"), store(draw(6, size=16, seed=1), "hr")


@pytest.mark.parametrize(("n", "left"), [(0, 0), (3, 3), (4, 4), (5, 4), (8, 8), (11, 8)])
def test_the_last_batch_is_lost_unless_it_is_whole_or_alone(n: int, left: int) -> None:
    faces = Faces(Path(), tuple(f"{i}.png" for i in range(n)), 8)
    assert len(whole_batches(faces, 4)) == left
    assert whole_batches(faces, 4).names == faces.names[:left]


def test_a_lost_batch_is_a_fid_of_fewer_faces(sets: tuple[Faces, Faces]) -> None:
    sr, hr = sets
    found, few = EarlyFid("tf", 3).score(sr, hr), Fid().score(sr.take(range(3)), hr)
    assert found.value == few.value != Fid().score(sr, hr).value
    assert (found.metric, found.n) == ("fid[drop3]", 3)
    assert "batch=3,last=dropped" in found.identity
    assert found.note.endswith("of 4 faces the last 1, no whole batch, are left out")


def test_without_quirks_it_is_the_fid(sets: tuple[Faces, Faces]) -> None:
    assert fid("tf", drop_last=False) == Fid()
    assert fid("torchvision", drop_last=True) == EarlyFid("torchvision", 64)
    sr, hr = sets
    assert EarlyFid("tf", 0).score(sr, hr).value == Fid().score(sr, hr).value


def test_another_network_is_another_column_and_another_identity(
    draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    faces = store(draw(3, size=16), "sr")
    score = EarlyFid().score(faces, faces)
    assert score.metric == "fid[torchvision,drop64]"
    assert score.identity.startswith("fid[inception-torchvision@1a9a5a14,")
    assert score.value is None
    assert score.note == TorchvisionInception().missing()


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(BadName, match="no network named 'clip'; known: tf, torchvision"):
        EarlyFid("clip")  # type: ignore[arg-type]
    with pytest.raises(BadName, match="batch=-1 is negative"):
        EarlyFid(batch=-1)


def write(path: Path, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, mu=mean, sigma=covariance)
    else:
        torch.save({"name": "ffhq", "size": 512, "mean": mean, "cov": covariance}, path)
    return path


@pytest.mark.parametrize("name", ["stats.npz", "stats.pth"])
def test_a_fid_to_statistics_is_the_fid_to_their_faces(
    sets: tuple[Faces, Faces], tmp_path: Path, name: str
) -> None:
    sr, hr = sets
    x, y = (features(faces, Inception())[:].astype(np.float64) for faces in (sr, hr))
    path = write(tmp_path / name, y.mean(axis=0), np.cov(y, rowvar=False))
    score = StatisticsFid(str(path), first=3).score(sr, None)
    assert score.value == pytest.approx(frechet_distance(x[:3], y), rel=1e-6)
    assert (score.metric, score.n, score.ranked) == ("fid[statistics,first3]", 3, False)
    assert f"stats=stats@{digest(path)[:8]},first=3" in score.identity
    assert score.low is not None
    assert len(score.samples) == 3
    whole = StatisticsFid(str(path), first=0).score(sr, None)
    assert whole.value == pytest.approx(frechet_distance(x, y), rel=1e-6)
    assert whole.metric == "fid[statistics]"


def test_statistics_are_read_as_data_only(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "ran"),)

    torch.save({"mean": Evil(), "cov": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(BadName, match=r"evil\.pth holds no statistics of Inception features"):
        statistics(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
    np.savez(tmp_path / "evil.npz", mu=np.array([Evil()]), sigma=np.array([Evil()]))
    with pytest.raises(BadName, match="holds no statistics"):
        statistics(tmp_path / "evil.npz")


@pytest.mark.parametrize("mean", [np.zeros(3), np.full(N, np.nan)])
def test_statistics_of_another_shape_or_without_numbers_are_refused(
    tmp_path: Path, mean: NDArray[np.float64]
) -> None:
    path = write(tmp_path / "wrong.npz", mean, np.eye(N))
    with pytest.raises(BadName, match="holds no finite mean of 2048 numbers"):
        statistics(path)


def test_absent_statistics_are_a_sentence(weights: Path, draw: Draw, store: Store) -> None:
    faces = store(draw(3, size=16), "sr")
    none, lost = (StatisticsFid(file).score(faces, None) for file in ("", "gone.pth"))
    assert none.note.startswith("needs the statistics of FFHQ at 512 pixels")
    assert lost.note == "gone.pth does not exist"
    with pytest.raises(BadName, match="no asset named 'gone'"):
        StatisticsFid("gone").score(faces, None)
