from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import read_image
from facesr.datasets._toys._damage import break_
from facesr.datasets.folder import Folder

NAMES = [f"{i:02d}.png" for i in range(20)]


def fill(place: Path, names: Iterable[str], size: int) -> None:
    place.mkdir(parents=True)
    for name in names:
        seed = sum(map(ord, name)) + size
        pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / name)


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    fill(tmp_path / "train/lr", NAMES[:6], 16)
    fill(tmp_path / "train/hr", NAMES[8:12], 64)
    fill(tmp_path / "test/lr", NAMES[:3], 16)
    fill(tmp_path / "test/hr", NAMES[:3], 64)
    return tmp_path


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    fill(tmp_path / "lr", NAMES, 16)
    fill(tmp_path / "hr", NAMES, 64)
    return tmp_path


def test_the_four_folders_are_taken_as_they_are(divided: Path) -> None:
    train, test = Folder(path=divided).split("train"), Folder(path=divided).split("test")
    assert train.lr.names == tuple(NAMES[:6])
    assert train.hr.names == tuple(NAMES[8:12])
    assert test.lr.root == divided / "test/lr"
    assert test.hr.size == 64
    assert test.hr.title == f"{divided.name}/test/hr"


def test_faces_are_pairs_only_if_their_names_are_equal(divided: Path) -> None:
    assert not Folder(path=divided).split("train").paired
    assert Folder(path=divided).split("test").paired


def test_nothing_is_written(whole: Path) -> None:
    before = sorted(whole.rglob("*"))
    cache = whole / "cache"
    Folder(path=whole, cache=cache).split("test")
    assert sorted(whole.rglob("*")) == before


def test_lr_and_hr_alone_are_divided_80_to_20_the_same_every_time(whole: Path) -> None:
    train, test = Folder(path=whole).split("train"), Folder(path=whole).split("test")
    assert (len(train.lr), len(test.lr)) == (16, 4)
    assert set(train.lr.names).isdisjoint(test.lr.names)
    assert train.paired
    assert test.paired
    assert test.lr.names == ("03.png", "07.png", "08.png", "09.png")


def test_one_picture_is_never_in_both_splits_even_under_two_suffixes(tmp_path: Path) -> None:
    fill(tmp_path / "lr", NAMES, 16)
    fill(tmp_path / "hr", [name.replace("png", "bmp") for name in NAMES], 64)
    train, test = Folder(path=tmp_path).split("train"), Folder(path=tmp_path).split("test")
    stems = [{Path(name).stem for name in half.names} for half in (train.hr, test.lr)]
    assert stems[0].isdisjoint(stems[1])
    assert test.paired  # faces of equal names show the same picture, whatever the ending


def test_people_are_divided_where_they_are_known(whole: Path) -> None:
    lines = [f"{name},person {i % 5}" for i, name in enumerate(NAMES)]
    (whole / "identities.csv").write_text("\n".join(["name,identity", *lines]))
    train, test = Folder(path=whole).split("train"), Folder(path=whole).split("test")
    assert train.hr.identities is not None
    assert test.hr.identities is not None
    assert len(test.hr) == 4
    assert set(train.hr.identities).isdisjoint(test.hr.identities)
    assert test.lr.identities == test.hr.identities


def test_limit_keeps_pairs(whole: Path) -> None:
    split = Folder(path=whole, limit=3).split("train")
    assert len(split.lr) == len(split.hr) == 3
    assert split.paired


def test_a_part_that_would_be_empty_says_how_to_lay_the_folder_out(tmp_path: Path) -> None:
    fill(tmp_path / "lr", ["a.png"], 16)
    fill(tmp_path / "hr", ["a.png"], 64)
    with pytest.raises(
        BadData, match=r"lr has too few faces for a train split.*train/lr, train/hr"
    ):
        Folder(path=tmp_path).split("train")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("file,who\n00.png,a\n", "no columns `name` and `identity`"),
        ("name,identity\n00.png,a\n00.png,b\n", "line 3 gives '00' the identity 'b'"),
        ("name,identity\n00.png\n", "line 2 gives '00' the identity ''"),
        ("name,identity\n00.png,a\n", "no line for 01.png and 18 other faces"),
    ],
)
def test_a_bad_list_of_identities_is_named(whole: Path, lines: str, sentence: str) -> None:
    (whole / "identities.csv").write_text(lines)
    with pytest.raises(BadData, match=sentence):
        Folder(path=whole).split("test")


def test_no_path_says_how_to_give_one() -> None:
    assert Folder().missing() == "needs a folder of faces: name it as folder:PATH"
    with pytest.raises(BadData, match="folder:PATH"):
        Folder().split("test")


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    assert "nowhere is not a folder" in Folder(path=tmp_path / "nowhere").missing()


def test_another_layout_is_answered_with_the_accepted_ones(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    sentence = Folder(path=tmp_path).missing()
    assert "holds the folders images" in sentence
    assert "train/lr, train/hr, test/lr, test/hr, or lr and hr alone" in sentence
    (tmp_path / "images").rmdir()
    assert "holds no folders" in Folder(path=tmp_path).missing()


def test_a_layout_that_is_there_is_not_missing(divided: Path) -> None:
    assert Folder(path=divided).missing() == ""


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def of_another_size(path: Path) -> None:
    Image.new("RGB", (17, 16)).save(path)


def in_cmyk(path: Path) -> None:
    Image.new("CMYK", (16, 16)).save(path, "JPEG")


def text(path: Path) -> None:
    path.write_text("not an image")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (cut_short, "01.png is damaged or cut short"),
        (of_another_size, "01.png is 17x16 pixels, expected 16x16"),
        (in_cmyk, "01.png has colour mode CMYK, expected 8-bit RGB or grey"),
        (text, "01.png is not an image that can be read"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    divided: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(divided / "test/lr/01.png")
    with pytest.raises(BadImage, match=sentence):
        Folder(path=divided).split("test")


def test_an_empty_folder_is_named(divided: Path) -> None:
    for path in (divided / "test/hr").iterdir():
        path.unlink()
    with pytest.raises(BadData, match="hr holds no image"):
        Folder(path=divided).split("test")


def test_other_sizes_follow_the_settings(tmp_path: Path) -> None:
    fill(tmp_path / "lr", NAMES, 8)
    fill(tmp_path / "hr", NAMES, 64)
    split = Folder(path=tmp_path, lr_size=8, scale=8).split("test")
    assert (split.lr.size, split.hr.size) == (8, 64)
    with pytest.raises(BadImage, match="64x64 pixels, expected 32x32"):
        Folder(path=tmp_path, lr_size=8, scale=4).split("test")


def test_people_are_known_by_the_name_without_its_ending(tmp_path: Path) -> None:
    fill(tmp_path / "lr", [name.replace("png", "jpg") for name in NAMES], 16)
    fill(tmp_path / "hr", NAMES, 64)
    lines = [f"{name},person {i % 5}" for i, name in enumerate(NAMES)]
    (tmp_path / "identities.csv").write_text("\n".join(["name,identity", *lines]))
    train, test = Folder(path=tmp_path).split("train"), Folder(path=tmp_path).split("test")
    assert test.lr.identities == test.hr.identities
    assert set(train.hr.stems).isdisjoint(test.lr.stems)


def test_a_list_of_one_half_only_is_refused(whole: Path) -> None:
    (whole / "identities.csv").write_text("name,identity\nnobody.png,a\n")
    with pytest.raises(BadData, match="name all faces of both folders"):
        Folder(path=whole).split("train")


def test_a_list_that_is_no_text_is_named(whole: Path) -> None:
    (whole / "identities.csv").write_bytes(b"name,identity\n\xff\xfe,a\n")
    with pytest.raises(BadData, match="not UTF-8"):
        Folder(path=whole).split("train")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("truncated_photo", "damaged or cut short"),
        ("corrupt_photo", "not an image that can be read"),
        ("empty_photo", "not an image that can be read"),
        ("cmyk_photo", "colour mode CMYK, expected 8-bit RGB or grey"),
        ("sixteen_bit_photo", "colour mode RGB;16, expected 8-bit RGB or grey"),
        ("alpha_photo", "transparent pixels; save it as plain RGB"),
    ],
)
def test_a_picture_that_would_have_to_be_guessed_at_is_named(
    divided: Path, damage: str, sentence: str
) -> None:
    hurt = break_(divided / "test/lr", damage)
    with pytest.raises(BadImage, match=f"{hurt}.*{sentence}"):
        Folder(path=divided).split("test")


def test_a_picture_is_turned_as_its_exif_says(divided: Path) -> None:
    upright = read_image(divided / "test/lr/00.png")
    assert break_(divided / "test/lr", "exif_rotated_photo") == "00.png"
    turned = Folder(path=divided).split("test").lr.pixels()[0]
    assert (turned.permute(1, 2, 0).numpy() == upright).all()


def test_a_grey_picture_repeats_its_channel(divided: Path) -> None:
    assert break_(divided / "test/lr", "grey_photo") == "00.png"
    red, green, blue = Folder(path=divided).split("test").lr.pixels()[0]
    assert (red == green).all()
    assert (green == blue).all()


def test_loops_of_links_and_hidden_files_are_no_faces(divided: Path) -> None:
    before = Folder(path=divided).split("test").lr
    break_(divided / "test/lr", "symlink_loop")
    (divided / "test/lr/.DS_Store.png").touch()
    assert Folder(path=divided).split("test").lr.fingerprint == before.fingerprint
