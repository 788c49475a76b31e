"""One optimisation step of ours beside one of the authors' (or yoon28's) code, at the paper's size.

Their networks come from their repositories, unchanged, as FACESR_PEERS names the folder:

    git clone https://github.com/HaoHou-98/SCGAN $FACESR_PEERS/SCGAN
    git clone https://github.com/yoon28/unpaired_face_sr $FACESR_PEERS/unpaired_face_sr
    OMP_NUM_THREADS=1 pytest tests/benchmarks/test_training_bench.py --benchmark-enable -s

The step around them does what their `train.py` or `yoon_train.py` does, without decoding pictures
and printing losses, which would only slow it. Both sides take turns in one process, in batches of
FACESR_BENCH_BATCH faces (8; 64 and 32 in their scripts, which a CPU is slow at); seconds are the
processor's on a CPU, where both sides work in single precision (ours in bfloat16 too, if the
processor knows it), and real ones on a CUDA device.

- scgan: networks of the same size and the stop-gradients of the released code, so that the ratio
  compares the training alone.
- lrgan: all four networks updated once by both, but the paper's networks are not yoon28's, and
  our last stage takes the gradient of Low-to-High back into High-to-Low. The arithmetic of both is
  counted, and the ratio also given per multiply-add.
"""

import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, l1_loss, mse_loss, relu
from torch.utils.flop_counter import FlopCounterMode

from facesr.bench.contract import Split
from facesr.bench.faces import folder, write_images
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods.lrgan import LRGAN
from facesr.methods.scgan import SCGAN

Benchmark = Any
Step = Callable[[Tensor, Tensor], None]
CLONE = (
    "set FACESR_PEERS to a folder that has what `git clone https://github.com/HaoHou-98/SCGAN` and "
    "`git clone https://github.com/yoon28/unpaired_face_sr` make"
)
ROUNDS = 5
FACES = 64


@contextmanager
def modules(repository: str) -> Iterator[Callable[[str], Any]]:
    """Import from a clone; its modules, of names such as `model`, are forgotten afterwards."""
    root = Path(os.environ.get("FACESR_PEERS", "")) / repository
    if "FACESR_PEERS" not in os.environ or not root.is_dir():
        pytest.skip(CLONE)
    before = dict(sys.modules)
    sys.path.insert(0, str(root))
    sys.modules.setdefault("cv2", ModuleType("cv2"))  # only for showing pictures
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(root))
        for name in sys.modules.keys() - before.keys():
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(root)):
                del sys.modules[name]
        if "cv2" not in before:
            del sys.modules["cv2"]


class Peer:
    """Networks of others with an Adam each, updated as their scripts do.

    Args:
        nets: The networks.
        betas: Of Adam.
        device: Where they are.
    """

    def __init__(self, nets: Sequence[nn.Module], betas: tuple[float, float], device: Any) -> None:
        self.nets = [net.to(device).train() for net in nets]
        self.adam = [torch.optim.Adam(learned(net), 1e-4, betas=betas) for net in self.nets]

    def clear(self, *which: int) -> None:
        for i in which or range(len(self.adam)):
            self.adam[i].zero_grad()

    def update(self, which: int, loss: Tensor) -> None:
        loss.backward()
        self.adam[which].step()

    def judge(self, pairs: Sequence[tuple[int, Tensor, Tensor]]) -> None:
        """Update discriminators, each of which sees genuine and made faces separately."""
        for i, real, fake in pairs:
            judge = self.nets[i]
            (relu(1 - judge(real)).mean() + relu(1 + judge(fake.detach())).mean()).backward()
        for i, _, _ in pairs:
            self.adam[i].step()


def learned(net: nn.Module) -> list[nn.Parameter]:
    return [p for p in net.parameters() if p.requires_grad]


def released_scgan(device: torch.device) -> Step:
    with modules("SCGAN") as load:
        model = load("model")
        build = [model.G_DHL, model.G_RLS, model.G_DSL]
        judges = [model.Discriminator(size) for size in (16, 16, 64, 64)]
        peer = Peer([*(make() for make in build), *judges], (0.9, 0.999), device)
    hl, ls, sl, *_ = peer.nets

    def step(hr: Tensor, lr: Tensor) -> None:
        peer.clear()
        noise = torch.randn(len(hr), 1, 64, device=hr.device)
        low = hl(hr, noise)
        high = ls(low.detach())
        restored = ls(lr)
        again = sl(restored.detach(), noise)
        large = interpolate(lr, size=(64, 64), mode="bicubic", align_corners=True)
        peer.judge([(3, lr, low), (4, lr, again), (5, hr, high), (6, hr, restored)])
        peer.clear(0, 1, 2)
        _, _, _, l1, l2, h1, h2 = peer.nets
        peer.update(0, l1_loss(low, avg_pool2d(hr, 4)) - 0.05 * l1(low).mean())
        forward = l1_loss(high, hr) - 0.05 * h1(high).mean()
        backward = l1_loss(restored, large) - 0.05 * h2(restored).mean()
        peer.update(1, forward + 0.05 * backward)
        peer.update(2, l1_loss(again, lr) - 0.05 * l2(again).mean())

    return step


def yoon28(device: torch.device) -> Step:
    with modules("unpaired_face_sr") as load:
        model, released = load("yoon_model"), load("model")
        judges = [model.Discriminator(size) for size in (16, 64)]
        peer = Peer([model.High2Low(), released.GEN_DEEP(), *judges], (0.0, 0.9), device)
    h2l, l2h, d_lr, d_hr = peer.nets

    def step(hr: Tensor, lr: Tensor) -> None:
        peer.clear()
        low = h2l(hr, torch.randn(len(hr), 1, 64, device=hr.device))
        high = l2h(low.detach())
        peer.judge([(2, lr, low), (3, hr, high)])
        peer.clear(2)
        peer.update(0, mse_loss(low, avg_pool2d(hr, 4)) - 0.05 * d_lr(low).mean())
        peer.clear(3)
        peer.update(1, mse_loss(high, hr) - 0.05 * d_hr(high).mean())

    return step


@dataclass
class Duel:
    """Takes turns inside our training loop.

    Args:
        theirs: A step of others.
        batch: Faces per step.
        rounds: Turns that count; one more goes first, in which arithmetic is counted on a CPU.
    """

    theirs: Step
    batch: int
    rounds: int

    def __post_init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        self.products: dict[str, int] = {}

    def run(self, trainer: Trainer, stages: Sequence[Stage]) -> None:
        """Stand in for `Trainer.run`, with turns of the last stage and of the others' step."""
        trainer.sample, trainer.checkpoint_share = None, 0.0
        trainer.compiled = trainer.device.type == "cuda"

        def turn(trainer: Trainer) -> None:
            self._time("ours", trainer.device, lambda: stages[-1].step(trainer))
            hr, lr = trainer.feed.hr(self.batch), trainer.feed.lr(self.batch)
            as_theirs = torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True
            )
            with torch.autocast(trainer.device.type, enabled=False), as_theirs:
                self._time("theirs", trainer.device, lambda: self.theirs(hr, lr))

        RUN(trainer, [Stage("turns", self.rounds + 1, turn)])

    def _time(self, who: str, device: torch.device, step: Callable[[], None]) -> None:
        cuda = device.type == "cuda"
        if not cuda and who not in self.products:
            with FlopCounterMode(display=False) as counter:
                step()
            self.products[who] = counter.get_total_flops() // 2
            return
        clock = time.perf_counter if cuda else time.process_time
        if cuda:
            torch.cuda.synchronize()
        began = clock()
        step()
        if cuda:
            torch.cuda.synchronize()
        self.seconds[who].append(clock() - began)

    def report(self) -> dict[str, float]:
        """Return images per second and ratios, of the middle of all turns."""
        kept = {who: seconds[-self.rounds :] for who, seconds in self.seconds.items()}
        ratios = [t / o for o, t in zip(kept["ours"], kept["theirs"], strict=True)]
        said = {
            f"images/s, {who}": self.batch / statistics.median(seconds)
            for who, seconds in kept.items()
        }
        said |= {"ratio": statistics.median(ratios), "ratio, least": min(ratios)}
        for who, products in self.products.items():
            said[f"G multiply-adds per image, {who}"] = products / self.batch / 1e9
        if self.products:
            per = self.products["ours"] / self.products["theirs"]
            said["ratio per multiply-add"] = said["ratio"] * per
        return {name: round(value, 3) for name, value in said.items()}


RUN = Trainer.run
DUELS: dict[str, tuple[Callable[[int], LRGAN | SCGAN], Callable[[torch.device], Step]]] = {
    "lrgan": (lambda n: LRGAN(batch=n, d_steps=1, augment="none"), yoon28),
    "scgan": (lambda n: SCGAN(batch=n, cycle="released"), released_scgan),
}


@pytest.fixture
def data(tmp_path: Path) -> Split:
    for name, size in (("lr", 16), ("hr", 64)):
        images = torch.rand(FACES, 3, size, size, generator=torch.Generator().manual_seed(size))
        write_images(images, tuple(f"{i:02}.png" for i in range(FACES)), tmp_path / name)
    return Split(folder(tmp_path / "lr"), folder(tmp_path / "hr"))


@pytest.mark.slow
@pytest.mark.benchmark(group="a training step at the paper's size")
@pytest.mark.parametrize("kind", ["cpu", "cpu with bfloat16", "cuda"])
@pytest.mark.parametrize("name", DUELS)
def test_a_training_step(
    benchmark: Benchmark,
    data: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: str,
) -> None:
    device = torch.device(kind.partition(" ")[0])
    if device.type == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    batch = 2 if benchmark.disabled else int(os.environ.get("FACESR_BENCH_BATCH", "8"))
    build, theirs = DUELS[name]
    torch.manual_seed(0)
    duel = Duel(theirs(device), batch, 1 if benchmark.disabled else ROUNDS)
    monkeypatch.setattr(Trainer, "run", lambda trainer, stages: duel.run(trainer, stages))
    method = build(batch)
    method.device = device
    method.mixed = True if "bfloat16" in kind else None
    benchmark.pedantic(method.train, (data, tmp_path / "out"), rounds=1)
    found = duel.report()
    benchmark.extra_info.update(found)
    print(f"\n{name} on {kind}, batches of {batch}:", found)  # noqa: T201
    assert found["ratio"] > 0
