"""What decides a result: what has these keys already may be reused."""

from functools import cache
from typing import Any

from facesr.bench import catalog, provenance
from facesr.bench.catalog import Kind
from facesr.bench.contract import Method, Protocol, Split
from facesr.bench.faces import Faces
from facesr.bench.files import digest, digest_of, plain
from facesr.bench.plan import files_of, settings_of

HARNESS = 1  # raise it when decoding, batching, clamping or rounding change a pixel
RULERS = ("dlib-bin", "facenet-pytorch", "onnxruntime")  # their weights and code decide metrics


@cache
def code_version(kind: Kind, name: str) -> str:
    """Return a digest of the code that decides what an entry computes."""
    return digest_of(catalog.code(catalog.entry(kind, name).module))[:16]


def fingerprint(data: Split) -> str:
    """Return the fingerprint of both halves of a split, and of the pairs it hands out."""
    pairs = [plain(data.pairs)] if data.pairs else []
    return digest_of([data.lr.fingerprint, data.hr.fingerprint, data.paired, *pairs])


def training_key(method: Method, name: str, data: Split) -> dict[str, Any]:
    """Return everything that decides what a training leads to."""
    key = {
        "settings": settings_of(method),
        "data": fingerprint(data),
        "code": code_version("methods", name),
    }
    files = {name: digest(path) for name, path in files_of(method).items()}
    return key | ({"files": files} if files else {})


def image_key(method: Method, name: str, weights: str, lr: Faces) -> dict[str, Any]:
    """Return everything that decides what upscaling leads to."""
    return {
        "settings": settings_of(method),
        "weights": weights,
        "input": lr.fingerprint,
        "code": code_version("methods", name),
        "harness": HARNESS,
    }


def score_key(
    images: str, made: dict[str, Any], data: Split, protocol: Protocol, name: str
) -> dict[str, Any]:
    """Return everything that decides what scoring leads to.

    Args:
        images: Fingerprint of the upscaled faces.
        made: Their `image_key`.
        data: The test part.
        protocol: The ruler.
        name: Its name in the catalog.
    """
    return {
        "images": images,
        "made": digest_of(made),
        "input": data.lr.fingerprint,
        "reference": data.hr.fingerprint,
        "pairs": digest_of(plain(data.pairs)) if data.pairs else "",
        "protocol": vars(protocol),
        "code": code_version("protocols", name),
        "packages": {name: provenance.versions()[name] for name in RULERS},
        "absent": [sentence for metric in protocol.metrics() if (sentence := metric.missing())],
        "harness": HARNESS,
    }
