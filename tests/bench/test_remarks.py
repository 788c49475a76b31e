from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench.run import run

Add = Callable[[str, str, str], None]
SHY = '''
    """Says of every face that it is dark; stops in the second batch where a file tells it to."""
    from dataclasses import dataclass
    from pathlib import Path
    from facesr.bench.contract import Method

    @dataclass
    class Shy(Method):
        stop: str = "nowhere"

        def upscale(self, lr):
            self.remarks["faces are dark"] += len(lr)
            if len(lr) < 32 and Path(self.stop).exists():
                raise KeyboardInterrupt
            return lr.repeat_interleave(4, 2).repeat_interleave(4, 3)
'''


def test_what_a_method_remarks_is_summed_said_and_kept_with_its_rows(
    toys: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys("methods", "shy", SHY)
    rows = run("repeat,shy", "glow", "blobs", budget="smoke", out=tmp_path / "runs").rows
    remarks = {row.method: row.provenance["remarks"] for row in rows}
    assert remarks == {"repeat": [], "shy": ["40 of 40 faces are dark"]}
    assert "shy on blobs: 40 of 40 faces are dark" in capsys.readouterr().err


def test_a_batch_that_is_made_twice_is_remarked_on_once(toys: Add, tmp_path: Path) -> None:
    toys("methods", "shy", SHY)
    stop = tmp_path / "stop"
    stop.touch()

    def again() -> list[str]:
        settings = {"shy": {"stop": str(stop)}}
        (row,) = run("shy", "glow", "blobs", settings=settings, out=tmp_path / "runs").rows
        return row.provenance["remarks"]

    with pytest.raises(KeyboardInterrupt):
        again()
    stop.unlink()
    assert again() == ["40 of 40 faces are dark"]
    assert again() == ["40 of 40 faces are dark"]


def test_rows_say_how_many_parameters_ran(toys: Add, tmp_path: Path) -> None:
    rows = run("repeat,tint", "glow", "blobs", budget="smoke", out=tmp_path / "runs").rows
    counts = {row.method: row.provenance["parameters"] for row in rows}
    assert counts["repeat"] == 0
    assert counts["tint"] > 0
