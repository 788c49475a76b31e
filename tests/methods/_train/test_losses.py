import pytest
import torch

from facesr.methods._train.losses import (
    hinge_discriminator,
    hinge_generator,
    pixel_l1,
    pixel_l2,
)


def test_hinge_of_the_discriminator_by_hand() -> None:
    real = torch.tensor([[2.0], [0.5], [-1.0]])  # costs 0, 0.5, 2
    fake = torch.tensor([[-3.0], [0.0], [1.0]])  # costs 0, 1, 2
    assert hinge_discriminator(real, fake).item() == pytest.approx(2.5 / 3 + 1)


def test_a_discriminator_beyond_the_margin_gets_no_gradient() -> None:
    real = torch.tensor([[1.5]], requires_grad=True)
    fake = torch.tensor([[-1.5]], requires_grad=True)
    hinge_discriminator(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert real.grad.item() == fake.grad.item() == 0


def test_hinge_of_the_generator_by_hand() -> None:
    assert hinge_generator(torch.tensor([[2.0], [-1.0]])).item() == pytest.approx(-0.5)


def test_pixel_losses_by_hand() -> None:
    x, y = torch.zeros(1, 3, 1, 1), torch.tensor([1.0, 2.0, -3.0]).view(1, 3, 1, 1)
    assert pixel_l1(x, y).item() == pytest.approx(2)
    assert pixel_l2(x, y).item() == pytest.approx(14 / 3)
