import pytest
import torch

from facesr.methods._train.losses import (
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
    log_discriminator,
    log_generator,
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


def test_the_gradient_penalty_of_a_linear_judge_is_the_square_of_its_weights() -> None:
    real = torch.rand(5, 3, 4, 4, requires_grad=True)
    weight = torch.randn(3 * 16, 1, requires_grad=True)
    penalty = gradient_penalty(real.flatten(1) @ weight, real)
    assert penalty.item() == pytest.approx(weight.square().sum().item(), rel=1e-5)
    penalty.backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * weight, rtol=1e-5)  # through a second derivative


def test_the_gradient_penalty_is_the_mean_over_images() -> None:
    real = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).requires_grad_()
    assert gradient_penalty(real.square().flatten(1), real).item() == pytest.approx(20)


def test_logarithmic_losses_are_those_of_probabilities() -> None:
    real, fake = torch.tensor([[2.0], [0.5]]), torch.tensor([[-3.0], [1.0]])
    objective = real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()
    assert log_discriminator(real, fake).item() == pytest.approx(-objective.item())
    assert log_generator(fake).item() == pytest.approx(-fake.sigmoid().log().mean().item())


def test_logarithmic_losses_of_sure_verdicts_are_finite_and_teach_the_generator() -> None:
    fake = torch.tensor([[-200.0]], requires_grad=True)
    loss = log_generator(fake)
    loss.backward()
    assert loss.item() == pytest.approx(200)
    assert fake.grad is not None
    assert fake.grad.item() == pytest.approx(-1)
    assert log_discriminator(torch.tensor([-200.0]), torch.tensor([200.0])) == 400
