"""The figure of the critical resolution as part of a page: its colours follow the page's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from facesr.bench.store import Results
from facesr.reports._curve_figure import drawn
from facesr.reports._curve_parts import PANELS, Plot
from facesr.reports._curves import parts, plots
from facesr.reports._figure import INKS, colours


@dataclass(frozen=True)
class Figure:
    """A drawing that stands in a page.

    Args:
        protocol: Label of the protocol.
        dataset: Label of the data set.
        svg: The element.
        words: What it shows, in a sentence.
    """

    protocol: str
    dataset: str
    svg: str
    words: str


def figures(results: Results, families: Mapping[str, str]) -> list[Figure]:
    """Draw the curves of critical resolution, one figure per protocol and data set.

    Raises:
        BenchError: If curves would stand in one figure that cannot be compared.
    """
    return [
        Figure(plot.protocol, plot.dataset, _svg(plot, i), _words(plot))
        for i, plot in enumerate(plots(results, families))
    ]


def in_figure(metric: str) -> bool:
    """Tell whether a curve is part of the figure."""
    return parts(metric)[0] in PANELS


def _svg(plot: Plot, number: int) -> str:
    """Return the element without its frame; names in it are its own, colours the page's."""
    text = drawn(plot)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>figure{number}-", text)
    text = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("*{stroke-linejoin: round; stroke-linecap: butt}", "")
    names = {colour: name for name, colour in colours().items()} | INKS
    return re.sub(r'style="[^"]*"', lambda found: _recoloured(found[0], names), text)


def _recoloured(style: str, names: Mapping[str, str]) -> str:
    def named(found: re.Match[str]) -> str:
        return f"var(--{names[found[0]]})" if found[0] in names else found[0]

    return re.sub(r"#[0-9a-f]{6}\b", named, style)


def _words(plot: Plot) -> str:
    known = [m for m in plot.members if m.strong and m.critical and m.critical.value is not None]
    said = [f"{m.mark.title} {m.critical.value:.1f} px" for m in known if m.critical]
    return (
        f"Matching score and verification accuracy over the resolution of the input, {plot.dataset}"
        f", {plot.embedder}. Critical resolution: {'; '.join(said) or 'outside the range'}."
    )
