import pytest
import torch

from facesr.methods._train.relativistic import relativistic_hinge


def test_it_is_equation_2_by_hand() -> None:
    high, low = torch.tensor([[2.0], [0.0]]), torch.tensor([[0.5], [-1.5], [1.0]])  # means 1 and 0
    above = (0.0 + 1.0) / 2  # 1 - 2 and 1 - 0
    below = (0.5 + 0.0 + 1.0) / 3  # 1 + (0.5 - 1), 1 + (-1.5 - 1), 1 + (1 - 1)
    assert relativistic_hinge(high, low).item() == pytest.approx((above + below) / 2)


def test_only_differences_of_verdicts_count() -> None:
    high, low = torch.randn(4, 1), torch.randn(6, 1)
    assert torch.allclose(relativistic_hinge(high, low), relativistic_hinge(high + 5, low + 5))


def test_swapping_the_sets_is_negating_the_verdicts() -> None:
    high, low = torch.randn(4, 1), torch.randn(4, 1)
    assert torch.allclose(relativistic_hinge(low, high), relativistic_hinge(-high, -low))


def test_both_sets_get_gradients_that_move_them_apart() -> None:
    high, low = torch.zeros(3, 1, requires_grad=True), torch.zeros(3, 1, requires_grad=True)
    relativistic_hinge(high, low).backward()
    assert high.grad is not None
    assert low.grad is not None
    assert (high.grad < 0).all()
    assert (low.grad > 0).all()


def test_nothing_is_left_to_learn_beyond_the_margin() -> None:
    assert relativistic_hinge(torch.tensor([[3.0], [2.5]]), torch.tensor([[0.0], [0.5]])) == 0
