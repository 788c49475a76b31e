import multiprocessing
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesr.datasets._prepared import prepared, read
from facesr.datasets._record import Made
from facesr.datasets._writer import locked

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs fork")


@linux
def test_two_processes_never_make_one_folder_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def make() -> Iterator[Made]:
        with log.open("a") as file:
            file.write("made\n")
        for i in range(5):
            time.sleep(0.05)
            yield Made(f"{i}", np.full((4, 4, 3), i, np.uint8))

    context = multiprocessing.get_context("fork")
    many = [
        context.Process(target=prepared, args=(tmp_path / "x", "toy", 4, make)) for _ in range(4)
    ]
    for process in many:
        process.start()
    for process in many:
        process.join(60)
    assert [process.exitcode for process in many] == [0] * 4
    assert log.read_text() == "made\n"
    assert len(read(tmp_path / "x", "")) == 5


@linux
def test_a_lock_falls_with_a_killed_process(tmp_path: Path) -> None:
    def hold() -> None:
        with locked(tmp_path / "x"):
            (tmp_path / "held").touch()
            time.sleep(60)

    process = multiprocessing.get_context("fork").Process(target=hold)
    process.start()
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    process.kill()
    process.join()
    with locked(tmp_path / "x"):
        pass
