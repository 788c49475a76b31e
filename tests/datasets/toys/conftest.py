"""Twins, written when they are first asked for, and how their files are read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.datasets._toys._truth import WRITERS, Truth


class Twins(dict[str, tuple[Path, Truth]]):
    """A folder for each twin, and what is in it."""

    def __init__(self, make: Callable[[str], Path]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> tuple[Path, Truth]:
        root = self.make(name.replace(":", "_"))
        self[name] = root, WRITERS[name](root)
        return self[name]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    return Twins(tmp_path_factory.mktemp)


@pytest.fixture
def lines_of() -> Callable[[Path], list[str]]:
    """Read a file whose every line ends as on Unix."""

    def lines_of(path: Path) -> list[str]:
        text = path.read_bytes().decode()
        assert text.endswith("\n")
        assert "\r" not in text
        return text[:-1].split("\n")

    return lines_of


@pytest.fixture
def folders_of() -> Callable[[Path, int], set[str]]:
    """Name the folders at a depth."""

    def folders_of(root: Path, depth: int) -> set[str]:
        found = root.glob("/".join("*" * depth))
        return {path.relative_to(root).as_posix() for path in found if path.is_dir()}

    return folders_of
