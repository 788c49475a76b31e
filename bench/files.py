"""Files that appear whole or not at all, and the folder where prepared things are kept."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, Any

from facesr.bench.errors import BenchError


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside its place and move it there in one step.

    A process killed half-way leaves no partial file under the final name.

    Args:
        path: Final place; its folder is made if absent.
        write: Receives the open binary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can diff: sorted keys, two spaces, a newline at the end.

    Raises:
        ValueError: If a number is NaN or infinite.
    """
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of ours; an absent file is an empty one.

    Raises:
        BenchError: If the file is damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BenchError(f"{path} is damaged ({error}); the same run makes it anew") from None
    if not isinstance(value, dict):
        raise BenchError(f"{path} is damaged (it holds no JSON object); the same run makes it anew")
    return value


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(folder: Path, names: Iterable[str]) -> str:
    """Return one SHA-256 of the names and contents of files in a folder, in whatever order."""
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(f"{digest(folder / name)}  {name}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value.

    >>> digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def cache_folder() -> Path:
    """Return the folder for prepared faces and features: `FACESR_CACHE`, or the user's cache."""
    chosen = os.environ.get("FACESR_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "facesr"


def plain(value: Any) -> Any:
    """Turn dataclasses, tuples and paths into what JSON knows.

    >>> plain({"at": Path("x"), "sizes": (1, 2)})
    {'at': 'x', 'sizes': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def spoken(size: float) -> str:
    """Write a number of bytes as people read it.

    >>> spoken(512), spoken(3_500_000)
    ('512 bytes', '3.3 MiB')
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
