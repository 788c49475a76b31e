"""Where cells run: here one after another, or as tasks of a Ray cluster."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from facesr.bench.board import Board
from facesr.bench.choices import Choice
from facesr.bench.errors import BadName, BenchError
from facesr.bench.ready import Ready
from facesr.bench.score import Failure
from facesr.bench.store import Record

EXECUTORS = ("local", "ray")
Outcome = Record | Failure


def outcomes(
    executor: str, board: Board, chosen: Sequence[Choice], ready: Sequence[Ready]
) -> Iterator[Outcome]:
    """Run every cell and yield what came of it, method by method.

    Args:
        executor: `local`, or `ray` for one task per method on whatever cluster `RAY_ADDRESS`
            names, or on this machine; all of it must see the run folder and the cache folder.
        board: The board.
        chosen: Methods.
        ready: Data sets.

    Raises:
        BadName: If there is no such executor.
        BenchError: If Ray is asked for and not installed.
    """
    check(executor)
    if executor == "ray":
        yield from _on_ray(board, chosen, ready)
        return
    for choice in chosen:
        yield from _line(board, choice, ready)


def check(executor: str) -> None:
    """Insist on an executor that exists.

    Raises:
        BadName: If it does not.
    """
    if executor not in EXECUTORS:
        raise BadName(f"no executor named {executor!r}; known: {', '.join(EXECUTORS)}")


def _line(board: Board, choice: Choice, ready: Sequence[Ready]) -> Iterator[Outcome]:
    for faces in ready:
        yield board.cell(choice, faces)


def _on_ray(board: Board, chosen: Sequence[Choice], ready: Sequence[Ready]) -> Iterator[Outcome]:
    try:
        ray: Any = import_module("ray")
    except ImportError:
        sentence = "--executor ray needs Ray; pip install 'facesr[cluster]' brings it"
        raise BenchError(sentence) from None
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    gpus = 1 if board.options.device.startswith("cuda") else 0
    task: Any = ray.remote(num_cpus=1, num_gpus=gpus)(_whole_line)
    waiting = [task.remote(board, choice, list(ready)) for choice in chosen]
    for choice, result in zip(chosen, waiting, strict=True):
        try:
            yield from ray.get(result)
        except ray.exceptions.RayError as error:
            reason = f"the task was lost: {str(error).strip().splitlines()[0]}"
            yield from (board.lost(choice, faces.label, reason) for faces in ready)


def _whole_line(board: Board, choice: Choice, ready: Sequence[Ready]) -> list[Outcome]:
    return list(_line(board, choice, ready))
