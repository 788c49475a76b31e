"""What kind of method a label names; it decides order and colour."""

import re

from facesr.bench import catalog
from facesr.bench.errors import BenchError
from facesr.bench.store import Results


def families(results: Results) -> dict[str, str]:
    """Look up the family of every method; empty for one that is not installed here."""
    labels = {r.method for r in results.rows} | {f.method for f in results.failures}
    return {label: _family(label) for label in sorted(labels)}


def _family(label: str) -> str:
    name = re.split(r"[\[:]", label, maxsplit=1)[0]
    try:
        return str(catalog.describe("methods", name).about.get("family") or "")
    except BenchError:
        return ""
