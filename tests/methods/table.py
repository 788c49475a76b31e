"""Count what the networks of each method hold and cost, trains what is published, as a table.

    python tests/methods/table.py --markdown docs/methods.md

A new method takes one line in `ROWS`; each network that only training uses takes another.
"""

import argparse
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from facesr.bench import plan
from facesr.bench.choices import parse
from facesr.methods._nets import cr, flow, lrgan, scgan, selfsr
from facesr.methods._nets.discriminator import Discriminator
from facesr.methods._nets.embedder import Embedder

BATCHES = (1, 16)
REPEATS = 3
UNITS = {"": 1, "K": 1e3, "M": 1e6}


@dataclass(frozen=True)
class Row:
    """A network of a method.

    Args:
        method: A method at the paper's settings but for those in brackets.
        network: What the paper calls it; empty if there is none.
        published: How many parameters it has, as its source prints it; empty if none does.
        source: Where that stands.
        trains: Builds a network that only training uses; None for what `upscale` runs.
        takes: Shapes of what such a network is given, for one image.
        lr: Side of the low-resolution image.
        scale: Factor to the high-resolution side.
    """

    method: str
    network: str = ""
    published: str = ""
    source: str = ""
    trains: Callable[[], nn.Module] | None = None
    takes: tuple[tuple[int, ...], ...] = ()
    lr: int = 16
    scale: int = 4

    def runs(self) -> tuple[nn.Module, Callable[[int], Tensor]]:
        """Return the network and what runs it on a batch."""
        if self.trains is not None:
            net = self.trains().eval()
            return net, lambda n: image(net(*(torch.rand(n, *shape) for shape in self.takes)))
        method = plan.build_method(parse("methods", self.method), "paper", {}, self.scale, 0)
        method.net.eval()
        return method.net, lambda n: method.upscale(torch.rand(n, 3, self.lr, self.lr))


CHENG, ZENG = "Cheng et al. 2020, Section 4.1", "Zeng et al. 2021, Table I"
HOU = "the authors' code"
IMAGE, SMALL, NOISE = (3, 64, 64), (3, 16, 16), (64,)
ROWS = (
    Row("bicubic"),
    Row("lrgan", "Low-to-High", "4.0 M", CHENG),
    Row("lrgan[width=0.5]", "Low-to-High", "4.0 M", CHENG),
    Row("lrgan[architecture=released]", "Low-to-High", "15,490,403", "the authors' weights"),
    Row("lrgan", "High-to-Low", trains=lrgan.HighToLow, takes=(IMAGE, NOISE)),
    Row("lrgan", "discriminator, 64 px", trains=lambda: Discriminator(64), takes=(IMAGE,)),
    Row("lrgan", "discriminator, 16 px", trains=lambda: Discriminator(16), takes=(SMALL,)),
    Row("cr", "regulariser, super-resolver", "2.7 M", CHENG),
    Row("cr", "inverse regulariser", trains=cr.Regulariser, takes=(SMALL,)),
    Row("cr", "recogniser", trains=Embedder, takes=(IMAGE,)),
    Row("selfsr", "super-resolver"),
    Row("selfsr", "super-resolver", "17.89 M", ZENG, scale=8),
    Row("selfsr", "flow degrader", trains=flow.Degrader, takes=(SMALL,)),
    Row("selfsr", "discriminator", trains=selfsr.GrowingDiscriminator, takes=(IMAGE,)),
    Row("scgan", "restorer", "15,476,323", HOU),
    Row("scgan", "degrader", "12,291,896", HOU, trains=scgan.Degrader, takes=(IMAGE, NOISE)),
    Row(
        *(
            "two_step[output=mid_resolution]",
            "Low-to-High",
            "8.5 M",
            "34 MB of float32, Section 6.4.2",
        ),
        scale=8,
    ),
    Row("two_step[output=mid_resolution]", "Low-to-High"),
    Row(
        *("scgan", "discriminator, 64 px", "15,456,641", HOU),
        trains=lambda: scgan.Discriminator(64),
        takes=(IMAGE,),
    ),
    Row(
        *("scgan", "discriminator, 16 px", "15,390,849", HOU),
        trains=lambda: scgan.Discriminator(16),
        takes=(SMALL,),
    ),
)

HEAD = (
    *("method", "network", "for", "pixels"),
    *("parameters", "published", "difference", "source", "multiply-adds"),
)
SIZES = """# Methods: size and cost

Written by `python tests/methods/table.py --markdown docs/methods.md`; do not edit.

Every method as the paper sets it, but for the settings in brackets; a network for training takes no
part in upscaling. Parameters are all that training changes. Multiply-adds are those of convolutions
and matrix products for one image, counted while it passes; interpolation, normalisation and
activations are not counted. A published number with a decimal point is rounded by its source.

{table}
"""
TIMES = """
## Time

Processor time per image on one core of {machine}, torch {torch}, one thread, single precision:
the middle of {repeats} batches after one that is not counted.

{table}
"""


def image(result: Any) -> Tensor:
    """Return the first of several results."""
    return result[0] if isinstance(result, tuple) else result


def number(text: str) -> float:
    """Read a number as it is printed, such as `4.0 M`.

    >>> number("4.0 M"), number("15,490,403")
    (4000000.0, 15490403.0)
    """
    value, _, unit = text.replace(",", "").partition(" ")
    return float(value) * UNITS[unit]


def size(row: Row) -> tuple[str, ...]:
    """Return a line of the first table."""
    device = "cpu" if row.trains else "meta"  # shapes without numbers; spectral norm needs some
    with torch.device(device), torch.no_grad():
        net, run = row.runs()
        with FlopCounterMode(display=False) as counter:
            result = run(1)
    held = sum(parameter.numel() for parameter in net.parameters())
    side = row.takes[0][-1] if row.takes else row.lr
    products = counter.get_total_flops() // 2
    away = f"{held / number(row.published) - 1:+.1%}".replace("%", " %") if row.published else ""
    return (
        f"`{row.method}`",
        row.network,
        "training" if row.trains else "upscaling",
        f"{side} → {result.shape[-1]}" if result.ndim == 4 else f"{side}",
        f"{held:,}" if held else "none",
        row.published,
        re.sub(r"^[+-](0\.0 %)$", r"\1", away),
        row.source,
        f"{products / 1e9:.2f} G" if products else "none",
    )


def duration(row: Row) -> tuple[str, ...]:
    """Return a line of the second table."""
    _, run = row.runs()
    cells = [f"`{row.method}`", f"{row.lr} → {row.lr * row.scale}"]
    for n in BATCHES:
        spent = []
        for _ in range(REPEATS + 1):
            began = time.process_time()
            with torch.inference_mode():
                run(n)
            spent.append(time.process_time() - began)
        cells.append(f"{1e3 * statistics.median(spent[1:]) / n:.3g} ms")
    return tuple(cells)


def written(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """Return a table in markdown, numbers to the right."""
    right = {"parameters", "published", "difference", "multiply-adds"}
    rule = tuple("--:" if name in right or name.startswith("batch") else "---" for name in head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def machine() -> str:
    """Return what the processor is called."""
    listed = Path("/proc/cpuinfo")
    text = listed.read_text(encoding="utf-8") if listed.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def sizes() -> str:
    """Count everything; the same on every machine."""
    return SIZES.format(table=written(HEAD, [size(row) for row in ROWS]))


def times() -> str:
    """Time every method."""
    head = ("method", "pixels", *(f"batch of {n}" for n in BATCHES))
    lines = [duration(row) for row in ROWS if row.trains is None]
    return TIMES.format(
        machine=machine(),
        torch=torch.__version__.partition("+")[0],
        repeats=REPEATS,
        table=written(head, lines),
    )


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--markdown", type=Path, help="also write the page to this file")
    parser.add_argument("--sizes", action="store_true", help="leave the times out")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    page = sizes() + ("" if chosen.sizes else times())
    sys.stdout.write(page)
    if chosen.markdown:
        chosen.markdown.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
