"""Identity: how alike a face embedder finds each face and its original.

Paper: Schroff, Kalenichenko & Philbin, FaceNet: a unified embedding for face recognition and
clustering, CVPR 2015, compare by the angle between vectors, as all later embedders do.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Score
from facesr.protocols._checks import given, same_names, same_size
from facesr.protocols._identity import identity, versions
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.embedders import embedder_named, embeddings

VERSION = 1

Array = NDArray[np.float64]


def cosine(x: Array, y: Array) -> Array:
    """Compare vectors of length 1.

    Args:
        x: Vectors, (n, d).
        y: Vectors, (n, d).

    Returns:
        Cosines of the angles between them, (n,), in [-1, 1].
    """
    return np.einsum("nd,nd->n", x, y).clip(-1, 1)


@dataclass(frozen=True)
class Cosine(Metric):
    """Mean over pictures of the similarity to the original; 1 for the originals themselves.

    Args:
        embedder: `arcface`, `face_reid_0095`, `facenet`, or the path of an ONNX file.
    """

    needs: ClassVar[Needs] = "pairs"
    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.005

    embedder: str = "face_reid_0095"

    def missing(self) -> str:
        """Say what the embedder lacks."""
        return embedder_named(self.embedder).missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        embedder = embedder_named(self.embedder)
        name = f"cosine[{embedder.name}]"
        hr = same_names(sr, same_size(sr, given(reference, name), name), name)
        version = versions(VERSION, embedder.version)
        label = identity("cosine", embedder.label, version=version, reference=hr)
        if why := embedder.missing():
            return absent(name, sr, why, better="higher", identity=label, group="identity")
        values = cosine(embeddings(sr, embedder), embeddings(hr, embedder))
        return per_picture(name, values, sr, better="higher", identity=label, group="identity")
