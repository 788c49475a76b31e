"""Plain lists of names and tables of faces, for folders that follow no data set's layout."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import Bad, Lines, Source, path_inside, real, rows, shown

Numbers = tuple[float, ...]
_BOX = ("x", "y", "w", "h")
_LANDMARKS = ("lex", "ley", "rex", "rey", "nx", "ny", "lmx", "lmy", "rmx", "rmy")


@dataclass(frozen=True, slots=True)
class Face:
    """A line of a table of faces.

    Args:
        name: Path of the image, relative to its folder.
        identity: Who is shown; empty if the table does not say.
        box: Left, top, width, height in pixels, where the table has them.
        landmarks: x and y of left eye, right eye, nose, left and right corner of the mouth, as
            seen in the picture, in pixels, where the table has them.
    """

    name: str
    identity: str = ""
    box: Numbers | None = None
    landmarks: Numbers | None = None


def names(source: Source, bad: Bad) -> Iterator[str]:
    """Read a list of file names, one per line.

    Names may be in double quotes; what follows a `#` at the beginning of a line or after a blank
    outside quotes is a comment. The lists of Helen (`trainnames.txt`, 2,000 names without ending;
    `testnames.txt`, 330) and of manual filters are of this form. A list may be empty.

    Args:
        source: The file.
        bad: Told of names that lead out of the folder.

    Raises:
        BadData: If the file is no text.
    """
    lines = Lines(source, "a list of file names", bad)
    lines.good = True
    return (name for name in rows(lines, _name) if name)


def _name(text: str) -> str:
    if text[0] == "#":
        return ""
    if text[0] == '"':
        name, quote, rest = text[1:].partition('"')
        rest = rest.strip()
        if not quote or (rest and rest[0] != "#"):
            raise ValueError(f"has an open quote or text behind one: {shown(text)}")
    else:
        name = text.partition(" #")[0].partition("\t#")[0].rstrip()
    return path_inside(name)


def faces(source: Source, bad: Bad) -> Iterator[Face]:
    """Read a table of faces: comma-separated values below a line with the names of the columns.

    `name` is required; `identity`, the four of `x,y,w,h` and the ten of
    `lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy` are optional, other columns are ignored. Values with
    commas are quoted. Lines that begin with `#` are comments.

    Args:
        source: The file.
        bad: Told of lines that cannot be used.

    Raises:
        BadData: If there is no column `name`, or no face can be read.
    """
    lines = Lines(source, "a table of faces (columns name, identity, x, y, w, h, ...)", bad)
    header: list[str] = []
    for number, text in lines:
        if text[0] == "#":
            continue
        try:
            values = cells(text)
            if not header:
                header = _header(lines, values)
                continue
            row = _face(header, values)
        except ValueError as error:
            lines.flaw(number, str(error))
            continue
        lines.good = True
        yield row


def cells(text: str) -> list[str]:
    """Split a line of comma-separated values; quotes must close on the same line.

    Raises:
        ValueError: If they do not.

    >>> cells('n000001, "Last, First", 3')
    ['n000001', 'Last, First', '3']
    """
    try:
        values = next(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error:
        raise ValueError(f"has an open quote or text behind one: {shown(text)}") from None
    return [value.strip() for value in values]


def _header(lines: Lines, values: list[str]) -> list[str]:
    header = [value.lower() for value in values]
    if "name" not in header or len(set(header)) < len(header):
        raise BadData(
            f"{lines.name} begins with {shown(','.join(values))}, expected the names of the "
            "columns, each once, with `name` among them"
        )
    for group in (_BOX, _LANDMARKS):
        some = [column for column in group if column in header]
        if 0 < len(some) < len(group):
            raise BadData(
                f"{lines.name} has the columns {', '.join(some)} without the others of "
                f"{', '.join(group)}"
            )
    return header


def _face(header: list[str], values: list[str]) -> Face:
    if len(values) != len(header):
        raise ValueError(f"has {len(values)} values, expected {len(header)}")
    row = dict(zip(header, values, strict=True))
    return Face(
        path_inside(row["name"]),
        row.get("identity", ""),
        tuple(real(row[c]) for c in _BOX) if "x" in row else None,
        tuple(real(row[c]) for c in _LANDMARKS) if "lex" in row else None,
    )
