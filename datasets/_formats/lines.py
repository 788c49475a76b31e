"""Lines of an annotation file, read one at a time, whatever state the file is in.

Every parser of this folder works alike. It takes a path or an open stream and a callback
`bad(line_number, reason)`. A line that cannot be used is passed to the callback and the parser
goes on behind it; a file in which nothing can be used, or nothing among the first hundred lines
that say anything, is not of that format and raises `BadData`. Memory does not grow with the file.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from facesr.bench.errors import BadData

Bad = Callable[[int, str], None]
Source = Path | IO[bytes] | IO[str]
Row = TypeVar("Row")

LARGEST = 2**53  # whole numbers up to here are exact as floats too
_LONGEST_LINE = 65536
_PATIENCE = 100
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff")


class Lines:
    """A text file on its way through a parser.

    Iterating yields the number (from 1) and the text of every line that is not blank, without
    byte order mark, line ending and blanks at either end. The parser calls `flaw` for a line that
    it cannot use and sets `good` as soon as it found something that it can.

    Args:
        source: UTF-8 text; binary streams and paths may hold damaged bytes, text streams not.
        expected: What the file should be, to end a sentence.
        bad: Told of every flaw.
    """

    def __init__(self, source: Source, expected: str, bad: Bad) -> None:
        self.name = name_of(source)
        self.good = False
        self._source = source
        self._expected = expected
        self._bad = bad
        self._flaws = 0
        self._first = ""

    def flaw(self, number: int, reason: str) -> None:
        """Report a line that cannot be used.

        Raises:
            BadData: If so far none could be used and this is the hundredth.
        """
        self._bad(number, reason)
        self._flaws += 1
        self._first = self._first or f"line {number}: {reason}"
        if not self.good and self._flaws >= _PATIENCE:
            raise BadData(f"{self.name} is not {self._expected} ({self._first})")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        if isinstance(self._source, Path):
            with opened(self._source) as file:
                yield from self._read(file)
        else:
            yield from self._read(self._source)
        if not self.good:
            reason = self._first or "it is empty"
            raise BadData(f"{self.name} is not {self._expected} ({reason})")

    def _read(self, file: IO[bytes] | IO[str]) -> Iterator[tuple[int, str]]:
        number = 0
        ends = True
        while raw := self._next(file):
            number += ends
            if not ends:  # the rest of a line that was reported
                ends = _ends(raw)
                continue
            ends = _ends(raw)
            if not ends and len(raw) >= _LONGEST_LINE:
                self.flaw(number, f"is longer than {_LONGEST_LINE} characters")
                continue
            ends = True
            text = self._text(raw, number)
            if text:
                yield number, text

    def _next(self, file: IO[bytes] | IO[str]) -> bytes | str:
        try:
            return file.readline(_LONGEST_LINE)
        except UnicodeDecodeError:
            raise BadData(f"{self.name} is not text in its encoding, expected UTF-8") from None
        except OSError as error:
            raise BadData(f"{self.name} cannot be read: {error.strerror}") from None

    def _text(self, raw: bytes | str, number: int) -> str:
        if isinstance(raw, bytes):
            if number == 1 and raw.startswith(_OTHER_UNICODE):
                raise BadData(f"{self.name} is in UTF-16, expected UTF-8; convert it")
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                self.flaw(number, f"is not UTF-8: {shown(raw.decode('latin-1'))}")
                return ""
        else:
            text = raw
        text = (text.removeprefix("\ufeff") if number == 1 else text).strip(" \t\r\n")
        if not text.isprintable() and _CONTROL.search(text):
            self.flaw(number, f"holds control characters: {shown(text)}")
            return ""
        return text


def _ends(raw: bytes | str) -> bool:
    return raw.endswith(b"\n") if isinstance(raw, bytes) else raw.endswith("\n")


def rows(lines: Lines, parse: Callable[[str], Row]) -> Iterator[Row]:
    """Yield one row per line.

    Args:
        lines: The file.
        parse: Makes a row of a line, or raises `ValueError` with what is wrong with it.
    """
    for number, text in lines:
        try:
            row = parse(text)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        yield row


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        BadData: If it is absent, a folder or not readable.
    """
    try:
        if path.is_dir():
            raise BadData(f"{path} is a folder, expected a file")
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadData(f"{path} cannot be read: {reason}") from None


def content(source: Path | IO[bytes], most_bytes: int) -> bytes:
    """Read a small file as a whole.

    Raises:
        BadData: If it cannot be read or is longer than `most_bytes`.
    """
    if isinstance(source, Path):
        with opened(source) as file:
            return content(file, most_bytes)
    file, parts, left = source, [], most_bytes
    try:
        while part := file.read(2**20):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise BadData(f"{name_of(file)} is longer than {most_bytes} bytes")
    except OSError as error:
        raise BadData(f"{name_of(file)} cannot be read: {error.strerror}") from None
    return b"".join(parts)


def name_of(source: object) -> str:
    """Return what to call a path or a stream in a sentence."""
    name = source if isinstance(source, Path) else getattr(source, "name", None)
    return str(name) if isinstance(name, str | Path) else "the stream"


def shown(text: str) -> str:
    """Quote text for a sentence, shortened.

    >>> shown("a" * 50)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
    """
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def fields(text: str, *counts: int, separator: str | None = None) -> list[str]:
    """Split a line into a known number of fields.

    Raises:
        ValueError: If there are more or fewer.
    """
    found = text.split(separator)
    if len(found) not in counts:
        expected = " or ".join(map(str, counts))
        raise ValueError(f"has {len(found)} fields, expected {expected}: {shown(text)}")
    return found


def whole(text: str, least: int = -LARGEST, most: int = LARGEST) -> int:
    """Read a whole number.

    Raises:
        ValueError: If it is none, or out of range.
    """
    try:
        value = int(text) if len(text) < 24 and "_" not in text and text.isascii() else None
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise ValueError(f"{shown(text)} is not a whole number{_range(least, most)}")
    return value


def real(text: str) -> float:
    """Read a finite number of ordinary size.

    Raises:
        ValueError: If it is none.
    """
    try:
        value = float(text) if len(text) < 64 and "_" not in text and text.isascii() else None
    except ValueError:
        value = None
    if value is None or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{shown(text)} is not a finite number")
    return value


def _range(least: int, most: int) -> str:
    if most < LARGEST:
        return f" from {least} to {most}"
    return f" of {least} or more" if least > -LARGEST else ""


def path_inside(text: str) -> str:
    """Check that a name leads to a place inside the folder that it is relative to.

    Raises:
        ValueError: If it is empty, absolute, climbs out, or is of no portable form.
    """
    if "\\" in text or ":" in text or not text.isprintable() or len(text) > 1024:
        raise ValueError(f"{shown(text)} is not a relative path with forward slashes")
    if not text or text[0] == "/" or any(p in ("", ".", "..") for p in text.split("/")):
        raise ValueError(f"{shown(text)} is not a path inside the data set")
    return text


def picture(text: str) -> str:
    """Check that a name is the relative path of an image file.

    Raises:
        ValueError: If it is not.
    """
    if not is_picture(text):
        raise ValueError(f"{shown(text)} is not the name of an image file")
    return path_inside(text)


def is_picture(text: str) -> bool:
    """Tell whether a name ends like one of an image file."""
    return text.lower().endswith((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm"))


def plain_name(text: str) -> str:
    """Check that a name is a single part of a path.

    Raises:
        ValueError: If it is not.
    """
    if len(PurePosixPath(path_inside(text)).parts) != 1:
        raise ValueError(f"{shown(text)} is not a plain name")
    return text
