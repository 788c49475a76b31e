from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from facesr.bench.contract import Pair, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.recognition import Recognition

Crowd = Callable[..., Faces]
Store = Callable[..., Faces]


@pytest.fixture
def data(crowd: Crowd, store: Store, pooled: str, monkeypatch: pytest.MonkeyPatch) -> Split:
    """Paired faces, with one embedder that is there and those whose weights are not."""
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    hr = crowd(12, 4)
    small = hr.pixels().permute(0, 2, 3, 1).numpy()[:, ::4, ::4]
    return Split(store(small, "lr", identities=hr.identities), hr, paired=True)


def test_every_question_is_asked_of_an_embedder_that_is_there(data: Split) -> None:
    results = list(Recognition().score(data.hr, data))
    named = [result.metric for result in results]
    assert [name for name in named if "pooled" in name] == [
        "cosine[pooled]",
        "verification[pooled]",
        "verification[tar@0.01,pooled]",
        "verification[eer,pooled]",
        "verification[scgan,pooled]",
        "identification[pooled]",
        "cmc[pooled]",
    ]
    scores = {r.metric: r.value for r in results if isinstance(r, Score)}
    assert scores["cosine[pooled]"] == pytest.approx(1)
    assert scores["verification[scgan,pooled]"] == 100
    assert all(r.identity and r.n for r in results)
    assert all(isinstance(r, Curve) or r.value is not None or r.note for r in results)


def test_an_embedder_that_is_absent_is_said_once(data: Split) -> None:
    results = list(Recognition().score(data.hr, data))
    for name in ("arcface", "face_reid_0095", "facenet"):
        (absent,) = [r for r in results if name in r.metric]
        assert isinstance(absent, Score)
        assert absent.value is None
        assert absent.note.startswith("needs the ")


def test_what_ships_is_measured_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    shipped = [m for m in Recognition().metrics() if not m.missing()]
    assert {type(metric) for metric in shipped} == {Detection, Landmarks}
    assert Detection(detector="mtcnn") in shipped


def test_published_pairs_are_used_where_there_are_any(data: Split) -> None:
    pairs = tuple(
        Pair(f"{4 * i:04d}", f"{4 * i + k:04d}", k < 4, i % 4) for i in range(11) for k in (1, 4)
    )
    results = list(Recognition().score(data.hr, replace(data, pairs=pairs)))
    found = {r.metric: r for r in results}
    assert found["verification[pooled]"].n == 22
    assert "pairs=listed@" in found["verification[pooled]"].identity
    assert "pairs=drawn@" in found["verification[scgan,pooled]"].identity


def test_an_output_that_is_nobody_scores_worse(data: Split, store: Store) -> None:
    pixels = data.hr.pixels().permute(0, 2, 3, 1).numpy()
    blank = store(np.roll(pixels, 7, axis=0), "wrong", identities=data.hr.identities)
    good, bad = (
        {r.metric: r.value for r in Recognition().score(sr, data) if isinstance(r, Score)}
        for sr in (data.hr, blank)
    )
    for name in ("cosine[pooled]", "verification[scgan,pooled]", "identification[pooled]"):
        one, other = good[name], bad[name]
        assert one is not None
        assert other is not None
        assert other < one


def test_faces_of_unknown_people_are_still_compared_with_their_originals(data: Split) -> None:
    nobody = replace(data, hr=replace(data.hr, identities=None))
    found = {r.metric: r for r in Recognition().score(nobody.hr, nobody)}
    assert isinstance(found["cosine[pooled]"], Score)
    assert found["cosine[pooled]"].value == pytest.approx(1)
    for name in ("verification[pooled]", "identification[pooled]"):
        score = found[name]
        assert isinstance(score, Score)
        assert score.value is None
        assert "does not say who is shown" in score.note


def test_faces_without_originals_are_refused(data: Split) -> None:
    with pytest.raises(BadData, match="recognition protocol needs a paired data set"):
        list(Recognition().score(data.hr, replace(data, paired=False)))
