"""What every loader inherits; the loaders' own tests are in their files."""

import csv
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from facesr.bench.contract import About, Part
from facesr.bench.errors import BadData, BadName
from facesr.datasets._align import Kind
from facesr.datasets._official import HighResolution, LowResolution
from facesr.datasets._prepared import details, manifest
from facesr.datasets._record import Record


@dataclass
class Album(HighResolution):
    """Photographs in a folder and a table of who is shown."""

    about: ClassVar[About | None] = About(
        "Album", url="https://example.org", layout="album/list.csv"
    )
    places: ClassVar[tuple[str, ...]] = ("album", ".")
    probes: ClassVar[tuple[str, ...]] = ("list.csv",)
    parts: ClassVar[Mapping[str, Part]] = {"a": "train", "b": "test"}

    frame: Kind = "whole"

    def annotations(self, root: Path) -> list[Path]:
        return [root / "list.csv"]

    def records(self, root: Path) -> Iterator[Record]:
        with (root / "list.csv").open(encoding="utf-8", newline="") as file:
            for photo, who, part in csv.reader(file):
                yield Record(photo, f"album-{Path(photo).stem}", identity=who, part=part)


@dataclass
class Small(LowResolution):
    """The same photographs as low-resolution faces."""

    about: ClassVar[About | None] = Album.about
    places: ClassVar[tuple[str, ...]] = Album.places
    probes: ClassVar[tuple[str, ...]] = Album.probes

    frame: Kind = "whole"
    hr: str = "celeba"

    annotations = Album.annotations
    records = Album.records


def write(root: Path, parts: str = "ab", n: int = 24, side: int = 40) -> None:
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for i in range(n):
        pixels = rng.integers(0, 255, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{i:02d}.png")
        lines.append(f"{i:02d}.png,{i // 2},{parts[i % 4 // 2 % len(parts)]}")
    (root / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def album(tmp_path: Path) -> Album:
    write(tmp_path / "data/album")
    return Album(
        data=tmp_path / "data", cache=tmp_path / "cache", workers=1, lr_size=8, scale=4, least=0
    )


def test_the_authors_division_is_kept_where_it_is_there_in_full(album: Album) -> None:
    train, test = album.split("train"), album.split("test")
    assert {d["part"] for d in details(train.hr)} == {"a"}
    assert {d["part"] for d in details(test.hr)} == {"b"}
    assert (len(train.hr), len(test.hr)) == (12, 12)
    assert not any("draws" in note for note in train.notes)


def test_without_it_people_are_divided_by_draws_and_it_is_said(tmp_path: Path) -> None:
    write(tmp_path / "album", parts="a", n=60)
    data = Album(data=tmp_path, cache=tmp_path / "cache", workers=1, lr_size=8, least=0)
    train, test = data.split("train"), data.split("test")
    assert train.hr.identities is not None
    assert test.hr.identities is not None
    assert set(train.hr.identities).isdisjoint(test.hr.identities)
    assert len(train.hr) + len(test.hr) == 60
    assert any("divided by draws" in note for note in train.notes)


def test_pairs_show_the_same_pictures(album: Album) -> None:
    split = album.split("test")
    assert split.paired
    assert split.lr.names == split.hr.names
    assert split.lr.identities == split.hr.identities
    assert (split.lr.size, split.hr.size) == (8, 32)


def test_a_limit_gives_the_first_faces_of_the_whole(album: Album) -> None:
    whole, few = album.split("train"), replace(album, limit=5).split("train")
    assert few.hr.names == whole.hr.names[:5]
    assert few.lr.names == whole.lr.names[:5]


def test_what_was_prepared_is_found_when_the_photographs_are_gone(album: Album) -> None:
    there = album.split("test").hr.fingerprint
    assert album.data is not None
    shutil.rmtree(album.data)
    alone = replace(album, data=None)
    assert alone.missing() == ""
    split = alone.split("test")
    assert split.hr.fingerprint == there
    assert any("not here" in note for note in split.notes)
    with pytest.raises(BadData, match="not here, and no prepared copy"):
        replace(album, data=None, lr_size=10).split("test")
    assert "--data" in replace(album, data=None, lr_size=10).missing()


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"least": 0.5},
        {"lr_size": 10},
        {"limit": 3},
        {"exclude": "list"},
    ],
)
def test_whatever_changes_faces_gets_a_folder_of_its_own(
    album: Album, changed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("album-00\n", encoding="utf-8")
    settings = {"exclude": tmp_path / "names.txt"} if "exclude" in changed else changed
    other = replace(album, **settings)
    assert other.split("train").hr.root != album.split("train").hr.root


def test_a_changed_photograph_is_prepared_anew(album: Album) -> None:
    before = album.split("train").hr.root
    assert album.data is not None
    Image.new("RGB", (40, 40)).save(album.data / "album/00.png")
    assert replace(album).split("train").hr.root != before


def test_names_on_the_list_of_exclusions_are_left_out_and_counted(
    album: Album, tmp_path: Path
) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text("# not faces\nalbum-00\n01.png\n", encoding="utf-8")
    split = replace(album, exclude=listed).split("train")
    assert manifest(split.hr.root)["drops"] == {"on the list of exclusions": 2}
    listed.write_text("../up\n", encoding="utf-8")
    with pytest.raises(BadData, match=r"names\.txt line 1.*one name per line"):
        replace(album, exclude=listed).split("train")


def test_a_set_that_is_not_there_says_what_it_needs(tmp_path: Path) -> None:
    for data in (None, tmp_path):
        said = Album(data=data, cache=tmp_path / "none").missing()
        assert "album/list.csv" in said
        assert "https://example.org" in said


def test_the_other_half_must_be_a_set_of_photographs_that_is_there(
    album: Album, tmp_path: Path
) -> None:
    small = Small.beside(album)
    assert "CelebA" in small.missing()
    with pytest.raises(BadName, match="'embedded' is no set of photographs"):
        replace(small, hr="embedded").other()


def test_halves_that_are_framed_differently_say_so(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Small.beside(replace(album, lr_size=16))
    other = replace(album, frame="whole", margin=0.5)
    monkeypatch.setattr(Small, "other", lambda _self: other)
    assert any("measure that too" in note for note in small.split("test").notes)


def test_parts_prepared_from_different_files_are_refused_when_the_files_are_gone(
    album: Album, tmp_path: Path
) -> None:
    album.split("train")
    write(tmp_path / "other/album", parts="ab", n=32)
    replace(album, data=tmp_path / "other").split("test")
    with pytest.raises(BadData, match="prepared from different files, so somebody may be in both"):
        replace(album, data=None).split("test")


def test_partners_are_made_anew_when_their_faces_are(album: Album) -> None:
    before = album.split("test")
    known = before.hr.fingerprint
    assert album.data is not None
    name = before.hr.names[0].removeprefix("album-")
    pixels = np.random.default_rng(9).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(album.data / "album" / name)
    shutil.rmtree(before.hr.root)
    after = replace(album).split("test")
    assert after.hr.fingerprint != known
    at = after.hr.names.index(before.hr.names[0])
    small = after.hr.take([at]).pixels().float().unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5))
    assert (small - after.lr.take([at]).pixels().float()).abs().mean() < 25


def test_photographs_newer_than_their_faces_are_a_note(album: Album) -> None:
    assert not any("bench data verify" in note for note in album.split("test").notes)
    assert album.data is not None
    photo = album.data / "album/02.png"
    later = photo.stat().st_mtime + 3600
    os.utime(photo, (later, later))
    assert any("bench data verify" in note for note in replace(album).split("test").notes)


def test_names_that_exclude_nothing_are_a_note(album: Album, tmp_path: Path) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text("album-00.png\nnobody\n", encoding="utf-8")
    split = replace(album, exclude=listed).split("train")
    assert "album-00.png" not in split.hr.names
    assert any("1 names" in note and "nobody" in note for note in split.notes)


def test_counts_in_notes_are_of_the_faces_that_are_used(album: Album) -> None:
    assert album.split("train").notes[0].startswith("hr: 12 faces")
    few = replace(album, limit=5)
    few.split("train")
    assert few.split("train").notes[0].startswith("hr: 5 faces")
