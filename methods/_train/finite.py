"""What stops a training run before a number that is none spreads into its weights."""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from facesr.bench.errors import BenchError

_ADVICE = "lower the learning rate, or start again with another seed"


def require_finite(
    title: str, terms: Tensor, names: Iterable[str], parameters: Sequence[Tensor], where: str
) -> None:
    """Look at the losses of one update and at the gradients they left.

    Args:
        title: What is updated.
        terms: The losses, (n,).
        names: What each of them is called.
        parameters: What should have received gradients.
        where: Step and stage, as the end of a sentence.

    Raises:
        BenchError: If a loss or a gradient is not finite, or nothing received a gradient.
    """
    for name, loss in zip(names, terms.tolist(), strict=True):
        if not math.isfinite(loss):
            raise BenchError(f"the loss {name!r} of {title!r} is {loss} {where}; {_ADVICE}")
    norms = [torch.linalg.vector_norm(p.grad) for p in parameters if p.grad is not None]
    if not norms:
        raise BenchError(f"no loss of {title!r} reaches its parameters {where}; check its step")
    if not torch.isfinite(torch.stack(norms)).all():
        raise BenchError(f"the gradients of {title!r} are not finite {where}; {_ADVICE}")


def require_finite_weights(nets: Mapping[str, nn.Module], step: int, label: str) -> None:
    """Keep weights that a look at every step would have caught out of checkpoints.

    Args:
        nets: Networks by name.
        step: How many steps were done.
        label: Name of the method.

    Raises:
        BenchError: If a weight is not finite.
    """
    for name, net in nets.items():
        if not all(bool(p.isfinite().all()) for p in net.parameters()):
            raise BenchError(
                f"the weights of {name!r} are not finite after step {step} of training {label}; "
                f"{_ADVICE}"
            )
