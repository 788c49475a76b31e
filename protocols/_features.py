"""Features of faces, computed once per network and set."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.protocols._cache import stored
from facesr.protocols._checks import called
from facesr.protocols.features.onet import Onet

BATCH = 64
EXTRACTORS = {"onet": Onet}


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


def extractor_named(name: str) -> Extractor:
    """Look up a network for `fd` and `kd`.

    Raises:
        BadName: If there is none of that name.
    """
    if name not in EXTRACTORS:
        raise BadName(f"no features named {name!r}; known: {', '.join(sorted(EXTRACTORS))}")
    return EXTRACTORS[name]()


def folder(extractor: Extractor) -> str:
    """Name the folder of what was computed with a network."""
    return f"{extractor.label}-v{extractor.version}"


def features(faces: Faces, extractor: Extractor) -> NDArray[np.float64]:
    """Describe every face, or read what was found before.

    Returns:
        (n, dim), in the order of `faces.names`.

    Raises:
        BadData: If a feature is NaN or infinite.
    """
    found = stored(folder(extractor), faces.fingerprint, lambda: _computed(faces, extractor))
    return found.astype(np.float64)


def _computed(faces: Faces, extractor: Extractor) -> NDArray[np.float32]:
    parts = [np.empty((0, extractor.dim), np.float32)]
    label = f"{extractor.name} features of {called(faces)}"
    with progress(label, len(faces)) as advance, torch.inference_mode():
        for batch in faces.batches(BATCH):
            parts.append(extractor(batch).cpu().numpy())
            advance(len(batch))
    every = np.concatenate(parts)
    bad = np.flatnonzero(~np.isfinite(every).all(axis=1))
    if len(bad):
        raise BadData(f"{extractor.name} features of {faces.names[bad[0]]} are not finite")
    return every
