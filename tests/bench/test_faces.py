import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import Faces, folder, read_image, unpacked, write_images, write_png


def random_pixels(size: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def three(root: Path) -> Faces:
    for i in range(3):
        write_png(random_pixels(seed=i), root / f"{i}.png")
    return folder(root)


def deep_png(size: int) -> bytes:
    """Encode 16 bits per channel, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", size, size, 16, 2, 0, 0, 0)
    rows = (b"\0" + b"\x12\x34" * 3 * size) * size
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    pixels = random_pixels()
    write_png(pixels, tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png") == pixels).all()
    assert (folder(tmp_path).pixels()[0].permute(1, 2, 0).numpy() == pixels).all()


def test_images_are_rounded_once_and_to_the_nearest(tmp_path: Path) -> None:
    values = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 1.0, 254.4 / 255, 254.6 / 255])
    write_images(values.reshape(6, 1, 1, 1).expand(6, 3, 2, 2), list("abcdef"), tmp_path)
    stored = [int(read_image(tmp_path / name)[0, 0, 0]) for name in "abcdef"]
    assert stored == [0, 0, 1, 255, 254, 255]


def test_batches_follow_the_names_and_the_last_may_be_short(tmp_path: Path) -> None:
    faces = three(tmp_path)
    batches = list(faces.batches(2))
    assert [len(batch) for batch in batches] == [2, 1]
    assert torch.equal((torch.cat(batches) * 255).round().byte(), faces.pixels())


def test_taking_faces_keeps_their_labels_beside_them(tmp_path: Path) -> None:
    points = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    faces = Faces(tmp_path, ("a", "b", "c"), 8, "t", ("p", "q", "r"), points).take([2, 0])
    assert (faces.names, faces.identities) == (("c", "a"), ("r", "p"))
    assert faces.landmarks is not None
    assert (faces.landmarks == points[[2, 0]]).all()


def test_a_folder_is_taken_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.png", "A.PNG", "10.png", "9.png"):
        write_png(random_pixels(), tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a face")
    assert folder(tmp_path).names == ("10.png", "9.png", "A.PNG", "b.png")


def test_a_folder_that_is_absent_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="gone is not a folder"):
        folder(tmp_path / "gone")
    with pytest.raises(BadData, match=r"holds no image \(\.png"):
        folder(tmp_path)


def test_the_first_image_must_be_square_and_the_others_like_it(tmp_path: Path) -> None:
    write_png(random_pixels()[:4], tmp_path / "b.png")
    with pytest.raises(BadImage, match=r"b\.png is 8x4 pixels, expected a square"):
        folder(tmp_path)
    write_png(random_pixels(), tmp_path / "a.png")
    with pytest.raises(BadImage, match=r"b\.png is 8x4 pixels, expected 8x8"):
        folder(tmp_path)
    with pytest.raises(BadImage, match=r"a\.png is 8x8 pixels, expected 16x16"):
        folder(tmp_path, size=16)


PICTURE = Image.fromarray(random_pixels(16))
BAD = {
    "truncated.png": (encoded(PICTURE, "PNG")[:-40], "is damaged or cut short"),
    "truncated.jpg": (encoded(PICTURE, "JPEG")[:-40], "is damaged or cut short"),
    "empty.png": (b"", "is not an image that can be read"),
    "text.png": (b"<html>404</html>", "is not an image that can be read"),
    "cmyk.jpg": (encoded(PICTURE.convert("CMYK"), "JPEG"), "has colour mode CMYK, expected 8-bit"),
    "grey16.png": (encoded(Image.new("I;16", (8, 8)), "PNG"), "has colour mode I;16, expected"),
    "deep.png": (deep_png(8), "has colour mode RGB;16, expected 8-bit RGB or grey"),
    "clear.png": (encoded(PICTURE.convert("RGBA").crop((0, 0, 17, 17)), "PNG"), "transparent"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_answered_with_a_sentence_that_names_it(tmp_path: Path, name: str) -> None:
    data, sentence = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadImage, match=f"{name} .*{sentence}"):
        folder(tmp_path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match=r"gone\.png does not exist"):
        Faces(tmp_path, ("gone.png",), 8).pixels()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_damage_never_ends_in_anything_but_a_sentence(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = encoded(PICTURE, kind)
    path = tmp_path / "face.png"
    refused = 0
    for _ in range(200):
        data = bytearray(whole[: rng.integers(1, len(whole))])
        data[rng.integers(0, min(60, len(data)))] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                read_image(path)
        except BadImage:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
def test_grey_palette_and_opaque_images_become_rgb(tmp_path: Path, mode: str) -> None:
    image = PICTURE.convert(mode)
    image.save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png") == np.asarray(image.convert("RGB"))).all()


def test_decoding_gives_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert three(tmp_path).pixels().shape == (3, 3, 8, 8)
        assert read_image(tmp_path / "0.png").flags.writeable


def test_the_fingerprint_depends_on_pixels_and_not_on_the_encoding(tmp_path: Path) -> None:
    before = three(tmp_path).fingerprint
    encoding = (tmp_path / "0.png").read_bytes()
    Image.fromarray(random_pixels(seed=0)).save(tmp_path / "0.png", compress_level=0, dpi=(72, 72))
    assert (tmp_path / "0.png").read_bytes() != encoding
    assert folder(tmp_path, "another title").fingerprint == before
    changed = random_pixels(seed=0)
    changed[3, 3, 1] ^= 1
    write_png(changed, tmp_path / "0.png")
    assert folder(tmp_path).fingerprint != before


def test_the_fingerprint_depends_on_names_order_and_labels(tmp_path: Path) -> None:
    faces = three(tmp_path)
    points = np.zeros((3, 5, 2), np.float32)
    others = [
        faces.take([0, 2, 1]),
        faces.take([0, 1]),
        Faces(tmp_path, faces.names, 8, identities=("a", "a", "b")),
        Faces(tmp_path, faces.names, 8, identities=("a", "b", "b")),
        Faces(tmp_path, faces.names, 8, landmarks=points),
        Faces(tmp_path, faces.names, 8, landmarks=points + 1),
    ]
    assert len({other.fingerprint for other in [faces, *others]}) == 7


def test_animations_are_refused_and_turned_pictures_are_turned(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), (level, 0, 0)) for level in (0, 90)]
    frames[0].save(tmp_path / "moves.png", save_all=True, append_images=frames[1:])
    with pytest.raises(BadImage, match="is an animation"):
        read_image(tmp_path / "moves.png")
    picture = Image.new("RGB", (16, 16))
    picture.paste((255, 255, 255), (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture.save(tmp_path / "turned.png", exif=exif)
    assert read_image(tmp_path / "turned.png")[15].min() == 255


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"left by a file manager")
    assert folder(tmp_path).names == ("a.png",)


def test_unpacked_faces_are_the_same_and_leave_nothing_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(5):
        write_png(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), tmp_path / f"{i}.png")
    faces = folder(tmp_path)
    with unpacked(faces) as once:
        assert once.root != faces.root
        assert (once.names, once.fingerprint) == (faces.names, faces.fingerprint)
        assert torch.equal(once.take([3, 1]).pixels(), faces.take([3, 1]).pixels())
        with unpacked(once) as twice:
            assert twice is once
    assert not once.root.exists()
    (tmp_path / "2.png").write_bytes(b"")
    with pytest.raises(BadImage, match=r"2\.png"), unpacked(faces):
        raise AssertionError
