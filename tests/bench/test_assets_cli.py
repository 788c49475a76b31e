import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from facesr.bench import assets
from facesr.bench.assets import Asset, State
from facesr.bench.cli import main
from facesr.bench.download import Fetched

CLOSED = os.name == "posix" and os.geteuid() != 0  # whether permissions hold for this user
Capture = pytest.CaptureFixture[str]


def known(name: str, url: str = "") -> Asset:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return Asset(
        name, f"some/{name}.pth", sha256, "MIT", "https://example.org", "tests", url, len(name)
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three assets: one here, one wrong, one absent."""
    monkeypatch.setattr(assets, "ASSETS", (known("here"), known("wrong"), known("gone")))
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "assets/some").mkdir(parents=True)
    (tmp_path / "assets/some/here.pth").write_bytes(b"here")
    (tmp_path / "assets/some/wrong.pth").write_bytes(b"another")
    return tmp_path / "assets"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    place = tmp_path / "mirror"
    place.mkdir()
    for name in ("here", "wrong", "gone"):
        (place / f"{name}.pth").write_bytes(name.encode())
    return place


def test_the_list_says_of_each_what_is_here(folder: Path, capsys: Capture) -> None:
    assert main(["assets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, state in (("here", "present"), ("wrong", "wrong file"), ("gone", "absent")):
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert f" {state} " in line
        assert known(name).sha256[:8] in line
        assert line.endswith("MIT")
    assert sum("https://example.org" in line for line in lines) >= 3
    assert any("WRONG FILE:" in line for line in lines)
    assert any(line.startswith("1 present, 1 wrong file, 1 absent.") for line in lines)


def test_the_list_of_all_that_is_published_fits_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", "/a")
    assert main(["assets", "list"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for each in assets.ASSETS:
        assert f"\n{each.name} " in out
    assert "TORCH_HOME=/a\n" in out
    assert "root=/a/insightface\n" in out


def test_some_can_be_listed(folder: Path, capsys: Capture) -> None:
    assert main(["assets", "list", "gone"]) == 0
    out = capsys.readouterr().out
    assert "gone" in out
    assert "here" not in out


@pytest.mark.parametrize("command", ["list", "verify"])
def test_states_as_json_are_what_they_are_in_python(
    folder: Path, capsys: Capture, command: str
) -> None:
    assert main(["assets", command, "--json"]) == (command == "verify")
    found = TypeAdapter(list[State]).validate_json(capsys.readouterr().out)
    assert found == list(assets.states())
    assert [s.state for s in found] == ["present", "wrong file", "absent"]
    assert [bool(s.problem) for s in found] == [False, True, True]


def test_the_other_list_of_assets_knows_the_same(folder: Path, capsys: Capture) -> None:
    assert main(["list", "assets", "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in other] == [s.name for s in assets.states()]


def test_the_list_needs_no_torch(folder: Path) -> None:
    script = (
        "import sys; from facesr.bench.cli import main; code = main(['assets', 'list']);"
        "heavy = {'torch', 'numpy', 'pooch', 'requests', 'rich'} & set(sys.modules);"
        "sys.exit(code or ' '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)


def test_fetching_brings_what_is_absent_or_wrong(
    folder: Path, mirror: Path, capsys: Capture
) -> None:
    assert main(["assets", "fetch", "all", "--from", str(mirror)]) == 0
    out = capsys.readouterr().out
    assert "here: there already, 4 bytes, licence: MIT" in out
    assert "wrong: fetched, 5 bytes" in out
    assert "gone: fetched, 4 bytes" in out
    assert main(["assets", "verify", "here", "wrong", "gone"]) == 0


def test_fetching_as_json_is_what_it_is_in_python(
    folder: Path, mirror: Path, capsys: Capture
) -> None:
    (mirror / "gone.pth").unlink()
    assert main(["assets", "fetch", "wrong", "gone", "--from", str(mirror), "--json"]) == 1
    first, second = TypeAdapter(list[Fetched]).validate_json(capsys.readouterr().out)
    assert first == Fetched("wrong", folder / "some/wrong.pth", 5, fetched=True)
    assert second.problem == f"{mirror} holds none of some/gone.pth, gone.pth"


def test_what_cannot_be_fetched_is_said_and_counts(
    folder: Path, mirror: Path, capsys: Capture
) -> None:
    (mirror / "wrong.pth").write_bytes(b"evil!")
    assert main(["assets", "fetch", "wrong", "gone", "--from", str(mirror)]) == 1
    captured = capsys.readouterr()
    assert "wrong: what came from" in captured.err
    assert "gone: fetched" in captured.out


def test_without_a_network_or_an_address_there_is_a_sentence(folder: Path, capsys: Capture) -> None:
    assert main(["assets", "fetch", "gone"]) == 1
    assert "by hand" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "fetch", "verify"])
def test_an_unknown_name_is_bad_usage_with_a_suggestion(
    folder: Path, capsys: Capture, command: str
) -> None:
    assert main(["assets", command, "here", "gon"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "bench: error: no asset named 'gon'; did you mean 'gone'?\n"
    assert "here:" not in captured.out


@pytest.mark.parametrize(
    "arguments",
    [["fetch"], ["fetch", "all", "here"], ["fetch", "all", "--from", "/no/such"], ["nothing"]],
)
def test_bad_usage_ends_with_2(folder: Path, arguments: list[str]) -> None:
    assert main(["assets", *arguments]) == 2


def test_verifying_all_names_wrong_files_and_counts_absent_ones(
    folder: Path, capsys: Capture
) -> None:
    assert main(["assets", "verify"]) == 1
    out = capsys.readouterr().out
    assert "here: as published, 4 bytes" in out
    assert "wrong.pth has SHA-256" in out
    assert "(7 bytes, expected 5)" in out
    assert "gone:" not in out
    assert out.endswith("1 present, 1 wrong file, 1 absent\n")
    (folder / "some/wrong.pth").unlink()
    assert main(["assets", "verify"]) == 0


def test_verifying_one_that_is_absent_is_a_difference(folder: Path, capsys: Capture) -> None:
    assert main(["assets", "verify", "gone"]) == 1
    assert "gone: needs the asset 'gone'" in capsys.readouterr().out


def test_a_change_is_found_whatever_is_remembered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "SETTLED_NS", -1)
    assert main(["assets", "verify", "here"]) == 0
    monkeypatch.setattr(assets, "_stamp", lambda path: assets._Stamp(4, 0, 0))
    (folder / "some/here.pth").write_bytes(b"hero")
    assert main(["assets", "verify", "here"]) == 1


def test_a_folder_that_is_a_file_is_a_sentence(
    folder: Path, mirror: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder / "some/here.pth"
    monkeypatch.setenv("FACESR_ASSETS", str(place))
    assert main(["assets", "fetch", "here", "--from", str(mirror)]) == 1
    assert capsys.readouterr().err == f"bench: error: {place} cannot be used: file exists\n"


@pytest.mark.skipif(not CLOSED, reason="this user may write everywhere")
def test_a_read_only_folder_is_a_sentence(folder: Path, mirror: Path, capsys: Capture) -> None:
    folder.chmod(0o555)
    try:
        assert main(["assets", "fetch", "gone", "--from", str(mirror)]) == 1
    finally:
        folder.chmod(0o755)
    assert "permission denied" in capsys.readouterr().err


def test_a_read_only_folder_below_fails_for_its_own_assets_only(
    folder: Path, mirror: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Asset("else", "x/else.pth", known("else").sha256, "MIT", "https://e.org", "tests")
    monkeypatch.setattr(assets, "ASSETS", (elsewhere, known("gone")))
    (folder / "x").write_bytes(b"a file, where a folder must be")
    (mirror / "else.pth").write_bytes(b"else")
    assert main(["assets", "fetch", "all", "--from", str(mirror)]) == 1
    captured = capsys.readouterr()
    assert f"else: {folder / 'x'} cannot be used" in captured.err
    assert "gone: fetched" in captured.out


def test_stopping_ends_with_130_and_keeps_the_promise_to_go_on(
    folder: Path, mirror: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facesr.bench import download

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download, "_obtain", stop)
        assert main(["assets", "fetch", "gone", "--from", str(mirror)]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main(["assets", "fetch", "gone", "--from", str(mirror)]) == 0
