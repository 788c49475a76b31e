"""Does what a training makes of small faces bring the two domains together?

    python tests/methods/degradation.py runs/lrgan/train-12345678 --dataset wild --data ~/faces

Of a method that learned to degrade: real high-resolution test faces are degraded as learned and by
interpolation, and compared by their kernel distance with the genuine low-resolution faces that the
training was to imitate, and with those of the test part, which come from other photographs. Of
`cr`, which learned to regulate (its Table 5): genuine low-resolution faces, as they are and as
regulated, are compared with faces made small by interpolation. The first line of each comparison is
tested against the others on the same faces; p is not corrected for their number.
"""

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from facesr.bench import plan
from facesr.bench.choices import parse
from facesr.bench.contract import Split
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, folder, write_images
from facesr.bench.files import read_json
from facesr.bench.score import Score
from facesr.protocols.metrics.kd import Kd
from facesr.reports._ranks import p_values

DEGRADERS = ("high_to_low.safetensors", "degrader.safetensors")


def learned(training: Path) -> Any:
    """Build the method of a training, able to degrade or to regulate.

    Args:
        training: Folder `RUNS/METHOD/train-XXXXXXXX`.

    Raises:
        BenchError: If nothing there was trained to do either.
    """
    settings = dict(read_json(training / "train.json").get("key", {}).get("settings", {}))
    degraders = [training / name for name in DEGRADERS if (training / name).is_file()]
    regulates = {"cr_steps", "variant"} <= settings.keys() and settings["variant"] != "without_cr"
    if not settings or not (degraders or regulates):
        raise BenchError(f"{training} holds no training that learned to degrade or to regulate")
    scale, seed = settings.pop("scale"), settings.pop("seed")
    name = training.parent.name.partition("[")[0]
    method: Any = plan.build_method(parse("methods", name), "paper", settings, scale, seed)
    if degraders:
        method.load_degrader(degraders[0])
    else:
        method.load(training / "weights.safetensors")
    return method


def small(hr: Tensor, size: int) -> dict[str, Tensor]:
    """Make faces small by interpolation over whole areas, (n, 3, size, size) in [0, 1]."""
    return {
        kernel: interpolate(hr, size=(size, size), mode=kernel, antialias=True).clamp(0, 1)
        for kernel in ("bicubic", "bilinear")
    }


def degraded(method: Any, hr: Tensor) -> dict[str, Tensor]:
    """Degrade faces, (n, 3, h, w) in [0, 1], as was learned and by interpolation."""
    chance = torch.Generator().manual_seed(0)
    noisy = "noise" in inspect.signature(method.degrade).parameters
    noise = (torch.randn(len(hr), method.noise, generator=chance),) if noisy else ()
    made = method.degrade(hr, *noise).clamp(0, 1)
    return {"learned": made} | small(hr, hr.shape[-1] // method.scale)


def distances(
    faces: dict[str, Tensor], target: Faces, root: Path, features: str
) -> dict[str, Score]:
    """Measure each set of faces, (n, 3, h, w) in [0, 1], against a target."""
    metric = Kd(features=features)
    return {way: metric.score(stored(faces[way], root / way), target) for way in faces}


def lines(title: str, scores: dict[str, Score]) -> Iterator[str]:
    """Yield what is printed of one comparison."""
    first = next(iter(scores))
    tests = p_values(scores) if all(score.samples for score in scores.values()) else {}
    for way, score in scores.items():
        if score.value is None:
            yield f"{way:15} to {title}: {score.metric} not measured: {score.note}"
            continue
        line = f"{way:15} to {title}: {score.metric} x1000 {score.value:.2f}"
        p = tests.get((first, way))
        tested = "" if p is None else f", p = {p:.2g}"
        yield f"{line} [{score.low:.2f}, {score.high:.2f}]{tested}"


def stored(images: Tensor, root: Path) -> Faces:
    """Write faces, (n, 3, h, w) in [0, 1], as what metrics read."""
    write_images(images, tuple(f"{i:05}.png" for i in range(len(images))), root)
    return folder(root, root.name)


def pixels(faces: Faces) -> Tensor:
    """Read faces, (n, 3, h, w) in [0, 1]."""
    return faces.pixels().float() / 255


def comparisons(
    method: Any, train: Split, test: Split, root: Path
) -> Iterator[tuple[str, dict[str, Tensor], Faces]]:
    """Yield what is to be compared: the name of a target, sets of faces, and the target."""
    parts = {"train": train.lr, "test": test.lr}
    if hasattr(method, "degrade"):
        faces = degraded(method, pixels(test.hr))
        for part, genuine in parts.items():
            yield f"{len(genuine)} genuine faces of {part}", faces, genuine
        return
    artificial = stored(small(pixels(test.hr), test.lr.size)["bicubic"], root / "artificial")
    for part, genuine in parts.items():
        lr = pixels(genuine)
        faces = {f"regulated {part}": method.regulate(lr), f"genuine {part}": lr}
        yield f"{len(artificial)} artificial faces", faces, artificial


def main() -> None:
    """Print the distances."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("training", type=Path)
    parser.add_argument("--dataset", default="wild")
    parser.add_argument("--data", type=Path)
    parser.add_argument(
        "--features", nargs="+", default=["onet"], help="networks, or ONNX files of recognisers"
    )
    chosen = parser.parse_args()
    protocol = plan.build_protocol(parse("protocols", "realworld"))
    data = plan.build_dataset(parse("datasets", chosen.dataset), protocol, chosen.data, None)
    method = learned(chosen.training.resolve())
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        found = comparisons(method, data.split("train"), data.split("test"), root)
        for title, faces, target in found:
            for features in chosen.features:
                for line in lines(title, distances(faces, target, root, features)):
                    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
