"""The options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Budget(StrEnum):
    """How long a method trains."""

    paper = "paper"
    short = "short"
    smoke = "smoke"


class Listed(StrEnum):
    """What can be listed."""

    methods = "methods"
    datasets = "datasets"
    protocols = "protocols"
    metrics = "metrics"
    assets = "assets"


class Format(StrEnum):
    """Renderings of the board."""

    md = "md"
    csv = "csv"
    latex = "latex"
    html = "html"


Data = Annotated[
    Path | None,
    typer.Option(help="Folder of data sets as their authors distribute them; none: embedded faces"),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="METHOD.SETTING=VALUE", help="Change a setting; may be repeated"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of training and upscaling")]
Limit = Annotated[
    int | None, typer.Option(min=2, help="At most this many faces per half of a split")
]
Out = Annotated[Path, typer.Option(help="Run folder")]
Retrain = Annotated[bool, typer.Option("--retrain", help="Replace weights that cannot be reused")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Figures = Annotated[
    bool, typer.Option("--figures", help="Also draw figures for print: PNG, SVG and PDF")
]
