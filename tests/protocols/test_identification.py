from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols._intervals import rate, wilson
from facesr.protocols.metrics import identification
from facesr.protocols.metrics.identification import Identification, ranks, sides

Crowd = Callable[..., Faces]
Store = Callable[..., Faces]
Spoil = Callable[[np.ndarray, float], np.ndarray]


@pytest.fixture
def hr(crowd: Crowd, pooled: str) -> Faces:
    return crowd(15, 3)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_ranks_are_those_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identification, "_AT_ONCE", 7)
    random = np.random.default_rng(0)
    probes, gallery = (unit(random.normal(size=(n, 4))) for n in (30, 9))
    owners = random.permutation(9)
    who = random.integers(0, 9, 30)
    for rank, probe, person in zip(ranks(probes, gallery, who, owners), probes, who, strict=True):
        order = owners[np.argsort(-(gallery @ probe))]
        assert rank == 1 + order.tolist().index(person)


def test_of_equally_similar_people_the_right_one_comes_last() -> None:
    alike = np.ones((5, 1))
    assert ranks(alike[:2], alike, np.array([0, 4]), np.arange(5)).tolist() == [5, 5]


def test_the_gallery_has_one_picture_of_each_and_no_probe_meets_itself(crowd: Crowd) -> None:
    faces = crowd(5, 3)
    chosen = sides(faces)
    assert chosen.gallery.tolist() == [0, 3, 6, 9, 12]
    assert not set(chosen.gallery) & set(chosen.probes)
    assert len(chosen.probes) == 10
    assert sides(faces, partners=True).probes.tolist() == list(range(15))


def test_originals_among_their_partners_find_themselves(hr: Faces) -> None:
    score = Identification("pooled", gallery="partners").score(hr, hr)
    found = sides(hr, partners=True)
    assert score.value is not None
    assert score.value >= 100 * len(found.gallery) / len(found.probes)
    assert score.note == "gallery of 15 people, one picture each"


def test_more_noise_finds_fewer(hr: Faces, store: Store, noise: Spoil) -> None:
    pixels = hr.pixels().permute(0, 2, 3, 1).numpy()
    values = [
        Identification("pooled").score(store(noise(pixels, s), f"n{s}"), hr).value
        for s in (0, 40, 200)
    ]
    assert values == sorted(values, reverse=True)  # type: ignore[type-var]
    assert len(set(values)) == 3


def test_the_curve_starts_with_the_score_and_never_falls(
    hr: Faces, store: Store, noise: Spoil
) -> None:
    sr = store(noise(hr.pixels().permute(0, 2, 3, 1).numpy(), 60), "sr")
    metric = Identification("pooled")
    (curve,) = metric.curve(sr, hr)
    score = metric.score(sr, hr)
    assert curve.x == (1, 2, 5, 10)
    assert (curve.y[0], curve.low[0], curve.high[0]) == (score.value, score.low, score.high)
    assert list(curve.y) == sorted(curve.y)
    assert all(a <= b <= c for a, b, c in zip(curve.low, curve.y, curve.high, strict=True))
    assert (score.n, score.sampling, len(score.samples)) == (30, "person", 15)


def test_outputs_among_outputs_need_no_originals(hr: Faces) -> None:
    metric = Identification("pooled", gallery="outputs")
    assert metric.score(hr, None).value == Identification("pooled").score(hr, hr).value
    assert metric.score(hr, None).metric == "identification[outputs,pooled]"


def test_order_changes_nothing(hr: Faces) -> None:
    mixed = hr.take(np.random.default_rng(1).permutation(len(hr)).tolist())
    one, other = (Identification("pooled").score(faces, faces) for faces in (hr, mixed))
    assert one.value == other.value
    assert sorted(one.samples) == pytest.approx(sorted(other.samples))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: replace(f, identities=None), "does not say who is shown"),
        (lambda f: f.take([0, 1, 2]), "shows one person only, so nobody can be mistaken"),
        (lambda f: f.take([0, 3, 6]), "shows everybody once, so there is no other picture"),
    ],
)
def test_nobody_to_be_found_is_a_sentence(
    hr: Faces, change: Callable[[Faces], Faces], reason: str
) -> None:
    faces = change(hr)
    score = Identification("pooled").score(faces, faces)
    assert score.value is None
    assert reason in score.note
    assert list(Identification("pooled").curve(faces, faces)) == []


def test_an_unknown_gallery_is_a_sentence() -> None:
    with pytest.raises(BadName, match="no gallery named 'hr'; known: originals, outputs, partners"):
        Identification(gallery="hr")  # type: ignore[arg-type]


def test_intervals_cover_the_truth_though_some_people_are_easy() -> None:
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 4).astype(str).tolist()
    covered, naive = [], []
    for _ in range(200):
        chance = random.beta(1, 0.5, 60)
        found = random.random(240) < np.repeat(chance, 4)
        bounds = rate(found, people)
        assert bounds.low is not None
        assert bounds.high is not None
        covered.append(bounds.low <= 100 / 1.5 <= bounds.high)
        low, high = wilson(int(found.sum()), 240)
        naive.append(low <= 1 / 1.5 <= high)
    assert 0.9 <= np.mean(covered) <= 0.99
    assert np.mean(naive) < 0.88
