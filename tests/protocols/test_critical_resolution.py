import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from facesr.bench import catalog, steps
from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces, write_images
from facesr.bench.score import Curve, Score
from facesr.protocols import critical_resolution
from facesr.protocols._critical import monotone
from facesr.protocols.critical_resolution import CriticalResolution

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
PEOPLE, SHOTS = 40, 2
FEW = (8, 16, 32)
SIDES = (8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Looks:
    """An embedder without weights: details of a face, which small faces lack."""

    name: str = "looks"
    digest: str = "00000000"
    dim: int = 3 * 32 * 32
    label: str = "looks@00000000,side=32"
    version: int = 1
    absent: str = ""

    def missing(self) -> str:
        return self.absent

    def __call__(self, batch: Tensor) -> Tensor:
        seen = F.interpolate(batch, (32, 32), mode="bilinear", antialias=True, align_corners=False)
        blurred = F.avg_pool2d(F.pad(seen, (4,) * 4, mode="reflect"), 9, stride=1)
        return (seen - blurred).flatten(1)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(critical_resolution, "embedder_named", lambda _: Looks())


def split(draw: Draw, store: Store, order: Sequence[int] | None = None) -> Split:
    """Originals of 64 px: drawn people on noisy pictures, shuffled if an order is given."""
    heads = draw(PEOPLE, seed=5).repeat(SHOTS, axis=0)
    noise = np.random.default_rng(0).normal(0, 15, heads.shape)
    pixels = (heads + noise).clip(0, 255).round().astype(np.uint8)
    people = tuple(f"p{i // SHOTS:02d}" for i in range(len(heads)))
    hr = store(pixels, "hr", identities=people)
    return Split(store(draw(4, size=16, seed=9), "lr"), hr if order is None else hr.take(order))


@pytest.fixture
def data(embedder: None, draw: Draw, store: Store) -> Split:
    return split(draw, store)


def bicubic(lr: Tensor) -> Tensor:
    return F.interpolate(lr, scale_factor=4, mode="bicubic", align_corners=False)


def made(
    root: Path, data: Split, upscale: Callable[[Tensor], Tensor] = bicubic
) -> dict[str, Faces]:
    """What a method makes of the inputs, as the harness stores it."""
    found = {}
    for name, lr in CriticalResolution(sides=FEW).inputs(data).items():
        out = steps.outputs(root / name, lr, 4, "method")
        write_images(upscale(next(lr.batches(len(lr)))).clamp(0, 1), out.names, out.root)
        found[name] = out
    return found


def measured(
    data: Split, more: dict[str, Faces], protocol: CriticalResolution | None = None
) -> tuple[dict[str, Score], dict[str, Curve]]:
    scores, curves = steps.score(data.lr, data, protocol or CriticalResolution(sides=FEW), more)
    return {score.metric: score for score in scores}, {curve.metric: curve for curve in curves}


def test_inputs_are_probes_at_each_resolution(data: Split) -> None:
    inputs = CriticalResolution().inputs(data)
    assert list(inputs) == [f"r{side}" for side in SIDES]
    for name, faces in inputs.items():
        assert faces.size == int(name[1:])
        assert faces.names == inputs["r64"].names
        assert len(faces) == PEOPLE * (SHOTS - 1)
    np.testing.assert_array_equal(
        inputs["r64"].pixels(), data.hr.take([i for i in range(2 * PEOPLE) if i % SHOTS]).pixels()
    )


def test_curves_and_crossings_of_a_method(data: Split, tmp_path: Path) -> None:
    scores, curves = measured(data, made(tmp_path, data))
    assert list(scores) == ["critical_resolution[looks]", "critical_resolution[looks,input]"]
    names = [
        f"{name}[looks{kind}]"
        for kind in ("", ",input")
        for name in ("accuracy", "cosine", "rank1")
    ]
    assert list(curves) == ["accuracy[looks,level]", *names]
    for name in names:
        curve = curves[name]
        assert curve.x == tuple(map(float, FEW))
        assert curve.n == PEOPLE * (SHOTS - 1)
        for low, y, high in zip(curve.low, curve.y, curve.high, strict=True):
            assert -1 <= low <= y <= high <= 1
        assert curve.y[-1] > curve.y[0]
    found = scores["critical_resolution[looks]"]
    assert found.value is not None
    assert 8 < found.value < 32
    assert len(found.samples) == 20
    assert found.sampling == "jackknife"
    everything: list[Score | Curve] = [*scores.values(), *curves.values()]
    assert len({each.identity for each in everything}) == len(everything)
    assert all("looks@00000000" in each.identity for each in everything)


def test_the_crossing_lies_where_the_curve_meets_the_level(data: Split, tmp_path: Path) -> None:
    scores, curves = measured(data, made(tmp_path, data))
    curve = curves["accuracy[looks]"]
    at = scores["critical_resolution[looks]"].value
    assert at is not None
    there = np.interp(math.log2(at), np.log2(curve.x), monotone(np.array(curve.y)))
    assert there == pytest.approx(curves["accuracy[looks,level]"].y[0], abs=1e-9)


def test_originals_keep_their_accuracy_below_all_resolutions(data: Split, tmp_path: Path) -> None:
    sharp = next(CriticalResolution().inputs(data)["r64"].batches(100))

    def remember(lr: Tensor) -> Tensor:
        side = 4 * lr.shape[-1]
        return F.interpolate(sharp, (side, side), mode="bilinear", antialias=True)

    scores, curves = measured(data, made(tmp_path, data, remember))
    found = scores["critical_resolution[looks]"]
    assert found.value is None
    assert found.note.startswith("< 8 px: accuracy keeps ")
    assert not found.ranked
    assert found.samples == ()
    assert min(curves["accuracy[looks]"].y) >= curves["accuracy[looks,level]"].y[0]


def test_nonsense_never_reaches_the_level(data: Split, tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)

    def nonsense(lr: Tensor) -> Tensor:
        return torch.rand((*lr.shape[:2], *(4 * n for n in lr.shape[2:])), generator=random)

    scores, curves = measured(data, made(tmp_path, data, nonsense))
    found = scores["critical_resolution[looks]"]
    assert found.value is None
    assert found.high is None
    assert found.note.startswith("> 32 px: accuracy stays below ")
    assert max(curves["accuracy[looks]"].y) < 0.6
    assert scores["critical_resolution[looks,input]"].value is not None


def test_the_level_is_a_setting_and_part_of_the_identity(data: Split, tmp_path: Path) -> None:
    more = made(tmp_path, data)
    strict, _ = measured(data, more)
    loose, curves = measured(data, more, CriticalResolution(level=0.8, sides=FEW))
    one, other = (scores["critical_resolution[looks]"] for scores in (strict, loose))
    assert one.value is not None
    assert other.value is not None
    assert other.value < one.value
    assert one.identity != other.identity
    assert curves["accuracy[looks,level]"].note.startswith("80 % of ")


def test_the_order_of_pictures_changes_no_number(
    data: Split, draw: Draw, store: Store, tmp_path: Path
) -> None:
    order = np.random.default_rng(3).permutation(PEOPLE * SHOTS).tolist()
    mixed = replace(data, hr=data.hr.take(order))
    found = []
    for name, each in (("a", data), ("b", mixed)):
        more = made(tmp_path / name, each)
        found.append(measured(each, more)[1]["accuracy[looks]"])
    assert found[0].y == pytest.approx(found[1].y, abs=1e-12)
    assert found[0].low == pytest.approx(found[1].low, abs=1e-12)


def test_resolutions_above_the_originals_are_left_out_with_a_note(
    embedder: None, draw: Draw, store: Store, tmp_path: Path
) -> None:
    people = tuple(f"p{i // 2}" for i in range(80))
    pixels = draw(40, size=32, seed=5).repeat(2, axis=0)
    data = Split(store(draw(2, size=8), "lr"), store(pixels, "hr", identities=people))
    assert list(CriticalResolution().inputs(data)) == ["r8", "r12", "r16", "r24", "r32"]
    more = made(tmp_path, data)
    _, curves = measured(data, more)
    assert curves["accuracy[looks]"].x == (8, 16, 32)
    every = measured(data, more, CriticalResolution(sides=(*FEW, 48, 64)))[1]
    assert every["accuracy[looks]"].note == "48, 64 px left out: the originals have 32"


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (64, SIDES),
        (256, SIDES),
        (512, (*SIDES, 128)),
        (1024, (*SIDES, 128, 256)),
        (100, (8, 12, 16, 24, 25, 32, 48, 64)),
    ],
)
def test_factors_add_resolutions_of_large_originals(size: int, wanted: tuple[int, ...]) -> None:
    assert CriticalResolution().resolutions(Faces(Path(), (), size)) == wanted


def test_without_an_embedder_one_sentence_is_all(
    data: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Looks(absent="needs the package onnxruntime")
    monkeypatch.setattr(critical_resolution, "embedder_named", lambda _: bare)
    protocol = CriticalResolution()
    assert protocol.inputs(data) == {}
    assert protocol.metrics() == []
    scores, curves = measured(data, {})
    assert curves == {}
    assert [score.value for score in scores.values()] == [None]
    assert scores["critical_resolution[looks]"].note == "needs the package onnxruntime"


def test_unknown_or_few_people_end_in_a_sentence(data: Split) -> None:
    nobody = replace(data, hr=replace(data.hr, identities=None))
    few = replace(data, hr=data.hr.take(range(14)))
    for split, said in (
        (nobody, "needs to know who is shown; hr does not say"),
        (few, "needs 40 people with two or more pictures; hr holds 7"),
    ):
        assert CriticalResolution().inputs(split) == {}
        assert measured(split, {})[0]["critical_resolution[looks]"].note == said


def test_outputs_of_other_faces_are_refused(data: Split, tmp_path: Path) -> None:
    more = made(tmp_path, data)
    more["r16"] = more["r16"].take(range(5))
    with pytest.raises(BadData, match="compares each face with its original"):
        measured(data, more)


def test_it_is_listed_with_its_paper() -> None:
    listed = catalog.describe("protocols", "critical_resolution")
    assert listed.title == "Critical resolution"
    assert listed.about["year"] == 2022
