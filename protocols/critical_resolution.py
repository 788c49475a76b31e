"""Critical resolution: how small a face may be before a method can no longer save its identity.

The question of Cheikh Sidiya & Li, Toward extreme face super-resolution in the wild: a
self-supervised learning approach, Frontiers in Computer Science 2022 (Figure 1 and Section 6.4.1),
who plot the matching score of OpenFace over the factor; OpenFace is replaced by any embedder here.

Originals are reduced to one resolution after the other, every method enlarges each of them, and a
face recogniser compares the result with another original picture of the same person, and with those
of other people. What the recogniser makes of the reduced faces themselves is the curve that a
method has to beat.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from facesr.bench.contract import About, Metric, Protocol, Split
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Curve, Score
from facesr.protocols import _critical as critical
from facesr.protocols import _reduced
from facesr.protocols._checks import called, same_names
from facesr.protocols._critical import Array, Design, Numbers
from facesr.protocols._features import Extractor
from facesr.protocols._identity import identity, versions
from facesr.protocols._intervals import RESAMPLES
from facesr.protocols._reduced import reduced
from facesr.protocols._scores import absent
from facesr.protocols.features.embedders import embedder_named, embeddings

NAME = "critical_resolution"
SMALLEST = 0.5  # px; a smaller shift of the crossing is a tie
_AXIS = "input resolution, px"
_HOW = f"bootstrap of people, percentile, {RESAMPLES}"


class _Bench(NamedTuple):
    """What all methods are compared with.

    Args:
        setting: Who is compared with whom.
        gallery: Embeddings of the gallery, (p, d).
        drawn: How often people come: the sample, its resamples, then groups left out.
        frozen: Thresholds, by row of `drawn` and fold.
        target: Accuracy to keep, by row of `drawn`.
        full: Accuracy on originals.
        sides: Resolutions, increasing.
        note: What was left out.
    """

    setting: Design
    gallery: Array
    drawn: Array
    frozen: Array
    target: Array
    full: float
    sides: tuple[int, ...]
    note: str


@dataclass
class CriticalResolution(Protocol):
    """Matching score, accuracy and rank 1 over the resolution of the input.

    The matching score is the mean cosine of a face and another original picture of its person.
    Accuracy is that of telling pairs of one person from pairs of two, each kind counting one half,
    at thresholds set on originals of other people. Faces of every size reach the recogniser in the
    one way in which it is shown any face. The critical resolution is the least one that
    keeps `level` of the accuracy on originals: a share, because what is left of an absolute level
    would depend on how good the recogniser is; 95 %, because a loss of that size stands out from
    the interval of a hundred people and lies where curves are steepest, so that the crossing is
    sharp.

    Args:
        embedder: `arcface`, `face_reid_0095`, `facenet`, or the path of an ONNX file.
        level: Share of the accuracy on originals that is to be kept.
        probes: Pictures of one person that are compared, at most.
        sides: Resolutions, in pixels.
        factors: Further resolutions: sides of the originals divided by these, down to the smallest
            of `sides`.
    """

    about: ClassVar[About | None] = About(
        "Critical resolution",
        paper="Cheikh Sidiya & Li, Toward extreme face super-resolution in the wild: a "
        "self-supervised learning approach, Frontiers in Computer Science 2022",
        year=2022,
        url="https://doi.org/10.3389/fcomp.2022.1037435",
    )
    datasets: ClassVar[tuple[str, ...]] = ("lfw", "vggface2", "celeba")

    embedder: str = "face_reid_0095"
    level: float = 0.95
    probes: int = critical.MOST_PROBES
    sides: tuple[int, ...] = (8, 12, 16, 24, 32, 48, 64)
    factors: tuple[int, ...] = (64, 32, 16, 8, 4)

    def metrics(self) -> list[Metric]:
        """Return none: everything is measured on further inputs."""
        return []

    def inputs(self, data: Split) -> Mapping[str, Faces]:
        """See `Protocol.inputs`; none where nothing could be measured."""
        if self.unfit(data):
            return {}
        probes = _probes(data.hr, self._design(data.hr))
        return {f"r{side}": reduced(probes, side) for side in self.resolutions(data.hr)}

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """Say why there are no curves, where there are none."""
        if why := self.unfit(data):
            column = f"{NAME}[{embedder_named(self.embedder).name}]"
            label = self._label(NAME, data.hr, embedder_named(self.embedder))
            yield absent(column, sr, why, better="lower", identity=label, group="identity")

    def curves(self, made: Mapping[str, Faces], data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.curves`."""
        embedder = embedder_named(self.embedder)
        bench = self._bench(data.hr, embedder)
        inputs = self.inputs(data)
        yield self._level(bench, data.hr, embedder)
        for kind, faces in (("", made), (",input", inputs)):
            found = []
            for name, lr in inputs.items():
                same_names(faces[name], lr, NAME)
                found.append(_measured(bench, embeddings(faces[name], embedder)))
            yield from self._results(kind, found, bench, data.hr, embedder)

    def unfit(self, data: Split) -> str:
        """Say in a sentence why nothing can be measured; empty if it can."""
        hr = data.hr
        if why := embedder_named(self.embedder).missing():
            return why
        if hr.identities is None:
            return f"needs to know who is shown; {called(hr)} does not say"
        people = self._design(hr).people
        if people < critical.LEAST_PEOPLE:
            return (
                f"needs {critical.LEAST_PEOPLE} people with two or more pictures; {called(hr)} "
                f"holds {people}"
            )
        if len(self.resolutions(hr)) < 2:
            return f"needs two resolutions; {called(hr)} has faces of {hr.size} px"
        return ""

    def resolutions(self, originals: Faces) -> tuple[int, ...]:
        """Return the resolutions that originals can be reduced to, increasing."""
        size = originals.size
        by_factor = (size // factor for factor in self.factors if size % factor == 0)
        wanted = {*self.sides, *(side for side in by_factor if side >= min(self.sides))}
        return tuple(sorted(side for side in wanted if side <= size))

    def _design(self, hr: Faces) -> Design:
        return critical.design(hr.stems, hr.identities or (), self.probes)

    def _bench(self, hr: Faces, embedder: Extractor) -> _Bench:
        setting = self._design(hr)
        gallery = embeddings(hr.take(setting.gallery.tolist()), embedder)
        originals = embeddings(_probes(hr, setting), embedder) @ gallery.T
        people = setting.people
        drawn = np.concatenate([critical.resampled(people), critical.left_out(people)])
        frozen = critical.thresholds(originals, setting, drawn)
        full = critical.numbers(originals, setting, drawn, frozen).accuracy
        lost = ", ".join(str(side) for side in sorted(self.sides) if side > hr.size)
        return _Bench(
            setting,
            gallery,
            drawn,
            frozen,
            self.level * full,
            float(full[0]),
            self.resolutions(hr),
            f"{lost} px left out: the originals have {hr.size}" if lost else "",
        )

    def _results(
        self, kind: str, found: Sequence[Numbers], bench: _Bench, hr: Faces, embedder: Extractor
    ) -> Iterator[Score | Curve]:
        """Summarise one number per resolution; `kind` is what the column says besides."""
        base = Curve(
            metric="",
            x=tuple(map(float, bench.sides)),
            y=(),
            low=(),
            high=(),
            x_label=_AXIS,
            better="higher",
            n=len(bench.setting.probes),
            identity="",
            interval=_HOW,
            note=bench.note,
        )
        for name, share in (("accuracy", True), ("cosine", False), ("rank1", True)):
            drawn = [getattr(each, name)[: RESAMPLES + 1] for each in found]
            ends = [critical.bounds(each, bench.setting.people if share else 0) for each in drawn]
            yield replace(
                base,
                metric=f"{name}[{embedder.name}{kind}]",
                y=tuple(float(each[0]) for each in drawn),
                low=tuple(low for low, _ in ends),
                high=tuple(high for _, high in ends),
                identity=self._label(f"{name}{kind}", hr, embedder),
                interval=f"{_HOW}; Wilson where all people agree" if share else _HOW,
            )
        accuracy = np.stack([each.accuracy for each in found], axis=1)
        crossings = critical.crossing(bench.sides, accuracy, bench.target)
        label = self._label(f"{NAME}{kind}", hr, embedder)
        yield _critical(f"{NAME}[{embedder.name}{kind}]", crossings, bench, label, not kind)

    def _level(self, bench: _Bench, hr: Faces, embedder: Extractor) -> Curve:
        """Return the accuracy to keep as a flat curve."""
        low, high = critical.bounds(bench.target[: RESAMPLES + 1])
        ends = (float(bench.sides[0]), float(bench.sides[-1]))
        return Curve(
            metric=f"accuracy[{embedder.name},level]",
            x=ends,
            y=(float(bench.target[0]),) * 2,
            low=(low,) * 2,
            high=(high,) * 2,
            x_label=_AXIS,
            better="higher",
            n=len(bench.setting.probes),
            identity=self._label("accuracy,level", hr, embedder),
            interval=_HOW,
            note=f"{100 * self.level:g} % of {bench.full:.3f}, the accuracy on originals",
        )

    def _label(self, name: str, hr: Faces, embedder: Extractor) -> str:
        return identity(
            name.replace(",", "-"),
            embedder.label,
            reduce=_reduced.RULE,
            sides="_".join(map(str, self.resolutions(hr))),
            probes=self.probes,
            folds=critical.FOLDS,
            level=self.level,
            version=versions(critical.VERSION, _reduced.VERSION, embedder.version),
            reference=hr,
        )


def _probes(hr: Faces, setting: Design) -> Faces:
    return hr.take(setting.probes.tolist())


def _measured(bench: _Bench, probes: Array) -> Numbers:
    found = probes @ bench.gallery.T
    return critical.numbers(found, bench.setting, bench.drawn, bench.frozen)


def _critical(metric: str, crossings: Array, bench: _Bench, label: str, ranked: bool) -> Score:
    """Summarise a crossing; one that lies outside has no number but an open interval."""
    value = float(crossings[0])
    low, high = critical.crossing_bounds(crossings[: RESAMPLES + 1])
    groups = crossings[RESAMPLES + 1 :]
    tested = ranked and bool(np.isfinite(crossings[0]) and np.isfinite(groups).all())
    better: Better = "lower"
    return Score(
        metric=metric,
        value=value if np.isfinite(value) else None,
        better=better,
        n=len(bench.setting.probes),
        identity=label,
        low=low if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
        unit="px",
        group="identity",
        interval=_HOW,
        note=_said(value, low, high, bench),
        ranked=tested,
        sampling="jackknife" if tested else "none",
        samples=tuple(groups.tolist()) if tested else (),
        smallest=SMALLEST,
    )


def _said(value: float, low: float, high: float, bench: _Bench) -> str:
    """Say in words what a number cannot."""
    least, most, target = bench.sides[0], bench.sides[-1], f"{bench.target[0]:.3f}"
    notes = [bench.note] if bench.note else []
    if value == np.inf:
        notes.append(f"> {most} px: accuracy stays below {target} at every resolution")
    elif value == -np.inf:
        notes.append(f"< {least} px: accuracy keeps {target} at every resolution")
    if np.isfinite(value) and low == -np.inf:
        notes.append(f"the interval is open below: it goes beyond {least} px")
    if np.isfinite(value) and high == np.inf:
        notes.append(f"the interval is open above: it goes beyond {most} px")
    return "; ".join(notes)
