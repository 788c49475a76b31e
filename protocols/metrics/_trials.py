"""Pairs of pictures to be told apart, and the similarity from which two count as one person.

A threshold is set on original pictures of other people and then kept, so that no method can move
it: the pairs come in folds that share nobody, and the threshold of a fold is the best of the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Pair
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.protocols._checks import called

VERSION = 1
FOLDS = 10
PER_PERSON = 10
STRANGERS = 40_000
_SEED = 0

Array = NDArray[np.float64]
Places = NDArray[np.intp]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trials:
    """Pairs of pictures, by the positions of the pictures.

    Args:
        left: First picture of each pair, (m,); in a comparison with originals, the output.
        right: Second picture, (m,).
        same: Whether both show one person, (m,).
        fold: From 0, (m,).
        who: Number of the person on each picture, (n,); people are numbered by name.
        label: Where the pairs come from, with a digest; part of metric identities.
    """

    left: Places
    right: Places
    same: Truths
    fold: Places
    who: Places
    label: str

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.who.max()) + 1

    def __str__(self) -> str:
        strangers = len(self.same) - int(self.same.sum())
        return f"{self.same.sum():,} pairs of one person, {strangers:,} of two"


def trials(faces: Faces, pairs: Sequence[Pair] = ()) -> Trials:
    """Take pairs as the authors of a data set list them, or draw some.

    Drawn pairs are up to 10 of each person, and up to 40,000 of two people who are in one fold;
    people are dealt into 10 folds. Draws depend on names only, not on the order of pictures. Where
    a list has one fold, tenths of it, in its order, are the folds; then people of one are met in
    others, and nothing but a threshold, one number, is set with them.

    Args:
        faces: The pictures, with identities.
        pairs: The list; empty to draw.

    Raises:
        BadData: If nobody knows who is shown, a pair names a picture that is not there or says
            something else than the identities, or there are too few people to set a threshold.
    """
    if faces.identities is None:
        raise BadData(
            f"{called(faces)} does not say who is shown, so there are no pairs of one person; "
            "choose a data set with identities"
        )
    who = np.unique(np.array(faces.identities), return_inverse=True)[1].astype(np.intp)
    found = _listed(faces, pairs, who) if pairs else _drawn(faces, who)
    stems = faces.stems
    known = [(stems[i], stems[j]) for i, j in zip(found.left, found.right, strict=True)]
    label = f"{'listed' if pairs else 'drawn'}@{digest_of([known, found.fold.tolist()])[:8]}"
    made = Trials(*found, who, label)
    if lack := _lacking(made):
        raise BadData(f"{called(faces)} has {made}: {lack}")
    return made


def held_out(scores: Array, made: Trials, best: Callable[[Array, Truths], float]) -> Array:
    """Set the threshold of each fold on all other folds.

    Args:
        scores: Similarities of pairs of originals, (m,).
        made: The pairs.
        best: Makes a threshold of similarities and truths.

    Returns:
        Thresholds, by fold, (folds,).
    """
    folds = int(made.fold.max()) + 1
    rest = (made.fold != fold for fold in range(folds))
    return np.array([best(scores[others], made.same[others]) for others in rest])


def most_right(scores: Array, same: Truths) -> float:
    """Return the threshold with most right decisions, both kinds of pairs weighing alike.

    It lies half-way between two similarities; of equally good ones, it is the lowest.
    """
    order = np.argsort(scores, kind="stable")
    ranked, truth = scores[order], same[order]
    rejected = np.cumsum(~truth) / max(1, (~truth).sum())
    missed = np.cumsum(truth) / max(1, truth.sum())
    gain = np.where(np.r_[ranked[1:] > ranked[:-1], True], rejected - missed, -np.inf)
    at = int(gain.argmax())
    return float((ranked[at] + ranked[min(at + 1, len(ranked) - 1)]) / 2)


def at_rate(rate: float) -> Callable[[Array, Truths], float]:
    """Return what finds the lowest threshold from which at most this share of strangers pass."""

    def best(scores: Array, same: Truths) -> float:
        strangers = np.sort(scores[~same])[::-1]
        return float(np.nextafter(strangers[int(rate * len(strangers))], np.inf))

    return best


def by_name(faces: Faces) -> Places:
    """Return the positions of pictures in the order of their names."""
    stems = faces.stems
    return np.array(sorted(range(len(stems)), key=stems.__getitem__), np.intp)


def dealt(names: Sequence[str]) -> Places:
    """Deal people into ten folds, or fewer of two people each, by a digest of their names.

    Returns:
        The fold of each, (people,).
    """
    order = np.argsort([sha256(name.encode()).hexdigest() for name in names], kind="stable")
    fold = np.empty(len(names), np.intp)
    fold[order] = np.arange(len(names)) * min(FOLDS, max(1, len(names) // 2)) // len(names)
    return fold


class _Found(NamedTuple):
    left: Places
    right: Places
    same: Truths
    fold: Places


def _listed(faces: Faces, pairs: Sequence[Pair], who: Places) -> _Found:
    at = {stem: i for i, stem in enumerate(faces.stems)}
    lost = next((n for pair in pairs for n in (pair.left, pair.right) if n not in at), None)
    if lost is not None:
        raise BadData(f"a pair names {lost}, which is not in {called(faces)}")
    left = np.array([at[pair.left] for pair in pairs], np.intp)
    right = np.array([at[pair.right] for pair in pairs], np.intp)
    same = np.array([pair.same for pair in pairs])
    wrong = np.flatnonzero((who[left] == who[right]) != same)
    if len(wrong):
        pair = pairs[wrong[0]]
        raise BadData(
            f"a pair says that {pair.left} and {pair.right} show {'one' if pair.same else 'two'}, "
            f"the identities of {called(faces)} say otherwise"
        )
    fold = np.unique([pair.fold for pair in pairs], return_inverse=True)[1].astype(np.intp)
    return _Found(left, right, same, fold if fold.any() else _tenths(same))


def _tenths(same: Truths) -> Places:
    fold = np.empty(len(same), np.intp)
    for kind in (True, False):
        chosen = np.flatnonzero(same == kind)
        fold[chosen] = np.arange(len(chosen)) * FOLDS // max(1, len(chosen))
    return fold


def _drawn(faces: Faces, who: Places) -> _Found:
    order = by_name(faces)
    fold_of = dealt(np.unique(np.array(faces.identities)).tolist())
    random = np.random.default_rng(_SEED)
    together = order[np.argsort(who[order], kind="stable")]
    pictures = np.split(together, np.cumsum(np.bincount(who))[:-1])
    own = [_own(part, random) for part in pictures]
    folds = [order[fold_of[who[order]] == fold] for fold in range(int(fold_of.max()) + 1)]
    strangers = [_strangers(part, who, STRANGERS // len(folds), random) for part in folds]
    pairs = np.concatenate([*own, *strangers])
    same = np.arange(len(pairs)) < sum(map(len, own))
    return _Found(pairs[:, 0], pairs[:, 1], same, fold_of[who[pairs[:, 0]]])


def _own(pictures: Places, random: np.random.Generator) -> Places:
    """Draw up to 10 pairs of pictures of one person, (k, 2)."""
    if len(pictures) > 100:
        pictures = random.permutation(pictures)[:100]
    every = np.stack(np.triu_indices(len(pictures), 1), axis=1)
    return pictures[random.permutation(every)[:PER_PERSON]]


def _strangers(part: Places, who: Places, n: int, random: np.random.Generator) -> Places:
    """Draw up to n different pairs of pictures of two people, (k, 2)."""
    if len(part) ** 2 <= 4 * n:
        every = np.stack(np.triu_indices(len(part), 1), axis=1)
    else:
        every = np.sort(random.integers(0, len(part), (4 * n, 2)), axis=1)
        every = np.unique(every, axis=0)
    pairs = part[every]
    pairs = pairs[who[pairs[:, 0]] != who[pairs[:, 1]]]
    return random.permutation(pairs)[:n]


def _lacking(made: Trials) -> str:
    """Say why no threshold can be set on the folds but one; empty if it can."""
    folds = range(int(made.fold.max(initial=-1)) + 1)
    rest = [made.same[made.fold != fold] for fold in folds]
    if len(rest) > 1 and all(part.any() and not part.all() for part in rest):
        return ""
    return (
        "a threshold is set on other people than it is used on, which takes four people or more, "
        "two of them on two pictures or more"
    )
