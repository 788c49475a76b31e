"""Does a StyleGAN2 that is trained here come nearer to real faces?

    python tests/methods/generator.py --data ~/faces --out runs/generator

Trains one as `two_step` does, on the high-resolution faces of a data set, and measures every now
and then the kernel distance of faces that it makes to real ones that it is not shown.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from facesr.bench import plan
from facesr.bench.choices import parse
from facesr.bench.contract import Split
from facesr.bench.faces import Faces, folder, write_images
from facesr.bench.score import Score
from facesr.methods._nets.blocks import channels
from facesr.methods._nets.stylegan2 import MAPPING, STYLE, Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.stylegan2 import StyleTraining
from facesr.protocols.metrics.kd import Kd

AT_ONCE = 32


def made(generator: nn.Module, n: int) -> Tensor:
    """Make faces of codes drawn with one seed, (n, 3, size, size) in [0, 1]."""
    assert isinstance(generator, Generator)
    chance = torch.Generator().manual_seed(1)
    codes = torch.randn((n, generator.style_dim), generator=chance).split(AT_ONCE)
    with torch.no_grad():
        faces = torch.cat([generator(generator.map(z)) for z in codes])
    return ((faces + 1) / 2).clamp(0, 1)


def distance(generator: nn.Module, real: Faces, n: int) -> Score:
    """Measure how far faces that a generator makes are from real ones."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch) / "made"
        write_images(made(generator, n), tuple(f"{i:05}.png" for i in range(n)), root)
        return Kd().score(folder(root), real)


def trained(
    data: Split,
    out: Path,
    steps: int,
    width: float,
    batch: int,
    look: Callable[[int, nn.Module], None],
    every: int,
) -> None:
    """Train a generator.

    Args:
        data: Whose high-resolution faces are shown.
        out: Folder of the training.
        steps: Updates.
        width: Factor of the official channels.
        batch: Faces per update.
        look: Called with the number of updates and the moving average of the generator.
        every: After how many updates.
    """
    torch.manual_seed(0)
    widths = channels_of(data.hr.size, 1, width)
    generator = Generator(widths, channels(STYLE, width), MAPPING)
    feed = Feed(data, 0, torch.device("cpu"))
    style = StyleTraining(generator, Discriminator(widths), feed, batch)

    def step(trainer: Trainer) -> None:
        if trainer.done % every == 0:
            look(trainer.done, trainer.average("style_g"))
        style.step(trainer)

    trainer = Trainer(
        "generator",
        style.nets,
        style.optimisers,
        feed,
        out,
        0,
        averages=style.averages,
        sample=lambda: [style.sample(8)],
    )
    trainer.run([Stage("generator", steps, step)])
    look(steps, trainer.average("style_g"))


def main() -> None:
    """Print the distances."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", default="wild")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/generator"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--width", type=float, default=0.0625)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--faces", type=int, default=1000)
    chosen = parser.parse_args()
    protocol = plan.build_protocol(parse("protocols", "realworld"))
    data = plan.build_dataset(parse("datasets", chosen.dataset), protocol, chosen.data, None)
    real = data.split("test").hr

    def look(done: int, generator: nn.Module) -> None:
        score = distance(generator, real, chosen.faces)
        sys.stdout.write(
            f"{done} updates: {score.metric} x1000 "
            f"{score.value:.1f} [{score.low:.1f}, {score.high:.1f}]\n"
        )
        sys.stdout.flush()

    settings = (chosen.steps, chosen.width, chosen.batch)
    trained(data.split("train"), chosen.out, *settings, look, chosen.every)


if __name__ == "__main__":
    main()
