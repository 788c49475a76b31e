import pytest
import torch
from torch import Tensor

from facesr.methods._projection import push, score
from facesr.methods._svm import accuracy, linear_svm


def classes(n: int, spread: float) -> tuple[Tensor, Tensor, Tensor]:
    """Draw two classes, apart along a planted direction."""
    dice = torch.Generator().manual_seed(0)
    planted = torch.nn.functional.normalize(torch.randn(32, generator=dice), dim=0)
    positive = torch.arange(n) % 2 == 0
    noise = spread * torch.randn((n, 32), generator=dice)
    return noise + planted * torch.where(positive, 3.0, -1.0)[:, None], positive, planted


def test_two_points_are_separated_half_way() -> None:
    points = torch.tensor([[0.0, 0.0], [6.0, 8.0]])
    normal, offset = linear_svm(points, torch.tensor([False, True]), c=1e4)
    assert torch.allclose(normal, torch.tensor([0.6, 0.8]), atol=1e-5)
    assert offset == pytest.approx(-5, abs=1e-3)


def test_a_planted_direction_is_recovered() -> None:
    points, positive, planted = classes(400, 0.3)
    normal, offset = linear_svm(points, positive)
    assert normal.norm().item() == pytest.approx(1, abs=1e-6)
    assert (normal @ planted).item() > 0.95
    assert accuracy(points, positive, normal, offset) == 1
    more, labels, _ = classes(1000, 0.3)
    assert accuracy(more, labels, normal, offset) > 0.99


def test_moving_along_it_changes_the_side() -> None:
    points, positive, _ = classes(200, 0.3)
    normal, offset = linear_svm(points, positive)
    negative = points[~positive]
    gap = score(points[positive], normal).mean() - score(negative, normal).mean()
    moved = push(negative, normal, gap)
    assert torch.allclose(score(moved, normal), score(negative, normal) + gap, atol=1e-4)
    assert accuracy(moved, torch.ones(len(moved), dtype=torch.bool), normal, offset) == 1


def test_the_slope_of_the_cost_is_zero_at_the_solution() -> None:
    points, positive, _ = classes(60, 3.0)  # not separable
    normal, offset = linear_svm(points, positive, c=0.5)
    y = positive.double() * 2 - 1
    best = None
    for length in torch.linspace(0.01, 3, 3000, dtype=torch.float64):  # |w| is all that is left
        slack = (1 - y * length * (points.double() @ normal.double() + offset)).clamp(min=0)
        cost = length**2 / 2 + 0.5 * slack.square().sum()
        if best is None or cost < best[0]:
            best = cost, length, slack
    assert best is not None
    _, length, slack = best
    slope = length * normal.double() - ((y * slack)[:, None] * points.double()).sum(0)
    assert slope.abs().max() < 0.05 * (slack[:, None] * points.double()).abs().sum(0).max()
    assert abs((y * slack).sum().item()) < 0.01 * slack.sum().item()


def test_swapped_classes_turn_the_normal() -> None:
    points, positive, _ = classes(100, 1.0)
    one, other = linear_svm(points, positive)[0], linear_svm(points, ~positive)[0]
    assert torch.allclose(one, -other, atol=1e-4)
