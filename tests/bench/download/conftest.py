"""Servers and folders for tests of downloads."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facesr.bench import _transfer

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.bench.download.mirror import (  # pyright: ignore[reportMissingImports]
        CONTENT,
        SECONDS,
        Server,
        know,
        model,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from mirror import CONTENT, SECONDS, Server, know, model


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_transfer, "TIMEOUT", (2.0, 2.0))
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        watch = threading.Timer(SECONDS, server.shutdown)
        watch.daemon = True
        watch.start()
        yield server
        server.done.set()
        server.shutdown()
        watch.cancel()
        thread.join(5)
    assert not thread.is_alive()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "assets"


@pytest.fixture
def direct(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An asset whose authors offer the file; return where it belongs."""
    server.files["/model.pth"] = CONTENT
    know(monkeypatch, model(f"{server.url}/model.pth"))
    return folder / "some/model.pth"


@pytest.fixture
def closed_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)
