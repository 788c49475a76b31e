from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facesr.bench.faces import Faces
from facesr.protocols._identity import identity, versions

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]


def test_an_identity_names_everything_in_one_order(draw: Draw, store: Store) -> None:
    faces = store(draw(2), "some")
    expected = f"fd[onet@12345678,side=48,ref=some@{faces.fingerprint[:8]},v2]"
    assert identity("fd", "onet@12345678", side=48, version=2, reference=faces) == expected


def test_other_reference_pixels_make_another_identity(draw: Draw, store: Store) -> None:
    one, other = store(draw(2, seed=0), "a/x"), store(draw(2, seed=1), "b/x")
    assert one.title != other.title
    made = {identity("fd", version=1, reference=faces).split("@")[1] for faces in (one, other)}
    assert len(made) == 2


def test_versions_of_all_parts_are_told_apart() -> None:
    assert versions(1, 2, 1) == "1.2.1"
    assert identity("x", version=versions(11, 1)) != identity("x", version=versions(1, 11))
