"""What every test shares: a cache of its own, so that no test reads what an earlier run left."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facesr.bench import catalog


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACESR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Path]]:
    """Drop a file into the house, such as `methods/mine.py`, for the length of one test.

    `facesr` is a namespace package, so a second folder of that name on the path extends it, here
    and in subprocesses, and the repository stays untouched.
    """
    root = tmp_path / "house"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", str(root), prepend=os.pathsep)

    def write(place: str, text: str) -> Path:
        path = root / "facesr" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        catalog._found.cache_clear()
        return path

    yield write
    catalog._found.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(root)):
            del sys.modules[name]
