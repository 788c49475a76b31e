from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.faces import Faces
from facesr.protocols._intervals import groups, jackknife
from facesr.protocols.metrics import kd
from facesr.protocols.metrics.kd import Kd, kernel_distance, spread, subset_distances

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def cloud(n: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, 12))


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    def mean(a: np.ndarray, b: np.ndarray, same: bool) -> float:
        pairs = [
            (float(u @ v) / len(u) + 1) ** 3
            for i, u in enumerate(a)
            for j, v in enumerate(b)
            if not (same and i == j)
        ]
        return sum(pairs) / len(pairs)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def test_distance_equals_its_definition() -> None:
    x, y = cloud(15), cloud(22, 1, 0.4)
    assert kernel_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-10)


def test_distance_equals_torch_fidelity_when_its_subset_is_everything() -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = cloud(60), cloud(60, 1, 0.3)
    theirs = kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=2, kid_subset_size=60, verbose=False
    )
    assert kernel_distance(x, y) == pytest.approx(
        theirs["kernel_inception_distance_mean"], rel=1e-9
    )


def test_subsets_are_drawn_and_averaged_as_torch_fidelity_does() -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = cloud(90), cloud(70, 1, 0.3)
    theirs = kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subset_size=50, verbose=False
    )
    values = subset_distances(x, y, 100, 50, 2020)
    assert values.mean() == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert values.std() == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)


def test_distance_between_samples_of_one_distribution_is_zero_on_average() -> None:
    values = [kernel_distance(cloud(30, i), cloud(30, 1000 + i)) for i in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0


def test_large_sets_are_summed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(50), cloud(70, 1)
    whole = kernel_distance(x, y)
    monkeypatch.setattr(kd, "AT_ONCE", 8)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("people", [0, 2, 9])
@pytest.mark.parametrize("n", [3, 33, 60])
def test_jackknife_equals_leaving_out_by_hand(n: int, people: int) -> None:
    shuffled = np.random.default_rng(0).permutation(n)
    who = [str(i % people) for i in shuffled] if people else None
    x, y, parts = cloud(n), cloud(40, 1, 0.3), groups(n, who).parts
    value, without = kd._distances(x, y, spread(y), parts)
    by_hand = [kernel_distance(np.delete(x, p, axis=0), y) for p in parts]
    assert value == pytest.approx(kernel_distance(x, y), rel=1e-12)
    assert without == pytest.approx(by_hand, rel=1e-9)


def test_the_interval_covers_what_more_pictures_would_show() -> None:
    y, hits = cloud(60, 1, 0.2), 0
    within = spread(y)
    truth = kernel_distance(cloud(2500, 2), y)
    for seed in range(150):
        value, without = kd._distances(cloud(80, 100 + seed), y, within, groups(80).parts)
        low, high = jackknife(value, without)[:2]
        assert low is not None
        assert high is not None
        hits += low <= truth <= high
    assert 0.89 <= hits / 150 <= 0.99


def test_a_score_says_everything(draw: Draw, store: Store) -> None:
    sr, real = store(draw(30), "sr"), store(draw(25, seed=1), "real")
    score = Kd().score(sr, real)
    assert score.metric == "kd[onet]"
    assert score.identity.startswith("kd[onet@")
    assert f"ref=real@{real.fingerprint[:8]}" in score.identity
    assert (score.unit, score.ranked, score.sampling) == ("x1000", True, "jackknife")
    assert len(score.samples) == 20
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high


def test_value_does_not_depend_on_the_order_of_faces(draw: Draw, store: Store) -> None:
    pixels, real = draw(24), store(draw(20, seed=1), "real")
    one, other = store(pixels, "one"), store(pixels[::-1], "other")
    assert Kd().score(one, real).value == pytest.approx(Kd().score(other, real).value, rel=1e-4)


def test_the_reference_is_summed_once(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store(draw(20, seed=1), "real")
    Kd().score(store(draw(10, seed=2), "one"), real)
    monkeypatch.setattr(kd, "spread", lambda y: pytest.fail("summed again"))
    Kd().score(store(draw(10, seed=3), "two"), real)
