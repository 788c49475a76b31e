"""The table of losses that a training run leaves behind."""

import csv
import io
from pathlib import Path

from facesr.bench.files import write_text

_FIRST = ("step", "stage", "seconds")


class Log:
    """Rows of a CSV file, kept in memory and stored whole with every checkpoint.

    Args:
        path: The file.
        last: Rows of later steps than this are left out of what was there before.
    """

    def __init__(self, path: Path, last: int) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        if path.is_file() and last:
            with path.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= last]

    def add(self, step: int, stage: str, seconds: float, values: dict[str, float]) -> None:
        """Add a row."""
        row = {"step": str(step), "stage": stage, "seconds": f"{seconds:.1f}"}
        self.rows.append(row | {name: f"{value:.6g}" for name, value in values.items()})

    def write(self) -> None:
        """Store all rows; a column stays empty where a stage has no such value."""
        names = dict.fromkeys([*_FIRST, *(name for row in self.rows for name in row)])
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
