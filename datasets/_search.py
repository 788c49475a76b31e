"""What detectors found in photographs, by content, kept between runs."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facesr.bench.detectors._base import Detector, Found, Pixels
from facesr.bench.files import digest_of

_TABLE = "CREATE TABLE IF NOT EXISTS found (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
_WAIT = 60.0  # seconds for another process to finish writing


@dataclass(frozen=True)
class Search:
    """A detector with a memory.

    The memory is a convenience: where it cannot be read or written, photographs are searched anew.

    Args:
        detector: What looks.
        store: File of stored findings, shared by processes and data sets; None for no memory.
    """

    detector: Detector
    store: Path | None = None

    def find(self, photos: Sequence[tuple[str, Pixels]]) -> list[Found]:
        """Find the faces of photographs.

        Args:
            photos: For each the SHA-256 of its file, and its pixels, (h, w, 3).

        Returns:
            What was found in each; coordinates are rounded to 0.001 pixels.
        """
        recipe = digest_of(self.detector.recipe)[:16]
        keys = [f"{recipe}{content}" for content, _ in photos]
        known = self._recall(keys)
        new = [at for at, key in enumerate(keys) if key not in known]
        found = self.detector.find([photos[at][1] for at in new]) if new else []
        texts = [_text(faces) for faces in found]
        self._remember([(keys[at], text) for at, text in zip(new, texts, strict=True)])
        known |= {keys[at]: text for at, text in zip(new, texts, strict=True)}
        return [_found(known[key]) for key in keys]

    def _recall(self, keys: list[str]) -> dict[str, str]:
        if self.store is None or not self.store.is_file():
            return {}
        question = f"SELECT key, value FROM found WHERE key IN ({','.join('?' * len(keys))})"
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.store, _WAIT)) as database:
            return {key: text for key, text in database.execute(question, keys) if _whole(text)}
        return {}

    def _remember(self, pairs: list[tuple[str, str]]) -> None:
        if self.store is None or not pairs:
            return
        with suppress(sqlite3.Error, OSError):
            self.store.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.store, _WAIT)) as database, database:
                database.execute(_TABLE)
                database.executemany("INSERT OR REPLACE INTO found VALUES (?, ?)", pairs)


def _whole(text: Any) -> bool:
    """Say whether a stored text reads back as findings."""
    try:
        found = _found(text)
    except (ValueError, TypeError, KeyError):
        return False
    return len(found.boxes) == len(found.scores) == len(found.points)


def _text(found: Found) -> str:
    return json.dumps(
        {
            "boxes": found.boxes.round(3).tolist(),
            "scores": found.scores.round(6).tolist(),
            "points": found.points.round(3).tolist(),
        }
    )


def _found(text: str) -> Found:
    value = json.loads(text)
    return Found(
        np.array(value["boxes"], np.float64).reshape(-1, 4),
        np.array(value["scores"], np.float64),
        np.array(value["points"], np.float64).reshape(-1, 5, 2),
    )
