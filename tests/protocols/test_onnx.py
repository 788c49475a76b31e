import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces, write_png
from facesr.datasets.lfw import pairs
from facesr.protocols.features.embedders import embedder_named
from facesr.protocols.features.onnx import Onnx, from_file
from facesr.protocols.metrics.cosine import Cosine
from facesr.protocols.metrics.verification import Verification


def write_network(path: Path, side: int = 8, shape: tuple[int, ...] = (5,), inputs: int = 1) -> Any:
    """Write a network that multiplies all pixels with a seeded matrix, and return the matrix."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    matrix = np.random.default_rng(side).normal(size=(3 * side * side, 5)).astype(np.float32)
    maker, kind = onnx.helper, onnx.TensorProto.FLOAT
    sources = [
        maker.make_tensor_value_info(f"x{i}", kind, ["n", 3, side, side]) for i in range(inputs)
    ]
    target = maker.make_tensor_value_info("y", kind, ["n", *shape])
    shaped = onnx.numpy_helper.from_array(np.array([-1, *shape]), "shape")
    graph = maker.make_graph(
        [
            maker.make_node("Flatten", ["x0"], ["flat"]),
            maker.make_node("MatMul", ["flat", "w"], ["product"]),
            maker.make_node("Reshape", ["product", "shape"], ["y"]),
        ],
        "toy",
        sources,
        [target],
        [onnx.numpy_helper.from_array(matrix, "w"), shaped],
    )
    model = maker.make_model(graph, opset_imports=[maker.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return matrix


def faces(n: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand((n, 3, size, size), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(5,), (5, 1, 1)])
def test_a_users_own_network_is_shown_what_arcface_is(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    matrix = write_network(tmp_path / "mine.onnx", shape=shape)
    embedder = from_file(tmp_path / "mine.onnx")
    assert (embedder.name, embedder.dim, embedder.view.side) == ("mine", 5, 8)
    expected = embedder.view(faces()).flatten(1).numpy() @ matrix
    assert embedder(faces()) == pytest.approx(expected, abs=1e-4)


def test_a_file_beside_it_says_what_it_is_shown(tmp_path: Path) -> None:
    write_network(tmp_path / "mine.onnx")
    plain = from_file(tmp_path / "mine.onnx").label
    (tmp_path / "mine.json").write_text('{"order": "bgr", "mean": 0, "box": [0, 0, 1, 1]}')
    embedder = from_file(tmp_path / "mine.onnx")
    assert (embedder.view.order, embedder.view.mean, embedder.view.side) == ("bgr", 0, 8)
    assert embedder.view.box == (0, 0, 1, 1)
    assert embedder.label != plain


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"order": "brg"}', '{"crop": 1}', '{"box": [0, 0, 1]}', '{"box": [0, 0, 0, 1]}']
    + [json.dumps({key: "x"}) for key in ("side", "mean", "deviation", "box")]
    + ['{"deviation": 0}', '{"side": 0}', '{"side": 1.5}', '{"mean": null}'],
)
def test_a_file_that_says_nothing_useful_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"")
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(BadName, match="write an object with some of side, box"):
        from_file(tmp_path / "mine.onnx")


def test_the_digest_of_the_file_is_part_of_the_label(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    write_network(path)
    before = from_file(path).digest
    assert from_file(path).label.startswith(f"mine@{before},box=")
    write_network(tmp_path / "other.onnx", side=9)
    (tmp_path / "other.onnx").replace(path)
    assert from_file(path).digest != before
    assert from_file(path).view.side == 9


def test_batches_change_nothing(tmp_path: Path) -> None:
    write_network(tmp_path / "mine.onnx")
    embedder = from_file(tmp_path / "mine.onnx")
    alone = torch.cat([embedder(face[None]) for face in faces(5)])
    assert torch.equal(embedder(faces(5)), alone)


def test_files_that_are_no_network_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="does not exist; name an ONNX file"):
        embedder_named(str(tmp_path / "none.onnx"))
    write_network(tmp_path / "two.onnx", inputs=2)
    with pytest.raises(BadName, match="expected one input"):
        from_file(tmp_path / "two.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(BadName, match="is not a network that onnxruntime can run"):
        from_file(tmp_path / "bad.onnx")


def test_an_absent_runtime_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesr.protocols.features.onnx.find_spec", lambda _: None)
    (tmp_path / "mine.onnx").write_bytes(b"")
    embedder = from_file(tmp_path / "mine.onnx")
    assert embedder.missing().startswith("needs the package onnxruntime")
    with pytest.raises(BenchError, match="mine needs the package onnxruntime"):
        embedder(faces())


@pytest.fixture
def real(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Onnx:
    monkeypatch.setenv("FACESR_ASSETS", str(shared / "weights"))
    found = embedder_named("face_reid_0095")
    assert isinstance(found, Onnx)
    if why := found.missing():
        pytest.skip(why)
    return found


def crops(shared: Path, names: list[str], to: Path, size: int) -> Faces:
    """Cut pictures of LFW as the loader does."""
    folder = shared / "data/lfw/lfw-deepfunneled"
    people = tuple(name.removeprefix("lfw-").rpartition("_")[0] for name in names)
    for name, person in zip(names, people, strict=True):
        photo = Image.open(folder / person / f"{name.removeprefix('lfw-')}.jpg").convert("RGB")
        crop = photo.resize((size, size), Image.Resampling.BICUBIC, box=(58, 58, 195, 195))
        write_png(np.asarray(crop), to / f"{name}.png")
    return Faces(to, tuple(f"{n}.png" for n in names), size, "lfw/test/hr", people)


def test_pictures_of_a_person_are_more_alike_than_of_two(
    real: Onnx, shared: Path, tmp_path: Path
) -> None:
    listed = list(pairs(shared / "data/lfw"))
    chosen = [*listed[:12], *listed[-12:]]
    left = crops(shared, [p.left for p in chosen[:12]], tmp_path / "a", 64)
    for part, least, most in ((chosen[:12], 0.4, 1.0), (chosen[12:], -0.2, 0.2)):
        names = [sorted({getattr(pair, side) for pair in part}) for side in ("left", "right")]
        found = [
            dict(
                zip(
                    n,
                    real(next(crops(shared, n, tmp_path / f"{least}{i}", 64).batches(99))),
                    strict=True,
                )
            )
            for i, n in enumerate(names)
        ]
        similar = [
            float(torch.cosine_similarity(found[0][p.left], found[1][p.right], dim=0)) for p in part
        ]
        assert least < np.mean(similar) < most
    assert Cosine().score(left, left).value == pytest.approx(1)


@pytest.mark.slow
def test_the_pairs_of_lfw_are_told_apart(real: Onnx, shared: Path, tmp_path: Path) -> None:
    listed = tuple(pairs(shared / "data/lfw"))
    names = sorted({name for pair in listed for name in (pair.left, pair.right)})
    hr = crops(shared, names, tmp_path / "lfw", 128)
    score = Verification().judged(hr, hr, listed)
    assert score.n == 2000
    assert score.value is not None
    assert score.value >= 98.5
