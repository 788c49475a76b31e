"""Batches of faces: which come next, where they are kept, how they reach the device."""

import hashlib
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.methods._train.augment import Augment

RESIDENT_BYTES = 4 * 2**30


def derived_seed(*what: int | str) -> int:
    """Make a seed from a seed and what it is for, so that no two purposes share one stream.

    >>> derived_seed(0, "noise") == derived_seed(0, "noise") != derived_seed(1, "noise")
    True
    """
    digest = hashlib.sha256("\0".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Dice:
    """Random generators on the CPU, a new one for every draw; its whole state is a count per name.

    Args:
        seed: Seed of every draw.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: dict[str, int] = {}

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the next draw of this name."""
        count = self.counts.get(name, 0)
        self.counts[name] = count + 1
        return torch.Generator().manual_seed(derived_seed(self.seed, name, count))


class Order:
    """Positions in a set, all of them once per epoch, in a new order each epoch.

    A batch may reach over the end of an epoch. The state is one number, `drawn`.

    Args:
        length: How many there are.
        seed: Seed of every order.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.drawn = 0
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def take(self, n: int) -> Tensor:
        """Return the next `n` positions, (n,), int64."""
        positions = self._positions(self.drawn, n)
        self.drawn += n
        return positions

    def peek(self, n: int) -> Tensor:
        """Return what `take(n)` would, without taking it."""
        return self._positions(self.drawn, n)

    def _positions(self, start: int, n: int) -> Tensor:
        parts, end = [], start + n
        while start < end:
            epoch, first = divmod(start, self.length)
            last = min(self.length, first + end - start)
            parts.append(self._of_epoch(epoch)[first:last])
            start += last - first
        return torch.cat(parts)

    def _of_epoch(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derived_seed(self.seed, epoch))
            self._order = torch.randperm(self.length, generator=generator)
            self._epoch = epoch
        return self._order


class Feed:
    """Hands out augmented batches of low- and of high-resolution faces.

    The two sets are unrelated: each has its own order and epochs. Sets that fit are kept on the
    device; others are decoded from disk one batch ahead. Both ways give the same batches. A batch
    that is larger than a set repeats faces, each changed in its own way; that is said once.

    Args:
        data: The training split.
        seed: Seed of orders and augmentation.
        device: Where batches go.
        augment: Changes of low-resolution faces under `lr`; of high-resolution faces, and of
            pairs, under `hr`.
        signed: Whether images have the range [-1, 1]; [0, 1] otherwise.
        resident_bytes: Largest set that is kept on the device.

    Raises:
        BadData: If a set is empty, or no multiple in size of the other.
    """

    def __init__(
        self,
        data: Split,
        seed: int,
        device: torch.device,
        *,
        augment: Mapping[str, Augment] | None = None,
        signed: bool = True,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        for side, faces in (("low", data.lr), ("high", data.hr)):
            if not len(faces):
                raise BadData(f"the training split has no {side}-resolution faces; give it some")
        self.device = device
        self.signed = signed
        self.paired = data.paired
        self._said: set[str] = set()
        self._augment = {"lr": Augment(), "hr": Augment()} | dict(augment or {})
        self._dice = Dice(derived_seed(seed, "augmentation"))
        self._orders = {
            "lr": Order(len(data.lr), derived_seed(seed, "order of lr")),
            "hr": Order(len(data.hr), derived_seed(seed, "order of hr")),
        }
        self._sources = {
            "lr": _source(data.lr, device, resident_bytes),
            "hr": _source(data.hr, device, resident_bytes),
        }

    def lr(self, n: int) -> Tensor:
        """Return the next low-resolution faces, (n, 3, h, w), float32."""
        return self._next("lr", n)

    def hr(self, n: int) -> Tensor:
        """Return the next high-resolution faces, (n, 3, h, w), float32."""
        return self._next("hr", n)

    def pairs(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the next faces at both resolutions, changed alike.

        Returns:
            (n, 3, h, w) and (n, 3, h * scale, w * scale), float32.

        Raises:
            BadData: If the split is not paired.
        """
        if not self.paired:
            raise BadData("pairs were asked for, but the two sets of this split are unrelated")
        positions, ahead = self._positions("hr", n)
        change = self._augment["hr"].draw(n, self._dice.generator("hr"))
        lr, hr = (self._sources[s].get(positions, ahead).float() / 255 for s in ("lr", "hr"))
        return self._ranged(change.apply(lr)), self._ranged(change.apply(hr))

    def fixed(self, side: str, n: int) -> Tensor:
        """Return the first `n` faces of `lr` or `hr` as they are, for looking at progress."""
        n = min(n, self._orders[side].length)
        return self._ranged(self._sources[side].get(torch.arange(n), None).float() / 255)

    def state(self) -> dict[str, dict[str, int]]:
        """Return all that decides the next batches."""
        drawn = {side: order.drawn for side, order in self._orders.items()}
        return {"drawn": drawn, "augmented": dict(self._dice.counts)}

    def restore(self, state: dict[str, dict[str, int]]) -> None:
        """Go on from a state."""
        for side, drawn in state["drawn"].items():
            self._orders[side].drawn = drawn
        self._dice.counts = dict(state["augmented"])

    def _next(self, side: str, n: int) -> Tensor:
        positions, ahead = self._positions(side, n)
        images = self._sources[side].get(positions, ahead).float() / 255
        change = self._augment[side].draw(n, self._dice.generator(side))
        return self._ranged(change.apply(images))

    def _positions(self, side: str, n: int) -> tuple[Tensor, Tensor]:
        """Return which faces come next, and which after them."""
        order = self._orders[side]
        if n > order.length and side not in self._said:
            self._said.add(side)
            resolution = {"lr": "low", "hr": "high"}[side]
            print(  # noqa: T201
                f"batches of {n} repeat faces: there are only {order.length} of {resolution} "
                "resolution",
                file=sys.stderr,
            )
        return order.take(n), order.peek(n)

    def _ranged(self, images: Tensor) -> Tensor:
        return images * 2 - 1 if self.signed else images


class _Resident:
    """Faces kept on the device."""

    def __init__(self, faces: Faces, device: torch.device) -> None:
        self._pixels = faces.pixels().to(device)

    def get(self, positions: Tensor, _ahead: Tensor | None) -> Tensor:
        return self._pixels[positions.to(self._pixels.device)]


class _Streamed:
    """Faces decoded from disk, the batch that is expected next ahead of time."""

    def __init__(self, faces: Faces, device: torch.device) -> None:
        self._faces = faces
        self._device = device
        self._worker = ThreadPoolExecutor(1, "decode")
        self._expected: tuple[list[int], Future[Tensor]] | None = None

    def get(self, positions: Tensor, ahead: Tensor | None) -> Tensor:
        wanted = positions.tolist()
        expected, self._expected = self._expected, None
        hit = expected is not None and expected[0] == wanted
        pixels = expected[1].result() if expected and hit else self._faces.take(wanted).pixels()
        if ahead is not None:
            coming = ahead.tolist()
            self._expected = coming, self._worker.submit(lambda: self._faces.take(coming).pixels())
        return pixels.to(self._device, non_blocking=True)


def _source(faces: Faces, device: torch.device, most: int) -> _Resident | _Streamed:
    fits = 3 * faces.size**2 * len(faces) <= most
    return _Resident(faces, device) if fits else _Streamed(faces, device)
