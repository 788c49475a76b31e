"""Measure by how much a model of few blocks raises `niqe[fit]`, and how it ranks faces.

Models are fitted to some of the real faces and compared with that of all of them, on other real
faces after a fourfold reduction.

    python tests/protocols/few_blocks.py --data FOLDER_OF_LFW
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.protocols.metrics._blocks import FEATURES
from facesr.protocols.metrics.niqe import Model, niqe, studio
from facesr.protocols.metrics.niqe_fit import LEAST_BLOCKS, sharp_blocks

BLOCK, SIDE, HELD = 32, 64, 300
BOX = (58, 58, 195, 195)  # of LFW's pictures, as the loader cuts them
Numbers = NDArray[np.float64]


def brightness(paths: Sequence[Path], spoil: bool) -> Numbers:
    """Read faces of 64 pixels, (n, 64, 64); spoiled ones went through a fourfold reduction."""
    faces = []
    for path in paths:
        with Image.open(path) as photo:
            image = photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, BOX)
        if spoil:
            small = image.resize((SIDE // 4, SIDE // 4), Image.Resampling.BICUBIC)
            image = small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        faces.append(np.asarray(image))
    return studio(np.stack(faces).transpose(0, 3, 1, 2))


def fitted(blocks: Numbers) -> Model:
    """Fit a model as the metric does."""
    return Model(blocks.mean(0), np.cov(blocks, rowvar=False))


def table(paths: Sequence[Path], draws: int) -> str:
    """Compare models of 75 blocks and more with one of all blocks; each is drawn a few times."""
    random = np.random.default_rng(0)
    order = random.permutation(len(paths))
    held, real = (brightness([paths[i] for i in part], False) for part in np.split(order, [HELD]))
    spoiled = brightness([paths[i] for i in order[:HELD]], True)
    lines = []
    for side in (BLOCK // 2, BLOCK):
        blocks = sharp_blocks(real, side)
        value = niqe(held, fitted(blocks), side).mean()
        lines.append(f"real faces have {value:.1f} with {len(blocks):,} blocks of {side} pixels")
    noisy = held + random.normal(0, 2, held.shape).round()
    change = niqe(noisy, fitted(blocks), BLOCK).mean() / value - 1
    lines.append(f"noise of 2 grey values changes that by {change:+.0%}")
    best = niqe(spoiled, fitted(blocks), BLOCK)
    lines.append(f"against the last model, on {len(spoiled)} reduced faces:")
    for n in (75, LEAST_BLOCKS, 450, 1152):
        raised, alike = [], []
        for _ in range(draws):
            chosen = blocks[random.choice(len(blocks), n, replace=False)]
            values = niqe(spoiled, fitted(chosen), BLOCK)
            raised.append(values.mean() / best.mean() - 1)
            alike.append(np.corrcoef(values, best)[0, 1])
        expected = np.sqrt((n - 1) / (n - FEATURES - 2)) - 1
        lines.append(
            f"{n:,} blocks raise values by {np.mean(raised):.0%} (the note says {expected:.0%}), "
            f"correlation {np.mean(alike):.2f}"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lfw-deepfunneled")
    parser.add_argument("--faces", type=int, default=3000)
    parser.add_argument("--draws", type=int, default=5)
    chosen = parser.parse_args()
    found = sorted(chosen.data.glob("lfw-deepfunneled/*/*.jpg"))
    paths = found[:: max(1, len(found) // chosen.faces)][: chosen.faces]
    sys.stdout.write(table(paths, chosen.draws))


if __name__ == "__main__":
    main()
