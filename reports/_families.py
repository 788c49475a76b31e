"""What kind of method a label names; it decides order and colour."""

import re

from facesr.bench import catalog
from facesr.bench.errors import BenchError
from facesr.bench.store import Results

FAMILIES = (
    "interpolation",
    "regression",
    "adversarial",
    "prior",
    "diffusion",
    "codebook",
    "unpaired",
)


def families(results: Results) -> dict[str, str]:
    """Look up the family of every method; empty for one that is not installed here."""
    labels = {r.method for r in results.rows} | {f.method for f in results.failures}
    return {label: _family(label) for label in sorted(labels)}


def place(method: str, family: str) -> tuple[int, str]:
    """Return the sort key of a method in every list: by family, then by name."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), method


def _family(label: str) -> str:
    name = re.split(r"[\[:]", label, maxsplit=1)[0]
    try:
        return str(catalog.describe("methods", name).about.get("family") or "")
    except BenchError:
        return ""
