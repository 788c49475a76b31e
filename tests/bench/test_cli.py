import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench.cli import main

Add = Callable[[str, str, str], None]
RUN = ["run", "--protocol", "glow", "--datasets", "blobs", "--budget", "smoke", "--device", "cpu"]


def test_a_run_prints_the_board_and_the_place_of_the_report(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, "--methods", "repeat,tint", "--out", str(tmp_path / "runs")]) == 0
    out, err = capsys.readouterr()
    assert "repeat" in out
    assert "brightness" in out
    page = Path(err.strip().splitlines()[-1].removeprefix("report: "))
    assert page.name == "index.html"
    assert "<html" in page.read_text()


def test_json_goes_to_stdout_alone(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, "--methods", "repeat", "--out", str(tmp_path / "runs"), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["rows"][0]["score"]["metric"] == "brightness"
    assert value["failures"] == []


def test_a_failed_cell_is_exit_code_one_and_the_rest_is_kept(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--methods", "repeat", "--out", str(tmp_path / "runs")]
    given = [*RUN, *words]
    given[given.index("blobs")] = "blobs,blobs[broken=true]"
    assert main(given) == 1
    out, err = capsys.readouterr()
    assert "broken on purpose" in err
    assert "repeat" in out


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--methods", "repaet"],
        ["run", "--methods", "repeat", "--protocol", "glo"],
        ["run", "--set", "repeat.gian=1"],
        ["run", "--no-such-option"],
        ["report", "--format", "docx"],
        ["check", "repaet"],
        ["new", "metod", "x"],
        ["list", "nothing"],
    ],
)
def test_bad_usage_is_exit_code_two(
    toys: Add, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.strip()


def test_a_near_miss_is_named_in_under_a_second_without_torch() -> None:
    code = (
        "import sys; from facesr.bench.cli import main; "
        "c = main(['run', '--methods', 'bicubc']); print(c, 'torch' in sys.modules)"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.monotonic() - start < 5  # a bound that only an import of torch could break
    assert done.stdout.split() == ["2", "False"]
    assert "did you mean 'bicubic'?" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["list", "methods"], ["list", "assets"]])
def test_help_and_lists_import_no_torch(words: list[str]) -> None:
    code = (
        "import sys; from facesr.bench.cli import main; "
        f"main({words!r}); sys.stderr.write(str('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("False")


def test_lists_carry_what_a_script_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "methods", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert {"title", "paper", "year", "scales", "trainable", "needs", "settings"} <= set(
        entries["lrgan"]
    )
    assert entries["lrgan"]["trainable"]
    assert not entries["bicubic"]["trainable"]
    assert entries["lrgan"]["year"] == 2018


def test_parameters_are_counted_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "methods", "--json", "--params"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["bicubic"]["parameters"] == 0
    assert entries["lrgan"]["parameters"] > 1_000_000


def test_score_prints_json_of_the_schema(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pydantic import TypeAdapter

    from facesr.bench.score import Score

    main([*RUN, "--methods", "repeat", "--out", str(tmp_path / "runs")])
    capsys.readouterr()
    images = tmp_path / "runs/repeat/blobs/images"
    assert main(["score", "--images", str(images), "--metrics", "brightness", "--json"]) == 0
    scores = TypeAdapter(list[Score]).validate_json(capsys.readouterr().out)
    assert scores[0].n == 40


def test_report_prints_and_writes(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*RUN, "--methods", "repeat", "--out", str(tmp_path / "runs")])
    capsys.readouterr()
    assert main(["report", str(tmp_path / "runs")]) == 0
    assert "| repeat |" in capsys.readouterr().out
    words = [
        "report",
        str(tmp_path / "runs"),
        "--format",
        "md,csv,html",
        "--out",
        str(tmp_path / "r"),
    ]
    assert main(words) == 0
    assert {p.name for p in (tmp_path / "r").iterdir()} >= {"table.md", "table.csv", "index.html"}
    assert main(["report", str(tmp_path / "none")]) == 1


def test_check_lists_the_promises(toys: Add, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "tint"]) == 0
    assert "keeps the contract" in capsys.readouterr().out
