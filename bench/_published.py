"""The files of others that facesr can use: where they come from, how they are recognised."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath


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
        url: The file itself, or a ZIP archive with it; empty where the authors offer only a page.
        size: Bytes; 0 where that is not known.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str
    used_by: str
    url: str = ""
    size: int = 0

    @property
    def archive(self) -> str:
        """Name of the ZIP archive that holds the file; empty if it is offered by itself."""
        name = self.url.rpartition("/")[2]
        packed = name.endswith(".zip") and not self.file.endswith(".zip")
        return name if packed else ""

    @property
    def basename(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.file).name


_INSIGHTFACE = "https://github.com/deepinsight/insightface"
_LPIPS = "https://github.com/richzhang/PerceptualSimilarity"
_BRISQUE = "https://github.com/utlive/BRISQUE"
_RESEARCH = "non-commercial research"


def _torchvision() -> Iterator[Asset]:
    for name, file, sha256, used_by, size in (
        (
            "alexnet",
            "alexnet-owt-7be5be79.pth",
            "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            "lpips, network alex",
            244_408_911,
        ),
        (
            "vgg16",
            "vgg16-397923af.pth",
            "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            "lpips, network vgg; dists",
            553_433_881,
        ),
        (
            "squeezenet1_1",
            "squeezenet1_1-b8a52dc0.pth",
            "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
            "lpips, network squeeze",
            4_958_839,
        ),
    ):
        url = f"https://download.pytorch.org/models/{file}"
        yield Asset(
            name, f"hub/checkpoints/{file}", sha256, "BSD-3-Clause", url, used_by, url, size
        )


def _lpips() -> Iterator[Asset]:
    for network, sha256, size in (
        ("alex", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", 6009),
        ("vgg", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", 7289),
        ("squeeze", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76", 10_811),
    ):
        file = f"lpips/weights/v0.1/{network}.pth"
        yield Asset(
            f"lpips_{network}",
            file,
            sha256,
            "BSD-2-Clause",
            f"{_LPIPS} (lpips/weights/v0.1)",
            f"lpips, network {network}",
            f"{_LPIPS}/raw/master/{file}",
            size,
        )


def _dinov2() -> Iterator[Asset]:
    for size, sha256, length in (
        ("s", "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9", 88_283_115),
        ("b", "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73", 346_378_731),
        ("l", "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428", 1_217_586_395),
    ):
        name = f"dinov2_vit{size}14"
        label = "dinov2" if size == "b" else f"dinov2-{size}"
        yield Asset(
            name,
            f"hub/checkpoints/{name}_pretrain.pth",
            sha256,
            "Apache-2.0",
            "https://github.com/facebookresearch/dinov2",
            f"distances on the features {label}",
            f"https://dl.fbaipublicfiles.com/dinov2/{name}/{name}_pretrain.pth",
            length,
        )


def _scrfd() -> Iterator[Asset]:
    for size, pack, sha256, length in (
        (
            "10g",
            "buffalo_l",
            "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            16_923_827,
        ),
        (
            "2.5g",
            "buffalo_m",
            "041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9",
            3_292_009,
        ),
        (
            "500m",
            "buffalo_s",
            "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a",
            2_524_817,
        ),
    ):
        yield Asset(
            f"scrfd_{size}",
            f"insightface/models/{pack}/det_{size}.onnx",
            sha256,
            _RESEARCH,
            f"{_INSIGHTFACE} (release v0.7, {pack}.zip)",
            f"detector scrfd, size {size}",
            f"{_INSIGHTFACE}/releases/download/v0.7/{pack}.zip",
            length,
        )


PUBLISHED = (
    Asset(
        "inception",
        "inception/pt_inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Apache-2.0",
        "https://github.com/mseitzer/pytorch-fid/releases",
        "fid, kid",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        95_628_359,
    ),
    Asset(
        "niqe",
        "niqe/niqe_pris_params.npz",
        "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
        "UT Austin LIVE, research",
        "https://github.com/XPixelGroup/BasicSR/tree/master/basicsr/metrics",
        "niqe with the published pristine model",
        "https://github.com/XPixelGroup/BasicSR/raw/master/basicsr/metrics/niqe_pris_params.npz",
        11_850,
    ),
    *_torchvision(),
    *_lpips(),
    Asset(
        "dists",
        "dists/weights.pt",
        "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
        "MIT",
        "https://github.com/dingkeyan93/DISTS/blob/master/DISTS_pytorch/weights.pt",
        "dists",
        "https://github.com/dingkeyan93/DISTS/raw/master/DISTS_pytorch/weights.pt",
    ),
    *_dinov2(),
    Asset(
        "brisque",
        "brisque/allmodel",
        "8b04d6045f1b27261610c8ab1730fdcc14ec80bfab0f1ab5f703bbc2927314de",
        "UT Austin LIVE, citation",
        f"{_BRISQUE} (MATLAB/allmodel)",
        "brisque",
        f"{_BRISQUE}/raw/2e2a5ac04cd4b73ac0f5867de5b974581fa2d4d2/MATLAB/allmodel",
        353_497,
    ),
    Asset(
        "brisque_range",
        "brisque/allrange",
        "e47d753d96b631e1aa2dbac8c4e51ade767f2def8ce678c7130b6b3f90ee915f",
        "UT Austin LIVE, citation",
        f"{_BRISQUE} (MATLAB/allrange)",
        "brisque",
        f"{_BRISQUE}/raw/2e2a5ac04cd4b73ac0f5867de5b974581fa2d4d2/MATLAB/allrange",
        741,
    ),
    Asset(
        "inception_torchvision",
        "hub/checkpoints/inception_v3_google-1a9a5a14.pth",
        "1a9a5a14",
        "BSD-3-Clause",
        "https://download.pytorch.org/models/inception_v3_google-1a9a5a14.pth",
        "fid[torchvision] of the protocols lrgan_2018 and scgan_2022",
        "https://download.pytorch.org/models/inception_v3_google-1a9a5a14.pth",
    ),
    Asset(
        "retinaface",
        "retinaface/RetinaFace_mobilenet025.pth",
        "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        "MIT",
        "https://github.com/biubug6/Pytorch_Retinaface (there mobilenet0.25_Final.pth)",
        "detector retinaface",
        size=1_789_735,
    ),
    Asset(
        "yunet",
        "yunet/yunet_n_dynamic.onnx",
        "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        "Apache-2.0",
        "https://github.com/ShiqiYu/libfacedetection.train/tree/master/onnx",
        "detector yunet",
        "https://github.com/ShiqiYu/libfacedetection.train/raw/master/onnx/yunet_n_dynamic.onnx",
        322_906,
    ),
    Asset(
        "face_reid_0095",
        "openvino/face_reid_0095.onnx",
        "8c497407c47652034636e7ab7d0f2bb6a377f28a8294f8eb4013dde2879fad72",
        "Apache-2.0",
        "https://github.com/openvinotoolkit/open_model_zoo (face-reidentification-retail-0095, "
        "converted to ONNX)",
        "embedder face_reid_0095",
        size=4_595_695,
    ),
    Asset(
        "facenet",
        "checkpoints/20180402-114759-vggface2.pt",
        "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        "MIT",
        "https://github.com/timesler/facenet-pytorch/releases/tag/v2.2.9",
        "embedder facenet",
        "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
        "20180402-114759-vggface2.pt",
        111_898_327,
    ),
    Asset(
        "arcface_r50",
        "insightface/models/buffalo_l/w600k_r50.onnx",
        "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        _RESEARCH,
        f"{_INSIGHTFACE} (release v0.7, buffalo_l.zip)",
        "embedder arcface",
        f"{_INSIGHTFACE}/releases/download/v0.7/buffalo_l.zip",
        174_383_860,
    ),
    *_scrfd(),
)
