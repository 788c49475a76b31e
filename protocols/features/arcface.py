"""ArcFace as a describer of faces.

Paper: Deng et al., ArcFace: additive angular margin loss for deep face recognition, CVPR 2019.
Weights: ResNet-50 trained on WebFace600K, from insightface's pack `buffalo_l`.
"""

from facesr.protocols.features._view import ARCFACE
from facesr.protocols.features.onnx import Onnx

ASSET = "arcface_r50"


def arcface() -> Onnx:
    """Return the embedding, 512 numbers, of a face at 112x112, RGB in [-1, 1]; see `ARCFACE`."""
    return Onnx("arcface", ARCFACE, asset=ASSET)
