from pathlib import Path
from types import SimpleNamespace

import pytest

from facesr.bench.errors import BadName
from facesr.reports.write import FILES, text, write


def test_every_format_is_written_under_its_name(make: SimpleNamespace, tmp_path: Path) -> None:
    paths = write(make.board(), tmp_path, tmp_path / "report", tuple(FILES))
    assert [path.name for path in paths] == ["table.md", "table.csv", "table.tex", "index.html"]
    assert all(path.stat().st_size > 100 for path in paths)


def test_text_and_file_are_the_same(make: SimpleNamespace, tmp_path: Path) -> None:
    for name in ("md", "csv", "latex"):
        (path,) = write(make.board(), tmp_path, tmp_path / "report", (name,))
        assert path.read_text() == text(make.board(), name)


def test_the_same_rows_give_the_same_bytes(make: SimpleNamespace, tmp_path: Path) -> None:
    one = write(make.board(), tmp_path, tmp_path / "one")
    two = write(make.board(), tmp_path, tmp_path / "two")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_pictures_are_left_out_on_demand(make: SimpleNamespace, tmp_path: Path) -> None:
    make.pictures(tmp_path, "lfw", ["alder"], 3)
    (open_,) = write(make.board(), tmp_path, tmp_path / "a", ("html",))
    (closed,) = write(make.board(), tmp_path, tmp_path / "b", ("html",), pictures=False)
    assert list(open_.parent.glob("images/**/*.png"))
    assert "<img" in open_.with_name("gallery.html").read_text()
    assert not list(closed.parent.glob("images/**/*.png"))
    assert "<img" not in closed.with_name("gallery.html").read_text()


def test_an_unknown_format_is_named_before_anything_is_written(
    make: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(BadName, match="known: md, csv, latex, html"):
        write(make.board(), tmp_path, tmp_path / "report", ("md", "docx"))
    assert not (tmp_path / "report").exists()
    with pytest.raises(BadName, match="known: md, csv, latex"):
        text(make.board(), "html")
