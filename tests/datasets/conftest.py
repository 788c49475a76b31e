"""What is asked of every loader of an official layout, whichever faces it is for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces

Build = Callable[[Path, Path], Any]  # a loader from its folders of data and cache


@pytest.fixture
def check_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Build, Path, Callable[[Any], Faces]], None]:
    """Check that two processes prepare the bytes that one does."""

    def check(build: Build, data: Path, prepare: Callable[[Any], Faces]) -> None:
        monkeypatch.setattr("facesr.datasets._fill._FEW", 0)
        folders = []
        for workers in (1, 2):
            loader = build(data, tmp_path / str(workers))
            loader.workers = workers
            folders.append(prepare(loader).root)
        one, two = folders
        assert one.relative_to(tmp_path / "1") == two.relative_to(tmp_path / "2")
        names = sorted(path.name for path in one.iterdir())
        assert names == sorted(path.name for path in two.iterdir())
        for name in names:
            assert (one / name).read_bytes() == (two / name).read_bytes(), name

    return check


@pytest.fixture
def check_lack(tmp_path: Path) -> Callable[[Build], None]:
    """Check that a loader says what an empty folder lacks, and whose terms hold."""

    def check(build: Build) -> None:
        loader = build(tmp_path, tmp_path)
        about, sentence = loader.about, loader.missing()
        assert about.url in sentence
        assert about.layout in sentence
        assert about.holds
        assert about.licence
        with pytest.raises(BadData):
            loader.split("train")

    return check
