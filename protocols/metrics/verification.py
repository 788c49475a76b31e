"""Verification: whether a face embedder still tells who is who on what a method made.

Two definitions. `lfw`: pairs of different pictures, an output against an original, half of them of
one person; Huang et al., Labeled Faces in the Wild, UMass 07-49, 2007, with ten folds, the
threshold of each set on the rest. `scgan`: each output against its own original, are they one
person or not; Hou et al., Semi-cycled generative adversarial networks for real-world face
super-resolution, TIP 2022, section 4.4.2 and table 7. Inferred, because the paper is silent: one
pair per picture, all of one person (every entry of the table is a whole number of 2,500ths, the
size of its test set, and bicubic reaches 22.92 %); that a pair counts whose similarity reaches a
threshold set on other people; that no face is looked for before (the paper gives the originals
themselves 97.56 %, here they reach 100 %).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from facesr.bench.contract import Metric, Needs, Pair
from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Curve, Score
from facesr.protocols import _intervals
from facesr.protocols._checks import given, same_names, same_size
from facesr.protocols._features import Extractor
from facesr.protocols._identity import identity, versions
from facesr.protocols._intervals import Interval, groups
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.metrics import _rates, _trials
from facesr.protocols.metrics._rates import RULE_OF_30
from facesr.protocols.metrics._trials import Array, Trials
from facesr.protocols.metrics.cosine import cosine

VERSION = 1
RATES = (0.0001, 0.001, 0.01, 0.1)

Definition = Literal["lfw", "scgan"]
Measure = Literal["accuracy", "tar", "eer"]
Against = Literal["originals", "outputs"]


@dataclass(frozen=True)
class Verification(Metric):
    """Share of right decisions on pairs of pictures, with thresholds set on originals.

    Args:
        embedder: `arcface`, `face_reid_0095`, `facenet`, or the path of an ONNX file.
        definition: Which pairs, see above.
        measure: `accuracy`; `tar`, the share of pairs of one person that pass the threshold which
            the share `far` of pairs of two people passes, both set on originals; `eer`, the rate
            at which both kinds of error are equally frequent, on outputs alone.
        far: Rate of false matches for `tar`; 30 of them are needed to quote it (Doddington).
        against: What outputs are compared with: `originals` of other pictures, or `outputs`.
        threshold: Similarity from which two pictures count as one person; None to set it on
            originals, which takes identities.
    """

    needs: ClassVar[Needs] = "pairs"
    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 1.0

    embedder: str = "face_reid_0095"
    definition: Definition = "lfw"
    measure: Measure = "accuracy"
    far: float = 0.01
    against: Against = "originals"
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("definition", self.definition, get_args(Definition)),
            ("measure", self.measure, get_args(Measure)),
            ("against", self.against, get_args(Against)),
        ):
            if value not in known:
                raise BadName(f"no {name} named {value!r}; known: {', '.join(known)}")
        if self.definition == "scgan" and (self.measure, self.against) != ("accuracy", "originals"):
            raise BadName("definition=scgan knows no pair of two people, so only accuracy")
        if self.threshold is not None and self.measure != "accuracy":
            raise BadName(f"measure={self.measure} sets its own threshold; leave threshold out")
        if not 0 < self.far < 1:
            raise BadName(f"far={self.far:g} is no rate; give a share between 0 and 1")

    @property
    def column(self) -> str:
        """Name of the column."""
        measure = {"accuracy": "", "tar": f"tar@{self.far:g}", "eer": "eer"}[self.measure]
        definition = "" if self.definition == "lfw" else self.definition
        against = "" if self.against == "originals" else self.against
        marks = [mark for mark in (definition, measure, against, self._embedder.name) if mark]
        return f"verification[{','.join(marks)}]"

    def missing(self) -> str:
        """Say what the embedder lacks."""
        return self._embedder.missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; pairs are drawn."""
        return self.judged(sr, reference)

    def judged(self, sr: Faces, reference: Faces | None, pairs: Sequence[Pair] = ()) -> Score:
        """Measure faces on a list of pairs.

        Args:
            sr: What is measured.
            reference: The originals.
            pairs: Of the originals, as their authors list them; empty to draw some.
        """
        hr = self._originals(sr, reference)
        if why := self.missing():
            return self._absent(sr, hr, why)
        try:
            return self._own(sr, hr) if self.definition == "scgan" else self._others(sr, hr, pairs)
        except BadData as error:
            return self._absent(sr, hr, str(error))

    def roc(
        self, sr: Faces, reference: Faces | None, pairs: Sequence[Pair] = ()
    ) -> Iterator[Curve]:
        """Yield the share of pairs of one person that pass by that of two, on outputs alone.

        Rates with fewer than 30 false matches behind them are left out; no curve if all are, or if
        there are no pairs.

        Args:
            sr: What is measured.
            reference: The originals.
            pairs: See `judged`.
        """
        hr = self._originals(sr, reference)
        try:
            made = _trials.trials(hr, pairs)
        except BadData:
            return
        strangers = int((~made.same).sum())
        rates = np.array([rate for rate in RATES if rate * strangers >= RULE_OF_30])
        if self.missing() or not len(rates):
            return
        rate = _rates.passed_at(self._similarity(sr, hr, made), made, rates)
        found = np.concatenate([rate(weights) for weights in _rates.resampled(made)])
        low, high = np.nanquantile(found, [0.025, 0.975], axis=0)
        yield Curve(
            metric=f"roc[{self._embedder.name}]",
            x=tuple(rates.tolist()),
            y=tuple((100 * _rates.value_of(rate, made)).tolist()),
            low=tuple((100 * low).tolist()),
            high=tuple((100 * high).tolist()),
            x_label="share of pairs of two people that pass",
            better="higher",
            n=len(made.same),
            identity=self._identity("roc", hr, against=self.against, pairs=made.label),
            interval=f"bootstrap of people, percentile, {_intervals.RESAMPLES}",
            note=str(made),
        )

    @property
    def _embedder(self) -> Extractor:
        return embedder_named(self.embedder)

    def _originals(self, sr: Faces, reference: Faces | None) -> Faces:
        hr = same_size(sr, given(reference, self.column), self.column)
        return same_names(sr, hr, self.column)

    def _own(self, sr: Faces, hr: Faces) -> Score:
        """Compare each output with its own original."""
        similar = cosine(embeddings(sr, self._embedder), embeddings(hr, self._embedder))
        setting = f"threshold={self.threshold}"
        if self.threshold is None:
            made = _trials.trials(hr)
            limits = self._limits(hr, made)[_trials.dealt(sorted(set(hr.identities or ())))]
            accepted, setting = similar >= limits[made.who], f"pairs={made.label}"
        else:
            accepted = similar >= self.threshold
        return per_picture(
            self.column,
            100.0 * accepted,
            sr,
            better="higher",
            identity=self._identity("verification", hr, "scgan", setting),
            group="identity",
            unit="%",
            interval=_intervals.rate(accepted, hr.identities),
        )

    def _others(self, sr: Faces, hr: Faces, pairs: Sequence[Pair]) -> Score:
        """Compare each output with another picture."""
        made = _trials.trials(hr, pairs)
        scores = self._similarity(sr, hr, made)
        ceiling = self._similarity(hr, hr, made)
        if self.measure == "eer":
            return self._errors(hr, made, scores, ceiling)
        strangers = int((~made.same).sum())
        if self.measure == "tar" and strangers * self.far < RULE_OF_30:
            return self._absent(
                sr,
                hr,
                f"{RULE_OF_30} false matches have to stand behind a rate; {strangers:,} pairs of "
                f"two people allow {RULE_OF_30 / strangers:.2g} and more, not {self.far:g}",
            )
        limits = self._limits(hr, made)[made.fold]
        accepted = scores >= limits
        if self.measure == "tar":
            rate, best = (
                _rates.passed(accepted, made.same),
                _rates.passed(ceiling >= limits, made.same),
            )
            other = f"{100 * accepted[~made.same].mean():.3g} % of pairs of two people pass"
            right = np.where(made.same, accepted, np.nan)
        else:
            rate, best = _rates.right(accepted, made), _rates.right(ceiling >= limits, made)
            other, right = "", (accepted == made.same).astype(np.float64)
        return self._score(hr, made, rate, best, _by_person(right, made), other)

    def _errors(self, hr: Faces, made: Trials, scores: Array, ceiling: Array) -> Score:
        rate = _rates.equal_errors(scores, made)
        parts, _ = groups(made.people)
        weights = [~np.isin(made.who[[made.left, made.right]], part).any(axis=0) for part in parts]
        without = rate(np.array(weights, np.float64)) if parts else np.empty(0)
        without = 100 * without if np.isfinite(without).all() else np.empty(0)
        return self._score(hr, made, rate, _rates.equal_errors(ceiling, made), without, "")

    def _score(
        self,
        hr: Faces,
        made: Trials,
        rate: _rates.Rate,
        best: _rates.Rate,
        samples: Array,
        note: str,
    ) -> Score:
        bounds: Interval = _rates.interval(rate, made)
        ceiling = f"originals reach {100 * _rates.value_of(best, made):.2f} %"
        setting = {"eer": "", "tar": f"far={self.far:g}"}.get(self.measure) or ""
        if self.measure == "accuracy" and self.threshold is not None:
            setting = f"threshold={self.threshold}"
        marks = [
            m for m in (self.definition, self.measure, setting, f"against={self.against}") if m
        ]
        jackknife = self.measure == "eer"
        return Score(
            metric=self.column,
            value=float(100 * _rates.value_of(rate, made)),
            better="lower" if jackknife else "higher",
            n=len(made.same),
            identity=self._identity("verification", hr, *marks, f"pairs={made.label}"),
            low=bounds.low,
            high=bounds.high,
            unit="%",
            group="identity",
            interval=bounds.how,
            note="; ".join(filter(None, (str(made), note, ceiling))),
            sampling=("jackknife" if jackknife else "person") if len(samples) else "none",
            samples=tuple(samples.tolist()),
        )

    def _similarity(self, sr: Faces, hr: Faces, made: Trials) -> Array:
        output, original = embeddings(sr, self._embedder), embeddings(hr, self._embedder)
        other = original if self.against == "originals" else output
        return cosine(output[made.left], other[made.right])

    def _limits(self, hr: Faces, made: Trials) -> Array:
        """Set the threshold of each fold."""
        if self.threshold is not None:
            return np.full(int(made.fold.max()) + 1, self.threshold)
        best = _trials.at_rate(self.far) if self.measure == "tar" else _trials.most_right
        return _trials.held_out(self._similarity(hr, hr, made), made, best)

    def _identity(self, name: str, hr: Faces, *marks: str, **parameters: object) -> str:
        version = versions(VERSION, _rates.VERSION, _trials.VERSION, self._embedder.version)
        return identity(
            name, *marks, self._embedder.label, version=version, reference=hr, **parameters
        )

    def _absent(self, sr: Faces, hr: Faces, why: str) -> Score:
        better: Better = "lower" if self.measure == "eer" else "higher"
        label = self._identity("verification", hr, self.definition, self.measure)
        return absent(self.column, sr, why, better=better, identity=label, group="identity")


def _by_person(right: Array, made: Trials) -> Array:
    """Average over the pairs whose output shows a person, one value per person, by name.

    NaN marks a pair that does not count. Pairs of one and of two people weigh as in the rate.
    """
    counted = np.isfinite(right)
    sizes = np.array([(counted & (made.same == kind)).sum() for kind in (False, True)])
    weights = np.where(counted, 1 / np.maximum(1, sizes)[made.same.astype(int)], 0.0)
    person = made.who[made.left]
    total = np.bincount(person, weights, made.people)
    hits = np.bincount(person, weights * np.nan_to_num(right), made.people)
    return 100 * hits[total > 0] / total[total > 0]
