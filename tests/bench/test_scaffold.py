import subprocess
import sys
from pathlib import Path

import pytest

from facesr.bench.errors import BadName, BenchError
from facesr.bench.scaffold import write_new


def test_a_new_method_is_listed_checked_and_tested_at_once(tmp_path: Path) -> None:
    root = tmp_path / "facesr"
    code, test = write_new("method", "sharp_faces", root)
    assert code == root / "methods" / "sharp_faces.py"
    check = [sys.executable, "-m", "facesr.bench", "check", "sharp_faces"]
    found = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(check, capture_output=True, text=True, env=found, check=False)
    assert done.returncode == 0, done.stderr
    assert "keeps the contract" in done.stdout
    assert "check_method(SharpFaces)" in test.read_text()


@pytest.mark.parametrize("name", ["Bicubic", "2fast", "with-dash", "_private", "bicubic"])
def test_names_that_cannot_be_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadName):
        write_new("method", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_methods_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="known: method"):
        write_new("protocol", "mine", tmp_path)


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    write_new("method", "mine", tmp_path)
    with pytest.raises(BenchError, match="exists already"):
        write_new("method", "mine", tmp_path)
