"""What this machine has, what is missing, and what that means."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from facesr.bench import assets, cards, catalog, provenance
from facesr.bench.files import cache_folder

OPTIONAL = {
    "dlib": "detection rates with HOG",
    "facenet_pytorch": "O-Net features, MTCNN cropping",
    "ray": "running cells on a cluster",
}


def examine(data: Path | None = None) -> dict[str, Any]:
    """Look at versions, devices, packages, assets and data.

    Args:
        data: Folder of data sets to look into.
    """
    import torch

    devices = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return {
        "versions": provenance.versions(),
        "commit": provenance.commit() or "none",
        "devices": {device: provenance.machine(device)["device_name"] for device in devices},
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "cache": str(cache_folder()),
        "assets_folder": str(assets.assets_folder()),
        "packages": {name: find_spec(name) is not None for name in OPTIONAL},
        "assets": {s.name: s.problem or "present" for s in assets.states()},
        "datasets": {
            name: cards.missing(name, data) or "present"
            for name in catalog.names("datasets")
            if not cards.card(name).wants_path
        },
    }


def text(findings: dict[str, Any]) -> str:
    """Lay findings out for a person.

    Args:
        findings: From `examine`.
    """
    lines = [f"{'commit':<17}{findings['commit']}"]
    lines += [f"{name:<17}{number}" for name, number in findings["versions"].items()]
    lines += [f"{'device':<17}{d} ({name})" for d, name in findings["devices"].items()]
    lines += [
        f"{'cores':<17}{findings['cores']}, torch uses {findings['threads']}",
        f"{'cache':<17}{findings['cache']}",
        f"{'assets':<17}{findings['assets_folder']}",
        "",
        "packages",
    ]
    lines += [
        f"  {'ok' if found else 'absent':<8}{name}: {OPTIONAL[name]}"
        for name, found in findings["packages"].items()
    ]
    lines += ["", "assets"]
    lines += [f"  {_state(says):<8}{name}{_why(says)}" for name, says in findings["assets"].items()]
    lines += ["", "data sets"]
    lines += [
        f"  {_state(says):<8}{name}: {cards.card(name).title}"
        for name, says in findings["datasets"].items()
    ]
    if any(says != "present" for says in findings["datasets"].values()):
        lines.append("  `bench data list NAME` says which files are expected where")
    return "\n".join(lines)


def _state(says: str) -> str:
    return "ok" if says == "present" else "absent"


def _why(says: str) -> str:
    return "" if says == "present" else f": {says}"
