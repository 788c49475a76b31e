import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_board_that_was_killed_ends_like_an_undisturbed_one() -> None:
    script = Path(__file__).with_name("kills.py")
    words = [sys.executable, str(script), "--kills", "3", "--seed", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows files" in done.stdout
    assert "killed after" in done.stdout
