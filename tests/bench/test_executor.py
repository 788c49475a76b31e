from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench.errors import BadName, BenchError
from facesr.bench.run import run

Add = Callable[[str, str, str], None]


def board(out: Path, executor: str) -> list[object]:
    results = run("repeat,tint", "glow", "blobs", out=out, device="cpu", executor=executor)
    assert not results.failures
    return [(row.method, row.score) for row in results.rows]


def test_an_unknown_executor_is_named(toys: Add, tmp_path: Path) -> None:
    with pytest.raises(BadName, match="known: local, ray"):
        board(tmp_path, "slurm")


def test_a_missing_ray_is_a_sentence(
    toys: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BenchError, match=r"pip install 'facesr\[cluster\]'"):
        board(tmp_path, "ray")


@pytest.mark.slow
def test_ray_gives_the_rows_that_one_process_gives(
    toys: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed; it comes with the extra cluster")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "house"))
    assert board(tmp_path / "one", "local") == board(tmp_path / "two", "ray")
