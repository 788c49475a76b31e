import re
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared/data"


@pytest.mark.skipif(
    not ((SHARED / "lfw").is_dir() and (SHARED / "celeba").is_dir()),
    reason="needs LFW and CelebA in ../shared/data",
)
def test_fixed_boxes_are_where_the_houses_frame_lies_on_average() -> None:
    script = Path(__file__).with_name("framing.py")
    words = [sys.executable, str(script), "--data", str(SHARED), "--pictures", "20"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frames = re.findall(r"(\w+): .* side of ([\d.]+) .* around \(([\d.]+), ([\d.]+)\)", done.stdout)
    assert [name for name, *_ in frames] == ["lfw", "celeba"]
    for (_, *found), box in zip(frames, ((137, 126.5, 126.5), (126, 89, 125)), strict=True):
        assert [float(number) for number in found] == pytest.approx(box, abs=5)
    assert "faces found again at 16 pixels" in done.stdout
