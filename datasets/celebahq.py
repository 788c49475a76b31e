"""CelebA-HQ: 30,000 pictures of CelebA, enlarged and cleaned by a network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from facesr.bench.contract import About, Part
from facesr.datasets._align import Kind
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.celeba import Mapped, identities, mapping
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Record

_FOLDERS = ("CelebA-HQ-img", "celeba-1024", "data1024x1024")
_MAPPINGS = ("CelebA-HQ-to-CelebA-mapping.txt", "image_list.txt")
_IDENTITIES = ("identity_CelebA.txt", "Anno/identity_CelebA.txt")
_NAMES = ("{}.jpg", "{:05d}.jpg", "{}.png", "{:05d}.png")
_LAST = {"train": 162_770, "val": 182_637}  # numbers of CelebA that end its parts


@dataclass
class Celebahq(HighResolution):
    """The pictures as they are, divided as the pictures of CelebA that they were made of.

    Where the mapping to CelebA is there, its parts are CelebA's, of which the validation part is
    in neither of ours, and people are known if CelebA's list of identities is there too, here or
    in a folder `celeba` beside this one. Without the mapping every picture in the folder is used,
    divided by draws, and the same person may be in both parts.
    """

    about: ClassVar[About | None] = About(
        "CelebA-HQ",
        paper="Karras, Aila, Laine & Lehtinen, Progressive Growing of GANs for Improved Quality, "
        "Stability, and Variation, ICLR 2018; mapping: Lee, Liu, Wu & Luo, MaskGAN, CVPR 2020",
        year=2018,
        url="https://github.com/switchablenorms/CelebAMask-HQ",
        licence="non-commercial research, as CelebA; the pictures belong to their owners",
        holds="30,000 pictures, 1024x1024, made of pictures of CelebA",
        layout="celebahq/CelebA-HQ-img/0.jpg (or celeba-1024 or data1024x1024 with 00000.jpg or "
        ".png), and CelebA-HQ-to-CelebA-mapping.txt or image_list.txt, identity_CelebA.txt, each "
        "if there",
    )
    places: ClassVar[tuple[str, ...]] = (
        "celebahq",
        "CelebAMask-HQ",
        "celeba-hq",
        "CelebA-HQ",
        "celeba_hq",
        ".",
    )
    probes: ClassVar[tuple[str, ...]] = ("|".join(_FOLDERS),)
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "test": "test"}

    frame: Kind = "whole"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [path for path in (_mapping(root), self._people(root)) if path]

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        folder = next(name for name in _FOLDERS if (root / name).is_dir())
        listed, people = _mapping(root), self._people(root)
        if listed is None:
            photos = [p for p in (root / folder).iterdir() if p.suffix in (".jpg", ".png")]
            for path in sorted(photos, key=lambda p: (p.stem.zfill(5), p.suffix)):
                yield Record(f"{folder}/{path.name}", f"celebahq-{path.stem.zfill(5)}")
            return
        who: dict[str, str] = {}
        wanted = {row.name for row in mapping(listed, lambda *_: None)}
        for one in annotated(people, identities) if people else ():
            if isinstance(one, Record):
                yield one
            elif one.name in wanted:
                who[one.name] = str(one.identity)
        for row in annotated(listed, mapping):
            yield row if isinstance(row, Record) else _record(root, folder, row, who)

    def _people(self, root: Path) -> Path | None:
        data = self.data or root
        places = (root, data / "celeba", data / "CelebA")
        paths = (place / name for place in places for name in _IDENTITIES)
        return next((path for path in paths if path.is_file()), None)


def _mapping(root: Path) -> Path | None:
    return next((root / name for name in _MAPPINGS if (root / name).is_file()), None)


def _record(root: Path, folder: str, row: Mapped, who: dict[str, str]) -> Record:
    names = [name.format(row.index) for name in _NAMES]
    number = Path(row.name).stem
    place = int(number) if number.isdecimal() else 0
    return Record(
        photo=f"{folder}/{next((n for n in names if (root / folder / n).is_file()), names[0])}",
        name=f"celebahq-{row.index:05d}",
        identity=who.get(row.name, ""),
        part=next((part for part, last in _LAST.items() if place <= last), "test"),
        labels={"celeba": row.name},
        flaw="" if place else "mapped to no picture of CelebA",
    )
