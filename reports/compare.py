"""Two runs side by side: what moved beyond noise, and which way.

The same method on the same faces is compared by a paired test, everything else by the intervals;
p-values are corrected for their number (Holm 1979). What differs by less than the metric's smallest
difference that counts is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from facesr.bench.score import Row, Score
from facesr.bench.store import Results
from facesr.reports._conditions import inputs_of
from facesr.reports._escape import md
from facesr.reports._format import digits, half_width
from facesr.reports._ranks import LEVEL, by_intervals, holm, p_values
from facesr.reports._terminal import _console, _text

Verdict = Literal["better", "worse", "same", "untested", "new", "gone", "another ruler"]
Key = tuple[str, str, str, str]
HEADER = ("method", "data set", "protocol", "metric", "before", "after", "change", "p", "verdict")
ORDER = ("worse", "gone", "better", "another ruler", "untested", "new", "same")


@dataclass(frozen=True)
class Move:
    """One number in two runs.

    Args:
        method: Label of the method.
        dataset: Label of the data set.
        protocol: Name of the protocol.
        metric: Name of the column.
        before: In the first run; None if it is not there.
        after: In the second run; None if it is not there.
        verdict: What the test says of the second run; `another ruler` where the identities differ.
        p: Of no difference, corrected; None where nothing was tested.
        why: How it was tested, or why it was not.
    """

    method: str
    dataset: str
    protocol: str
    metric: str
    before: Score | None
    after: Score | None
    verdict: Verdict
    p: float | None = None
    why: str = ""


def compare(before: Results, after: Results) -> list[Move]:
    """Compare two runs number by number.

    Args:
        before: The first run.
        after: The second run.

    Returns:
        A move for every number that one of them has, what is worse first.
    """
    old, new = _numbers(before), _numbers(after)
    moves, raw = [], {}
    for key in dict.fromkeys([*old, *new]):
        move, p = _move(key, old.get(key), new.get(key))
        moves.append((key, move))
        if p is not None:
            raw["\0".join(key), ""] = p
    adjusted = holm(raw)
    decided = [_decided(move, adjusted.get(("\0".join(key), ""))) for key, move in moves]
    return sorted(decided, key=lambda m: (ORDER.index(m.verdict), *_place(m)))


def lost(moves: Sequence[Move]) -> bool:
    """Tell whether a number got worse, or is gone."""
    return any(move.verdict in ("worse", "gone") for move in moves)


def cells(move: Move) -> tuple[str, ...]:
    """Write a move as text, one string per entry of `HEADER`."""
    known = [score for score in (move.before, move.after) if score is not None]
    values = [score.value for score in known if score.value is not None]
    widths = [h for s in known if (h := half_width(s.low, s.high)) is not None]
    shown = digits(values, widths)
    change = ""
    if len(values) == 2:
        gain = shown.text(values[1] - values[0])
        change = f"+{gain}" if values[1] > values[0] and gain.strip("0.") else gain
    unit = " ".join(part for part in (shown.factor, known[0].unit) if part)
    return (
        move.method,
        move.dataset,
        move.protocol,
        f"{move.metric} {unit}".rstrip(),
        *(
            "" if score is None or score.value is None else _with_width(score, shown.text)
            for score in (move.before, move.after)
        ),
        change,
        "" if move.p is None else f"{move.p:.2g}",
        move.verdict,
    )


def summary(moves: Sequence[Move]) -> str:
    """Count the verdicts in a sentence."""
    counts = {verdict: sum(move.verdict == verdict for move in moves) for verdict in ORDER}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return f"{len(moves)} numbers: {said}." if moves else "No numbers in either run."


def markdown(moves: Sequence[Move]) -> str:
    """Write what is not the same as a table for GitHub, and the counts."""
    told = [move for move in moves if move.verdict != "same"]
    lines = [summary(moves), ""]
    if told:
        lines += [f"| {' | '.join(HEADER)} |", f"|{' --- |' * len(HEADER)}"]
        lines += [f"| {' | '.join(map(md, cells(move)))} |" for move in told]
        lines += ["", *dict.fromkeys(f"- {md(_told(m))}" for m in told if m.why), ""]
    return "\n".join(lines)


def terminal(moves: Sequence[Move]) -> None:
    """Print what is not the same, and the counts."""
    from rich.table import Table

    console = _console()
    told = [move for move in moves if move.verdict != "same"]
    if told:
        table = Table(*HEADER, box=None, pad_edge=False, header_style="bold")
        for move in told:
            table.add_row(*map(_text, cells(move)))
        console.print(table)
    for why in dict.fromkeys(_told(move) for move in told if move.why):
        console.print(_text(why, "dim"), soft_wrap=True)
    console.print(summary(moves))


def _numbers(results: Results) -> dict[Key, Row]:
    return {
        (row.method, row.dataset, row.protocol, row.score.metric): row
        for row in results.rows
        if isinstance(row.score, Score) and row.score.value is not None
    }


def _move(key: Key, old: Row | None, new: Row | None) -> tuple[Move, float | None]:
    if old is None or new is None:
        there = [row.score if row else None for row in (old, new)]
        before, after = (s if isinstance(s, Score) else None for s in there)
        return Move(*key, before, after, "new" if old is None else "gone"), None
    assert isinstance(old.score, Score)
    assert isinstance(new.score, Score)
    move = Move(*key, old.score, new.score, "untested")
    if old.score.identity != new.score.identity:
        why = f"measured as {old.score.identity} before and as {new.score.identity} after"
        return replace(move, verdict="another ruler", why=why), None
    if old.score.value == new.score.value:
        return replace(move, verdict="same"), None
    p, how = _tested(old, new)
    return replace(move, why=how), p


def _tested(old: Row, new: Row) -> tuple[float | None, str]:
    a, b = old.score, new.score
    assert isinstance(a, Score)
    assert isinstance(b, Score)
    if not (a.ranked and b.ranked):
        return None, a.note or b.note or "differences of this metric are not ranked"
    same_faces = inputs_of(old) == inputs_of(new) != ""
    alike = a.sampling == b.sampling != "none" and len(a.samples) == len(b.samples) > 1
    if same_faces and alike:
        return p_values({"before": a, "after": b})["before", "after"], "paired test"
    p = by_intervals(a, b)
    if p is None:
        return None, "no intervals, so nothing says what noise is"
    return p, "by intervals, as the runs share no pictures"


def _decided(move: Move, p: float | None) -> Move:
    if p is None or move.before is None or move.after is None:
        return move
    assert move.before.value is not None
    assert move.after.value is not None
    gain = move.after.value - move.before.value
    tie = p > LEVEL or abs(gain) < max(move.before.smallest, move.after.smallest)
    better = (gain > 0) == (move.after.better == "higher")
    verdict: Verdict = "same" if tie else "better" if better else "worse"
    return replace(move, verdict=verdict, p=p)


def _place(move: Move) -> Key:
    return (move.protocol, move.dataset, move.method, move.metric)


def _with_width(score: Score, text: Callable[[float], str]) -> str:
    wide = half_width(score.low, score.high)
    value = text(score.value or 0.0)
    return value if wide is None else f"{value} \N{PLUS-MINUS SIGN} {text(wide)}"


def _told(move: Move) -> str:
    return f"{move.metric}: {move.why}"
