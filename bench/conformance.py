"""What a run must keep before its rows may stand on the leaderboard.

The leaderboard shows what everybody can check: committed code, whole data sets, every metric of the
protocol, one configuration per method, and outputs and values that still are what was scored.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from statistics import fmean

from facesr.bench import choices, plan
from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import digest, digest_of_files
from facesr.bench.score import Failure, Score
from facesr.bench.store import Record, Store

PLAUSIBLE = {"psnr": (5.0, 100.0), "ssim": (-1.0, 1.0), "ms_ssim": (-1.0, 1.0)}
ROUNDING = 1e-9
OWN = ("scale", "seed")  # settings that the protocol and the run decide


def objections(store: Store) -> list[str]:
    """Say in sentences what keeps a run off the leaderboard; empty if nothing does.

    Raises:
        BenchError: If the folder is no run folder or a record in it is damaged.
    """
    records, failures = store.records(), store.results().failures
    if not records:
        return [f"{store.root} holds no rows; `bench run --out {store.root}` makes some"]
    found = [*_cherries(records, failures), *_configurations(records)]
    for record in records:
        place = f"{record.method} on {record.dataset}, protocol {record.protocol}"
        found += [f"{place}: {said}" for said in _of_record(store, record)]
    return found


def _cherries(records: Sequence[Record], failures: Sequence[Failure]) -> Iterator[str]:
    """Find cells that are neither there nor excused."""
    told = {(r.method, r.dataset, r.protocol) for r in records}
    told |= {(f.method, f.dataset, f.protocol) for f in failures}
    for protocol in sorted({protocol for *_, protocol in told}):
        methods = sorted({m for m, _, p in told if p == protocol})
        datasets = sorted({d for _, d, p in told if p == protocol})
        for method, dataset in product(methods, datasets):
            if (method, dataset, protocol) not in told:
                yield (
                    f"{method} has no row on {dataset}, protocol {protocol}, where others of this "
                    "run have one; run it there too, all or none"
                )


def _configurations(records: Sequence[Record]) -> Iterator[str]:
    """Find methods whose settings or budget differ between data sets."""
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        one = first.setdefault((record.method, record.protocol), record)
        names = {n for n in one.settings.keys() | record.settings.keys() if n not in OWN}
        differ = sorted(n for n in names if one.settings.get(n) != record.settings.get(n))
        if one.budget != record.budget:
            differ.append("budget")
        if differ:
            yield (
                f"{record.method} has other {', '.join(differ)} on {record.dataset} than on "
                f"{one.dataset}; one name is one configuration, so give the other a label of its "
                f"own, such as {record.method.partition('[')[0]}[{differ[0]}=...]"
            )


def _of_record(store: Store, record: Record) -> Iterator[str]:
    yield from _conditions(record)
    yield from _columns(record)
    for score in record.scores:
        yield from _number(score, int(record.provenance.get("counts", {}).get("input", 0)))
    yield from _artefacts(store, record)


def _conditions(record: Record) -> Iterator[str]:
    about = record.provenance
    commit = str(about.get("commit", ""))
    if commit.endswith("+changes"):
        yield f"its code was changed after commit {commit[:8]}; commit it, then run again"
    if about.get("limit") is not None:
        yield f"at most {about['limit']} faces were used (--limit); a row is of a whole data set"
    for name in ("input", "reference", "images", "files"):
        if not about.get("data", {}).get(name):
            yield f"it records no digest of its {name}; score it again with this version"


def _columns(record: Record) -> Iterator[str]:
    """Compare the metrics with those that the protocol asks for."""
    try:
        protocol = plan.build_protocol(choices.parse("protocols", record.protocol))
    except (BadName, BenchError) as error:
        yield str(error)
        return
    asked = {metric.column for metric in protocol.metrics()}
    there = {score.metric for score in record.scores}
    for metric in sorted(asked - there):
        yield f"{metric}, which the protocol asks for, is neither measured nor excused"
    for score in record.scores:
        if score.value is None and not score.note:
            yield f"{score.metric} has neither a value nor a reason"


def _number(score: Score, wanted: int) -> Iterator[str]:
    if score.value is None:
        return
    low, high = PLAUSIBLE.get(score.metric.partition("[")[0], (-math.inf, math.inf))
    if not low <= score.value <= high:
        yield f"{score.metric} is {score.value:g}, expected {low:g} to {high:g}"
    if not score.identity:
        yield f"{score.metric} has no identity, so nobody can tell what was measured"
    if score.sampling == "picture" and score.n == len(score.samples) == wanted:
        mean = fmean(score.samples)
        if not math.isclose(mean, score.value, rel_tol=ROUNDING, abs_tol=ROUNDING):
            yield f"{score.metric} is {score.value:g}, but its {wanted} values average {mean:g}"
    elif score.n < wanted and not score.note:
        yield f"{score.metric} rests on {score.n} of {wanted} faces and does not say why"


def _artefacts(store: Store, record: Record) -> Iterator[str]:
    """Compare outputs and weights on disk with what was scored."""
    images = store.images(record.method, record.dataset)
    recorded = record.provenance.get("data", {})
    names = sorted(path.name for path in images.glob("*.png"))
    if not names:
        yield f"its outputs are not in {images}; they have to be there to be checked"
    elif len(names) != record.provenance.get("counts", {}).get("input"):
        yield f"{images} holds {len(names)} outputs of {record.provenance['counts']['input']}"
    elif recorded.get("files") and digest_of_files(images, names) != recorded["files"]:
        yield f"the outputs in {images} are not those that were scored"
    if recorded.get("train"):
        weights = store.training(record.method, recorded["train"]) / "weights.safetensors"
        if not weights.is_file():
            yield f"its weights are not at {weights}"
        elif digest(weights) != record.provenance.get("weights"):
            yield f"{weights} are not the weights that were scored"
