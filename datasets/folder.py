"""Anyone's own faces, taken as they are: `folder:PATH` on the command line."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from io import StringIO
from math import ceil
from pathlib import Path
from typing import ClassVar

from facesr.bench.contract import About, Dataset, Part, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces, folder

_TEST_SHARE = 0.2
_DIVIDED = ("train/lr", "train/hr", "test/lr", "test/hr")
_WHOLE = ("lr", "hr")


@dataclass
class Folder(Dataset):
    """Square RGB images of two sizes in folders, neither copied nor changed.

    Layouts: `train/lr`, `train/hr`, `test/lr` and `test/hr`; or `lr` and `hr` alone, of which a
    fifth becomes the test split, chosen by digests of names without suffix and thus the same on
    every machine. Low- and high-resolution faces are pairs if their file names are equal.

    An optional `identities.csv` with the columns `name` and `identity` says who is shown; then
    people instead of names are divided, and nobody is in both splits.

    Args:
        path: The folder.
    """

    about: ClassVar[About | None] = About(
        "Folder",
        family="made",
        licence="its owner's",
        shareable=False,
        holds="square images of your own, of two sizes",
        layout="train/lr, train/hr, test/lr and test/hr; or lr and hr, divided 80 to 20",
    )

    path: Path | None = None

    def missing(self) -> str:
        """See `Dataset.missing`."""
        if self.path is None:
            return "needs a folder of faces: name it as folder:PATH"
        if not self.path.is_dir():
            return f"{self.path} is not a folder; name a folder of faces as folder:PATH"
        if any(all((self.path / p).is_dir() for p in layout) for layout in (_DIVIDED, _WHOLE)):
            return ""
        there = sorted(p.name for p in self.path.iterdir() if p.is_dir())
        return (
            f"{self.path} holds {'the folders ' + ', '.join(there) if there else 'no folders'}, "
            f"expected either {', '.join(_DIVIDED)}, or {' and '.join(_WHOLE)} alone, which are "
            "then divided 80 to 20"
        )

    def split(self, part: Part) -> Split:
        """See `Dataset.split`; every file of the part is decoded and checked.

        Raises:
            BadData: If the layout is another one, or a part would be empty.
            BadImage: If a file cannot be used, with its name.
        """
        if absent := self.missing():
            raise BadData(absent)
        assert self.path is not None
        if (self.path / "train").is_dir():
            lr, hr = self._half(f"{part}/lr", self.lr_size), self._half(f"{part}/hr", self.hr_size)
        else:
            lr, hr = self._divided(part)
        lr, hr = (faces.take(range(len(faces))[: self.limit]) for faces in (lr, hr))
        return Split(lr, hr, paired=lr.stems == hr.stems)

    def _half(self, place: str, size: int) -> Faces:
        assert self.path is not None
        faces = folder(self.path / place, f"{self.path.resolve().name}/{place}", size)
        return replace(faces, identities=self._identities(faces))

    def _divided(self, part: Part) -> tuple[Faces, Faces]:
        whole = self._half("lr", self.lr_size), self._half("hr", self.hr_size)
        keys = sorted({key for faces in whole for key in _keys(faces)}, key=_digest)
        test = set(keys[: ceil(_TEST_SHARE * len(keys))])
        lr, hr = (
            _where(faces, [(key in test) == (part == "test") for key in _keys(faces)])
            for faces in whole
        )
        for faces in (lr, hr):
            if not len(faces):
                raise BadData(
                    f"{faces.root} has too few faces for a {part} split of its own; lay "
                    f"{self.path} out as {', '.join(_DIVIDED)}"
                )
        at = self.path.resolve().name if self.path else ""
        return replace(lr, title=f"{at}/{part}/lr"), replace(hr, title=f"{at}/{part}/hr")

    def _identities(self, faces: Faces) -> tuple[str, ...] | None:
        assert self.path is not None
        table = self.path / "identities.csv"
        if not table.is_file():
            return None
        known = _read(table)
        lacking = [
            name for name, stem in zip(faces.names, faces.stems, strict=True) if stem not in known
        ]
        if lacking:
            raise BadData(
                f"{table} has no line for {lacking[0]} and {len(lacking) - 1} other faces of "
                f"{faces.root}; name all faces of both folders or remove it"
            )
        return tuple(known[stem] for stem in faces.stems)


def _read(table: Path) -> Mapping[str, str]:
    known: dict[str, str] = {}
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadData(f"{table} is not UTF-8 text; save it as UTF-8") from None
    with StringIO(text, newline="") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames is None or not {"name", "identity"} <= set(lines.fieldnames):
            raise BadData(f"{table} has no columns `name` and `identity` in its first line")
        for line in lines:
            name, identity = Path(line["name"] or "").stem, line["identity"]
            if not name or not identity or known.setdefault(name, identity) != identity:
                raise BadData(
                    f"{table} line {lines.line_num} gives {name or 'no name'!r} the identity "
                    f"{identity or ''!r}, expected one identity for each name"
                )
    return known


def _where(faces: Faces, chosen: list[bool]) -> Faces:
    return faces.take([i for i, this in enumerate(chosen) if this])


def _keys(faces: Faces) -> list[str]:
    return list(faces.identities or (Path(name).stem for name in faces.names))


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
