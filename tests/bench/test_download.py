import hashlib
import io
import os
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from facesr.bench import _transfer, assets
from facesr.bench.assets import Asset
from facesr.bench.download import Fetched, fetch
from facesr.bench.errors import BadName

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


def know(monkeypatch: pytest.MonkeyPatch, *known: Asset) -> None:
    monkeypatch.setattr(assets, "ASSETS", known)


def model(url: str = "", sha256: str = DIGEST, name: str = "model", size: int = 0) -> Asset:
    source = "https://example.org"
    return Asset(name, f"some/{name}.pth", sha256, "MIT", source, "a test", url, size)


@pytest.fixture
def direct(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An asset whose authors offer the file; return where it belongs."""
    server.files["/model.pth"] = CONTENT
    know(monkeypatch, model(f"{server.url}/model.pth"))
    return folder / "some/model.pth"


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


@pytest.fixture
def closed_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_file_is_fetched_from_its_authors_and_found(direct: Path, closed_umask: None) -> None:
    assert only(fetch(["model"])) == Fetched("model", direct, len(CONTENT), fetched=True)
    assert assets.find("model").read_bytes() == CONTENT
    assert stat.S_IMODE(direct.stat().st_mode) == 0o644
    assert left(direct.parents[1]) == ["model.pth"]


def test_what_is_there_is_not_fetched_again(direct: Path, server: Server) -> None:
    list(fetch(["model"]))
    assert only(fetch(["model"])) == Fetched("model", direct, len(CONTENT), fetched=False)
    assert only(fetch(["model", "model"])).fetched is False
    assert len(server.asked) == 1


def test_a_wrong_file_in_its_place_is_replaced(direct: Path) -> None:
    direct.parent.mkdir(parents=True)
    direct.write_bytes(b"other weights")
    assert only(fetch(["model"])).fetched
    assert direct.read_bytes() == CONTENT


def test_a_file_of_another_digest_is_refused_and_nothing_stays(
    direct: Path, server: Server
) -> None:
    server.files["/model.pth"] = b"other weights"
    problem = only(fetch(["model"])).problem
    came = hashlib.sha256(b"other weights").hexdigest()[:12]
    assert f"is not model.pth: it has SHA-256 {came}…, expected {DIGEST[:12]}…" in problem
    assert left(direct.parents[1]) == []


def test_the_file_in_place_survives_a_refused_one(direct: Path, server: Server) -> None:
    direct.parent.mkdir(parents=True)
    direct.write_bytes(b"older weights")
    server.files["/model.pth"] = b"other weights"
    assert only(fetch(["model"])).problem
    assert direct.read_bytes() == b"older weights"


def test_more_bytes_than_published_are_refused_before_all_have_come(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/model.pth"] = CONTENT * 20
    know(monkeypatch, model(f"{server.url}/model.pth", size=len(CONTENT)))
    assert f"more came than the {len(CONTENT):,} bytes" in only(fetch(["model"])).problem
    assert left(folder) == []


def test_a_truncated_transfer_goes_on_where_it_ended(direct: Path, server: Server) -> None:
    server.reply = truncated
    problem = only(fetch(["model"])).problem
    assert f"stopped after {len(CONTENT) // 2:,} of {len(CONTENT):,} bytes" in problem
    assert "the same command goes on" in problem
    assert not direct.exists()
    server.reply = ranges
    assert only(fetch(["model"])).fetched
    assert server.asked[-1] == ("/model.pth", f"bytes={len(CONTENT) // 2}-")
    assert direct.read_bytes() == CONTENT
    assert left(direct.parents[1]) == ["model.pth"]


def test_a_transfer_that_ends_early_without_an_error_is_noticed(
    direct: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = requests.Response.iter_content

    def silent(response: requests.Response, chunk_size: int) -> Iterator[bytes]:
        with suppress(requests.RequestException):
            yield from receive(response, chunk_size)

    monkeypatch.setattr(requests.Response, "iter_content", silent)
    server.reply = truncated
    problem = only(fetch(["model"])).problem
    assert f"stopped after {len(CONTENT) // 2:,} of {len(CONTENT):,} bytes" in problem


def test_a_server_without_ranges_starts_over(direct: Path, server: Server) -> None:
    server.reply = truncated
    list(fetch(["model"]))
    server.reply = whole
    assert only(fetch(["model"])).fetched
    assert direct.read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [b"of another file", CONTENT + b"too long"])
def test_what_was_left_of_another_file_is_fetched_anew(
    direct: Path, server: Server, kept: bytes
) -> None:
    direct.parent.mkdir(parents=True)
    direct.with_name(".model.pth.part").write_bytes(kept)
    server.reply = ranges
    assert only(fetch(["model"])).fetched
    assert direct.read_bytes() == CONTENT


def test_a_server_that_goes_on_elsewhere_is_refused(direct: Path, server: Server) -> None:
    def elsewhere(handler: Handler, content: bytes) -> None:
        handler.head(206, Content_Range=f"bytes 7-9/{len(content)}", Content_Length=3)
        handler.wfile.write(content[7:10])

    server.reply = truncated
    list(fetch(["model"]))
    server.reply = elsewhere
    assert "goes on at another place" in only(fetch(["model"])).problem
    assert left(direct.parents[1]) == []


def test_a_length_that_is_no_number_is_refused(direct: Path, server: Server) -> None:
    server.reply = lambda handler, content: handler.head(200, Content_Length="many")
    assert "says that it has 'many' bytes" in only(fetch(["model"])).problem
    assert left(direct.parents[1]) == []


@pytest.mark.parametrize("size", [100, 3 << 20, (5 << 20) + 17])
def test_progress_counts_every_mebibyte_once(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    shown: list[tuple[str, int, str, int]] = []
    steps: list[int] = []

    @contextmanager
    def recorded(label: str, total: int, unit: str, done: int) -> Iterator[Callable[[int], None]]:
        shown.append((label, total, unit, done))
        yield steps.append

    monkeypatch.setattr(_transfer, "progress", recorded)
    content = bytes(size)
    server.files["/model.pth"] = content
    know(monkeypatch, model(f"{server.url}/model.pth", hashlib.sha256(content).hexdigest()))
    server.reply = truncated
    list(fetch(["model"]))
    server.reply = ranges
    assert only(fetch(["model"])).fetched
    assert {(label, unit) for label, _, unit, _ in shown} == {("fetching model", "MiB")}
    assert shown[-1][1] == max(1, size >> 20)
    assert sum(steps) == size >> 20


def test_a_server_that_stalls_is_given_up(
    direct: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transfer, "TIMEOUT", (0.2, 0.2))
    server.reply = stalling
    problem = only(fetch(["model"])).problem
    assert f"stopped after {len(CONTENT) // 2:,} of" in problem
    assert "no answer for 0.2 s" in problem


def test_a_server_that_fails_keeps_what_came_before(direct: Path, server: Server) -> None:
    server.reply = truncated
    list(fetch(["model"]))
    server.reply = failing
    assert "it answered 503" in only(fetch(["model"])).problem
    server.reply = ranges
    assert only(fetch(["model"])).fetched


def test_an_address_that_is_not_there_is_a_sentence(direct: Path, server: Server) -> None:
    server.files.clear()
    problem = only(fetch(["model"])).problem
    assert problem == f"{server.url}/model.pth is not there (the server answered 404)"
    assert left(direct.parents[1]) == []


def test_a_machine_that_cannot_be_reached_is_a_sentence(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/model.pth"
    server.shutdown()
    server.server_close()
    know(monkeypatch, model(url))
    assert only(fetch(["model"])).problem.startswith(
        f"{url} cannot be fetched: the server cannot be reached"
    )
    assert left(folder) == []


def test_an_interrupted_download_is_continued(
    direct: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = _transfer.Sink.write

    def stopped(sink: _transfer.Sink, chunk: bytes) -> None:
        write(sink, chunk)
        raise KeyboardInterrupt

    server.reply = ranges
    with monkeypatch.context() as patch:
        patch.setattr(_transfer.Sink, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            list(fetch(["model"]))
    (part,) = left(direct.parents[1])
    came = direct.with_name(part).stat().st_size
    assert 0 < came < len(CONTENT)
    assert only(fetch(["model"])).fetched
    assert server.asked[-1] == ("/model.pth", f"bytes={came}-")


def test_redirections_are_followed(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(handler: Handler, content: bytes) -> None:
        if handler.path == "/old":
            handler.head(302, Location="/model.pth", Content_Length=0)
        else:
            ranges(handler, content)

    server.files |= {"/old": b"", "/model.pth": CONTENT}
    server.reply = moved
    know(monkeypatch, model(f"{server.url}/old"))
    assert only(fetch(["model"])).fetched


def test_one_that_fails_does_not_keep_the_others_back(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/second.pth"] = CONTENT
    first, second = (model(f"{server.url}/{n}.pth", name=n) for n in ("first", "second"))
    know(monkeypatch, first, second)
    results = list(fetch(["first", "second"]))
    assert [bool(r.problem) for r in results] == [True, False]


def test_a_file_without_an_address_says_where_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model())
    problem = only(fetch(["model"])).problem
    assert "get model.pth from https://example.org by hand" in problem
    assert "bench assets fetch model --from FILE" in problem


@pytest.mark.parametrize("name", ["some/model.pth", "model.pth"])
@pytest.mark.parametrize("kind", ["folder", "file", "http", "one file"])
def test_a_mirror_is_a_folder_an_address_or_a_file(
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    kind: str,
) -> None:
    know(monkeypatch, model(f"{server.url}/never.pth"))
    here = tmp_path / "a mirror"
    (here / name).parent.mkdir(parents=True)
    (here / name).write_bytes(CONTENT)
    server.files[f"/mirror/{name}"] = CONTENT
    mirror = {
        "folder": str(here),
        "file": here.as_uri(),
        "http": f"{server.url}/mirror/",
        "one file": str(here / name),
    }[kind]
    assert only(fetch(["model"], mirror)).fetched
    assert (folder / "some/model.pth").read_bytes() == CONTENT
    assert (here / name).read_bytes() == CONTENT


def test_a_mirror_without_the_file_says_what_was_looked_for(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    know(monkeypatch, model(f"{server.url}/never.pth"))
    assert only(fetch(["model"], str(tmp_path))).problem == (
        f"{tmp_path} holds none of some/model.pth, model.pth"
    )
    assert only(fetch(["model"], server.url)).problem == (
        f"none of these is there: {server.url}/some/model.pth, {server.url}/model.pth"
    )


def test_names_are_quoted_in_addresses(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model(name="a?b"))
    server.files["/some/a%3Fb.pth"] = CONTENT
    assert only(fetch(["a?b"], server.url)).fetched


def test_a_mirror_with_another_file_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    know(monkeypatch, model())
    (tmp_path / "model.pth").write_bytes(b"other weights")
    assert "is not model.pth" in only(fetch(["model"], str(tmp_path))).problem
    assert left(folder) == []


@pytest.mark.parametrize("mirror", ["ftp://example.org", "/no/such/folder", "file:///no/such"])
def test_a_mirror_that_cannot_be_is_bad_usage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    know(monkeypatch, model())
    with pytest.raises(BadName, match=r"name a folder"):
        list(fetch(["model"], mirror))
    assert not folder.exists()


def link(name: str) -> zipfile.ZipInfo:
    """A member that claims to be a symbolic link."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def test_one_archive_is_downloaded_once_for_all_its_files(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/pack.zip"
    other = hashlib.sha256(b"other").hexdigest()
    know(monkeypatch, model(url), model(url, other, "second"))
    server.files["/pack.zip"] = packed(
        ("pack/model.pth", CONTENT), ("second.pth", b"other"), ("third.pth", b"never")
    )
    assert all(r.fetched for r in fetch(["model", "second"]))
    assert server.asked == [("/pack.zip", "")]
    assert left(folder) == ["model.pth", "second.pth"]


def test_an_archive_in_a_mirror_is_unpacked_and_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    know(monkeypatch, model("https://example.org/pack.zip"))
    (tmp_path / "pack.zip").write_bytes(packed(("model.pth", CONTENT)))
    assert only(fetch(["model"], str(tmp_path))).fetched
    assert (tmp_path / "pack.zip").is_file()


@pytest.mark.parametrize(
    "members",
    [
        [("../model.pth", CONTENT)],
        [("a/../../model.pth", CONTENT)],
        [("/model.pth", CONTENT)],
        [(link("model.pth"), b"/etc/hostname")],
        [("model.pth/", b"")],
        [("other.pth", CONTENT)],
    ],
    ids=["above", "above by a detour", "absolute", "link", "folder", "other"],
)
def test_members_that_are_no_plain_files_below_are_not_unpacked(
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    members: list[tuple[str | zipfile.ZipInfo, bytes]],
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip"))
    server.files["/pack.zip"] = packed(*members)
    assert "pack.zip holds 0 files that could be model.pth" in only(fetch(["model"])).problem
    assert left(folder.parent) == []


def test_a_hostile_member_does_not_hide_the_right_one(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip"))
    server.files["/pack.zip"] = packed(
        ("../model.pth", b"evil"), (link("x/model.pth"), b"/etc/hostname"), ("model.pth", CONTENT)
    )
    assert only(fetch(["model"])).fetched
    assert left(folder.parent) == ["model.pth"]


def test_an_archive_with_two_such_files_is_refused(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip"))
    server.files["/pack.zip"] = packed(("a/model.pth", CONTENT), ("b/model.pth", b"other"))
    assert "holds 2 files that could be model.pth" in only(fetch(["model"])).problem


def test_a_member_that_unpacks_to_another_size_is_refused_before(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip", size=len(CONTENT)))
    server.files["/pack.zip"] = packed(("model.pth", bytes(10_000_000)))
    assert "holds 0 files" in only(fetch(["model"])).problem


@pytest.mark.parametrize("spoil", ["no archive", "cut", "flipped"])
def test_a_damaged_archive_is_refused_and_nothing_stays(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip"))
    good = packed(("model.pth", CONTENT))
    middle = len(good) // 2
    server.files["/pack.zip"] = {
        "no archive": b"<html>sign in</html>",
        "cut": good[:middle],
        "flipped": good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :],
    }[spoil]
    assert "pack.zip is damaged" in only(fetch(["model"])).problem
    assert left(folder) == []


def test_an_archive_whose_transfer_broke_is_continued(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, model(f"{server.url}/pack.zip"))
    server.files["/pack.zip"] = packed(("model.pth", CONTENT), method=zipfile.ZIP_STORED)
    server.reply = truncated
    assert "stopped after" in only(fetch(["model"])).problem
    server.reply = ranges
    assert only(fetch(["model"])).fetched
    assert server.asked[-1][1].startswith("bytes=")
    assert left(folder) == ["model.pth"]


def test_two_at_a_time_wait_for_each_other(direct: Path, server: Server) -> None:
    results: list[Fetched] = []
    threads = [
        threading.Thread(target=lambda: results.extend(fetch(["model"])), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(r.fetched for r in results) == [False, False, True]
    assert len(server.asked) == 1
