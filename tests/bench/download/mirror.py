"""A server of assets for tests: on this machine only, ending by itself."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from facesr.bench import assets
from facesr.bench.assets import Asset
from facesr.bench.download import Fetched

CONTENT = bytes(range(256)) * 2048  # whole packets, half of it too
DIGEST = hashlib.sha256(CONTENT).hexdigest()
SECONDS = 30  # after which a server of a test ends by itself

Reply = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers from a dictionary, as its server's `reply` says."""

    timeout = 5

    @property
    def ours(self) -> "Server":
        assert isinstance(self.server, Server)
        return self.server

    def do_GET(self) -> None:
        self.ours.asked.append((self.path, self.headers.get("Range", "")))
        content = self.ours.files.get(self.path)
        if content is None:
            self.send_error(404)
        else:
            self.ours.reply(self, content)

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.reply: Reply = whole
        self.done = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that refuse what they get close the connection

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def whole(handler: Handler, content: bytes) -> None:
    handler.head(200, Content_Length=len(content))
    handler.wfile.write(content)


def ranges(handler: Handler, content: bytes) -> None:
    asked = handler.headers.get("Range")
    if not asked:
        return whole(handler, content)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(content):
        return handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
    place = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.head(206, Content_Range=place, Content_Length=len(content) - start)
    handler.wfile.write(content[start:])


def truncated(handler: Handler, content: bytes) -> None:
    handler.head(200, Content_Length=len(content))
    handler.wfile.write(content[: len(content) // 2])


def stalling(handler: Handler, content: bytes) -> None:
    truncated(handler, content)
    handler.wfile.flush()
    handler.ours.done.wait(5)


def failing(handler: Handler, content: bytes) -> None:
    handler.head(503, Content_Length=0)


def know(monkeypatch: pytest.MonkeyPatch, *known: Asset) -> None:
    monkeypatch.setattr(assets, "ASSETS", known)


def model(url: str = "", sha256: str = DIGEST, name: str = "model", size: int = 0) -> Asset:
    source = "https://example.org"
    return Asset(name, f"some/{name}.pth", sha256, "MIT", source, "a test", url, size)


def only(fetched: Iterator[Fetched]) -> Fetched:
    (result,) = fetched
    return result


def left(folder: Path) -> list[str]:
    """Name the files of a folder, without the lock."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.name != ".lock")


def packed(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()
