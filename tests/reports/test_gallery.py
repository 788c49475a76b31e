from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.files import write_json
from facesr.bench.store import Results, Store
from facesr.reports import _extremes
from facesr.reports._extremes import captions, ends, values
from facesr.reports._layout import tables
from facesr.reports._pictures import Album, gallery, samples
from facesr.reports.site import write_site


def test_every_method_shows_the_same_faces_chosen_by_name(run: tuple[Results, Path]) -> None:
    _, root = run
    album = Album()
    shown = gallery(root, "lfw", ["alder", "birch", "cedar"], album)
    assert shown is not None
    assert [strip.title for strip in shown.strips] == ["Input", "alder", "birch"]
    names = [f"{i:03d}.png" for i in range(12)]
    assert list(shown.names) == sorted(names, key=lambda n: sha256(n.encode()).hexdigest())[:8]
    for strip in shown.strips:
        assert [p.name for p in strip.pictures if p] == list(shown.names)
    assert [strip.side for strip in shown.strips] == [16, 64, 64]
    assert len(album.files) == 3 * 8


def test_pictures_are_copied_byte_for_byte(run: tuple[Results, Path], tmp_path: Path) -> None:
    results, root = run
    write_site(results, root, tmp_path, {})
    album = Album()
    gallery(root, "lfw", ["alder", "birch"], album)
    for place, source in album.files.items():
        assert (tmp_path / place).read_bytes() == source.read_bytes()


def test_originals_come_first_and_real_faces_are_not_passed_off_as_them(
    run: tuple[Results, Path], make: Any
) -> None:
    _, root = run
    make.png(root / "real" / "lfw" / "someone.png", 64, 1)
    shown = gallery(root, "lfw", ["alder"], Album())
    assert shown is not None
    assert not shown.paired
    assert [strip.title for strip in shown.alike] == ["Input", "alder"]
    assert [strip.title for strip in shown.others] == ["Reference faces"]
    for i in range(12):
        make.png(root / "real" / "lfw" / f"{i:03d}.png", 64, 1)
    paired = gallery(root, "lfw", ["alder"], Album())
    assert paired is not None
    assert paired.paired
    assert [strip.title for strip in paired.alike] == ["Original", "Input", "alder"]
    assert not paired.others


def test_what_is_no_png_or_no_fair_size_is_left_out(
    run: tuple[Results, Path], tmp_path: Path, make: Any
) -> None:
    results, root = run
    shown = gallery(root, "lfw", ["alder"], Album())
    assert shown is not None
    folder = Store(root).images("alder", "lfw")
    (folder / shown.names[0]).write_bytes(b"<svg onload=alert(1)>" + b" " * 99)
    huge = (folder / shown.names[1]).read_bytes() + b" " * 1_000_000
    (folder / shown.names[1]).write_bytes(huge)
    again = gallery(root, "lfw", ["alder"], Album())
    assert again is not None
    assert again.strips[1].pictures[:2] == (None, None)
    assert again.strips[1].pictures[2] is not None
    write_site(results, root, tmp_path, {})
    assert samples(root / "nowhere", "x.png", Album()) is None


def test_the_ends_of_a_metric_follow_its_direction(make: Any, tmp_path: Path) -> None:
    names = [f"{i:03d}.png" for i in range(12)]
    make.pictures(tmp_path, "lfw", ["alder"], 12)
    make.png(Store(tmp_path).real("lfw") / "000.png", 64, 9)
    rows = [make.row("alder", make.score()), make.row("alder", make.score("kid", better="lower"))]
    numbers = [float(i) for i in range(12)]
    make.by_picture(tmp_path, "alder", names, {"psnr@v1": numbers, "kid@v1": numbers})
    [table] = tables(rows)
    known = values(tmp_path, table)
    higher, lower = ends(tmp_path, table, known, album := Album())
    assert [shot.name for shot in higher.best] == ["011.png", "010.png", "009.png", "008.png"]
    assert [shot.name for shot in higher.worst] == names[:4]
    assert [shot.name for shot in lower.best] == names[:4]
    assert higher.best[0].text == "11 dB"
    assert [len(shot.pictures) for shot in lower.best] == [3, 2, 2, 2]
    assert len(album.files) == 2 * 8 + 1
    shown = gallery(tmp_path, "lfw", ["alder"], Album())
    assert shown is not None
    said = captions(known, table, shown)
    assert (
        said.texts["alder"][0]
        == f"psnr {int(shown.names[0][:3])} dB\nkid {int(shown.names[0][:3])}"
    )
    assert said.better == {"psnr": "higher", "kid": "lower"}


def test_fewer_ends_are_shown_where_there_are_many(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{i:03d}.png" for i in range(12)]
    make.pictures(tmp_path, "lfw", ["alder"], 12)
    make.by_picture(tmp_path, "alder", names, {"psnr@v1": [1.0] * 12})
    [table] = tables([make.row("alder", make.score())])
    monkeypatch.setattr(_extremes, "MOST_PICTURES", 4)
    [end] = ends(tmp_path, table, values(tmp_path, table), Album())
    assert [shot.name for shot in (*end.best, *end.worst)] == [*names[:2], "011.png", "010.png"]


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"names": ["a.png"], "values": {"psnr@v1": [1.0, 2.0]}},
        {"names": ["a.png"], "values": {"psnr@v1": ["1.0"]}},
        {"names": ["a.png"], "values": {"another": [1.0]}},
        {"names": [], "values": {}},
    ],
)
def test_numbers_that_do_not_belong_to_the_column_are_not_used(
    make: Any, tmp_path: Path, kept: dict[str, Any]
) -> None:
    make.by_picture(tmp_path, "alder", [], {})
    cell = Store(tmp_path).cell("alder", "lfw")
    write_json(cell / "realworld.pictures-1.json", kept)
    [table] = tables([make.row("alder", make.score())])
    assert values(tmp_path, table) == {}
    (cell / "realworld.pictures-1.json").write_text("{")
    assert values(tmp_path, table) == {}
