"""Assets from mirrors and out of archives."""

import hashlib
import stat
import sys
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facesr.bench.download import Fetched, fetch
from facesr.bench.errors import BadName

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.bench.download.mirror import (  # pyright: ignore[reportMissingImports]
        CONTENT,
        Server,
        know,
        left,
        model,
        only,
        packed,
        ranges,
        truncated,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from mirror import CONTENT, Server, know, left, model, only, packed, ranges, truncated


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
