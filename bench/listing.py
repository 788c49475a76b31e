"""What is installed, as data and as text; nothing is imported unless parameters are counted."""

from typing import Any, cast

from facesr.bench import assets, catalog
from facesr.bench.catalog import Kind
from facesr.bench.errors import BenchError
from facesr.bench.files import plain


def listing(what: str, params: bool = False) -> list[dict[str, Any]]:
    """List methods, datasets, protocols, metrics or assets.

    Args:
        what: Which of them.
        params: Whether to count the parameters of methods, which builds every network.

    Returns:
        One dictionary per entry, in order of name.
    """
    if what == "assets":
        return [plain(s) | {"present": s.state == "present"} for s in assets.states()]
    kind = cast(Kind, what)
    return [_entry(kind, name, params) for name in catalog.names(kind)]


def text(entries: list[dict[str, Any]]) -> str:
    r"""Lay entries out in columns, one line each.

    >>> text([{"name": "bicubic", "title": "Bicubic"}, {"name": "lrgan", "title": "LRGAN"}])
    'bicubic  Bicubic\nlrgan    LRGAN'
    """
    columns = [[e["name"], _words(e), _aside(e)] for e in entries]
    widths = [max((len(row[i]) for row in columns), default=0) for i in range(3)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in columns)
    return "\n".join(line.rstrip() for line in lines)


def count_parameters(name: str) -> int:
    """Count the parameters that a method uses at test time, at full width."""
    from facesr.bench.choices import Choice
    from facesr.bench.plan import build_method

    choice = Choice("methods", name)
    about = catalog.describe("methods", name).about
    scale = (about.get("scales") or (4,))[0]
    method = build_method(choice, "paper", {}, scale, 0)
    return sum(parameter.numel() for parameter in method.net.parameters())


def _entry(kind: Kind, name: str, params: bool) -> dict[str, Any]:
    try:
        found = catalog.describe(kind, name)
    except BenchError as error:
        return {"name": name, "title": f"cannot be read: {error}", "settings": {}}
    about = found.about
    entry: dict[str, Any] = {
        "name": name,
        "title": found.title,
        "summary": found.summary,
        "settings": found.settings,
    }
    if kind == "methods":
        entry |= {
            "paper": about.get("paper", ""),
            "year": about.get("year", 0),
            "url": about.get("url", ""),
            "family": about.get("family", ""),
            "scales": list(about.get("scales", ())),
            "trainable": found.trainable,
            "needs": list(about.get("needs", ())),
            "budgets": list(found.budgets),
        }
        if params:
            entry["parameters"] = count_parameters(name)
    elif kind == "datasets":
        entry |= {
            "licence": about.get("licence", ""),
            "url": about.get("url", ""),
            "shareable": about.get("shareable", False),
            "family": about.get("family") or "photographs",
            "holds": about.get("holds", ""),
            "layout": about.get("layout", ""),
            "withdrawn": about.get("withdrawn", ""),
        }
    return entry


def _words(entry: dict[str, Any]) -> str:
    if "used_by" in entry:
        return f"for {entry['used_by']}"
    chosen = entry["title"] if "trainable" in entry else entry.get("summary", entry["title"])
    return str(chosen)


def _aside(entry: dict[str, Any]) -> str:
    if "present" in entry:
        return "present" if entry["present"] else "absent"
    if "trainable" not in entry:
        return ""
    parts = [
        str(entry["year"]) if entry["year"] else "",
        "learns" if entry["trainable"] else "nothing to learn",
        "x" + "/x".join(map(str, entry["scales"])) if entry["scales"] else "any scale",
        f"{entry['parameters']:,} parameters" if "parameters" in entry else "",
    ]
    return ", ".join(part for part in parts if part)
