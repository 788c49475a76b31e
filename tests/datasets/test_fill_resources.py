"""What preparing may use: threads of torch before it, and memory while many faces go by."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadData
from facesr.datasets._align import Frame
from facesr.datasets._cut import Cutter, Rule
from facesr.datasets._fill import Pick, fill
from facesr.datasets._prepared import read
from facesr.datasets._record import Record


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for i in range(7):
        pixels = np.random.default_rng(i).integers(0, 256, (20 + i, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_processes_start_after_torch_has_used_threads(root: Path, tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        import torch
        from facesr.datasets import _fill
        from facesr.datasets._align import Frame
        from facesr.datasets._cut import Cutter, Result, Rule
        from facesr.datasets._record import Record

        class Heavy(Cutter):
            def cut(self, photos):
                torch.rand(400, 400) @ torch.rand(400, 400)
                return super().cut(photos)

        torch.set_num_threads(2)
        torch.rand(900, 900) @ torch.rand(900, 900)
        torch.rand(10**6).exp().sum()
        _fill._FEW = 0
        root = Path(sys.argv[1])
        pick = _fill.Pick(
            lambda: (Record("0.png", f"f{i}") for i in range(200)),
            Heavy(root, Frame("whole"), Rule(), 8),
        )
        _fill.fill(Path(sys.argv[2]), "toy", [pick], 0, {}, 2)
    """)
    words = [sys.executable, "-c", script, str(root), str(tmp_path / "x")]
    subprocess.run(words, timeout=90, check=True)
    assert len(read(tmp_path / "x", "")) == 200


MEMORY = textwrap.dedent("""
    import resource, sys
    from pathlib import Path
    from facesr.datasets._align import Frame
    from facesr.datasets._cut import Cutter, Rule
    from facesr.datasets._fill import Pick, fill
    from facesr.datasets._prepared import read
    from facesr.datasets._record import Record

    n, root, out, what = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    def records():
        for i in range(n):
            yield Record(f"{i // 1000 % 7}.png", f"face-{i:07d}", identity=f"p{i // 10}")
    if what == "fill":
        fill(out, "toy", [Pick(records, Cutter(root, Frame("whole"), Rule(), 16))], 0, {}, 1)
    else:
        assert len(read(out, "")) == n
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
""")


def peak(n: int, root: Path, out: Path, what: str) -> float:
    words = [sys.executable, "-c", MEMORY, str(n), str(root), str(out), what]
    ended = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(ended.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_faces(root: Path, tmp_path: Path) -> None:
    few, many = 10_000, int(os.environ.get("FACESR_TEST_FACES", 200_000))
    grown = {
        what: peak(many, root, tmp_path / "many", what) - peak(few, root, tmp_path / "few", what)
        for what in ("fill", "read")
    }
    sys.stdout.write(f"MB more for {many} faces than for {few}: {grown}\n")
    full = 32_768  # faces at which a shard is full: what comes later may only add to the names
    assert grown["fill"] < 80 + 40 * (many - full) / 1e6
    assert grown["read"] < 400 * many / 1e6


@pytest.mark.parametrize("said", ["abc", "-1", "1.5"])
def test_a_number_of_processes_that_is_none_is_a_sentence(
    said: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_WORKERS", said)
    pick = Pick(lambda: iter([Record("0.png", "f0")]), Cutter(root, Frame("whole"), Rule(), 8))
    with pytest.raises(BadData, match=f"FACESR_WORKERS is '{said}', expected a number"):
        fill(tmp_path / "x", "toy", [pick], 0, {})
