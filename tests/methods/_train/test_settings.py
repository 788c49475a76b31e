from collections.abc import Callable
from dataclasses import dataclass

import pytest
from torch import Tensor

from facesr.bench.contract import Method, Split
from facesr.bench.errors import BadData, BadName, BenchError
from facesr.methods._train import settings


@dataclass
class Mine(Method):
    size: float = 1.0
    kind: str = "round"

    def upscale(self, lr: Tensor) -> Tensor:
        return lr


def test_a_method_is_called_by_its_file() -> None:
    assert settings.name_of(Mine()) == __name__.rpartition(".")[2]


def test_an_unknown_value_is_refused_with_the_known_ones() -> None:
    settings.require_known(Mine(), kind=("round", "square"))
    with pytest.raises(BadName, match=r"no kind 'oval'; known: round, square"):
        settings.require_known(Mine(kind="oval"), kind=("round", "square"))


def test_another_scale_is_refused() -> None:
    settings.require_scale(Mine(), 4, 8)
    with pytest.raises(BenchError, match=r"enlarges by 4 or 8 only, 3 was asked for"):
        settings.require_scale(Mine(scale=3), 4, 8)


@pytest.mark.parametrize(
    ("check", "bad", "sentence"),
    [
        (settings.require_positive, 0.0, "expected a positive number"),
        (settings.require_positive, float("nan"), "expected a positive number"),
        (settings.require_no_negative, -0.1, "expected no negative number"),
        (settings.require_no_negative, float("nan"), "expected no negative number"),
        (settings.require_share, 1.0, "expected a number from 0 to below 1"),
    ],
)
def test_a_number_out_of_range_is_named(
    check: Callable[..., None], bad: float, sentence: str
) -> None:
    check(Mine(size=0.5), "size")
    with pytest.raises(BenchError, match=rf"\.size is {bad}, {sentence}"):
        check(Mine(size=bad), "size")


def test_sizes_must_fit(make_split: Callable[..., Split]) -> None:
    settings.require_sizes(Mine(), make_split(), multiple=16, least=8)
    with pytest.raises(BadData, match=r"faces of 16 and 32 px, expected 4 times .* 16 and 64"):
        settings.require_sizes(Mine(), make_split(hr_size=32))
    with pytest.raises(BadData, match=r"32 or more on the low side, such as 32 and 128"):
        settings.require_sizes(Mine(), make_split(), least=32)
