"""Is what a method degrades nearer to genuine low-resolution faces than interpolation is?

    python tests/methods/degradation.py runs/lrgan/train-12345678 --dataset wild --data ~/faces

Real high-resolution test faces are degraded by the networks of a training and by interpolation;
all are compared by their kernel distance with the genuine low-resolution faces that the training
was to imitate, and with those of the test part, which come from other photographs.
"""

import argparse
import inspect
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from facesr.bench import plan
from facesr.bench.choices import parse
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, write_images
from facesr.bench.files import read_json
from facesr.bench.score import Score
from facesr.protocols.metrics.kd import Kd

FILES = ("high_to_low.safetensors", "degrader.safetensors")


def degrader(training: Path) -> Any:
    """Build the method of a training with its degrader.

    Args:
        training: Folder `RUNS/METHOD/train-XXXXXXXX`.

    Raises:
        BenchError: If nothing there was trained to degrade.
    """
    settings = dict(read_json(training / "train.json").get("key", {}).get("settings", {}))
    weights = [training / name for name in FILES if (training / name).is_file()]
    if not settings or not weights:
        raise BenchError(f"{training} holds no training that learned to degrade")
    scale, seed = settings.pop("scale"), settings.pop("seed")
    method: Any = plan.build_method(
        parse("methods", training.parent.name), "paper", settings, scale, seed
    )
    method.load_degrader(weights[0])
    return method


def ways(method: Any, hr: Tensor) -> dict[str, Tensor]:
    """Degrade faces, (n, 3, h, w) in [0, 1], as was learned and by interpolation."""
    small = hr.shape[-1] // method.scale
    chance = torch.Generator().manual_seed(0)
    noisy = "noise" in inspect.signature(method.degrade).parameters
    noise = (torch.randn(len(hr), method.noise, generator=chance),) if noisy else ()
    made = {"learned": method.degrade(hr, *noise)}
    for kernel in ("bicubic", "bilinear"):
        made[kernel] = interpolate(hr, size=(small, small), mode=kernel, antialias=True)
    return {name: images.clamp(0, 1) for name, images in made.items()}


def distances(method: Any, hr: Faces, genuine: Faces, folder: Path) -> dict[str, Score]:
    """Measure each way of degrading against genuine faces."""
    names = tuple(f"{i:05}.png" for i in range(len(hr)))
    found = {}
    for way, images in ways(method, hr.pixels().float() / 255).items():
        write_images(images, names, folder / way)
        faces = Faces(folder / way, names, genuine.size, way, hr.identities)
        found[way] = Kd().score(faces, genuine)
    return found


def main() -> None:
    """Print the distances."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("training", type=Path)
    parser.add_argument("--dataset", default="wild")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--faces", type=int, default=1000)
    chosen = parser.parse_args()
    protocol = plan.build_protocol(parse("protocols", "realworld"))
    data = plan.build_dataset(parse("datasets", chosen.dataset), protocol, chosen.data, None)
    method, test = degrader(chosen.training.resolve()), data.split("test")
    hr = test.hr.take(range(min(chosen.faces, len(test.hr))))
    for part, genuine in (("train", data.split("train").lr), ("test", test.lr)):
        with TemporaryDirectory() as scratch:
            found = distances(method, hr, genuine, Path(scratch))
        for way, score in found.items():
            sys.stdout.write(
                f"{way:9} to {len(genuine)} genuine faces of {part}: {score.metric} x1000 "
                f"{score.value:.2f} [{score.low:.2f}, {score.high:.2f}]\n"
            )


if __name__ == "__main__":
    main()
