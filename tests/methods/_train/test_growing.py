from itertools import pairwise

import pytest

from facesr.bench.errors import BenchError
from facesr.methods._train.growing import Growth

X8 = Growth((0.125, 0.5), 1 / 16, 160_000)  # 20k and 80k steps, 10k of fading in


@pytest.mark.parametrize(
    ("step", "levels"),
    [
        (0, 1.0),
        (19_999, 1.0),
        (20_000, 1.0),
        (25_000, 1.5),
        (30_000, 2.0),
        (80_000, 2.0),
        (87_500, 2.75),
        (90_000, 3.0),
        (159_999, 3.0),
    ],
)
def test_levels_by_hand(step: int, levels: float) -> None:
    assert X8.levels(step) == pytest.approx(levels)


def test_fading_in_is_continuous_at_both_ends() -> None:
    growth = Growth((0.25,), 0.5, 1000)
    levels = [growth.levels(step) for step in range(1000)]
    assert max(b - a for a, b in pairwise(levels)) == pytest.approx(1 / 500)
    assert min(b - a for a, b in pairwise(levels)) == 0
    assert levels[250] == 1
    assert levels[750] == 2


def test_parts_begin_where_levels_do_and_add_up() -> None:
    assert list(X8.parts()) == [20_000, 60_000, 80_000]
    assert list(Growth((), 0.1, 70, first=2).parts()) == [70]
    assert sum(Growth((1 / 7, 3 / 7), 0.1, 101).parts()) == 101


def test_a_network_that_does_not_grow_is_whole_from_the_start() -> None:
    growth = Growth((), 0.0, 10, first=3)
    assert {growth.levels(step) for step in range(10)} == {3}


def test_without_fading_a_level_is_there_a_step_later() -> None:
    growth = Growth((0.5,), 0.0, 10)
    assert [growth.levels(step) for step in range(4, 8)] == [1, 1, 2, 2]


def test_levels_that_would_fade_in_together_are_refused() -> None:
    with pytest.raises(BenchError, match=r"fades in over 0\.5 .* comes 0\.375 later"):
        Growth((0.125, 0.5), 0.5, 100)
    with pytest.raises(BenchError, match=r"comes 0\.1 later"):
        Growth((0.9,), 0.2, 100)
