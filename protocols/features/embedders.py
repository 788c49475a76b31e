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

# OpenVINO's face-reidentification-retail-0095, trained on faces moved onto a template of five
# points: the eyes of the frame of the house come as far apart as in the template, and the mean of
# the five points lies where it does. Of LFW's 2,000 development pairs at 64 pixels 98.6 % are told
# apart, with parts of 0.90 and 0.93 and with the whole 98.4, 98.3 and 98.0 %.
FACE_REID = View(128, box=(0.08, 0.03, 0.92, 0.87), order="bgr", mean=0.0, deviation=1.0)

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
