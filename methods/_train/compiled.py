"""Networks compiled for the length of a training, in place: their names and weights stay."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

PAYS_FROM = 20_000  # steps; compiling takes minutes
_VARIANTS = 64  # of one forward pass: shapes, networks of one class, with and without gradients


class Compiled:
    """Runs networks through `torch.compile` while training, as they are written otherwise.

    No CUDA graphs: a step calls a network several times and needs all that came out of it, which
    the replay of a graph would overwrite.

    Args:
        nets: The networks.
        options: For `torch.compile`.
    """

    def __init__(self, nets: Mapping[str, nn.Module], **options: Any) -> None:
        self._nets = list(nets.values())
        self._options: dict[str, Any] = {"dynamic": False} | options
        self.on = False

    @contextmanager
    def during(self, wanted: bool) -> Iterator[None]:
        """Compile networks, each at its first call, if that is wanted."""
        if not wanted:
            yield
            return
        from torch._dynamo import config  # takes a second

        with config.patch(cache_size_limit=_VARIANTS):
            for net in self._nets:
                net.compile(**self._options)
            self.on = True
            try:
                yield
            finally:
                self.stop()

    def give_up(self, label: str, error: Exception) -> None:
        """Say why, and run networks as they are written from now on."""
        why = " ".join(str(error).split("\n")[:2]).strip() or type(error).__name__
        print(  # noqa: T201
            f"{label} trains without torch.compile, which failed: {why}", file=sys.stderr
        )
        self.stop()

    def stop(self) -> None:
        """Run networks as they are written from now on."""
        self.on = False
        _set(self._nets, [None] * len(self._nets))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run networks as they are written, on batches that are not worth compiling for."""
        calls = [net._compiled_call_impl for net in self._nets]
        _set(self._nets, [None] * len(self._nets))
        try:
            yield
        finally:
            _set(self._nets, calls)


def _set(nets: Iterable[nn.Module], calls: Iterable[Any]) -> None:
    for net, call in zip(nets, calls, strict=True):
        net._compiled_call_impl = call
