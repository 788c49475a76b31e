"""What programs called FID that is not quite the FID: early networks, lost batches, statistics.

Formula: see `fd`. Files of statistics are read as data: nothing that one contains is run.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch

from facesr.bench import assets
from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.files import digest
from facesr.bench.score import Score
from facesr.protocols._checks import some, too_few
from facesr.protocols._features import Extractor, features, rows
from facesr.protocols._identity import DIGITS, identity, versions
from facesr.protocols._intervals import groups
from facesr.protocols._luma import Array
from facesr.protocols._quirks import noted
from facesr.protocols._scores import absent, per_group
from facesr.protocols.features.inception import Inception
from facesr.protocols.features.torchvision_inception import TorchvisionInception
from facesr.protocols.metrics import fd
from facesr.protocols.metrics.fd import Frechet, frechet_between, gaussian
from facesr.protocols.metrics.fid import Fid

VERSION = 1
_ENDINGS = (".npz", ".pth", ".pt")
BATCH = 64  # of `fid_score.py` and `FID.py`

Network = Literal["tf", "torchvision"]


@dataclass(frozen=True)
class EarlyFid(Frechet):
    """The distance that early programs called FID.

    `fid_score.py` of LRGAN's release, a copy of pytorch-fid of 2018, and SCGAN's `FID.py`.

    Args:
        network: `torchvision`, see `TorchvisionInception`; `tf`, that of the FID.
        batch: Faces of a batch; of each set the last batch is left out unless it is whole or the
            only one. 0 to keep all.
    """

    smallest: ClassVar[float] = Fid.smallest

    network: Network = "torchvision"
    batch: int = BATCH

    def __post_init__(self) -> None:
        if self.network not in get_args(Network):
            known = ", ".join(get_args(Network))
            raise BadName(f"no network named {self.network!r}; known: {known}")
        if self.batch < 0:
            raise BadName(f"batch={self.batch} is negative; give the faces of a batch, 0 for all")

    @property
    def extractor(self) -> Extractor:
        """See `Distance.extractor`."""
        return TorchvisionInception() if self.network == "torchvision" else Inception()

    @property
    def base(self) -> str:
        """See `Distance.base`."""
        return "fid"

    @property
    def column(self) -> str:
        """See `Distance.column`."""
        network = ("torchvision",) if self.network == "torchvision" else ()
        marks = (*network, *((f"drop{self.batch}",) if self.batch else ()))
        return f"fid[{','.join(marks)}]" if marks else "fid"

    def parameters(self, sr: Faces, real: Faces) -> dict[str, object]:
        """See `Distance.parameters`."""
        return {"batch": self.batch, "last": "dropped"} if self.batch else {}

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        if not self.batch or reference is None:
            return super().score(sr, reference)
        kept, real = whole_batches(sr, self.batch), whole_batches(reference, self.batch)
        lost = f"of {len(sr):,} faces the last {len(sr) - len(kept)}, no whole batch, are left out"
        found = super().score(kept, real)
        return noted(found, lost) if len(kept) < len(sr) else found


def whole_batches(faces: Faces, batch: int) -> Faces:
    """Leave the last batch out, unless it is whole or the only one."""
    n = len(faces) // batch * batch
    return faces.take(range(n)) if 0 < n < len(faces) else faces


def fid(network: Network, drop_last: bool) -> Metric:
    """Return the early FID; the FID itself if both quirks are off."""
    batch = BATCH if drop_last else 0
    return EarlyFid(network, batch) if batch or network != "tf" else Fid()


@dataclass(frozen=True)
class StatisticsFid(Metric):
    """FID to a published mean and covariance instead of faces; no face of the reference is needed.

    Args:
        file: The file, see `Bfr512`; empty if none is named.
        first: How many outputs are measured, the first by order; 0 for all.
    """

    needs: ClassVar[Needs] = "nothing"
    smallest: ClassVar[float] = Fid.smallest

    file: str = ""
    first: int = 3000

    @property
    def column(self) -> str:
        """Name of the column."""
        return f"fid[{','.join(('statistics', *([f'first{self.first}'] if self.first else [])))}]"

    def missing(self) -> str:
        """Say which file is absent."""
        if not self.file:
            return (
                "needs the statistics of FFHQ at 512 pixels, because originals are another "
                "reference: name the file in statistics, see bfr_512"
            )
        if not self._own:
            return Inception().missing() or assets.missing(self.file)
        there = Path(self.file).is_file()
        return Inception().missing() or ("" if there else f"{self.file} does not exist")

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        kept = some(sr, self.column).take(range(min(len(sr), self.first or len(sr))))
        extractor, why = Inception(), self.missing() or too_few(kept, kept, 3)
        mark = "missing" if self.missing() else digest(self._path)[:DIGITS]
        label = identity(
            "fid",
            extractor.label,
            f"stats={Path(self.file).stem or 'none'}@{mark}",
            first=self.first,
            version=versions(VERSION, fd.VERSION, extractor.version),
        )
        if why:
            return absent(self.column, sr, why, better="lower", identity=label, group="realism")
        mean, covariance = statistics(self._path)
        found = rows(features(kept, extractor), slice(None))
        parts, name = groups(len(kept), kept.identities)
        every, *others = (
            frechet_between(mean, covariance, gaussian(np.delete(found, out, axis=0)))
            for out in (np.empty(0, np.intp), *parts)
        )
        return per_group(
            self.column,
            every,
            others,
            name,
            kept,
            identity=label,
            least=0.0,
            note=f"{len(kept)} of {len(sr)} faces against statistics; its bias depends on the "
            "method, so it is not ranked",
            ranked=False,
        )

    @property
    def _own(self) -> bool:
        return self.file.endswith(_ENDINGS)

    @property
    def _path(self) -> Path:
        return Path(self.file) if self._own else assets.find(self.file)


def statistics(path: Path) -> tuple[Array, Array]:
    """Read a mean, (2048,), and a covariance, (2048, 2048), without running what a file contains.

    Args:
        path: An `.npz` with `mu` and `sigma`, as of pytorch-fid; or a torch file with `mean` and
            `cov`, as of BasicSR.

    Raises:
        BadName: If it holds anything else.
    """
    return _statistics(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _statistics(path: Path, _changed: int) -> tuple[Array, Array]:
    d = Inception.dim
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                mean, covariance = file["mu"], file["sigma"]
        else:
            with torch.serialization.safe_globals(_ARRAYS):
                file = torch.load(path, map_location="cpu", weights_only=True)
            mean, covariance = file["mean"], file["cov"]
        found = np.asarray(mean, np.float64).ravel(), np.asarray(covariance, np.float64)
        fits = (found[0].shape, found[1].shape) == ((d,), (d, d))
        usable = fits and all(bool(np.isfinite(part).all()) for part in found)
    except Exception as error:  # torch and NumPy raise anything for files of another kind
        raise BadName(f"{path} holds no statistics of Inception features ({error!s:.80})") from None
    if not usable:
        raise BadName(f"{path} holds no finite mean of {d} numbers and covariance of {d} by {d}")
    return found


def _arrays() -> list[Any]:
    """Name what NumPy arrays in a torch file consist of, by today's and by earlier places."""
    from _codecs import encode

    rebuild = np.zeros(0).__reduce__()[0]
    places = ("numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct")
    kinds = [type(np.dtype(kind)) for kind in (np.float32, np.float64)]
    return [*((rebuild, place) for place in places), np.ndarray, np.dtype, encode, *kinds]


_ARRAYS = _arrays()
