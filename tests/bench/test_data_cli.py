import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from facesr.bench.cards import Card
from facesr.bench.cli import main
from facesr.bench.data import Finding, Prepared

CLOSED = os.name == "posix" and os.geteuid() != 0  # whether permissions hold for this user


@pytest.fixture
def data(wider: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    return wider


def halves(tmp_path: Path) -> list[Path]:
    return sorted(path.parent for path in (tmp_path / "cache").rglob("manifest.json"))


def flip_last_byte(folder: Path) -> str:
    shard = next(folder.glob("faces-*.npy"))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    last = (folder / "faces.jsonl").read_text().splitlines()[-1]
    return str(json.loads(last)["name"])


def test_the_list_has_a_line_for_each_data_set_within_80_columns(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert next(line for line in lines if line.startswith("widerface ")).endswith("-")
    assert any(line.startswith("lr_dukemtmc †") for line in lines)
    assert "† withdrawn by its authors" in lines
    groups = [line for line in lines if line.startswith(("photographs,", "splits", "rendered,"))]
    assert len(groups) == 3
    assert "\x1b" not in "".join(lines)


def test_the_list_says_what_is_here(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "prepare", "widerface", "--source", str(data), "--part", "test"])
    capsys.readouterr()
    assert main(["data", "list", "--data", str(data), "--json"]) == 0
    cards = TypeAdapter(list[Card]).validate_json(capsys.readouterr().out)
    found = {card.name: card for card in cards}
    assert (found["widerface"].found, found["widerface"].prepared) == (True, True)
    assert (found["celeba"].found, found["celeba"].prepared) == (False, False)
    assert found["celeba"].missing


def test_a_card_has_all_there_is_to_know(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "widerface"]) == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in said.splitlines())
    for word in ("393,703", "CVPR", "shuoyang1213", "bbx_gt.txt", "blur=2", "Heaviest blur"):
        assert word in said
    assert "bench data prepare widerface --source FOLDER" in said
    assert main(["data", "list", "widerface", "--json"]) == 0
    assert TypeAdapter(Card).validate_json(capsys.readouterr().out).title == "WIDER FACE"


def test_a_withdrawn_set_says_so_on_top_of_its_card(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "list", "lr_dukemtmc"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("WITHDRAWN")


@pytest.mark.parametrize("words", [["list"], ["list", "widerface"], ["list", "toy", "--json"]])
def test_lists_import_no_torch(words: list[str]) -> None:
    code = (
        "import sys; from facesr.bench.cli import main; "
        f"main(['data', *{words!r}]); sys.stderr.write(str('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("False")


def test_preparing_says_what_came_of_it_and_what_to_do_next(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "prepare", "widerface", "--source", str(data)]) == 0
    out, err = capsys.readouterr()
    assert "widerface, test part, unpaired" in out
    assert "3 faces of 64 px" in out
    assert "left out 6  too small" in out
    assert f"next: bench run --datasets widerface --data {shlex.quote(str(data))}\n" in err
    assert "bench data verify widerface" in err


def test_the_next_command_carries_what_decides_the_faces(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", "blur=1", "--lr-size", "12", "--limit", "2", "--out", str(tmp_path / "else")]
    assert main(["data", "prepare", "widerface", "--source", str(data), *words]) == 0
    err = capsys.readouterr().err
    assert f"FACESR_CACHE={tmp_path / 'else'} bench run" in err
    assert "'widerface[blur=1]'" in err
    assert "--protocol 'realworld[lr_size=12]' --limit 2" in err


def test_a_run_uses_what_was_prepared(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["data", "prepare", "widerface", "--source", str(data)])
    before = {path: path.stat().st_mtime_ns for path in halves(tmp_path)}
    words = ["--methods", "bicubic", "--datasets", "widerface", "--data", str(data)]
    main(["run", *words, "--out", str(tmp_path / "runs"), "--budget", "smoke"])
    assert "widerface: 6 test inputs of 16 px" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in halves(tmp_path)} == before


def test_prepared_parts_are_json_of_the_schema(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prepare", "widerface", "--source", str(data), "--part", "train", "--json"]
    assert main(["data", *words]) == 0
    [part] = TypeAdapter(list[Prepared]).validate_json(capsys.readouterr().out)
    assert part.part == "train"
    assert part.halves[0].folder.is_dir()


def test_verifying_what_was_not_touched_is_exit_code_zero(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["data", "prepare", "widerface", "--source", str(data)])
    capsys.readouterr()
    assert main(["data", "verify", "widerface", "--source", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for faces in (3, 6):  # large ones, small ones
        assert sum(f"{faces} faces as prepared" in line for line in lines) == 2


def test_a_difference_is_a_line_and_exit_code_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["data", "prepare", "widerface", "--source", str(data), "--part", "test"])
    capsys.readouterr()
    folder = halves(tmp_path)[0]
    name = flip_last_byte(folder)
    assert main(["data", "verify", str(folder)]) == 1
    assert f"{folder}: face {name} was changed: its pixels are others\n" in capsys.readouterr().out
    assert main(["data", "verify", "widerface", "--json"]) == 1
    found = TypeAdapter(list[Finding]).validate_json(capsys.readouterr().out)
    assert sum(bool(finding.difference) for finding in found) == 2
    assert sum(not finding.difference for finding in found) == 1


def test_a_photograph_that_is_gone_is_exit_code_one(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["data", "prepare", "widerface", "--source", str(data)])
    (data / "widerface/WIDER_val/images/0--Parade/val_1.jpg").unlink()
    assert main(["data", "verify", "widerface"]) == 0
    capsys.readouterr()
    assert main(["data", "verify", "widerface", "--source", str(data)]) == 1
    assert "photograph WIDER_val/images/0--Parade/val_1.jpg is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["list", "widerfac"],
        ["prepare", "widerfac"],
        ["prepare", "widerface", "--set", "blurr=1"],
        ["prepare", "widerface", "--set", "blur=heavy"],
        ["prepare", "widerface", "--protocol", "realwolrd"],
        ["prepare", "widerface", "--part", "validation"],
        ["prepare", "toy:celebaa"],
        ["verify", "widerfac"],
        ["toy", "celebaa", "--out", "toys"],
        ["toy", "celeba"],
    ],
)
def test_bad_usage_is_exit_code_two(
    data: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *words]) == 2
    out, err = capsys.readouterr()
    assert err.strip()
    assert not out


@pytest.mark.parametrize(
    "words",
    [["prepare", "celeba"], ["prepare", "celeba", "--source", "{}"], ["verify", "celeba"]],
)
def test_what_cannot_be_used_is_exit_code_one(
    data: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *(word.format(data) for word in words)]) == 1
    assert "celeba" in capsys.readouterr().err.lower()


@pytest.mark.skipif(not CLOSED, reason="this user may write everywhere")
def test_a_cache_that_may_not_be_written_is_exit_code_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    words = ["prepare", "widerface", "--source", str(data), "--out", str(shut)]
    assert main(["data", *words]) == 1
    assert "permission denied" in capsys.readouterr().err


def test_a_cache_below_a_file_is_exit_code_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    words = ["prepare", "widerface", "--source", str(data), "--out", str(tmp_path / "file")]
    assert main(["data", *words]) == 1
    assert "cannot be" in capsys.readouterr().err


def test_stopping_says_that_the_same_command_goes_on(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesr.datasets._half.fill", stop)
    assert main(["data", "prepare", "widerface", "--source", str(data)]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_a_toy_is_written_where_the_next_command_reads_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "toys")
    assert main(["data", "toy", "widerface", "--out", out, "--people", "6", "--shots", "3"]) == 0
    said, err = capsys.readouterr()
    assert said.startswith("widerface: 4 photographs, 18 faces (train 12, val 6)")
    assert f"next: bench data prepare widerface --source {out}" in err
    assert main(["data", "prepare", "widerface", "--source", out]) == 0


@pytest.mark.slow
def test_a_toy_runs_from_end_to_end(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = "toy[path=widerface,people=6,shots=4]"
    words = ["--methods", "bicubic", "--datasets", named, "--out", str(tmp_path / "runs")]
    assert main(["run", *words, "--budget", "smoke"]) == 0
    assert "rendered faces in the layout of widerface" in capsys.readouterr().err
    assert main(["data", "verify", named]) == 0
    assert main(["data", "verify", "toy:widerface"]) == 0
    assert main(["data", "verify", "widerface"]) == 1  # a toy is no real face


def test_names_that_a_terminal_would_obey_are_made_harmless(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["data", "prepare", "widerface", "--source", str(data), "--part", "test"])
    (halves(tmp_path)[0] / "\x1b[31mred").write_text("")
    capsys.readouterr()
    assert main(["data", "verify", "widerface"]) == 1
    assert "?[31mred does not belong here" in capsys.readouterr().out
