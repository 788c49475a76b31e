import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesr.bench.errors import BadData
from facesr.datasets._formats.landmarks import Annotation, Points, helen, pts

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
Flaws = list[tuple[int, str]]


def read(text: str) -> tuple[Points, Flaws]:
    flaws: Flaws = []
    return pts(io.StringIO(text), lambda *flaw: flaws.append(flaw)), flaws


def read_helen(text: str) -> tuple[Annotation, Flaws]:
    flaws: Flaws = []
    return helen(io.StringIO(text), lambda *flaw: flaws.append(flaw)), flaws


def test_official_files_are_read_without_a_flaw() -> None:
    paths = sorted((SHARED / "helen").rglob("*.pts"))
    if not paths:
        pytest.skip("Helen is not on this machine")
    flaws: Flaws = []
    for path in paths:
        points = pts(path, lambda *flaw: flaws.append(flaw))
        lines = [line.split() for line in path.read_text().splitlines()[3:-1]]
        assert points == pytest.approx(np.array(lines, float) - 0.5)
        assert len(points) == 68
    assert flaws == []


@pytest.mark.parametrize("head", ["version: 1\nn_points: 2\n", "version:1\r\nn_points:  2 \r\n"])
def test_the_first_pixel_of_matlab_is_centred_at_a_half(head: str) -> None:
    points, flaws = read(f"{head}{{\n1 1\n2.5 -3\n}}\n")
    assert points.tolist() == [[0.5, 0.5], [2.0, -3.5]]
    assert flaws == []


def test_a_damaged_point_keeps_its_place() -> None:
    points, flaws = read("version: 1\nn_points: 3\n{\n1 1\n2 inf\n3 3\n}\n")
    assert np.isnan(points).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert flaws == [(5, "'inf' is not a finite number")]


@pytest.mark.parametrize("points", ["1 1\n", "1 1\n2 2\n3 3\n"])
def test_missing_and_extra_points_are_refused(points: str) -> None:
    with pytest.raises(BadData, match="should have 2 points and has"):
        read(f"version: 1\nn_points: 2\n{{\n{points}}}\n")


def test_a_file_that_is_no_pts_is_refused() -> None:
    with pytest.raises(BadData, match="does not say how many points"):
        read("version: 1\n{\n1 1\n}\n")
    with pytest.raises(BadData, match=r"is not a \.pts file"):
        read("0--Parade/a.jpg\n")
    with pytest.raises(BadData, match="more than 4096 points"):
        read("{\n" + "1 1\n" * 5000)


def test_a_line_behind_the_brace_is_a_flaw() -> None:
    points, flaws = read("version: 1\nn_points: 1\n{\n1 1\n}\n2 2\n")
    assert len(points) == 1
    assert flaws == [(6, "comes after the closing brace: '2 2'")]


LINES = [f"{i}.25 , {i}.5" for i in range(194)]


def test_an_annotation_of_helen_has_a_name_and_194_points() -> None:
    found, flaws = read_helen("\n".join(["232194_1", *LINES]) + "\n")
    assert found.name == "232194_1"
    assert found.points.shape == (194, 2)
    assert found.points[7].tolist() == [7.25, 7.5]
    assert flaws == []


def test_a_damaged_point_of_helen_keeps_its_place() -> None:
    found, flaws = read_helen("\n".join(["232194_1", *LINES[:5], "5.25 5.5", *LINES[6:]]))
    assert np.isnan(found.points[5]).all()
    assert found.points[6].tolist() == [6.25, 6.5]
    assert [number for number, _ in flaws] == [7]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["232194_1", *LINES[1:]], "should have 194 points and has 193"),
        (["232194_1", *LINES, *LINES], "should have 194 points and has more"),
        (LINES, "does not begin with the name of a photo"),
        (["../x", *LINES], "does not begin with a name"),
    ],
)
def test_another_file_than_helens_is_refused(lines: list[str], sentence: str) -> None:
    with pytest.raises(BadData, match=sentence):
        read_helen("\n".join(lines))


reals = st.floats(-1e6, 1e6, allow_nan=False)


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(points=st.lists(st.tuples(reals, reals), min_size=1, max_size=80))
def test_what_was_written_is_read(points: list[tuple[float, float]]) -> None:
    lines = "".join(f"{x!r} {y!r}\n" for x, y in points)
    found, flaws = read(f"version: 1\nn_points: {len(points)}\n{{\n{lines}}}\n")
    assert (found + 0.5).ravel() == pytest.approx(np.array(points).ravel())
    assert flaws == []
