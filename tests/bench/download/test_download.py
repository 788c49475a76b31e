"""Assets over HTTP: from their authors, with everything that can go wrong on the way."""

import hashlib
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from facesr.bench import _transfer, assets
from facesr.bench.download import Fetched, fetch

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.bench.download.mirror import (  # pyright: ignore[reportMissingImports]
        CONTENT,
        DIGEST,
        Handler,
        Server,
        failing,
        know,
        left,
        model,
        only,
        ranges,
        stalling,
        truncated,
        whole,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from mirror import (
        CONTENT,
        DIGEST,
        Handler,
        Server,
        failing,
        know,
        left,
        model,
        only,
        ranges,
        stalling,
        truncated,
        whole,
    )


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
