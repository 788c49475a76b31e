from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.datasets._resize import imresize
from facesr.protocols._reduced import reduced, shrunk

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


@pytest.fixture
def originals(draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faces:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    points = np.arange(12 * 5 * 2, dtype=np.float32).reshape(12, 5, 2)
    people = tuple("abcd"[i % 4] for i in range(12))
    return store(draw(12), "hr", identities=people, landmarks=points)


def folders(root: Path) -> list[Path]:
    return sorted((root / "cache" / "reduced").iterdir())


def test_names_people_and_landmarks_stay(originals: Faces) -> None:
    small = reduced(originals, 16)
    assert (small.size, small.names, small.identities) == (
        16,
        originals.names,
        originals.identities,
    )
    assert small.landmarks is not None
    assert originals.landmarks is not None
    np.testing.assert_allclose(small.landmarks, originals.landmarks / 4)
    assert small.pixels().shape == (12, 3, 16, 16)
    assert small.title == "hr at 16 px"


def test_pixels_are_those_of_torch_with_antialiasing(originals: Faces) -> None:
    found = reduced(originals, 12).pixels().float()
    wanted = torch.nn.functional.interpolate(
        originals.pixels().float(), (12, 12), mode="bicubic", antialias=True, align_corners=False
    )
    assert (found - wanted.clamp(0, 255)).abs().max() <= 1.5  # bytes after each dimension


@pytest.mark.parametrize("size", [8, 24, 48])
def test_away_from_the_border_pixels_are_those_of_matlab(draw: Draw, size: int) -> None:
    image = draw(1, seed=3)[0]
    inner = slice(2, size - 2)
    theirs = imresize(image, size).astype(int)[inner, inner]
    ours = shrunk(image, size).astype(int)[inner, inner]
    assert abs(ours - theirs).max() <= 1


def test_a_constant_image_stays_as_it_is() -> None:
    assert (shrunk(np.full((64, 64, 3), 77, np.uint8), 12) == 77).all()


def test_the_size_of_the_originals_needs_no_copy(originals: Faces, tmp_path: Path) -> None:
    assert reduced(originals, 64) is originals
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("size", [65, 128, 0, -8])
def test_other_sizes_are_refused(originals: Faces, size: int) -> None:
    with pytest.raises(BadData, match=f"cannot be reduced to {size} px; ask for 64 px or less"):
        reduced(originals, size)


def test_equal_originals_are_reduced_once(
    originals: Faces, draw: Draw, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reduced(originals, 16).fingerprint
    elsewhere = store(
        draw(12), "copy", identities=originals.identities, landmarks=originals.landmarks
    )
    monkeypatch.setattr("facesr.protocols._reduced.shrunk", None)
    assert reduced(elsewhere, 16).fingerprint == first
    assert len([f for f in folders(tmp_path) if f.name[0] != "."]) == 1


def test_other_originals_have_a_folder_of_their_own(
    originals: Faces, draw: Draw, store: Store
) -> None:
    other = store(draw(12, seed=1), "other")
    assert reduced(originals, 16).root != reduced(other, 16).root
    assert reduced(originals, 16).fingerprint != reduced(other, 16).fingerprint


@pytest.mark.parametrize("damage", ["cut", "flip", "lose", "note"])
def test_what_was_changed_is_made_anew(originals: Faces, damage: str) -> None:
    small = reduced(originals, 16)
    whole, path = small.fingerprint, small.root / "faces-000000000.npy"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:200])
    elif damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "lose":
        path.unlink()
    else:
        (small.root / "remade.json").write_text("{")
    again = reduced(originals, 16)
    assert again.fingerprint == whole
    assert path.read_bytes() == content


def test_an_interruption_leaves_nothing_under_the_final_name(
    originals: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = 0

    def stops(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        nonlocal done
        done += 1
        if done == 5:
            raise KeyboardInterrupt
        return shrunk(pixels, size)

    with monkeypatch.context() as patch:
        patch.setattr("facesr.protocols._reduced.shrunk", stops)
        with pytest.raises(KeyboardInterrupt):
            reduced(originals, 16)
    assert [path.suffix for path in folders(tmp_path)] == [".lock"]
    assert len(reduced(originals, 16).pixels()) == 12


def test_a_place_that_cannot_be_written_is_named(
    originals: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadData, match=r"cannot be written: .* name another folder in FACESR_CACHE"):
        reduced(originals, 16)
