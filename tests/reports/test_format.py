import pytest

from facesr.reports._format import MINUS, TIMES, Digits, decimals, digits, half_width


@pytest.mark.parametrize(
    ("half", "expected"),
    [(0.085, 2), (0.0354, 3), (0.0356, 2), (0.0034, 4), (2.9, 1), (3.6, 0), (12.0, 0), (42.0, -1)],
)
def test_two_figures_of_the_half_width_are_kept_below_3_55_else_one(
    half: float, expected: int
) -> None:
    assert decimals(half) == expected


def test_the_median_half_width_decides_for_the_whole_column() -> None:
    assert digits([24.2512], [0.085]).text(24.2512) == "24.25"
    ssim = digits([0.69592, 0.7, 0.71], [0.0036, 0.0034, 0.0033])
    assert ssim.text(0.69592) == "0.6959"
    tar = digits([56.2, 60, 61], [2.9, 3.6, 4.1])
    assert tar.text(56.2) == "56"


def test_a_column_of_tiny_numbers_is_shown_in_thousandths() -> None:
    shown = digits([0.00161], [0.000015])
    assert (shown.text(0.00161), shown.factor) == ("1.610", f"{TIMES}10³")


def test_no_more_than_four_decimals_are_shown() -> None:
    assert digits([1e-9], [1e-12]).decimals == 4


def test_a_column_without_intervals_shows_three_figures_or_whole_numbers() -> None:
    assert digits([0.5123, 0.6], []).text(0.5123) == "0.512"
    assert digits([12.0, 340.0], []).text(340.0) == "340"
    assert digits([], []).text(0.0) == "0"


def test_negative_numbers_have_a_proper_minus_and_zero_has_no_sign() -> None:
    assert Digits(1).text(-1.25) == f"{MINUS}1.2"
    assert Digits(1).text(-0.01) == "0.0"


def test_an_interval_with_one_end_has_no_half_width() -> None:
    assert half_width(None, 2.0) is None
    assert half_width(1.0, 2.0) == 0.5
