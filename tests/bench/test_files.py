import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from facesr.bench.files import cache_folder, digest, digest_of, write_json, write_text, write_whole

WRITER = """
import sys, time
from pathlib import Path
from facesr.bench.files import write_whole

def slowly(file):
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)

write_whole(Path(sys.argv[1]), slowly)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("before", [None, "what was there"])
def test_a_process_killed_while_writing_leaves_no_partial_file(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "result.bin"
    if before:
        path.write_text(before)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    assert (path.read_text() if path.exists() else None) == before


def test_an_error_while_writing_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")

    def fail(file: IO[bytes]) -> None:
        file.write(b"new")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        write_whole(tmp_path / "a.txt", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_folders_are_made_and_files_readable_by_all(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b/c.txt", "gruß\n")
    assert (tmp_path / "a/b/c.txt").read_bytes() == "gruß\n".encode()
    assert (tmp_path / "a/b/c.txt").stat().st_mode & 0o777 == 0o644


def test_json_is_sorted_and_ends_with_a_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, None], "a": "é"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text == '{\n  "a": "é",\n  "b": [\n    1,\n    null\n  ]\n}\n'
    assert json.loads(text) == {"a": "é", "b": [1, None]}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_json_cannot_say(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"psnr": value})
    assert not list(tmp_path.iterdir())


def test_a_digest_is_the_published_kind(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(tmp_path / "abc") == published


def test_a_digest_of_a_value_ignores_the_order_of_keys_only() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FACESR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "facesr"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    assert cache_folder() == tmp_path / ".cache/facesr"
