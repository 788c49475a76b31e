"""Recognition: whether people are still found, told apart and found again on upscaled faces.

What Hou et al., Semi-cycled generative adversarial networks for real-world face super-resolution,
TIP 2022, section 4.4, and Cheng, Zhu & Gong, Characteristic regularisation for super-resolving face
images, WACV 2020, section 4.2, ask of their outputs. Pairs are those that the authors of a data set
publish where it hands them out (`lfw[division=pairs]`), else they are drawn from its identities.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from facesr.bench.contract import About, Metric, Protocol, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._checks import called
from facesr.protocols.features.embedders import EMBEDDERS
from facesr.protocols.metrics.cosine import Cosine
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.identification import Identification
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.verification import Verification


@dataclass
class Recognition(Protocol):
    """Identity, verification, identification, landmarks and detection, against the originals."""

    about: ClassVar[About | None] = About(
        "Recognition",
        paper="Hou, Xu, Feng & Wang, Semi-cycled generative adversarial networks for real-world "
        "face super-resolution, TIP 2022, section 4.4; Cheng, Zhu & Gong, Characteristic "
        "regularisation for super-resolving face images, WACV 2020, section 4.2",
        year=2022,
        url="https://arxiv.org/abs/2205.03777",
    )

    datasets: ClassVar[tuple[str, ...]] = ("lfw", "celeba")

    def metrics(self) -> list[Metric]:
        """Return the metrics in the order of the table; of an absent embedder, the first only."""
        found: list[Metric] = []
        for name in EMBEDDERS:
            cosine = Cosine(embedder=name)
            found += [cosine] if cosine.missing() else [cosine, *_of(name)]
        return [
            *found,
            Landmarks(detector="mtcnn"),
            Landmarks(detector="retinaface"),
            Detection(),
            Detection(detector="mtcnn"),
            Detection(detector="retinaface"),
        ]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`.

        Raises:
            BadData: If the originals of the inputs are not known.
        """
        if not data.paired:
            raise BadData(
                f"{called(data.lr)} has no originals to compare with; the recognition protocol "
                f"needs a paired data set, such as lfw"
            )
        for metric in self.metrics():
            if isinstance(metric, Verification):
                judged = metric.judged(sr, data.hr, data.pairs)
                yield replace(judged, smallest=metric.smallest)
                if metric.definition == "lfw" and metric.measure == "accuracy":
                    yield from metric.roc(sr, data.hr, data.pairs)
                continue
            yield metric(sr, data.hr)
            if isinstance(metric, Identification):
                yield from metric.curve(sr, data.hr)


def _of(embedder: str) -> list[Metric]:
    """Return what needs pairs of different pictures."""
    return [
        Verification(embedder=embedder),
        Verification(embedder=embedder, measure="tar"),
        Verification(embedder=embedder, measure="eer"),
        Verification(embedder=embedder, definition="scgan"),
        Identification(embedder=embedder),
    ]
