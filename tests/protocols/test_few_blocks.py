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
    raised, said = ([int(line[i]) for line in lines] for i in (0, 1))
    assert raised == sorted(raised, reverse=True)
    for measured, told in zip(raised, said, strict=True):  # two draws only: within a factor of two
        assert told / 2 - 3 <= measured <= told * 2 + 3
