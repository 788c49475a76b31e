"""Exponential moving averages of networks."""

import copy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

REACH = 1 / 9


class Average:
    """A copy of a network that follows it slowly.

    The t-th update keeps `min(decay, (1 + t) / (1 + t + 1 / reach))` of the copy, so that the
    random start is forgotten early. Weights and floating-point buffers are averaged, other buffers
    copied.

    Args:
        net: The network that is followed.
        decay: Share of the copy that every update keeps, in [0, 1).
        reach: Over about which share of the updates so far it averages, as long as these are few.
    """

    def __init__(self, net: nn.Module, decay: float, reach: float = REACH) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self.decay = decay
        self.reach = reach
        self.updates = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move the copy towards the network."""
        done = 1 + self.updates
        keep = min(self.decay, done / (done + 1 / self.reach))
        followed, mine = net.state_dict(), self.net.state_dict()
        real = [name for name, tensor in mine.items() if tensor.is_floating_point()]
        pull = get_ema_multi_avg_fn(keep)  # all weights at once
        pull([mine[name] for name in real], [followed[name] for name in real], None)
        for name in mine.keys() - set(real):
            mine[name].copy_(followed[name])
        self.updates += 1

    def state(self) -> dict[str, Any]:
        """Return weights and count."""
        return {"updates": self.updates, "net": self.net.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.net.load_state_dict(state["net"])
        self.updates = state["updates"]
