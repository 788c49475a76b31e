"""Features of faces, computed once per network and set, and the metrics that compare them."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.bench.score import Score
from facesr.protocols._cache import Rows, stored_rows
from facesr.protocols._checks import called, given, same_size, too_few
from facesr.protocols._identity import identity, versions
from facesr.protocols._scores import absent
from facesr.protocols.features.arcface import arcface
from facesr.protocols.features.dinov2 import Dinov2
from facesr.protocols.features.inception import Inception, Resize
from facesr.protocols.features.onet import Onet
from facesr.protocols.features.onnx import from_file

BATCH = 64
AT_ONCE = 1024  # rows of features in memory

Array = NDArray[np.float64]


class Extractor(Protocol):
    """A frozen network that describes faces by vectors.

    `name` says which network, `digest` is the start of the SHA-256 of its weights, `dim` the length
    of a vector; `label` is name, digest and how the network is fed, as written in identities;
    `version` is raised whenever the code leads to other features.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def version(self) -> int: ...

    def missing(self) -> str:
        """Say in a sentence what is absent and how to get it; empty if nothing is."""
        ...

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, w), float32 in [0, 1], into (n, dim), float32."""
        ...


EXTRACTORS: dict[str, Callable[[], Extractor]] = {
    "arcface": arcface,
    "dinov2": Dinov2,
    "dinov2-s": lambda: Dinov2("s"),
    "dinov2-l": lambda: Dinov2("l"),
    "inception": Inception,
    "onet": Onet,
}


def extractor_named(name: str) -> Extractor:
    """Look up a network by name, or take the one in a user's own ONNX file.

    Raises:
        BadName: If there is none of that name.
    """
    if name.endswith(".onnx"):
        return from_file(Path(name))
    if name not in EXTRACTORS:
        known = ", ".join(sorted(EXTRACTORS))
        raise BadName(f"no features named {name!r}; known: {known}, or the path of an ONNX file")
    return EXTRACTORS[name]()


def folder(extractor: Extractor) -> str:
    """Name the folder of what was computed with a network."""
    return f"{extractor.label}-v{extractor.version}"


def features(faces: Faces, extractor: Extractor) -> Rows:
    """Describe every face, or find what was written before.

    Networks round in float32, so other batches change a feature by 1e-5 of the largest at most.

    Returns:
        (n, dim), float32, in the order of `faces.names`, in a file.

    Raises:
        BadData: If a feature is NaN or infinite.
    """
    shape = (len(faces), extractor.dim)
    return stored_rows(
        folder(extractor), faces.fingerprint, shape, lambda: _computed(faces, extractor)
    )


def rows(x: Rows | Array, chosen: slice | NDArray[np.intp]) -> Array:
    """Take some rows of features as float64."""
    return x[chosen].astype(np.float64)


def _computed(faces: Faces, extractor: Extractor) -> Iterator[NDArray[np.float32]]:
    done = 0
    label = f"{extractor.name} features of {called(faces)}"
    with progress(label, len(faces)) as advance, torch.inference_mode():
        for batch in faces.batches(BATCH):
            found = extractor(batch).cpu().numpy()
            bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
            if len(bad):
                name = faces.names[done + bad[0]]
                raise BadData(f"{extractor.name} features of {name} are not finite")
            yield found
            done += len(batch)
            advance(len(batch))


@dataclass(frozen=True)
class Distance(Metric):
    """A number about two sets of faces, from features of a network.

    A subclass says which network, and another how features are compared.
    """

    needs: ClassVar[Needs] = "faces"
    code: ClassVar[int] = 1  # raised whenever the code leads to another number
    least: ClassVar[int] = 3

    @property
    @abstractmethod
    def extractor(self) -> Extractor:
        """The network."""

    @property
    @abstractmethod
    def column(self) -> str:
        """Column name."""

    @property
    def base(self) -> str:
        """Name that opens identities."""
        return type(self).__name__.lower()

    def parameters(self, sr: Faces, real: Faces) -> dict[str, object]:
        """Return what of the metric decides the number besides features and faces."""
        return {}

    def missing(self) -> str:
        """Say which package or weights are absent."""
        return self.extractor.missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        real = same_size(sr, given(reference, self.column), self.column)
        label = identity(
            self.base,
            self.extractor.label,
            version=versions(self.code, self.extractor.version),
            reference=real,
            **self.parameters(sr, real),
        )
        if why := self.missing() or too_few(sr, real, self.least):
            return absent(self.column, sr, why, better=self.better, identity=label, group="realism")
        return self.measured(sr, real, label)

    @abstractmethod
    def measured(self, sr: Faces, real: Faces, label: str) -> Score:
        """Compare faces that can be compared; `label` is the complete identity."""


@dataclass(frozen=True)
class Named(Distance):
    """Of a network that the user chooses.

    Args:
        features: `arcface`, `dinov2` (also `dinov2-s`, `dinov2-l`), `inception`, `onet`, or the
            path of an ONNX file.
    """

    features: str = "onet"

    @property
    def extractor(self) -> Extractor:
        """See `Distance.extractor`."""
        return extractor_named(self.features)

    @property
    def column(self) -> str:
        """See `Distance.column`."""
        return f"{self.base}[{self.extractor.name}]"


@dataclass(frozen=True)
class OnInception(Distance):
    """Of the network that FID and KID are defined on.

    Args:
        resize: How faces come to 299x299: `clean`, `legacy-pytorch` or `legacy-tensorflow`.
    """

    resize: Resize = "legacy-pytorch"

    def __post_init__(self) -> None:
        Inception(self.resize)

    @property
    def extractor(self) -> Extractor:
        """See `Distance.extractor`."""
        return Inception(self.resize)

    @property
    def column(self) -> str:
        """See `Distance.column`."""
        return self.base
