from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facesr.bench.detectors._base import Found, detector, nothing
from facesr.bench.faces import Faces
from facesr.protocols.features.found import framed, recipe, surest
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.landmarks import Landmarks

Store = Callable[..., Faces]
Draw = Callable[..., np.ndarray]


class Spot:
    """Finds the brightest pixel, if there is a white one."""

    recipe: dict[str, Any] = {"detector": "spot"}  # noqa: RUF012

    def missing(self) -> str:
        return ""

    def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
        return [self._one(photo.min(axis=2)) for photo in photos]

    def _one(self, grey: np.ndarray) -> Found:
        rows, columns = np.nonzero(grey > 250)
        if not len(rows):
            return nothing()
        box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float)
        return Found(box, np.ones(1), np.repeat(box[:, None, :2], 5, axis=1))


def test_places_are_those_on_the_crop(store: Store) -> None:
    pixels = np.zeros((3, 32, 32, 3), np.uint8)
    pixels[0, 4:12, 8:24] = pixels[2, 20:24, 0:4] = 255
    rows = surest(store(pixels, "spots"), Spot(), side=64, margin=10)
    assert rows[0, :5] == pytest.approx([1, 8, 4, 24, 12], abs=0.6)
    assert rows[0, 5:7] == pytest.approx([8, 4], abs=0.6)
    assert np.isnan(rows[1]).all()
    assert rows[2, 1] == -5  # the border repeats what touches it


def test_a_face_is_surrounded_by_its_border() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    photo = framed(pixels, 32, 4)
    inner = Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(photo[4:-4, 4:-4], np.asarray(inner))
    assert (photo[:4, 10] == photo[4, 10]).all()


def test_faces_are_looked_for_once(draw: Draw, store: Store) -> None:
    class Once(Spot):
        asked = 0

        def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
            Once.asked += 1
            return super().find(photos)

    faces = store(draw(3, 32, seed=77), "once")
    for _ in range(2):
        surest(faces, Once(), side=48)
    assert Once.asked == 1


def test_settings_are_part_of_the_recipe() -> None:
    settings = [recipe(Spot()), recipe(Spot(), side=64), recipe(Spot(), margin=2)]
    assert all(one != other for one, other in pairwise(settings))
    assert recipe(detector("mtcnn")) != recipe(detector("mtcnn", threshold=0.9))


def test_mtcnn_finds_photographs_and_no_noise(store: Store) -> None:
    data: Any = pytest.importorskip("skimage.data")
    grey = [Image.fromarray((f * 255).astype(np.uint8)) for f in data.lfw_subset()[:6]]
    photos = np.stack([np.asarray(image.resize((64, 64)).convert("RGB")) for image in grey])
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    hr = store(photos, "hr")
    score = Detection(detector="mtcnn").score(hr, None)
    assert score.value is not None
    assert score.value >= 80
    assert score.metric == "detection[mtcnn]"
    assert score.identity.endswith("side=128,margin=16,resize=bicubic,v2]")
    assert Detection(detector="mtcnn").score(store(noise, "noise"), None).value == 0
    assert Landmarks("mtcnn").score(hr, hr).value == 0


@pytest.mark.parametrize("name", ["retinaface", "yunet"])
def test_real_detectors_find_real_faces(
    name: str, shared: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESR_ASSETS", str(shared / "weights"))
    metric = Detection(detector=name)  # type: ignore[arg-type]
    if why := metric.missing():
        pytest.skip(why)
    photos = sorted((shared / "data/lfw/lfw-deepfunneled").glob("*/*_0001.jpg"))[:8]
    box = (58, 58, 195, 195)
    crops = [np.asarray(Image.open(p).resize((64, 64), box=box)) for p in photos]
    hr = store(np.stack(crops), "lfw")
    low = [np.asarray(Image.fromarray(c).resize((8, 8)).resize((64, 64))) for c in crops]
    sr = store(np.stack(low), "low")
    assert metric.score(hr, None).value == 100
    worse = metric.score(sr, None).value
    assert worse is not None
    assert worse < 100
    score = Landmarks(name).score(sr, hr)  # type: ignore[arg-type]
    assert score.value is not None
    assert score.value > 1
