"""The file of a new method, ready to edit."""

from keyword import iskeyword
from pathlib import Path

from facesr.bench import catalog
from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import write_text

_METHOD = '''"""{title}: what it does, in a line."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import interpolate

from facesr.bench.contract import Method


@dataclass
class {title}(Method):
    """Bilinear interpolation, until you write something better."""

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`."""
        return interpolate(lr, scale_factor=self.scale, mode="bilinear")
'''
_TEST = """from facesr.bench.testing import check_method
from facesr.methods.{name} import {title}


def test_it_keeps_the_contract() -> None:
    assert check_method({title})
"""


def write_new(kind: str, name: str, root: Path | None = None) -> list[Path]:
    """Write a new method and its test into a checkout.

    Args:
        kind: `method`.
        name: Lower-case name.
        root: The checkout; the one that facesr is imported from if left out.

    Returns:
        The files written.

    Raises:
        BadName: If the kind is unknown, or the name is taken or cannot be a file name of Python.
        BenchError: If there is no checkout to write to.
    """
    if kind != "method":
        raise BadName(f"cannot make a new {kind!r}; known: method")
    if not (name.isidentifier() and name.islower() and name[0] != "_") or iskeyword(name):
        raise BadName(f"{name!r} cannot be a method's name; use lower-case letters, digits and _")
    if name in catalog.names("methods"):
        raise BadName(f"a method named {name!r} is there already; choose another name")
    home = root or _checkout()
    title = name.title().replace("_", "")
    files = {
        home / "methods" / f"{name}.py": _METHOD.format(name=name, title=title),
        home / "tests" / "methods" / f"test_{name}.py": _TEST.format(name=name, title=title),
    }
    for path, text in files.items():
        if path.exists():
            raise BenchError(f"{path} exists already; nothing was written")
        write_text(path, text)
    return list(files)


def _checkout() -> Path:
    home = Path(__file__).resolve().parent.parent
    if not (home / "pyproject.toml").is_file():
        raise BenchError(
            "facesr is installed as a wheel, there is no methods folder to write to; start from a "
            "clone, or make a package of your own with the entry-point group facesr.methods"
        )
    return home
