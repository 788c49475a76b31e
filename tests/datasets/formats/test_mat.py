import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from hypothesis.extra.numpy import arrays as arrays_of
from numpy.typing import NDArray
from scipy.io import savemat

from facesr.bench.errors import BadData
from facesr.datasets._formats.mat import arrays, landmarks

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
POINTS = np.random.default_rng(0).uniform(0, 450, (3, 68))


def saved(compressed: bool = True, **values: Any) -> io.BytesIO:
    file: Any = io.BytesIO()
    savemat(file, values, do_compression=compressed)
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize("compressed", [False, True])
def test_numeric_arrays_are_read_and_nothing_else(compressed: bool, tmp_path: Path) -> None:
    values = {"a": np.arange(6).reshape(2, 3), "s": "text", "t": {"x": 1}, "c": np.array([1j])}
    (tmp_path / "a.mat").write_bytes(saved(compressed, **values).getvalue())
    found = arrays(tmp_path / "a.mat")
    assert {name: value.tolist() for name, value in found.items()} == {"a": [[0, 1, 2], [3, 4, 5]]}


@pytest.mark.parametrize(
    "values",
    [
        {"pt3d_68": POINTS},
        {"pt2d": POINTS[:2]},
        {"pts_3d": POINTS.T},
        {"pts_2d": POINTS.T[:, :2], "pts_3d": POINTS.T[:, :2]},
        {"Pose_Para": np.ones((1, 7)), "pt2d": POINTS[:2]},
    ],
)
def test_landmarks_are_found_by_name_and_turned_upright(values: dict[str, Any]) -> None:
    assert landmarks(saved(**values)) == pytest.approx(POINTS[:2].T)


@pytest.mark.parametrize(
    "values", [{"x": POINTS}, {"pt2d": POINTS * np.nan}, {"pt2d": np.ones((5, 5))}, {"pt2d": "a"}]
)
def test_a_file_without_points_says_what_it_has(values: dict[str, Any]) -> None:
    with pytest.raises(BadData, match="has no finite points under a known name"):
        landmarks(saved(**values))


@pytest.mark.parametrize("pad", [0, 512])
def test_a_file_of_version_7_3_says_how_to_save_it(pad: int) -> None:
    with pytest.raises(BadData, match=r"version 7.3 \(HDF5\).*save -v7"):
        arrays(io.BytesIO(b"MATLAB 7.3".ljust(pad)[:pad] + b"\x89HDF\r\n\x1a\n" + b"\0" * 600))


def variable(flags: int = 6, shape: tuple[int, ...] = (1, 1), kind: int = 9) -> bytes:
    sizes = struct.pack(f"<{len(shape)}i", *shape)
    sizes += b"\0" * (-len(sizes) % 8)
    body = struct.pack("<IIII", 6, 8, flags, 0) + struct.pack("<II", 5, 4 * len(shape)) + sizes
    body += struct.pack("<HH4s", 1, 1, b"a") + struct.pack("<IId", kind, 8, 1.5)
    return HEADER + struct.pack("<II", 14, len(body)) + body


def test_a_variable_written_by_hand_is_read() -> None:
    assert arrays(io.BytesIO(variable()))["a"].tolist() == [[1.5]]
    assert arrays(io.BytesIO(variable(shape=(2, 4), kind=2)))["a"].shape == (2, 4)
    assert arrays(io.BytesIO(variable(flags=4))) == {}
    assert arrays(io.BytesIO(HEADER)) == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin like"),
        (b"\0" * 600, "does not begin like"),
        (HEADER + struct.pack("<II", 14, 2**31), "an element of 2147483648 bytes, 0 are left"),
        (HEADER + struct.pack("<II", 99, 0), "element of type 99"),
        (HEADER + struct.pack("<IIq", 15, 8, 5), "Error -3"),
        (HEADER + b"\0\0\0", "unpack_from requires"),
        (saved(a=np.ones(9)).getvalue()[:-4], "are left"),
        (variable(shape=(2**30, 2**30)), "has 8 bytes of type 9"),
        (variable(shape=(-1, -1)), "has 8 bytes of type 9"),
        (variable(shape=(1,)), "has no dimensions"),
        (variable(shape=(1,) * 40), "has no dimensions"),
        (variable(kind=14), "has 8 bytes of type 14"),
        (variable() + variable()[128:], "has two variables 'a'"),
    ],
)
def test_a_damaged_file_is_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(BadData, match=f"is not a .mat file that can be read: .*{reason}"):
        arrays(io.BytesIO(data))


def bomb(claimed: int, actual: int) -> io.BytesIO:
    packed = zlib.compress(struct.pack("<II", 14, claimed) + b"\0" * actual, 9)
    return io.BytesIO(HEADER + struct.pack("<II", 15, len(packed)) + packed)


@pytest.mark.parametrize("claimed", [100, 50_000_000])
def test_a_file_that_would_swell_is_refused_before_it_does(claimed: int) -> None:
    file = bomb(claimed, 50_000_000)
    tracemalloc.start()
    with pytest.raises(BadData, match=r"claims|cut short or longer"):
        arrays(file, most_bytes=10_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
    with pytest.raises(BadData, match="is longer than 100 bytes"):
        arrays(io.BytesIO(b"\0" * 200), most_bytes=100)


dtypes = st.sampled_from([*"bBhHiIqQfd"])
drawn = arrays_of(dtypes, array_shapes(min_dims=2, max_dims=4, max_side=5))


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(array=drawn, compressed=st.booleans())
def test_what_scipy_writes_is_read(array: NDArray[Any], compressed: bool) -> None:
    found = arrays(saved(compressed, a=array))["a"]
    assert found.dtype == array.dtype
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")
