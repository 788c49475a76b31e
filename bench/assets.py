"""Files that cannot be shipped: named, checked by digest, looked up in `FACESR_ASSETS`."""

import os
from dataclasses import dataclass
from pathlib import Path

from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import cache_folder, digest


@dataclass(frozen=True)
class Asset:
    """A file of weights or parameters.

    Args:
        name: What code asks for.
        file: Its place below the assets folder.
        sha256: Digest, or the first characters of it where only those are published.
        licence: Its terms.
        source: Where its authors offer it.
        used_by: What works only with it.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str
    used_by: str


ASSETS = (
    Asset(
        "inception",
        "inception/pt_inception-2015-12-05-6726825d.pth",
        "6726825d",
        "Apache-2.0",
        "https://github.com/mseitzer/pytorch-fid/releases",
        "fid, kid",
    ),
    Asset(
        "niqe",
        "niqe/niqe_pris_params.npz",
        "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
        "UT Austin LIVE, research",
        "https://github.com/XPixelGroup/BasicSR/tree/master/basicsr/metrics",
        "niqe with the published pristine model",
    ),
    *(
        Asset(
            name,
            f"hub/checkpoints/{file}",
            sha256,
            "BSD-3-Clause",
            f"https://download.pytorch.org/models/{file}",
            used_by,
        )
        for name, file, sha256, used_by in (
            ("alexnet", "alexnet-owt-7be5be79.pth", "7be5be79", "lpips, network alex"),
            ("vgg16", "vgg16-397923af.pth", "397923af", "lpips, network vgg; dists"),
            ("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", "b8a52dc0", "lpips, network squeeze"),
        )
    ),
    *(
        Asset(
            f"lpips_{network}",
            f"lpips/weights/v0.1/{network}.pth",
            sha256,
            "BSD-2-Clause",
            "https://github.com/richzhang/PerceptualSimilarity/tree/master/lpips/weights/v0.1",
            f"lpips, network {network}",
        )
        for network, sha256 in (
            ("alex", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
            ("vgg", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
            ("squeeze", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
        )
    ),
    Asset(
        "dists",
        "dists/weights.pt",
        "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
        "MIT",
        "https://github.com/dingkeyan93/DISTS/blob/master/DISTS_pytorch/weights.pt",
        "dists",
    ),
    Asset(
        "retinaface",
        "retinaface/RetinaFace_mobilenet025.pth",
        "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        "MIT",
        "https://github.com/biubug6/Pytorch_Retinaface (there mobilenet0.25_Final.pth)",
        "detector retinaface",
    ),
    Asset(
        "yunet",
        "yunet/yunet_n_dynamic.onnx",
        "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        "Apache-2.0",
        "https://github.com/ShiqiYu/libfacedetection.train/tree/master/onnx",
        "detector yunet",
    ),
    Asset(
        "face_reid_0095",
        "openvino/face_reid_0095.onnx",
        "8c497407c47652034636e7ab7d0f2bb6a377f28a8294f8eb4013dde2879fad72",
        "Apache-2.0",
        "https://github.com/openvinotoolkit/open_model_zoo (face-reidentification-retail-0095, "
        "converted to ONNX)",
        "embedder face_reid_0095",
    ),
    Asset(
        "facenet",
        "facenet/20180402-114759-vggface2.pt",
        "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        "MIT",
        "https://github.com/timesler/facenet-pytorch/releases/tag/v2.2.9",
        "embedder facenet",
    ),
    Asset(
        "arcface_r50",
        "insightface/models/buffalo_l/w600k_r50.onnx",
        "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        "non-commercial research",
        "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
        "embedder arcface",
    ),
    *(
        Asset(
            f"scrfd_{size}",
            f"insightface/models/{pack}/det_{size}.onnx",
            sha256,
            "non-commercial research",
            f"https://github.com/deepinsight/insightface/releases/download/v0.7/{pack}.zip",
            f"detector scrfd, size {size}",
        )
        for size, pack, sha256 in (
            (
                "10g",
                "buffalo_l",
                "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            ),
            (
                "2.5g",
                "buffalo_m",
                "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9",
            ),
            (
                "500m",
                "buffalo_s",
                "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a",
            ),
        )
    ),
)


def assets_folder() -> Path:
    """Return the folder of assets: `FACESR_ASSETS`, or `assets` in the user's cache."""
    chosen = os.environ.get("FACESR_ASSETS")
    return Path(chosen) if chosen else cache_folder() / "assets"


def asset(name: str) -> Asset:
    """Look an asset up by name."""
    for known in ASSETS:
        if known.name == name:
            return known
    raise BadName(f"no asset named {name!r}; known: {', '.join(a.name for a in ASSETS)}")


def missing(name: str) -> str:
    """Say in a sentence how to get an asset that is absent; empty if it is there."""
    wanted = asset(name)
    if (assets_folder() / wanted.file).is_file():
        return ""
    return (
        f"needs the asset {name!r}: get {Path(wanted.file).name} from {wanted.source}, put it at "
        f"{wanted.file} below a folder, and name that folder in FACESR_ASSETS"
    )


def find(name: str) -> Path:
    """Return the place of an asset after checking its digest.

    Raises:
        BenchError: If it is absent or is not the published file.
    """
    if absent := missing(name):
        raise BenchError(absent)
    wanted = asset(name)
    path = assets_folder() / wanted.file
    came = digest(path)
    if not came.startswith(wanted.sha256):
        raise BenchError(
            f"{path} has SHA-256 {came[:12]}…, expected {wanted.sha256[:12]}…; fetch it again "
            f"from {wanted.source}"
        )
    return path
