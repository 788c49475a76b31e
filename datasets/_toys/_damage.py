"""Ways in which a data set on a disk is broken, done on purpose to a twin."""

import os
import sqlite3
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facesr.bench.errors import BadData
from facesr.datasets._toys._truth import known
from facesr.datasets._toys.lr_dukemtmc import save_rows

Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Target:
    """What is damaged in a twin: the first file of each pattern.

    Args:
        photo: Pattern of photographs.
        annotation: Pattern of its main annotation; empty if it has none.
        box: Line or row of the annotation, the first field of the box there, and what separates
            fields of text.
        count: Line of the annotation that counts something, and how many numbers follow the count.
        row: File and line of a plain entry.
    """

    photo: str
    annotation: str = ""
    box: tuple[int, int, str] | None = None
    count: tuple[int, int] | None = None
    row: tuple[str, int] | None = None

    @property
    def kind(self) -> str:
        """`lines`, `json`, `t7`, `mat`, `sqlite`, or empty."""
        suffix = Path(self.annotation).suffix
        return "lines" if suffix in (".txt", ".csv", ".pts") else suffix.removeprefix(".")


_POINTS = "list_landmarks_align_celeba.txt"
_MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
_BOXES = "bb_landmark/loose_bb_train.csv"
_WIDER = "wider_face_split/wider_face_train_bbx_gt.txt"
_CELEBA = _Target("Img/*/*.jpg", f"Anno/{_POINTS}", count=(0, 0), row=(f"Anno/{_POINTS}", 2))
_TARGETS = {
    "widerface": _Target(
        "WIDER_train/images/*/*.jpg", _WIDER, box=(2, 0, " "), count=(1, 0), row=(_WIDER, 0)
    ),
    "lr_pipa": _Target("train/*.jpg", "index.txt", box=(0, 2, " "), row=("index.txt", 0)),
    "lr_dukemtmc": _Target("frames/*/*.jpg", "ground_truth/trainval.mat", box=(0, 3, "")),
    "lr_dukemtmc:plain": _Target("frames/*/*.jpg", "ground_truth/trainval.mat", box=(0, 3, "")),
    "lr_dukemtmc:reid": _Target("DukeMTMC-reID/bounding_box_train/*.jpg"),
    "helen": _Target("train_1/*.jpg", "annotation/*.txt", row=("trainnames.txt", 0)),
    "helen:pts": _Target(
        "trainset/*.jpg", "trainset/*.pts", count=(1, 0), row=("trainset/*.pts", 3)
    ),
    "ls3dw": _Target("300W-Testset-3D/*.png", "300W-Testset-3D/*.t7"),
    "ls3dw:mat": _Target("300W-Testset-3D/*.png", "300W-Testset-3D/*.mat"),
    "ffhq": _Target("images*/*/*.png", "ffhq-dataset-v2.json"),
    "celeba": _CELEBA,
    "celeba:flat": _Target("img_align_celeba/*.jpg", _POINTS, count=(0, 0), row=(_POINTS, 2)),
    "celebahq": _Target("CelebA-HQ-img/*.jpg", _MAPPING, row=(_MAPPING, 1)),
    "celebahq:folder": _Target("celeba-1024/*.jpg"),
    "aflw": _Target("data/flickr/*/*.jpg", "data/aflw.sqlite", box=(0, 0, "")),
    "vggface2": _Target("data/train/*/*.jpg", _BOXES, box=(1, 1, ","), row=(_BOXES, 1)),
    "lfw": _Target("lfw-deepfunneled/*/*.jpg", "pairs.txt", count=(0, 1), row=("pairs.txt", 1)),
    "scgan": _Target("imgs_train/HIGH/*.png"),
    "webface": _Target("*.png"),
}


def break_(root: Path, how: str) -> str:
    """Damage a twin in place.

    Args:
        root: Folder of a twin that one of `WRITERS` wrote.
        how: Name of the damage; `modes` lists those that make sense.

    Returns:
        What was damaged, a path below `root`.

    Raises:
        BadData: If there is no twin, or the damage makes no sense for it.
    """
    name = _recognise(root)
    if how not in modes(name):
        raise BadData(
            f"{how!r} makes no sense for a twin of {name}, known: {', '.join(modes(name))}"
        )
    target = _TARGETS[name]
    if how in _PHOTO:
        path = _first(root, target.photo)
        _PHOTO[how](path)
    elif how == "symlink_loop":
        folder = _first(root, target.photo).parent
        path = folder / "loop"
        path.symlink_to(os.path.relpath(root, folder), target_is_directory=True)
    elif how == "duplicate_line" and target.row:
        path = _first(root, target.row[0])
        _double(path, target.row[1], block=name == "widerface")
    else:
        path = _first(root, target.annotation)
        if how in _RECTS:
            _break_box(path, target, _RECTS[how])
        elif how == "count_lies":
            _miscount(path, target)
        else:
            _ANNOTATION[how](path)
    return path.relative_to(root).as_posix()


def modes(set_name: str) -> tuple[str, ...]:
    """List the damages that make sense for a set.

    Args:
        set_name: A name in `WRITERS`.

    Raises:
        BadName: If there is no such set.
    """
    target = _TARGETS[known(set_name)]
    found = [*_PHOTO, "symlink_loop"]
    if target.annotation:
        found += ["missing_annotation", "cut_annotation"]
    if target.kind in ("lines", "json"):
        found += ["bom", "latin1"]
    if target.kind == "lines":
        found += ["crlf", "garbage_line"]
    if target.row:
        found.append("duplicate_line")
    if target.count or target.kind == "t7":
        found.append("count_lies")
    if target.box:
        found += _RECTS
    return tuple(found)


def _recognise(root: Path) -> str:
    for name, target in _TARGETS.items():
        if all(any(root.glob(p)) for p in (target.photo, target.annotation) if p):
            return name
    raise BadData(f"{root} holds no twin that is still whole; write one there first")


def _first(root: Path, pattern: str) -> Path:
    return min(root.glob(pattern))


def _grey(path: Path) -> None:
    Image.open(path).convert("L").save(path, "PNG" if path.suffix == ".png" else "JPEG")


def _turned(path: Path) -> None:
    """Store the picture lying on its side, with the note that it must be turned clockwise."""
    image = Image.open(path).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = image.transpose(Image.Transpose.ROTATE_90)
    if path.suffix == ".png":
        lying.save(path, "PNG", exif=exif)
    else:
        lying.save(path, "JPEG", quality=95, exif=exif)


def _transparent(path: Path) -> None:
    image = Image.open(path).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, image.width // 2, image.height))
    image.save(path, "PNG")


def _deep(path: Path) -> None:
    """Write 16 bits per channel, which Pillow cannot."""
    pixels = np.asarray(Image.open(path).convert("RGB"), np.uint16) * 257
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1).tobytes()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw, 1)),
        (b"IEND", b""),
    )
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def _noise(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(np.random.default_rng(size).bytes(size))


def _cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])


def _accent(path: Path) -> None:
    """Put an accented letter as Latin-1 writes it, which is not UTF-8, where text stands."""
    whole = path.read_bytes()
    if path.suffix == ".json":
        path.write_bytes(whole.replace(b'"author": "', b'"author": "\xe9', 1))
    else:
        lines = whole.split(b"\n")
        lines[len(lines) // 2] += b"\xe9"
        path.write_bytes(b"\n".join(lines))


def _garbage(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    lines.insert(len(lines) // 2, b"?? neither a name nor a number ??")
    path.write_bytes(b"\n".join(lines))


def _double(path: Path, line: int, block: bool) -> None:
    """Repeat an entry behind itself: one line, or the whole block of a photograph."""
    lines = path.read_text(encoding="utf-8").split("\n")
    end = line + 2 + int(lines[line + 1]) if block else line + 1
    path.write_text("\n".join(lines[:end] + lines[line:end] + lines[end:]), encoding="utf-8")


def _miscount(path: Path, target: _Target) -> None:
    """Promise more than there is."""
    whole = bytearray(path.read_bytes())
    if target.kind == "t7":
        at = (
            23 + struct.unpack_from("<i", whole, 15)[0]
        )  # behind number, version, class, dimensions
        rows = struct.unpack_from("<q", whole, at)[0]
        struct.pack_into("<q", whole, at, rows * 10)
    elif target.count:
        lines = whole.decode().split("\n")
        line, before = target.count
        head, number, tail = _split_number(lines[line], before)
        lines[line] = f"{head}{number + 3}{tail}"
        whole = bytearray("\n".join(lines).encode())
    path.write_bytes(bytes(whole))


def _split_number(line: str, before: int) -> tuple[str, int, str]:
    """Split a line around its last number, or an earlier one."""
    words = line.split()
    word = words[-1 - before]
    at = line.rindex(word) if before == 0 else line.index(word)
    return line[:at], int(word), line[at + len(word) :]


def _break_box(path: Path, target: _Target, change: Callable[[Rect], Rect]) -> None:
    if target.kind == "mat":
        from scipy.io import loadmat

        rows = loadmat(path)["trainData"]
        x, y, w, h = rows[0, 3:7].tolist()
        rows[0, 3:7] = change((x, y, w, h))
        save_rows(path, rows)
    elif target.kind == "sqlite":
        with closing(sqlite3.connect(path)) as base:
            query = "SELECT x, y, w, h, face_id FROM FaceRect ORDER BY face_id LIMIT 1"
            x, y, w, h, face = base.execute(query).fetchone()
            update = "UPDATE FaceRect SET x = ?, y = ?, w = ?, h = ? WHERE face_id = ?"
            base.execute(update, (*change((x, y, w, h)), face))
            base.commit()
    elif target.box:
        line, first, between = target.box
        lines = path.read_text(encoding="utf-8").split("\n")
        fields = lines[line].split(between)
        x, y, w, h = (float(v) for v in fields[first : first + 4])
        fields[first : first + 4] = [f"{v:.0f}" for v in change((x, y, w, h))]
        lines[line] = between.join(fields)
        path.write_text("\n".join(lines), encoding="utf-8")


_PHOTO: Mapping[str, Callable[[Path], object]] = {
    "truncated_photo": _cut,
    "corrupt_photo": _noise,
    "missing_photo": Path.unlink,
    "empty_photo": lambda path: path.write_bytes(b""),
    "grey_photo": _grey,
    "cmyk_photo": lambda path: Image.open(path).convert("CMYK").save(path, "JPEG"),
    "sixteen_bit_photo": _deep,
    "exif_rotated_photo": _turned,
    "alpha_photo": _transparent,
}
_ANNOTATION: Mapping[str, Callable[[Path], object]] = {
    "missing_annotation": Path.unlink,
    "cut_annotation": _cut,
    "bom": lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "latin1": _accent,
    "crlf": lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")),
    "garbage_line": _garbage,
}
_RECTS: Mapping[str, Callable[[Rect], Rect]] = {
    "zero_box": lambda r: (r[0], r[1], 0, 0),
    "negative_box": lambda r: (r[0], r[1], -r[2], -r[3]),
    "box_outside": lambda r: (r[0] + 100_000, r[1], r[2], r[3]),
}
