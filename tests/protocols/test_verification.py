from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from facesr.bench.contract import Pair
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.metrics import verification
from facesr.protocols.metrics._trials import trials
from facesr.protocols.metrics.verification import Verification

Crowd = Callable[..., Faces]
Store = Callable[..., Faces]
Blur = Callable[[np.ndarray, float], np.ndarray]


def spoiled(faces: Faces, store: Store, change: Callable[[np.ndarray], np.ndarray]) -> Faces:
    pixels = faces.pixels().permute(0, 2, 3, 1).numpy()
    made = store(change(pixels), f"spoiled/{id(change)}", identities=faces.identities)
    return made


@pytest.fixture
def hr(crowd: Crowd, pooled: str) -> Faces:
    return crowd(24, 4)


def test_identical_sets_reach_the_ceiling_by_every_measure(hr: Faces) -> None:
    for measure in ("accuracy", "tar"):
        score = Verification("pooled", measure=measure, far=0.2).score(hr, hr)
        assert score.value is not None
        assert f"originals reach {score.value:.2f} %" in score.note
    assert Verification("pooled", definition="scgan").score(hr, hr).value == 100


def test_the_accuracy_is_that_of_a_loop_over_folds(hr: Faces, store: Store, noise: Blur) -> None:
    sr = spoiled(hr, store, lambda pixels: noise(pixels, 60))
    made, embedder = trials(hr), embedder_named("pooled")
    x, y = embeddings(sr, embedder), embeddings(hr, embedder)
    hits = np.zeros(len(made.same), bool)
    for fold in range(10):
        test = made.fold == fold
        known = (y[made.left] * y[made.right]).sum(axis=1)[~test]
        same = made.same[~test]
        limits = np.sort(known)
        limits = (limits[1:] + limits[:-1]) / 2
        gain = [(known[same] >= t).mean() + (known[~same] < t).mean() for t in limits]
        limit = limits[int(np.argmax(gain))]
        hits[test] = ((x[made.left] * y[made.right]).sum(axis=1)[test] >= limit) == made.same[test]
    expected = 50 * (hits[made.same].mean() + hits[~made.same].mean())
    score = Verification("pooled").score(sr, hr)
    assert score.value == pytest.approx(expected)
    assert score.low is not None
    assert score.high is not None
    assert score.low < expected < score.high
    assert (score.sampling, len(score.samples)) == ("person", 24)


@pytest.mark.parametrize("measure", ["accuracy", "tar", "eer"])
def test_more_noise_is_worse(hr: Faces, store: Store, noise: Blur, measure: str) -> None:
    metric = Verification("pooled", measure=measure, far=0.2)  # type: ignore[arg-type]
    values = [
        metric.score(spoiled(hr, store, lambda pixels, s=s: noise(pixels, s)), hr).value  # type: ignore[misc]
        for s in (0.0, 30.0, 60.0)
    ]
    known = [value for value in values if value is not None]
    assert len(known) == 3
    assert known == sorted(known, reverse=measure != "eer")
    assert len(set(known)) == 3


def test_a_method_cannot_move_the_threshold(hr: Faces, store: Store) -> None:
    """All outputs alike are all one person or none, which is right half of the time."""
    sr = spoiled(hr, store, lambda pixels: np.broadcast_to(pixels[:1], pixels.shape).copy())
    score = Verification("pooled", against="outputs").score(sr, hr)
    assert score.value == pytest.approx(50)
    assert (
        Verification("pooled", measure="tar", far=0.2, against="outputs")
        .score(sr, hr)
        .note.count("100 % of pairs of two people pass")
    )


def test_each_output_against_its_own_original(hr: Faces, store: Store) -> None:
    def last_ten_blank(pixels: np.ndarray) -> np.ndarray:
        changed = pixels.copy()
        changed[-10:] = 255 - changed[-10:]
        return changed

    score = Verification("pooled", definition="scgan").score(spoiled(hr, store, last_ten_blank), hr)
    assert score.value == pytest.approx(100 * 86 / 96)
    assert (score.n, score.metric) == (96, "verification[scgan,pooled]")


def test_a_stated_threshold_needs_no_identities(hr: Faces) -> None:
    unknown = replace(hr, identities=None)
    metric = Verification("pooled", definition="scgan", threshold=0.9)
    assert metric.score(unknown, unknown).value == 100
    assert "threshold=0.9" in metric.score(unknown, unknown).identity
    absent = replace(metric, threshold=None).score(unknown, unknown)
    assert absent.value is None
    assert "does not say who is shown" in absent.note


@pytest.mark.parametrize("measure", ["accuracy", "tar", "eer"])
def test_order_and_batch_size_change_nothing(
    hr: Faces, pooled: str, measure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = Verification(pooled, measure=measure, far=0.2)  # type: ignore[arg-type]
    mixed = hr.take(np.random.default_rng(1).permutation(len(hr)).tolist())
    monkeypatch.setattr("facesr.protocols._features.BATCH", 5)
    one, other = metric.score(hr, hr), metric.score(mixed, mixed)
    assert one.samples == pytest.approx(other.samples)
    assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high])


def test_a_list_of_pairs_is_part_of_the_identity(hr: Faces) -> None:
    pairs = [Pair(f"{4 * i:04d}", f"{4 * i + 1:04d}", True) for i in range(20)]
    pairs += [Pair(f"{4 * i:04d}", f"{4 * i + 4:04d}", False) for i in range(20)]
    score = Verification("pooled").judged(hr, hr, pairs)
    assert score.n == 40
    assert ",pairs=listed@" in score.identity
    assert ",pairs=drawn@" in Verification("pooled").score(hr, hr).identity


def test_a_rate_is_not_quoted_on_too_few_strangers(hr: Faces) -> None:
    score = Verification("pooled", measure="tar", far=0.01).score(hr, hr)
    assert score.value is None
    assert score.note.startswith("30 false matches have to stand behind a rate; ")
    assert score.note.endswith("and more, not 0.01")


def test_equal_errors_have_estimates_without_each_group(hr: Faces, store: Store) -> None:
    sr = spoiled(hr, store, lambda pixels: np.roll(pixels, 4, axis=2))
    score = Verification("pooled", measure="eer").score(sr, hr)
    assert (score.better, score.sampling, score.metric) == (
        "lower",
        "jackknife",
        "verification[eer,pooled]",
    )
    assert len(score.samples) == 20


def test_the_roc_leaves_out_rates_that_rest_on_too_little(hr: Faces) -> None:
    pairs = [Pair(f"{4 * i:04d}", f"{4 * i + 1:04d}", True) for i in range(24)]
    pairs += [
        Pair(f"{i:04d}", f"{(i + 4 * k) % 96:04d}", False) for i in range(96) for k in (1, 2, 3, 4)
    ]
    (curve,) = Verification("pooled").roc(hr, hr, pairs)
    assert curve.x == (0.1,)
    assert curve.low[0] <= curve.y[0] <= curve.high[0]
    unknown = replace(hr, identities=None)
    assert list(Verification("pooled").roc(unknown, unknown)) == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"embedder": "facenett"}, "no embedder named 'facenett'; known: arcface"),
        ({"definition": "lwf"}, "no definition named 'lwf'; known: lfw, scgan"),
        ({"measure": "roc"}, "no measure named 'roc'"),
        ({"definition": "scgan", "measure": "eer"}, "knows no pair of two people"),
        ({"measure": "tar", "far": 1.0}, "far=1 is no rate"),
        ({"measure": "tar", "threshold": 0.5}, "sets its own threshold"),
    ],
)
def test_wrong_settings_are_sentences(hr: Faces, settings: dict[str, object], reason: str) -> None:
    with pytest.raises(BadName, match=reason):
        Verification(**settings).score(hr, hr)  # type: ignore[arg-type]


def test_outputs_need_their_originals(hr: Faces) -> None:
    with pytest.raises(BadData, match="do not agree: 95 originals have no partner"):
        Verification("pooled").score(hr.take([0]), hr)
    with pytest.raises(BadData, match="name a folder of them"):
        Verification("pooled").score(hr, None)


def test_an_absent_embedder_is_a_sentence(hr: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/nowhere")
    score = Verification("facenet").score(hr, hr)
    assert score.value is None
    assert score.note.startswith("needs the asset 'facenet'")
    assert list(Verification("facenet").roc(hr, hr)) == []
    assert verification.RATES[0] == 0.0001
