from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from facesr.bench.contract import Pair
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols.metrics import _trials
from facesr.protocols.metrics._trials import at_rate, held_out, most_right, trials

Crowd = Callable[..., Faces]


def test_drawn_pairs_say_the_truth_and_folds_share_nobody(crowd: Crowd) -> None:
    made = trials(crowd(30, 4))
    assert ((made.who[made.left] == made.who[made.right]) == made.same).all()
    assert (made.left != made.right).all()
    met = [set(made.who[made.left[made.fold == f]]) for f in range(10)]
    met = [m | set(made.who[made.right[made.fold == f]]) for f, m in enumerate(met)]
    assert len(set().union(*met)) == sum(map(len, met)) == 30
    assert made.same.sum() == 30 * 6
    assert len({frozenset(p) for p in zip(made.left, made.right, strict=True)}) == len(made.left)


def test_nobody_gives_more_than_ten_pairs(crowd: Crowd) -> None:
    made = trials(crowd(4, 8))
    assert np.bincount(made.who[made.left[made.same]]).tolist() == [10] * 4


def test_many_strangers_are_drawn_only_in_part(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_trials, "STRANGERS", 60)
    made = trials(crowd(20, 5))
    assert 50 <= (~made.same).sum() <= 60
    assert (made.who[made.left] == made.who[made.right]).sum() == made.same.sum()


def test_draws_depend_on_names_only(crowd: Crowd) -> None:
    faces = crowd(12, 3)
    mixed = faces.take(np.random.default_rng(3).permutation(len(faces)).tolist())
    one, other = trials(faces), trials(mixed)
    assert one.label == other.label
    assert [faces.names[i] for i in one.left] == [mixed.names[i] for i in other.left]


def test_listed_pairs_are_taken_as_they_are(crowd: Crowd) -> None:
    faces = crowd(6, 2)
    pairs = [Pair("0000", "0001", True, 0), Pair("0000", "0002", False, 0)]
    pairs += [Pair("0004", "0005", True, 1), Pair("0004", "0007", False, 1)]
    made = trials(faces, pairs)
    assert made.left.tolist() == [0, 0, 4, 4]
    assert made.right.tolist() == [1, 2, 5, 7]
    assert made.fold.tolist() == [0, 0, 1, 1]
    assert made.label.startswith("listed@")
    assert made.label != trials(faces, pairs[::-1]).label


def test_a_list_with_one_fold_is_cut_into_tenths(crowd: Crowd) -> None:
    faces = crowd(20, 2)
    same = [Pair(f"{2 * i:04d}", f"{2 * i + 1:04d}", True) for i in range(20)]
    different = [Pair(f"{2 * i:04d}", f"{(2 * i + 2) % 40:04d}", False) for i in range(20)]
    made = trials(faces, same + different)
    assert made.fold[:20].tolist() == made.fold[20:].tolist() == [i // 2 for i in range(20)]


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (Pair("0000", "9999", True), "a pair names 9999, which is not in crowd/hr"),
        (Pair("0000", "0005", True), "0000 and 0005 show one, the identities of crowd/hr say"),
        (Pair("0000", "0001", False), "0000 and 0001 show two, the identities of crowd/hr say"),
    ],
)
def test_a_wrong_pair_is_refused(crowd: Crowd, pair: Pair, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        trials(crowd(6, 2), [pair])


@pytest.mark.parametrize(("people", "shots"), [(1, 8), (2, 4), (3, 4), (12, 1)])
def test_too_few_people_or_pictures_are_a_sentence(crowd: Crowd, people: int, shots: int) -> None:
    with pytest.raises(BadData, match="takes four people or more, two of them on two pictures"):
        trials(crowd(people, shots))


def test_faces_of_unknown_people_are_a_sentence(crowd: Crowd) -> None:
    with pytest.raises(BadData, match="crowd/hr does not say who is shown"):
        trials(replace(crowd(4, 2), identities=None))


def test_the_best_threshold_is_the_one_of_a_search(crowd: Crowd) -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        same = random.random(30) < 0.4
        same[:2] = True, False
        scores = np.round(random.normal(same, 1), 1)
        limit = most_right(scores, same)

        def right(at: float, scores: np.ndarray = scores, same: np.ndarray = same) -> float:
            return (scores[same] >= at).mean() + (scores[~same] < at).mean()

        best = max(right(at) for at in np.r_[np.unique(scores), 9])
        assert right(limit) == pytest.approx(best)


def test_at_most_the_stated_share_of_strangers_passes() -> None:
    scores = np.r_[np.arange(100) / 100, 0.5]
    same = np.arange(101) == 100
    for rate in (0.01, 0.05, 0.5):
        limit = at_rate(rate)(scores, same)
        assert (scores[~same] >= limit).mean() == pytest.approx(rate)


def test_ties_never_let_more_strangers_pass() -> None:
    scores, same = np.array([0.9, 0.9, 0.9, 0.1, 0.2]), np.array([False] * 4 + [True])
    assert (scores[~same] >= at_rate(0.25)(scores, same)).mean() == 0


def test_the_threshold_of_a_fold_does_not_know_the_fold(crowd: Crowd) -> None:
    made = trials(crowd(20, 3))
    scores = np.random.default_rng(0).random(len(made.same))
    before = held_out(scores, made, most_right)
    scores[made.fold == 3] = 0.7
    after = held_out(scores, made, most_right)
    assert before[3] == after[3]
    assert not np.array_equal(before, after)
