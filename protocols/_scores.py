"""Scores as metrics make them: a mean over pictures, a distance, or the reason for no number."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Group, Score
from facesr.protocols._intervals import Interval, bootstrap, jackknife, units


def per_picture(
    metric: str,
    values: ArrayLike,
    sr: Faces,
    *,
    better: Better,
    identity: str,
    group: Group,
    unit: str = "",
    note: str = "",
    interval: Interval | None = None,
) -> Score:
    """Summarise one value per picture by its mean and a bootstrap interval.

    Pictures of one person are no independent evidence: where `sr.identities` says that anybody
    comes twice, people are resampled, and samples are one mean per person in the order of their
    first pictures. The value is the mean of all pictures in any case.

    Args:
        metric: Column name.
        values: One number per picture.
        sr: What is measured.
        better: As in `Score`.
        identity: As in `Score`.
        group: As in `Score`.
        unit: As in `Score`.
        note: As in `Score`.
        interval: Of the mean; a bootstrap interval if left out.

    Raises:
        BadData: If a value is NaN or infinite.
    """
    numbers = finite(metric, values, sr.names)
    interval = interval or bootstrap(numbers, sr.identities)
    sample = units(numbers, sr.identities)
    return Score(
        metric=metric,
        value=sum(numbers) / len(numbers),
        better=better,
        n=len(numbers),
        identity=identity,
        low=interval.low,
        high=interval.high,
        unit=unit,
        group=group,
        interval=interval.how,
        note=_joined(note, interval.note),
        sampling="picture" if sample.name == "pictures" else "person",
        samples=tuple(sample.means.tolist()),
        pictures=numbers,
    )


def per_group(
    metric: str,
    value: float,
    without: Sequence[float],
    name: str,
    sr: Faces,
    *,
    identity: str,
    least: float = -np.inf,
    unit: str = "",
    note: str = "",
    ranked: bool = True,
) -> Score:
    """Summarise a distance between two sets by a jackknife interval.

    Args:
        metric: Column name.
        value: The distance.
        without: The distance without each group of pictures.
        name: What the groups are made of, `pictures` or `people`.
        sr: What is measured.
        identity: As in `Score`.
        least: Smallest possible distance, below which no interval goes.
        unit: As in `Score`.
        note: As in `Score`.
        ranked: As in `Score`.
    """
    interval = jackknife(value, without, name)
    return Score(
        metric=metric,
        value=value,
        better="lower",
        n=len(sr),
        identity=identity,
        low=None if interval.low is None else max(least, interval.low),
        high=interval.high,
        unit=unit,
        interval=interval.how,
        note=_joined(note, interval.note),
        ranked=ranked,
        sampling="jackknife" if without else "none",
        samples=tuple(without),
    )


def absent(
    metric: str, sr: Faces, why: str, *, better: Better, identity: str, group: Group
) -> Score:
    """Leave the place of a number empty and say why."""
    return Score(
        metric=metric,
        value=None,
        better=better,
        n=len(sr),
        identity=identity,
        group=group,
        note=why,
        ranked=False,
    )


def finite(metric: str, values: ArrayLike, names: Sequence[str]) -> tuple[float, ...]:
    """Return numbers as they are, or name the first picture without one.

    Raises:
        BadData: If a value is NaN or infinite.
    """
    numbers = np.asarray(values, np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise BadData(
            f"{metric} of {names[bad[0]]} is {numbers[bad[0]]} ({len(bad)} of {len(numbers)} "
            f"pictures); nothing is averaged over what is left"
        )
    return cast(tuple[float, ...], tuple(numbers.tolist()))


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
