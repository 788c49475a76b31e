"""Numbers, the one thing that reaches a report. No torch here, so that reports stay light."""

from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["higher", "lower"]
Group = Literal["fidelity", "realism", "detection", "identity", "cost"]
Kind = Literal["skip", "fail"]
State = Literal["claimed", "checked", "reproduced", "disputed", "withdrawn"]
Sampling = Literal["picture", "person", "jackknife", "none"]


@dataclass(frozen=True)
class Score:
    """One measured number, or the reason why there is none.

    Args:
        metric: Column name, such as `kd[onet]`; stable across data sets.
        value: The number; None where it could not be measured, then `note` says why.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        n: How many pictures (or people) it rests on.
        better: Which way is better.
        identity: Name, version, parameters, digests of weights and of the reference set.
        unit: What the value counts, such as `dB` or `%`; empty for a plain number.
        group: Which question it answers.
        interval: How the interval was made, such as `Wilson` or `jackknife, 20 groups`.
        note: A warning that belongs to the number, or the reason for a missing one.
        ranked: Whether differences of this number may be tested and marked.
        sampling: What one entry of `samples` is.
        samples: One value per picture or person, or one leave-group-out estimate per group, in
            an order that is the same for all methods on one data set; the basis of paired tests.
        smallest: Smallest difference worth calling real; anything less is a tie.
        pictures: One value per picture, in the order of the test inputs, where there is one; kept
            to name the best and the worst.
    """

    metric: str
    value: float | None
    better: Better
    n: int
    identity: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    group: Group = "realism"
    interval: str = ""
    note: str = ""
    ranked: bool = True
    sampling: Sampling = "none"
    samples: tuple[float, ...] = field(default=(), repr=False)
    smallest: float = 0.0
    pictures: tuple[float, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Curve:
    """A number as a function of another, such as accuracy by input resolution.

    Args:
        metric: Name of the curve.
        x: Positions, increasing.
        y: Values at the positions.
        low: Lower ends of the 95 % intervals.
        high: Upper ends of the 95 % intervals.
        x_label: What `x` is, with its unit.
        better: Which way is better.
        n: How many pictures or people it rests on.
        identity: As in `Score`.
        interval: As in `Score`.
        note: As in `Score`.
    """

    metric: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    x_label: str
    better: Better
    n: int
    identity: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A score and all its conditions.

    Args:
        method: Name on the board, variant included, such as `lrgan[variant=bilinear]`.
        dataset: Name on the board, variant included.
        protocol: Name of the protocol.
        score: The number or the curve.
        budget: `paper`, `short` or `smoke`.
        settings: Every setting of the method.
        seed: Seed of training and upscaling.
        provenance: Versions, platform, device, git commit, fingerprints, weights digest.
        timing: Seconds and images per second; the only part that differs between equal runs.
    """

    method: str
    dataset: str
    protocol: str
    score: Score | Curve
    budget: str
    settings: dict[str, Any]
    seed: int
    provenance: dict[str, Any]
    timing: dict[str, float]


@dataclass(frozen=True)
class Failure:
    """A cell of the board without numbers, and why.

    Args:
        method: Label of the method.
        dataset: Label of the data set.
        protocol: Name of the protocol.
        reason: A sentence.
        kind: `skip` where a method cannot take part, `fail` where something went wrong.
    """

    method: str
    dataset: str
    protocol: str
    reason: str
    kind: Kind = "fail"
