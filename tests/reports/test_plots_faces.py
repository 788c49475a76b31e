from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from facesr.bench.store import Results, Store, shown
from facesr.reports import _plots_faces
from facesr.reports._figure import save


def test_every_pixel_of_a_face_is_a_square_of_pixels(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    names = [f"{i}.png" for i in range(3)]
    folders = [Store(tmp_path).inputs("lfw"), Store(tmp_path).images("alder", "lfw")]
    tiles = []
    for folder, side in zip(folders, (16, 64), strict=True):
        folder.mkdir(parents=True)
        for name in names:
            face = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(face).save(folder / name)
            if name == shown(names)[0]:
                tiles.append(face.repeat(192 // side, axis=0).repeat(192 // side, axis=1))
    (path,) = save(draw.made(compared, tmp_path)["faces-lfw"], tmp_path, ("png",))
    sheet = np.asarray(Image.open(path).convert("RGB"))
    for k, tile in enumerate(tiles):
        left = 24 + k * (192 + 6)
        found = [
            top
            for top in range(sheet.shape[0] - 192)
            if np.array_equal(sheet[top : top + 192, left : left + 192], tile)
        ]
        assert len(found) == 1


def test_faces_stand_as_in_papers_and_the_original_only_where_paired(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["birch", "alder"], 2)
    real = Store(tmp_path).real("lfw")
    make.png(real / "other.png", 64, 9)
    said = draw.columns(draw.made(compared, tmp_path)["faces-lfw"], tmp_path)
    assert [text for text in said if text] == ["input", "alder", "birch"]
    for name in ("000.png", "001.png"):
        make.png(real / name, 64, 9)
    assert draw.columns(draw.made(compared, tmp_path)["faces-lfw"], tmp_path)[-1] == "real"


def test_bicubic_comes_first_and_many_methods_are_split(
    draw: SimpleNamespace, make: SimpleNamespace, tmp_path: Path
) -> None:
    methods = [*"abcdefgh", "bicubic"]
    make.pictures(tmp_path, "lfw", methods, 1)
    results = Results([make.row(m, make.score(), provenance={"shareable": True}) for m in methods])
    found = draw.made(results, tmp_path)
    one, two = (draw.columns(found[f"faces-lfw-{i}"], tmp_path) for i in (1, 2))
    assert one == ["input", "bicubic", *"abcdef"]
    assert two == ["input", "g", "h"]


def test_faces_that_may_not_be_published_need_a_wish(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["alder"], 2)
    secret = Results(
        [replace(r, provenance=r.provenance | {"shareable": False}) for r in compared.rows]
    )
    assert "Keep this figure to yourself." in draw.made(secret, tmp_path)["faces-lfw"].caption
    why = draw.reasons(secret, tmp_path, pictures=False)["faces"]
    assert why.startswith("Pictures of lfw may not be published")
    assert "faces-lfw" in draw.made(compared, tmp_path, pictures=False)


def test_a_damaged_or_missing_picture_leaves_a_hatched_place(
    draw: SimpleNamespace, compared: Results, make: SimpleNamespace, tmp_path: Path
) -> None:
    make.pictures(tmp_path, "lfw", ["alder", "birch"], 2)
    images = Store(tmp_path).images("birch", "lfw")
    (images / "000.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (images / "001.png").unlink()
    assert draw.svg(draw.made(compared, tmp_path)["faces-lfw"], tmp_path).count("<pattern") == 1
    assert _plots_faces.FEWEST == 2
