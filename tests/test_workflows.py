"""What runs on other machines: commands that exist, few rights, nothing that moves by itself."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yml"))
NAMES = {path.stem for path in PATHS}

pytestmark = pytest.mark.skipif(not PATHS, reason="an unpacked sdist has no workflows")
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def commands(path: Path) -> list[list[str]]:
    """Return the words of every call of bench and make."""
    lines = path.read_text(encoding="utf-8").splitlines()
    calls = (re.search(r"(?:^|\s)(?:\.venv/bin/)?((?:bench|make) .*)", line) for line in lines)
    return [shlex.split(call[1]) for call in calls if call and "#" not in call.string]


def top_level(path: Path) -> list[str]:
    return re.findall(r"^([a-z-]+):", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_there_is_one_for_changes_one_for_nights_and_one_for_pages() -> None:
    assert sorted(NAMES) == ["ci", "nightly", "pages"]


@each
def test_it_says_when_with_which_rights_and_never_twice_at_once(path: Path) -> None:
    assert top_level(path) == ["name", "on", "permissions", "concurrency", "jobs"]
    text = path.read_text(encoding="utf-8")
    assert "\npermissions:\n  contents: read\n\n" in text
    assert "secrets." not in text
    assert "pull_request_target" not in text


@each
def test_actions_are_official_and_pinned_to_a_major_version(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[a-z/-]+@v\d+", name)] == []


@each
def test_indentation_is_even_and_made_of_spaces(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert "\t" not in line
        assert line == line.rstrip()
        assert (len(line) - len(line.lstrip())) % 2 == 0


@each
def test_every_command_and_option_exists(path: Path) -> None:
    import typer

    from facesr.bench.cli import app

    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for program, *words in commands(path):
        if program == "make":
            assert set(words) <= set(targets)
            continue
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.skipif("nightly" not in NAMES, reason="no workflow for nights")
def test_a_machine_of_our_own_runs_no_pull_request_and_publishes_no_private_picture() -> None:
    text = (FOLDER / "nightly.yml").read_text(encoding="utf-8")
    triggers = text[text.index("\non:") : text.index("\npermissions:")]
    assert re.findall(r"^  (\w+):", triggers, re.MULTILINE) == ["schedule", "workflow_dispatch"]
    (report,) = (words for words in commands(FOLDER / "nightly.yml") if words[1] == "report")
    uploaded = re.findall(r"upload-artifact.*?path: (\S+)", text, re.DOTALL)
    assert "--no-pictures" in report
    assert uploaded == [report[report.index("--out") + 1]]


@each
def test_a_parser_reads_it(path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert read["name"] == path.stem
    for job in read["jobs"].values():
        assert job["runs-on"]
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
