import math

import pytest
import torch

from facesr.methods._train.schedule import cosine, linear


def test_the_cosine_falls_to_its_end_as_computed_by_hand() -> None:
    rate = cosine(end=0.1)
    by_hand = {0.0: 1.0, 1 / 3: 0.1 + 0.9 * 0.75, 0.5: 0.55, 2 / 3: 0.1 + 0.9 * 0.25, 1.0: 0.1}
    for done, expected in by_hand.items():
        assert rate(done) == pytest.approx(expected)


@pytest.mark.parametrize(("epochs", "period"), [(200, 200), (40, 10), (30, 10)])
def test_the_cosine_is_that_of_torch_also_beyond_its_period(epochs: int, period: int) -> None:
    adam = torch.optim.Adam([torch.zeros(1, requires_grad=True)], 1e-4)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(adam, period, 1e-5)
    ours = cosine(end=0.1, swings=epochs // period)
    for epoch in range(epochs + 1):
        assert 1e-4 * ours(epoch / epochs) == pytest.approx(adam.param_groups[0]["lr"], rel=1e-6)
        adam.step()
        theirs.step()


def test_swings_go_down_and_up_in_turn() -> None:
    rate = cosine(end=0.2, swings=4)
    assert [rate(done) for done in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([1, 0.2, 1, 0.2, 1])


def test_a_line_starts_late_and_ends_where_it_should() -> None:
    rate = linear(start=0.5, end=0.2)
    shares = (0.0, 0.3, 0.5, 0.75, 1.0)
    assert [rate(done) for done in shares] == pytest.approx([1, 1, 1, 0.6, 0.2])
    assert linear()(0.25) == pytest.approx(0.75)
    assert math.isclose(linear()(1.0), 0.0)
