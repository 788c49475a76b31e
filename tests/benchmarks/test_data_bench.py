"""How long preparing faces and reading prepared ones take, beside the least that has to be done.

Preparing stands beside decoding with libjpeg and one resize, both by Pillow, of the same files in
as many processes. As part of the tests each runs once, untimed, so that it cannot rot.
"""

import multiprocessing
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.faces import Faces
from facesr.bench.shards import room, write_shard
from facesr.datasets._align import Frame
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._fill import Pick, fill
from facesr.datasets._record import Record

Benchmark = Any
SIZE = 64
FILES, PASSES = 60, 20  # each file comes several times: what counts is decoding, not the disk
POINTS = np.array([[0.42, 0.45], [0.58, 0.45], [0.5, 0.54], [0.44, 0.63], [0.57, 0.63]])
KINDS = {"lfw": (250, 250, 90), "celeba": (178, 218, 95)}  # width, height, JPEG quality


@pytest.fixture(scope="module", params=KINDS)
def photos(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make photographs of the size and weight of a data set's: noise of a photograph's spectrum."""
    width, height, quality = KINDS[request.param]
    root = tmp_path_factory.mktemp(request.param)
    for i in range(FILES):
        noise = np.random.default_rng(i).normal(size=(height, width, 3))
        rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
        falling = 1 / (0.004 + np.hypot(rows, columns)) ** 1.6
        plain = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * falling[:, :, None], axes=(0, 1))
        image = plain.real - plain.real.min()
        pixels = np.rint(image / image.max() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{i:03d}.jpg", quality=quality)
    return root


def decode(paths: list[Path]) -> int:
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    return len(paths)


def decode_all(root: Path, workers: int) -> int:
    paths = sorted(root.iterdir()) * PASSES
    if workers == 1:
        return decode(paths)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return sum(pool.map(decode, [paths[i::workers] for i in range(workers)]))


def records(root: Path) -> Iterator[Record]:
    paths = sorted(root.iterdir())
    with Image.open(paths[0]) as first:
        points = POINTS * first.size
    for i in range(FILES * PASSES):
        yield Record(paths[i % FILES].name, f"f{i}", points=points, identity=f"p{i // 20}")


@pytest.mark.benchmark(group="preparing")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("who", ["ours", "plain decoding and resize"])
@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_preparing(
    benchmark: Benchmark, photos: Path, tmp_path: Path, who: str, workers: int
) -> None:
    folders = (tmp_path / f"{i}" for i in count())
    pick = Pick(lambda: records(photos), Cutter(photos, Frame("square"), Rule(), SIZE))

    def ours() -> int:
        folder = next(folders)
        fill(folder, "toy", [pick], 0, {}, workers)
        return FILES * PASSES

    benchmark.group = f"preparing {photos.name.rstrip('0')}, {workers} processes"
    run = ours if who == "ours" else lambda: decode_all(photos, workers)
    assert benchmark.pedantic(run, rounds=5, iterations=1) == FILES * PASSES


@pytest.fixture(scope="module")
def prepared_faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    root, n = tmp_path_factory.mktemp("prepared"), 12_000
    for first in range(0, n, room(SIZE)):
        shape = (min(room(SIZE), n - first), SIZE, SIZE, 3)
        write_shard(root, first, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    return Faces(root, tuple(f"{i}.png" for i in range(n)), SIZE, rows=np.arange(n))


@pytest.mark.benchmark(group="reading 12,000 prepared faces of 64 px")
@pytest.mark.parametrize("what", ["pixels", "batches"])
@pytest.mark.parametrize("order", ["stored", "random"])
def test_reading(benchmark: Benchmark, prepared_faces: Faces, order: str, what: str) -> None:
    import torch

    torch.set_num_threads(1)
    n = len(prepared_faces)
    shuffled = np.random.default_rng(0).permutation(n).tolist()
    faces = prepared_faces if order == "stored" else prepared_faces.take(shuffled)

    def pixels() -> int:
        return len(faces.pixels())

    def batches() -> int:
        return sum(len(batch) for batch in faces.batches(256))

    assert benchmark(pixels if what == "pixels" else batches) == n
