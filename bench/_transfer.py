"""One file over HTTP, by pooch: after what is there of it, with progress, and with a limit."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from facesr.bench.errors import BenchError
from facesr.bench.progress import Advance, progress

TIMEOUT = (15.0, 60.0)  # seconds until a server must be reached, and between two of its packets
_CHUNK = 1 << 16
_MIB = 1 << 20


class Absent(BenchError):
    """An address that a server does not know."""


class Sink:
    """What a download writes to: it goes on after what is there, if the server does.

    Args:
        part: File that is continued.
        label: What is being fetched.
        most: Bytes that may come; 0 for any number.
    """

    def __init__(self, part: Path, label: str, most: int) -> None:
        self._label, self._most = label, most
        self._stack = ExitStack()
        self._file = self._stack.enter_context(part.open("ab"))
        self._advance: Advance | None = None
        self.at = self.start = self._file.tell()
        self.total = 0

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def answered(self, response: Any, **_: Any) -> None:
        """Learn from the head of the answer where it starts and how long the file is."""
        if response.status_code == 206:
            match = re.fullmatch(
                r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", "")
            )
            if not match or int(match[1]) != self.start:
                self._restart()
                raise BenchError(f"{response.url} goes on at another place than asked; try again")
            self.total = int(match[2])
        elif response.status_code == 200:
            self._restart()
            packed = response.headers.get("content-encoding", "identity") != "identity"
            length = response.headers.get("content-length", "0")
            if not length.isdecimal():
                raise BenchError(f"{response.url} says that it has {length!r} bytes")
            self.total = 0 if packed else int(length)
        else:
            return
        total, done = max(1, self.total // _MIB), self.start // _MIB
        shown = progress(f"fetching {self._label}", total, "MiB", done)
        self._advance = self._stack.enter_context(shown)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        before, self.at = self.at, self.at + len(chunk)
        if self.at > self._most > 0:
            self._restart()
            raise BenchError(
                f"more came than the {self._most:,} bytes of the published file; it was refused"
            )
        self._file.write(chunk)
        if self._advance and (whole := self.at // _MIB - before // _MIB):
            self._advance(whole)

    def flush(self) -> None:
        """Do nothing: the file is closed before it is read."""

    def _restart(self) -> None:
        self._file.truncate(0)
        self.at = self.start = 0


def download(url: str, part: Path, label: str, most: int = 0) -> None:
    """Download a file, after what is there of it.

    Raises:
        BenchError: If it does not come, or not whole; what came stays for the next time.
    """
    import pooch

    with Sink(part, label, most) as sink:
        ask = {"Accept-Encoding": "identity"}
        if sink.start:
            ask["Range"] = f"bytes={sink.start}-"
        get = pooch.HTTPDownloader(
            chunk_size=_CHUNK, timeout=TIMEOUT, headers=ask, hooks={"response": sink.answered}
        )
        failure, status = "", None
        try:
            get(url, sink, None)
        except OSError as error:  # as which all errors of requests come
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status is None and not type(error).__module__.startswith(("requests", "urllib3")):
                raise
            failure = f"it answered {status}" if status else _reason(error)
        except BenchError:
            part.unlink(missing_ok=True)
            raise
        complete = not failure and sink.at >= sink.total
    if complete:
        return
    if status == 416 and sink.start:  # what is there is no beginning of this file
        part.unlink()
        return download(url, part, label, most)
    if part.stat().st_size == 0:
        part.unlink()
    if status in (404, 410):
        raise Absent(f"{url} is not there (the server answered {status})")
    if part.is_file():
        of = f" of {sink.total:,}" if sink.total else ""
        raise BenchError(
            f"{url} stopped after {sink.at:,}{of} bytes ({failure or 'it closed the connection'}); "
            "the same command goes on from there"
        )
    raise BenchError(f"{url} cannot be fetched: {failure or 'nothing came'}")


def _reason(error: BaseException) -> str:
    """Say in a few words why a transfer failed."""
    text = f"{type(error).__name__} {error}".lower()
    if "timeout" in text or "timed out" in text:
        connecting = "connecttimeout" in text or "connect timeout" in text
        return f"no answer for {TIMEOUT[0] if connecting else TIMEOUT[1]:g} s"
    if "incompleteread" in text or "connection broken" in text:
        return "the connection broke"
    if "ssl" in text:
        return "its certificate is not trusted"
    return f"the server cannot be reached ({type(error).__name__})"
