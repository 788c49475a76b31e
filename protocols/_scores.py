"""Scores as metrics make them: a mean over pictures, or the reason why there is none."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Group, Score
from facesr.protocols._intervals import bootstrap


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
) -> Score:
    """Summarise one value per picture by its mean and a bootstrap interval.

    Raises:
        BadData: If a value is NaN or infinite.
    """
    numbers = finite(metric, values, sr.names)
    interval = bootstrap(numbers, sr.identities)
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
        note=note,
        sampling="picture",
        samples=numbers,
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
