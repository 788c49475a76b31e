"""LFW: `pairs.txt`, `pairsDevTrain.txt`, `people.txt`, `lfw-names.txt` and their like.

Huang, Ramesh, Berg and Learned-Miller, "Labeled Faces in the Wild", UMass 07-49, 2007. Layout:
sections 3c and 3d of http://vis-www.cs.umass.edu/lfw/README.txt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from facesr.datasets._formats.lines import Bad, Lines, Source, fields, plain_name, shown, whole

_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos that show the same person or two people.

    Args:
        fold: From 0.
        left: Person and number of the photo.
        right: Person and number of the photo.
    """

    fold: int
    left: tuple[str, int]
    right: tuple[str, int]

    @property
    def same(self) -> bool:
        """Whether both photos show one person."""
        return self.left[0] == self.right[0]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody and how many photos there are.

    Args:
        name: As in the names of the photos.
        photos: Their number.
        fold: From 0.
    """

    name: str
    photos: int
    fold: int


def path(person: str, number: int) -> str:
    """Return the path of a photo below the folder of the data set.

    >>> path("George_W_Bush", 10)
    'George_W_Bush/George_W_Bush_0010.jpg'
    """
    return f"{person}/{person}_{number:04d}.jpg"


def pairs(source: Source, bad: Bad) -> Iterator[Pair]:
    """Read `pairs.txt` (10 folds of 300 + 300), `pairsDevTrain.txt` or `pairsDevTest.txt`.

    The first line has the number of folds and of pairs of each kind in a fold; the development
    files have the latter only. A fold lists pairs of one person (`name n1 n2`) and then pairs of
    two (`name1 n1 name2 n2`), so that a fold begins where the kind changes back; numbers of pairs
    that differ from the first line are reported.

    Args:
        source: The file.
        bad: Told of lines that cannot be used and of counts that are wrong.

    Raises:
        BadData: If no pair can be read.
    """
    lines = Lines(source, "a list of LFW pairs (folds and pairs, then `name n1 n2`)", bad)
    declared: tuple[int, int] | None = None
    counts = [0, 0]  # of the fold at hand: two people, one person
    fold = 0
    for number, text in lines:
        parts = text.split()
        try:
            if len(parts) < 3:
                if declared:
                    raise ValueError(f"has {len(parts)} fields, expected 3 or 4: {shown(text)}")
                declared = _declared(parts)
                continue
            pair = _pair(fields(text, 3, 4), fold)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        if len(parts) == 3 and counts[0]:
            _check(lines, number, fold, counts, declared)
            fold, counts = fold + 1, [0, 0]
            pair = Pair(fold, pair.left, pair.right)
        counts[len(parts) == 3] += 1
        if declared and fold >= declared[0]:
            lines.flaw(number, f"is in fold {fold + 1} of {declared[0]}: {shown(text)}")
            continue
        if not declared and not lines.good:
            lines.flaw(number, "comes before a line with the numbers of folds and pairs")
        lines.good = True
        yield pair
    _check(lines, 1, fold, counts, declared)
    if declared and fold + 1 < declared[0]:
        lines.flaw(1, f"declares {declared[0]} folds, {fold + 1} follow")


def _declared(parts: list[str]) -> tuple[int, int]:
    folds, each = ("1", parts[0]) if len(parts) == 1 else parts
    return whole(folds, 1, _MOST), whole(each, 1, _MOST)


def _pair(parts: list[str], fold: int) -> Pair:
    left, right = parts[0], parts[2] if len(parts) == 4 else parts[0]
    if len(parts) == 4 and left == right:
        raise ValueError(f"should name two people: {shown(' '.join(parts))}")
    return Pair(fold, _photo(left, parts[1]), _photo(right, parts[-1]))


def _photo(name: str, number: str) -> tuple[str, int]:
    return plain_name(name), whole(number, 1, 9999)


def _check(
    lines: Lines, number: int, fold: int, counts: list[int], declared: tuple[int, int] | None
) -> None:
    if declared and counts != [declared[1]] * 2:
        lines.flaw(
            number,
            f"fold {fold + 1} has {counts[1]} pairs of one person and {counts[0]} of two, "
            f"expected {declared[1]} of each",
        )


def people(source: Source, bad: Bad) -> Iterator[Person]:
    """Read `people.txt`, `peopleDevTrain.txt`, `peopleDevTest.txt` or `lfw-names.txt`.

    `people.txt` has the number of folds, then for each fold the number of people and a line
    `name photos` per person; the development files have one fold and no number of folds;
    `lfw-names.txt` has people only.

    Args:
        source: The file.
        bad: Told of lines that cannot be used and of counts that are wrong.

    Raises:
        BadData: If nobody can be read.
    """
    lines = Lines(source, "a list of LFW people (`name photos`)", bad)
    folds: int | None = None
    mark: tuple[int, int] | None = None  # line and value of the last number that stood alone
    fold = found = 0
    for number, text in lines:
        parts = text.split()
        try:
            if len(parts) == 1:
                value = whole(text, 0, _MOST)
                if lines.good:
                    _people(lines, mark, found)
                    fold += 1
                elif mark:
                    folds = mark[1]
                mark, found = (number, value), 0
                continue
            name, photos = fields(text, 2)
            person = Person(plain_name(name), whole(photos, 1, 9999), fold)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        found += 1
        yield person
    _people(lines, mark, found)
    if folds not in (None, fold + 1):
        lines.flaw(1, f"declares {folds} folds, {fold + 1} follow")


def _people(lines: Lines, mark: tuple[int, int] | None, found: int) -> None:
    if mark and found != mark[1]:
        lines.flaw(mark[0], f"declares {mark[1]} people, {found} follow")
