import os
import subprocess
import sys
from pathlib import Path

import pytest

from facesr.datasets._census import census, walk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for name in ("b/2.jpg", "b/1.JPG", "a/x.png", "notes.txt", "list.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(root: Path, suffixes: tuple[str, ...] = ()) -> list[str]:
    return [path.relative_to(root).as_posix() for path in walk(root, suffixes)]


def test_files_come_folder_by_folder_in_order_of_name(root: Path) -> None:
    assert names(root) == ["a/x.png", "b/1.JPG", "b/2.jpg", "list.txt", "notes.txt"]
    assert names(root, (".jpg",)) == ["b/1.JPG", "b/2.jpg"]
    assert names(root / "absent") == []


def test_hidden_files_are_passed_over(root: Path) -> None:
    before = census(root, []).digest
    (root / ".DS_Store").touch()
    (root / ".git").mkdir()
    (root / ".git/config").touch()
    assert len(names(root)) == 5
    assert census(root, []).digest == before


def test_loops_of_links_end_and_linked_folders_are_entered_once(root: Path, tmp_path: Path) -> None:
    (root / "b/up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "there").symlink_to(root / "back")
    (root / "back").symlink_to(root / "there")
    (root / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/far.jpg").touch()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    found = names(root)
    assert {"link/far.jpg", "a/x.png", "b/1.JPG"} <= set(found)
    assert len(found) == len(set(found))
    assert sum(name.endswith("1.JPG") for name in found) == 1
    assert census(root, []).digest == census(root, []).digest


def test_a_name_that_is_no_text_is_counted(root: Path) -> None:
    before = census(root, []).digest
    try:
        (root / os.fsdecode(b"caf\xe9.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    assert "caf\udce9.jpg" in names(root)
    assert census(root, []).digest != before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "b/2.jpg").unlink(),
        lambda root: (root / "b/3.jpg").touch(),
        lambda root: (root / "b/2.jpg").write_text("longer than before"),
        lambda root: (root / "b/2.jpg").rename(root / "b/3.jpg"),
        lambda root: (root / "b").rename(root / "c"),
        lambda root: (root / "list.txt").write_text("LIST.txt"),
        lambda root: (root / "list.txt").unlink(),
    ],
)
def test_the_census_differs_when_a_file_comes_goes_or_changes(root: Path, change: object) -> None:
    before = census(root, [root / "list.txt"]).digest
    assert callable(change)
    change(root)
    assert census(root, [root / "list.txt"]).digest != before


def test_the_census_does_not_depend_on_place_time_or_order(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "moved"
    for name in reversed(names(root)):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(name)
        os.utime(other / name, (1, 1))
    lists = [root / "list.txt"], [other / "list.txt"]
    assert census(root, lists[0]).digest == census(other, lists[1]).digest


def test_folders_deeper_than_the_stack_are_no_crash(root: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from facesr.datasets._census import census, walk\n"
        "os.chdir(sys.argv[1])\n"
        "for _ in range(400): os.mkdir('d'); os.chdir('d')\n"
        "open('deep.jpg', 'w').close()\n"
        "root = Path(sys.argv[1])\n"
        "assert any(p.name == 'deep.jpg' for p in walk(root))\n"
        "census(root, []).digest\n"
    )
    subprocess.run([sys.executable, "-c", script, str(root)], check=True, timeout=60)
