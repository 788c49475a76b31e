import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats import t7
from facesr.datasets._formats.t7 import landmarks, read

CODES = {"Double": "<f8", "Float": "<f4", "Long": "<i8", "Int": "<i4", "Byte": "<u1", "Half": "<f2"}


def text(value: str) -> bytes:
    return struct.pack("<i", len(value.encode())) + value.encode()


def head(number: int, name: str) -> bytes:
    return struct.pack("<ii", 4, number) + text("V 1") + text(name)


def tensor(array: np.ndarray[Any, Any], kind: str, number: int = 1) -> bytes:
    """Write an array as Torch7 does, with its storage."""
    flat = np.ascontiguousarray(array, CODES[kind])
    strides = [s // flat.itemsize for s in flat.strides]
    body = struct.pack(f"<i{2 * flat.ndim + 1}q", flat.ndim, *flat.shape, *strides, 1)
    storage = head(number + 1, f"torch.{kind}Storage") + struct.pack("<q", flat.size)
    return head(number, f"torch.{kind}Tensor") + body + storage + flat.tobytes()


def written(value: Any, number: int = 1) -> bytes:
    if value is None:
        return struct.pack("<i", 0)
    if isinstance(value, bool):
        return struct.pack("<ii", 5, value)
    if isinstance(value, float | int):
        return struct.pack("<id", 1, value)
    if isinstance(value, str):
        return struct.pack("<i", 2) + text(value)
    pairs = enumerate(value, 1) if isinstance(value, list) else value.items()
    parts = [written(k) + written(v, number * 8 + i) for i, (k, v) in enumerate(pairs)]
    return struct.pack("<iii", 3, number, len(parts)) + b"".join(parts)


def load(data: bytes) -> Any:
    return read(io.BytesIO(data))


@pytest.mark.parametrize("kind", CODES)
def test_a_tensor_is_an_array_of_its_type(kind: str) -> None:
    array = np.arange(12).reshape(3, 4)
    found = load(tensor(array, kind))
    assert found.dtype == np.dtype(CODES[kind])
    assert found.tolist() == array.tolist()
    assert not found.flags.writeable


def test_landmarks_are_a_tensor_of_points(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 450, (68, 2))
    path = tmp_path / "image.t7"
    path.write_bytes(tensor(points, "Float"))
    assert landmarks(path) == pytest.approx(points, rel=1e-6)
    path.write_bytes(tensor(points[0], "Float"))
    with pytest.raises(BadData, match=r"holds shape \(2,\), expected a tensor"):
        landmarks(path)
    path.write_bytes(tensor(points * np.nan, "Float"))
    with pytest.raises(BadData, match="not finite"):
        landmarks(path)
    path.write_bytes(written({"a": 1}))
    with pytest.raises(BadData, match="holds dict, expected a tensor"):
        landmarks(path)


def test_views_that_share_a_storage_are_read() -> None:
    storage = head(2, "torch.DoubleStorage") + struct.pack("<q6d", 6, *range(6))
    first = head(1, "torch.DoubleTensor") + struct.pack("<i5q", 2, 3, 2, 1, 3, 1) + storage
    second = head(3, "torch.DoubleTensor") + struct.pack("<i3q", 1, 2, 2, 2)
    second += struct.pack("<ii", 4, 2)
    found = load(struct.pack("<iii", 3, 9, 2) + written(1) + first + written(2) + second)
    assert [part.tolist() for part in found] == [[[0, 3], [1, 4], [2, 5]], [1, 3]]


def test_an_object_may_be_referred_to_twice() -> None:
    data = struct.pack("<iii", 3, 1, 2) + written("a") + written(["x"], 2) + written("b")
    assert load(data + struct.pack("<ii", 3, 2)) == {"a": ["x"], "b": ["x"]}


def test_empty_tensors_are_empty() -> None:
    assert load(head(1, "torch.FloatTensor") + struct.pack("<iqi", 0, 1, 0)).shape == (0,)
    assert load(tensor(np.empty((0, 2)), "Float")).shape == (0, 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "speaks of 4 bytes, 0 are left"),
        (b"4\n1\n3\nV 1\n", "in Torch's ASCII format"),
        (struct.pack("<i", 99), "unknown type 99"),
        (struct.pack("<iii", 6, 1, 4), "holds a function"),
        (struct.pack("<ii", 5, 2), "a boolean is 2"),
        (struct.pack("<ii", 2, 2**31 - 1), "speaks of 2147483647 bytes"),
        (struct.pack("<ii", 2, -5), "speaks of -5 bytes"),
        (struct.pack("<iii", 3, 1, 2**31 - 1), "a table of 2147483647 entries is longer"),
        (struct.pack("<iii", 3, 1, 1) + struct.pack("<iiii", 0, 0, 0, 0), "key of type NoneType"),
        (struct.pack("<iii", 3, 1, 1) + written(float("nan")) + written(1), "key of type float"),
        (struct.pack("<iii", 3, 1, 2) + (written("a") + written(1)) * 2, "has the key 'a' twice"),
        (struct.pack("<iii", 3, 1, 1) + written("a") + struct.pack("<ii", 3, 1), "to itself"),
        (head(1, "nn.Sequential") + struct.pack("<i", 0), "object of class 'nn.Sequential'"),
        (head(1, "torch.DoubleStorage") + struct.pack("<q", 2**60), "bytes, 0 are left"),
        (head(1, "torch.DoubleStorage") + struct.pack("<q", -1), "speaks of -1 bytes"),
        (head(1, "torch.DoubleTensor") + struct.pack("<i", 2**30), "has 1073741824 dimensions"),
        (written(1) + b"\0", "1 bytes follow the object"),
    ],
)
def test_a_hostile_file_is_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=f"is not a .t7 file of plain data: .*{reason}"):
        load(data)


@pytest.mark.parametrize(
    ("shape", "strides", "start"),
    [
        ((2**40,), (0,), 1),
        ((3, 2), (2, 2), 1),
        ((2, 2), (2, 1), 4),
        ((2, 2), (2, 1), 0),
        ((2, 2), (2, -1), 3),
        ((-1, -4), (1, 1), 1),
        ((2**40, 0), (2**62, 2**62), 1),
        ((4, 1), (2**62, 1), 1),
    ],
)
def test_no_tensor_leaves_its_storage(
    shape: tuple[int, ...], strides: tuple[int, ...], start: int
) -> None:
    body = struct.pack(f"<i{2 * len(shape) + 1}q", len(shape), *shape, *strides, start)
    storage = head(2, "torch.DoubleStorage") + struct.pack("<q4d", 4, *range(4))
    data = head(1, "torch.DoubleTensor") + body + storage
    if 0 in shape:
        assert load(data).size == 0
    else:
        with pytest.raises(BadData, match="tensor of shape"):
            load(data)


def test_depth_objects_and_length_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = b"".join(struct.pack("<iii", 3, i, 1) + written(1) for i in range(5000))
    with pytest.raises(BadData, match="levels"):
        load(nested + written(None))
    monkeypatch.setattr(t7, "_MOST_OBJECTS", 20_000)
    n = 15_000
    rows = b"".join(written(float(i)) + written(None) for i in range(n))
    tracemalloc.start()
    with pytest.raises(BadData, match="over 20000 objects"):
        load(struct.pack("<iii", 3, 1, n) + rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * len(rows)
    with pytest.raises(BadData, match="is longer than 100 bytes"):
        read(io.BytesIO(b"\0" * 200), most_bytes=100)


scalars = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8)
keys = st.text(max_size=4) | st.integers(-9, 9)
values = st.recursive(
    scalars,
    lambda each: st.lists(each, min_size=1, max_size=3) | st.dictionaries(keys, each, max_size=3),
)


def plain(value: Any) -> Any:
    """What Lua makes of a value: a table whose keys are 1 to n is a list."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        if value and set(value) == set(range(1, len(value) + 1)):
            return [plain(value[i]) for i in range(1, len(value) + 1)]
        return {key: plain(each) for key, each in value.items()}
    return value


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(value=values)
def test_what_was_written_is_read(value: Any) -> None:
    assert load(written(value)) == plain(value)
