"""A linear support vector machine, small enough for codes of faces."""

import torch
from torch import Tensor

_ITERATIONS = 200


def linear_svm(points: Tensor, positive: Tensor, c: float = 1.0) -> tuple[Tensor, float]:
    """Find the plane that separates two classes with the widest soft margin.

    Minimises |w|^2 / 2 + c * sum of max(0, 1 - y (w.x + b))^2 with L-BFGS, in double precision on
    the CPU; the squared hinge loss has a gradient everywhere.

    Args:
        points: (n, d).
        positive: Which points are of the positive class, (n,), bool.
        c: Weight of points within the margin or beyond.

    Returns:
        The normal of length 1, (d,), that points to the positive class; and b, scaled alike, so
        that `points @ normal + b` is a signed distance.
    """
    x = points.detach().double().cpu()
    y = positive.cpu().double() * 2 - 1
    plane = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [plane],
        max_iter=_ITERATIONS,
        tolerance_grad=1e-9,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def cost() -> Tensor:
        solver.zero_grad()
        slack = (1 - y * (x @ plane[:-1] + plane[-1])).clamp(min=0)
        total = plane[:-1].square().sum() / 2 + c * slack.square().sum()
        total.backward()
        return total

    solver.step(cost)
    length = plane[:-1].detach().norm()
    normal = (plane[:-1].detach() / length).to(points)
    return normal, (plane[-1].detach() / length).item()


def accuracy(points: Tensor, positive: Tensor, normal: Tensor, offset: float) -> float:
    """Return the share of points on the right side of a plane."""
    right = (points @ normal + offset > 0) == positive.to(points.device)
    return right.double().mean().item()
