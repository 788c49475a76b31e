import io
import sys

import pytest

from facesr.bench import progress as shown
from facesr.bench.progress import progress, track


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shown, "time", clock)
    monkeypatch.setattr(shown, "_animated", lambda: False)
    return clock


def test_short_work_shows_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("scoring", 10) as advance:
        for _ in range(10):
            clock.now += 0.1
            advance()
    assert capsys.readouterr() == ("", "")


def test_lines_say_how_far_how_fast_and_how_long(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("upscaling with mine", 100, done=20) as advance:
        clock.now += 4
        advance(20, "loss 0.5")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "upscaling with mine: 40/100 images, 5.0 images/s, 12 s left, loss 0.5\n"
        "upscaling with mine: 40/100 images in 4 s\n"
    )


def test_lines_come_at_most_every_ten_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("training", 1000, "steps") as advance:
        for _ in range(60):
            clock.now += 1
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [
        "2/1000", "12/1000", "22/1000", "32/1000", "42/1000", "52/1000", "60/1000"
    ]  # fmt: skip


def test_tracking_passes_every_item_through(clock: Clock) -> None:
    assert list(track(iter("abc"), "reading", 3)) == ["a", "b", "c"]


def test_an_error_inside_is_not_swallowed(clock: Clock) -> None:
    with pytest.raises(KeyError), progress("training", 2):
        raise KeyError


def test_a_terminal_shows_a_bar_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(shown, "QUIET_SECONDS", -1.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress("upscaling", 4, done=1) as advance:
        advance(2, "loss 0.5")
    drawn = terminal.getvalue()
    for part in ("upscaling", "3/4", "images/s", "loss 0.5"):
        assert part in drawn
    assert "\x1b[2K" in drawn  # the bar's line is erased


def test_short_work_in_a_terminal_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("upscaling", 4) as advance:
        advance(4)
    assert "upscaling" not in terminal.getvalue()
