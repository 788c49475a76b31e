"""Identification: how often the right person of a gallery is the most similar one.

Paper: Cheng, Zhu & Gong, Characteristic regularisation for super-resolving face images, WACV 2020,
table 2, rank-1 and CMC on LR-PIPA. Inferred, because the paper does not say what is in its gallery:
one other picture of each person, `gallery=outputs`, made by the method under test too, since no
genuine low-resolution picture has an original. Its row "raw LR input" is the low-resolution picture
brought to the side of the embedder's input by interpolation, which is what the rows of the methods
`bicubic` and `bicubic[kernel=nearest]` measure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Curve, Score
from facesr.protocols._checks import called, given, same_names, same_size, some
from facesr.protocols._features import Extractor
from facesr.protocols._identity import identity, versions
from facesr.protocols._intervals import rate
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.metrics._trials import by_name

VERSION = 1
RANKS = (1, 2, 5, 10, 20, 50, 100)
_AT_ONCE = 1024

Gallery = Literal["originals", "outputs", "partners"]
Array = NDArray[np.float64]
Places = NDArray[np.intp]


def ranks(probes: Array, gallery: Array, who: Places, owners: Places) -> Places:
    """Find how far down the right person is on the list of a gallery.

    Args:
        probes: Vectors of length 1, (n, d).
        gallery: Vectors of length 1, (m, d).
        who: The person on each probe, (n,).
        owners: The person on each picture of the gallery, (m,), each person once.

    Returns:
        1 for the most similar, (n,); of equally similar people, the right one counts as the last.
    """
    place = np.full(int(owners.max()) + 1, -1)
    place[owners] = np.arange(len(owners))
    found = []
    for start in range(0, len(probes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        similar = probes[part] @ gallery.T
        own = np.take_along_axis(similar, place[who[part]][:, None], axis=1)
        found.append((similar >= own).sum(axis=1))
    return np.concatenate(found)


class Sides(NamedTuple):
    """Positions of probes and gallery pictures, and the number of the person on every picture."""

    probes: Places
    gallery: Places
    who: Places


def sides(faces: Faces, partners: bool = False) -> Sides:
    """Divide pictures into probes and a gallery that holds one picture of each person.

    The picture of a person that comes first by name goes into the gallery; people with one picture
    are in the gallery only, and make it harder.

    Args:
        faces: The pictures, with identities.
        partners: Whether every picture is a probe, so that those in the gallery meet themselves.

    Raises:
        BadData: If nobody knows who is shown, all show one person, or nobody comes twice.
    """
    if faces.identities is None:
        raise BadData(
            f"{called(faces)} does not say who is shown; choose a data set with identities"
        )
    who = np.unique(np.array(faces.identities), return_inverse=True)[1].astype(np.intp)
    order = by_name(faces)
    gallery = order[np.unique(who[order], return_index=True)[1]]
    probes = np.arange(len(faces)) if partners else np.setdiff1d(np.arange(len(faces)), gallery)
    if len(gallery) < 2:
        raise BadData(f"{called(faces)} shows one person only, so nobody can be mistaken")
    if not len(probes):
        raise BadData(f"{called(faces)} shows everybody once, so there is no other picture to find")
    return Sides(probes, gallery, who)


@dataclass(frozen=True)
class Identification(Metric):
    """Share of outputs whose person comes first among all people of a gallery.

    Args:
        embedder: `arcface`, `face_reid_0095`, `facenet`, or the path of an ONNX file.
        gallery: One picture of each person: `originals`, other pictures than the probes;
            `outputs`, such pictures as the method makes them; `partners`, originals again, with
            all outputs as probes, so that some meet their own originals.
    """

    needs: ClassVar[Needs] = "pairs"
    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 1.0

    embedder: str = "face_reid_0095"
    gallery: Gallery = "originals"

    def __post_init__(self) -> None:
        if self.gallery not in get_args(Gallery):
            known = ", ".join(get_args(Gallery))
            raise BadName(f"no gallery named {self.gallery!r}; known: {known}")

    @property
    def column(self) -> str:
        """Name of the column."""
        return f"identification[{','.join(self._marks)}]"

    def missing(self) -> str:
        """Say what the embedder lacks."""
        return self._embedder.missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; with `gallery=outputs`, the reference is not looked at."""
        shown = self._shown(sr, reference)
        label = self._identity("identification", shown)
        try:
            chosen, why = self._sides(sr, shown), self.missing()
        except BadData as error:
            chosen, why = None, str(error)
        if chosen is None or why:
            return absent(self.column, sr, why, better="higher", identity=label, group="identity")
        found = self._ranks(sr, shown, chosen) == 1
        probes = self._labelled(sr, shown).take(chosen.probes.tolist())
        return per_picture(
            self.column,
            100.0 * found,
            probes,
            better="higher",
            identity=label,
            group="identity",
            unit="%",
            note=_said(chosen),
            interval=rate(found, probes.identities),
        )

    def curve(self, sr: Faces, reference: Faces | None) -> Iterator[Curve]:
        """Yield the share of outputs whose person is among the first k; none without a score.

        Args:
            sr: What is measured.
            reference: The originals.
        """
        shown = self._shown(sr, reference)
        try:
            chosen = self._sides(sr, shown)
        except BadData:
            return
        if self.missing():
            return
        found = self._ranks(sr, shown, chosen)
        people = self._labelled(sr, shown).take(chosen.probes.tolist()).identities
        x = [rank for rank in RANKS if rank <= len(chosen.gallery)]
        bounds = [rate(found <= rank, people) for rank in x]
        yield Curve(
            metric=f"cmc[{','.join(self._marks)}]",
            x=tuple(map(float, x)),
            y=tuple(100 * float((found <= rank).mean()) for rank in x),
            low=tuple(bound.low or 0.0 for bound in bounds),
            high=tuple(100.0 if bound.high is None else bound.high for bound in bounds),
            x_label="rank",
            better="higher",
            n=len(found),
            identity=self._identity("cmc", shown),
            interval=bounds[0].how,
            note=_said(chosen),
        )

    @property
    def _embedder(self) -> Extractor:
        return embedder_named(self.embedder)

    @property
    def _marks(self) -> tuple[str, ...]:
        gallery = () if self.gallery == "originals" else (self.gallery,)
        return (*gallery, self._embedder.name)

    def _shown(self, sr: Faces, reference: Faces | None) -> Faces:
        """Return what the gallery is made of."""
        if self.gallery == "outputs":
            return some(sr, self.column)
        hr = same_size(sr, given(reference, self.column), self.column)
        return same_names(sr, hr, self.column)

    def _labelled(self, sr: Faces, shown: Faces) -> Faces:
        return sr if shown.identities is None else shown

    def _sides(self, sr: Faces, shown: Faces) -> Sides:
        return sides(self._labelled(sr, shown), partners=self.gallery == "partners")

    def _ranks(self, sr: Faces, shown: Faces, chosen: Sides) -> Places:
        probes = embeddings(sr, self._embedder)[chosen.probes]
        gallery = embeddings(shown, self._embedder)[chosen.gallery]
        return ranks(probes, gallery, chosen.who[chosen.probes], chosen.who[chosen.gallery])

    def _identity(self, name: str, shown: Faces) -> str:
        version = versions(VERSION, self._embedder.version)
        reference = None if self.gallery == "outputs" else shown
        marks = (f"gallery={self.gallery}", self._embedder.label)
        return identity(name, *marks, version=version, reference=reference)


def _said(chosen: Sides) -> str:
    return f"gallery of {len(chosen.gallery):,} people, one picture each"
