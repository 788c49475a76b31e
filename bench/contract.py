"""What a method, a data set, a metric and a protocol promise the harness."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from facesr.bench.faces import Faces
from facesr.bench.files import cache_folder
from facesr.bench.score import Better, Curve, Score

_IN_BRACKETS = ("embedder", "detector", "features", "network")  # what columns are told apart by
Part = Literal["train", "test"]
Needs = Literal["nothing", "faces", "pairs", "input"]


@dataclass(frozen=True)
class About:
    """What a reader should know of a method or a data set; written with literals only.

    Args:
        title: Its own spelling.
        paper: Authors, title, venue.
        year: Of the paper.
        url: Where to read more.
        family: `interpolation`, `regression`, `adversarial`, `prior`, `diffusion`, `codebook`
            or `unpaired` for a method; decides its colour in every plot.
        scales: Factors it supports; empty for any.
        needs: Assets without which it cannot run.
        licence: Terms of a data set.
        shareable: Whether pictures of a data set may be published; a report says so if not.
        holds: What a data set holds and how many, as its authors say.
        layout: Which files are expected where, as the authors distribute them.
        withdrawn: When and why a data set was withdrawn by its authors; empty if it was not.
    """

    title: str
    paper: str = ""
    year: int = 0
    url: str = ""
    family: str = ""
    scales: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    licence: str = ""
    shareable: bool = False
    holds: str = ""
    layout: str = ""
    withdrawn: str = ""


@dataclass(frozen=True)
class Pair:
    """Two pictures to be told apart or not, as the authors of a data set list them.

    Args:
        left: Name of a face, without ending.
        right: Name of another.
        same: Whether they show one person.
        fold: Of the cross-validation, from 0.
    """

    left: str
    right: str
    same: bool
    fold: int = 0


@dataclass(frozen=True)
class Split:
    """Low- and high-resolution faces of one part of a data set.

    Args:
        lr: What a method is given.
        hr: Real high-resolution faces; `hr.names == lr.names` only if `paired`.
        paired: Whether each low-resolution face shows the same picture as its partner.
        notes: What was dropped, what is missing, in sentences.
        partial: What a published split had and this one lacks; empty if it lacks nothing.
        pairs: By which recognition is measured, of faces in `hr`; empty if no list is published.
    """

    lr: Faces
    hr: Faces
    paired: bool = False
    notes: tuple[str, ...] = ()
    partial: str = ""
    pairs: tuple[Pair, ...] = ()


@dataclass
class Method(ABC):
    """Turns low-resolution faces into high-resolution ones.

    A subclass is a dataclass: its fields are its settings, recorded with every score, and their
    defaults are the paper's. It must not derive from `nn.Module`, whose own `train(mode)` would
    shadow `train(data, out)`. The harness seeds torch before it builds a method, moves `net`,
    calls `net.eval()`, saves and loads its weights.

    Where `upscale` cannot do its best for some faces it counts them in `remarks`, by a phrase that
    follows a number, such as `self.remarks["faces did not converge"] += 3`; the sums are said and
    kept with the row.

    Args:
        scale: Factor between the sides of input and output.
        seed: Seed of everything random.
    """

    about: ClassVar[About | None] = None
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    scale: int = 4
    seed: int = 0
    net: nn.Module = field(default_factory=nn.Identity, init=False, repr=False)
    device: torch.device = field(default=torch.device("cpu"), init=False, repr=False)
    remarks: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def train(self, data: Split, out: Path) -> None:
        """Fit `self.net` in place; a method with nothing to learn leaves this out.

        Args:
            data: The training split, unpaired unless `data.paired`.
            out: Folder for logs and checkpoints. What an interrupted call with equal settings
                and data left there may be continued; the harness empties it otherwise.
        """

    @abstractmethod
    def upscale(self, lr: Tensor) -> Tensor:
        """Upscale a batch; the same image gives the same result in any batch.

        Args:
            lr: (n, 3, h, w), float32 in [0, 1], on `self.device`.

        Returns:
            (n, 3, h * scale, w * scale), float32; the harness clamps it to [0, 1].
        """

    def load(self, weights: Path) -> None:
        """Read `self.net` from a file that the harness saved; override to read official files.

        Args:
            weights: A safetensors file, or a torch file that holds a plain state dict.
        """
        if weights.suffix == ".safetensors":
            from safetensors.torch import load_file

            self.net.load_state_dict(load_file(weights))
        else:
            self.net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))


@dataclass
class Dataset(ABC):
    """Hands out the faces of a training and a test split, cropped by one stated rule.

    Its own fields are its settings; the fields below are what the harness fills in.

    Args:
        data: Folder that holds data sets as their authors distribute them (`--data`).
        lr_size: Side of low-resolution faces, in pixels.
        scale: Factor to the high-resolution side.
        limit: At most this many faces per half of a split; None for all.
        cache: Folder where prepared faces are kept between runs.
        workers: Processes that prepare faces; 0 for one per core.
    """

    about: ClassVar[About | None] = None

    data: Path | None = None
    lr_size: int = 16
    scale: int = 4
    limit: int | None = None
    cache: Path = field(default_factory=cache_folder)
    workers: int = 0

    @property
    def hr_size(self) -> int:
        """Side of high-resolution faces, in pixels."""
        return self.lr_size * self.scale

    def missing(self) -> str:
        """Say in a sentence which files are absent and how to get them; empty if none is."""
        return ""

    @abstractmethod
    def split(self, part: Part) -> Split:
        """Return one part, preparing it in `cache` if need be; the same on every machine.

        Raises:
            BadData: If files are absent or unusable, with a sentence that names them.
        """

    def verify(self, folder: Path) -> Iterator[str]:
        """Compare prepared faces with what was prepared, and with the files in `data` if given.

        Args:
            folder: What a half of a split calls its `root`, in `cache` or copied from one.

        Yields:
            One sentence for each difference.
        """
        yield f"{type(self).__name__} does not say how its faces are checked"


@dataclass(frozen=True)
class Metric(ABC):
    """One number about a set of faces; its fields are its parameters and part of its identity.

    `smallest` is the smallest difference between two methods that is worth calling real: with
    thousands of faces less can be significant and still not matter. It is a judgement, shown
    beside the marks.
    """

    needs: ClassVar[Needs] = "nothing"
    better: ClassVar[Better] = "lower"
    smallest: ClassVar[float] = 0.0

    def __call__(self, sr: Faces, reference: Faces | None) -> Score:
        """Measure faces as `score` does, and note the smallest difference that counts."""
        return replace(self.score(sr, reference), smallest=self.smallest)

    @property
    def column(self) -> str:
        """Name of the column; that of the class, and in brackets what it measures with."""
        name = type(self).__name__.lower()
        tools = (str(getattr(self, tool)) for tool in _IN_BRACKETS if hasattr(self, tool))
        tool = next(tools, "")
        return f"{name}[{tool}]" if tool else name

    def missing(self) -> str:
        """Say in a sentence which asset or package is absent and how to get it."""
        return ""

    @abstractmethod
    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """Measure faces.

        Args:
            sr: What is measured.
            reference: By `needs`: None; any real faces; the originals, with the names of `sr`;
                or the inputs, with the names of `sr`.
        """


@dataclass
class Protocol(ABC):
    """A fixed recipe: sizes, data sets and metrics.

    `datasets` names what a run with `--data` uses if it names none: the first that is there.

    Args:
        lr_size: Side of the input, in pixels.
        scale: Factor to the output.
    """

    about: ClassVar[About | None] = None
    datasets: ClassVar[tuple[str, ...]] = ()

    lr_size: int = 16
    scale: int = 4

    @abstractmethod
    def metrics(self) -> list[Metric]:
        """Return the metrics in the order of the table."""

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """Measure upscaled faces against a test split.

        A metric whose asset is absent yields a score without a value that says what is missing.
        """
        for metric in self.metrics():
            reference = {"faces": data.hr, "pairs": data.hr, "input": data.lr}.get(metric.needs)
            yield metric(sr, reference)

    def inputs(self, data: Split) -> Mapping[str, Faces]:
        """Return further inputs that each method upscales, by name; most protocols have none.

        The names are those of folders: letters and digits.
        """
        return {}

    def curves(self, made: Mapping[str, Faces], data: Split) -> Iterator[Score | Curve]:
        """Measure what a method made of `inputs`.

        Args:
            made: Its outputs, by the names of `inputs`.
            data: The test split.
        """
        yield from ()
