from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.metrics.cosine import Cosine, cosine

Crowd = Callable[..., Faces]
Store = Callable[..., Faces]


@pytest.fixture
def hr(crowd: Crowd, pooled: str) -> Faces:
    return crowd(6, 2)


def test_vectors_are_compared_as_scipy_does() -> None:
    from scipy.spatial.distance import cosine as distance

    x, y = np.random.default_rng(0).normal(size=(2, 20, 8))
    expected = [1 - distance(a, b) for a, b in zip(x, y, strict=True)]
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    assert cosine(x, y) == pytest.approx(expected, abs=1e-12)


def test_originals_are_like_themselves(hr: Faces) -> None:
    score = Cosine("pooled").score(hr, hr)
    assert score.value == pytest.approx(1, abs=1e-12)
    assert (score.metric, score.group, score.better) == ("cosine[pooled]", "identity", "higher")
    assert score.identity.startswith("cosine[pooled@00000000,ref=crowd/hr@")


def test_more_blur_is_less_alike(
    hr: Faces, store: Store, blur: Callable[[np.ndarray, float], np.ndarray]
) -> None:
    pixels = hr.pixels().permute(0, 2, 3, 1).numpy()
    values = [Cosine("pooled").score(store(blur(pixels, s), f"s{s}"), hr).value for s in (0, 2, 5)]
    assert values == sorted(values, reverse=True)  # type: ignore[type-var]
    assert len(set(values)) == 3


def test_people_are_resampled_where_they_come_twice(hr: Faces, store: Store) -> None:
    pixels = 255 - hr.pixels().permute(0, 2, 3, 1).numpy()
    pixels[::3] = 255 - pixels[::3]
    score = Cosine("pooled").score(store(pixels, "other", identities=hr.identities), hr)
    assert (score.sampling, len(score.samples), score.n) == ("person", 6, 12)
    assert score.interval == "bootstrap of people, BCa, 2000"


def test_order_and_batch_size_change_nothing(hr: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = hr.take(np.random.default_rng(1).permutation(len(hr)).tolist())
    before = Cosine("pooled").score(hr, hr).value
    monkeypatch.setattr("facesr.protocols._features.BATCH", 5)
    assert Cosine("pooled").score(mixed, mixed).value == pytest.approx(before, abs=1e-12)


def test_other_names_and_sizes_are_refused(hr: Faces) -> None:
    with pytest.raises(BadData, match="do not agree"):
        Cosine("pooled").score(hr.take([0, 1]), hr)
    with pytest.raises(BadData, match="cosine"):
        Cosine("pooled").score(replace(hr, size=16), hr)


def test_a_face_of_which_nothing_is_said_is_named(
    hr: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(embedder_named("pooled"))
    monkeypatch.setattr(kind, "label", "silent@0")
    monkeypatch.setattr(kind, "__call__", lambda _, batch: torch.zeros(len(batch), 192))
    with pytest.raises(BadData, match=r"gives nothing but zeros for 0000\.png"):
        embeddings(hr, embedder_named("pooled"))


@pytest.mark.parametrize("name", ["facenet", "arcface", "face_reid_0095"])
def test_what_is_absent_is_said(hr: Faces, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    score = Cosine(name).score(hr, hr)
    assert score.value is None
    assert score.note.startswith("needs the ")
    assert score.identity.startswith(f"cosine[{name}@")


def test_an_unknown_embedder_is_a_sentence() -> None:
    with pytest.raises(BadName, match=r"no embedder named 'x'; known: .*, or a path that ends in"):
        Cosine("x").missing()
