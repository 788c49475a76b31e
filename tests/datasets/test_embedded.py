from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import features

from facesr.bench.contract import Split
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.datasets import _writer, embedded
from facesr.datasets._degrade import version
from facesr.datasets._prepared import details
from facesr.datasets.embedded import Embedded


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def small(cache: Path, **settings: object) -> Embedded:
    return Embedded(cache=cache, **{"limit": 12, **settings})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def parts(cache: Path) -> tuple[Split, Split]:
    data = small(cache)
    return data.split("train"), data.split("test")


def halves(parts: tuple[Split, Split]) -> list[Faces]:
    return [half for split in parts for half in (split.lr, split.hr)]


def test_halves_are_unpaired_labelled_and_of_the_sizes_asked_for(
    parts: tuple[Split, Split],
) -> None:
    for half, size in zip(halves(parts), (16, 64, 16, 64), strict=True):
        assert half.size == size
        assert len(half) == 12
        assert half.pixels().shape == (12, 3, size, size)
        assert half.identities is not None
        assert half.landmarks is not None
        assert half.landmarks.shape == (12, 68, 2)
        assert 0 < half.landmarks[:, 17:].min() < half.landmarks[:, 17:].max() < size
    assert [h.title for h in halves(parts)] == [
        "embedded/train/lr",
        "embedded/train/hr",
        "embedded/test/lr",
        "embedded/test/hr",
    ]
    assert not parts[0].paired
    assert not parts[1].paired


def test_no_person_is_in_two_halves(parts: tuple[Split, Split]) -> None:
    people = [set(half.identities or ()) for half in halves(parts)]
    assert all(len(p) == 3 for p in people)
    assert len(set.union(*people)) == 12


def test_drawn_degradations_are_kept(parts: tuple[Split, Split]) -> None:
    drawn = details(parts[0].lr)
    assert len({d["noise_seed"] for d in drawn}) == 12
    assert all(50 <= d["quality"] <= 95 for d in drawn)


def test_a_second_call_reads_what_was_prepared(
    cache: Path, parts: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("rendered again")

    monkeypatch.setattr(embedded, "render", fail)
    again = small(cache)
    splits = (again.split("train"), again.split("test"))
    assert [h.fingerprint for h in halves(splits)] == [h.fingerprint for h in halves(parts)]


@pytest.mark.skipif(
    features.version("libjpeg_turbo") != "3.2.0", reason="another libjpeg may round otherwise"
)
def test_other_low_resolution_pixels_need_another_version(parts: tuple[Split, Split]) -> None:
    pixels = b"".join(image.tobytes() for image in parts[1].lr.images())
    assert (version("wild"), sha256(pixels).hexdigest()[:16]) == (1, "bdbe7a288225bf3c")


def test_a_folder_of_another_form_is_not_taken_for_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small(tmp_path, limit=1).split("test").hr
    monkeypatch.setattr(embedded, "FORM", _writer.FORM + 1)
    after = small(tmp_path, limit=1).split("test").hr
    assert before.root != after.root
    assert before.fingerprint == after.fingerprint


def test_another_cache_gets_the_same_faces_and_another_seed_others(
    parts: tuple[Split, Split], tmp_path: Path
) -> None:
    train = parts[0]
    assert small(tmp_path).split("train").lr.fingerprint == train.lr.fingerprint
    other = small(tmp_path, seed=1).split("train")
    assert other.lr.fingerprint != train.lr.fingerprint
    assert other.hr.fingerprint != train.hr.fingerprint


def test_a_limit_takes_the_first_faces(parts: tuple[Split, Split], cache: Path) -> None:
    fewer = small(cache, limit=5).split("train").lr
    assert fewer.fingerprint == parts[0].lr.take(range(5)).fingerprint


def test_people_and_shots_set_the_size_of_training(tmp_path: Path) -> None:
    data = Embedded(cache=tmp_path, identities=3, shots=2, lr_size=8, scale=2)
    train = data.split("train")
    assert len(train.lr) == len(train.hr) == 6
    assert (train.lr.size, train.hr.size) == (8, 16)
    assert len(set(train.hr.identities or ())) == 3


def test_the_real_faces_are_a_hundred_grey_photographs(cache: Path) -> None:
    data = pytest.importorskip("skimage.data")
    split = small(cache, test="real", limit=100, lr_size=25, scale=1).split("test")
    assert len(split.lr) == 100
    assert split.notes
    pixels = split.lr.pixels().numpy()
    assert (pixels[:, 0] == pixels[:, 1]).all()
    expected = np.rint(data.lfw_subset()[:100] * 255)
    assert np.abs(pixels[:, 0] - expected).max() == 0
    assert split.lr.identities is None

    shrunk = small(cache, test="real").split("test")
    assert len(shrunk.lr) == 12
    assert shrunk.lr.size == 16
    assert shrunk.hr.size == 64


def test_bad_settings_are_refused_in_a_sentence() -> None:
    with pytest.raises(BadName, match="no test faces named 'rael'; did you mean 'real'"):
        Embedded(test="rael")
    with pytest.raises(BadData, match="identities=0 and shots=4"):
        Embedded(identities=0)
    with pytest.raises(BadData, match="limit=0"):
        Embedded(limit=0)
