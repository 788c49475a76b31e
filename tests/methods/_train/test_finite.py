import pytest
import torch
from torch import nn

from facesr.bench.errors import BenchError
from facesr.methods._train.finite import require_finite, require_finite_weights

WHERE = "at step 3"


def parameter(gradient: float | None) -> nn.Parameter:
    made = nn.Parameter(torch.zeros(2))
    made.grad = None if gradient is None else torch.tensor([0.0, gradient])
    return made


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_loss_that_is_no_number_is_named(value: float) -> None:
    with pytest.raises(BenchError, match=f"loss 'gan' of 'g' is {value} at step 3; lower the"):
        require_finite("g", torch.tensor([1.0, value]), ["pixel", "gan"], [parameter(0.0)], WHERE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_gradients_that_are_no_numbers_are_refused(value: float) -> None:
    parameters = [parameter(1.0), parameter(value)]
    with pytest.raises(BenchError, match="gradients of 'g' are not finite at step 3"):
        require_finite("g", torch.ones(1), ["pixel"], parameters, WHERE)


def test_parameters_may_stay_without_gradient_but_not_all_of_them() -> None:
    require_finite("g", torch.ones(1), ["pixel"], [parameter(1.0), parameter(None)], WHERE)
    with pytest.raises(BenchError, match="no loss of 'g' reaches its parameters at step 3"):
        require_finite("g", torch.ones(1), ["pixel"], [parameter(None)], WHERE)


def test_weights_that_are_no_numbers_are_refused_with_the_networks_name() -> None:
    nets = {"one": nn.Linear(1, 1), "two": nn.Linear(1, 1)}
    require_finite_weights(nets, 9, "toy")
    nn.init.constant_(nets["two"].bias, float("nan"))
    with pytest.raises(BenchError, match="weights of 'two' are not finite after step 9"):
        require_finite_weights(nets, 9, "toy")
