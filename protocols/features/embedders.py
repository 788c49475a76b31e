"""Face embedders by name: networks whose vectors point the same way for pictures of one person."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols._features import Extractor, features, rows
from facesr.protocols.features._view import View
from facesr.protocols.features.arcface import arcface
from facesr.protocols.features.facenet import Facenet
from facesr.protocols.features.onnx import Onnx, from_file

Array = NDArray[np.float64]

# OpenVINO's face-reidentification-retail-0095. Shown this part, it tells apart 98.3 % of the 2,000
# development pairs of LFW at 64 pixels and 98.7 % at 128. Parts of 0.84 and 0.90, fitted to the
# template that it was trained on, come within 0.4 points of that, which is chance; the area under
# their ROC at 64 pixels is smaller, 0.9952 and 0.9961 against 0.9963.
FACE_REID = View(128, box=(0.022, 0.022, 0.956, 0.956), order="bgr", mean=0.0, deviation=1.0)

EMBEDDERS: dict[str, Callable[[], Extractor]] = {
    "arcface": arcface,
    "face_reid_0095": lambda: Onnx("face_reid_0095", FACE_REID, asset="face_reid_0095"),
    "facenet": Facenet,
}


def embedder_named(name: str) -> Extractor:
    """Look up an embedder, or take a user's own ONNX file.

    Args:
        name: A key of `EMBEDDERS`, or a path that ends in `.onnx`, see `onnx.from_file`.

    Raises:
        BadName: If there is none of that name, or the file cannot be used.
    """
    if name in EMBEDDERS:
        return EMBEDDERS[name]()
    if name.endswith(".onnx"):
        return from_file(Path(name))
    known = ", ".join(EMBEDDERS)
    raise BadName(f"no embedder named {name!r}; known: {known}, or a path that ends in .onnx")


def embeddings(faces: Faces, embedder: Extractor) -> Array:
    """Describe every face by a vector of length 1, or read what was found before.

    Returns:
        (n, d), in the order of `faces.names`.

    Raises:
        BadData: If a network says nothing of a face.
    """
    found = rows(features(faces, embedder), slice(None))
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        blank = faces.names[int(lengths.argmin())]
        raise BadData(f"{embedder.name} gives nothing but zeros for {blank}; it cannot be compared")
    return found / lengths
