"""Where a number comes from: versions, machine, commit."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDERS = ("bench", "methods", "datasets", "protocols", "reports")
PACKAGES = (
    "facesr",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pillow",
    "scikit-image",
    "dlib-bin",
    "facenet-pytorch",
    "onnxruntime",
)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that can change a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


@cache
def commit() -> str:
    """Return the commit of this checkout, `+changes` if files of ours differ; empty if none."""
    here = Path(__file__).resolve()
    home = here.parent.parent
    try:
        _git(home, "ls-files", "--error-unmatch", str(here))  # it may be somebody else's checkout
        head = _git(home, "rev-parse", "HEAD")
        places = [place for place in FOLDERS if (home / place).is_dir()]
        dirty = _git(home, "status", "--porcelain", "--", *places)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}+changes" if dirty else head


def machine(device: str) -> dict[str, Any]:
    """Describe the machine that a number was computed on, without naming it."""
    import torch

    libc = platform.libc_ver()  # the kernel decides no number
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {
        "platform": " ".join(filter(None, (platform.system(), platform.machine(), *libc))),
        "device": device,
        "device_name": name,
        "threads": torch.get_num_threads(),
    }


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
