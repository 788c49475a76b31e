import re
import subprocess
import sys
from pathlib import Path

import pytest

LFW = Path(__file__).parents[2].parent / "shared/data/lfw"


@pytest.mark.skipif(not LFW.is_dir(), reason="needs LFW in ../shared/data")
def test_few_blocks_raise_values_by_about_what_the_note_says() -> None:
    script = Path(__file__).with_name("few_blocks.py")
    words = [sys.executable, str(script), "--data", str(LFW), "--faces", "1100", "--draws", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"raise values by (\d+)% \(the note says (\d+)%\)", done.stdout)
    assert len(lines) == 4
    for raised, said in lines:
        assert int(raised) == pytest.approx(int(said), rel=0.3, abs=3)
