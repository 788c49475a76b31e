"""How long two_step searches the codes of a face, and how much memory it takes.

    pytest tests/benchmarks/test_projection_bench.py --benchmark-enable -s

A step costs the same whatever the weights, so that random ones do. What is printed is for the two
searches of each face, into W and W+, of as many steps as the method takes at most; published, with
the official projector at 1,024 px: 90 s for a projection, 4 minutes in all (Section 6.4.2). Memory
is the most that the process has held on a CPU, which rises from case to case, and what torch has
held on a CUDA device.
"""

import resource
import time
from dataclasses import replace
from typing import Any

import pytest
import torch

from facesr.methods._nets.stylegan2 import MAPPING, STYLE, Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._projection import Judged, Projector
from facesr.methods.two_step import TwoStep

Benchmark = Any
STEPS = 3
DEVICES = ("cpu", "cuda")


def projector(size: int, batch: int, device: str) -> Projector:
    torch.manual_seed(0)
    widths = channels_of(size)
    generator = Generator(widths, STYLE, MAPPING).to(device).eval().requires_grad_(False)
    judge = Discriminator(widths).to(device).eval().requires_grad_(False)
    return Projector(generator, Judged(judge), STEPS, 0.1, STEPS, 1.0, 1.0, batch)


def gigabytes(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.slow
@pytest.mark.benchmark(group="codes of faces")
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("size", [64, 256, 1024])
@pytest.mark.parametrize("device", DEVICES)
def test_projecting_faces(benchmark: Benchmark, device: str, size: int, batch: int) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    if benchmark.disabled and (size, batch) != (64, 1):
        pytest.skip("one case is enough to see that it works")
    if device == "cpu" and size * batch > 1024:
        pytest.skip("a minute a step")
    searcher = projector(size, batch, device)
    faces = torch.rand(batch, 3, min(size, 128), min(size, 128), device=device) * 2 - 1
    start = torch.zeros(batch, STYLE, device=device)
    replace(searcher, steps=1).project(faces, start, "warming up")
    began = time.perf_counter()
    found = benchmark.pedantic(searcher.project, (faces, start, "projecting"), rounds=1)
    seconds = (time.perf_counter() - began) / STEPS / batch * 2 * TwoStep.projection_steps
    assert found.codes.shape == start.shape
    said = {"seconds per face": round(seconds, 1), "GiB": round(gigabytes(device), 2)}
    benchmark.extra_info.update(said)
    print(f"\n{size} px, {batch} at once on {device}:", said)  # noqa: T201
