import io
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from facesr.bench.errors import BadData
from facesr.datasets._formats.duke import Box, Crop, boxes, crops, frame_path, frames

Flaws = list[tuple[int, str]]
ROW = [2.0, 5.0, 46985.0, 10.5, 20.0, 30.0, 80.25, 1.0, 2.0, 0.5, 0.5]


def read(**values: Any) -> tuple[list[Box], Flaws]:
    file: Any = io.BytesIO()
    savemat(file, values, do_compression=True)
    flaws: Flaws = []
    return list(boxes(io.BytesIO(file.getvalue()), lambda *flaw: flaws.append(flaw))), flaws


def test_the_name_of_a_crop_tells_person_camera_and_frame() -> None:
    names = ["0005_c2_f0046985.jpg", "0005_c9_f0046985.jpg", "Thumbs.db", "0001_c1_f0044158.jpg"]
    flaws: Flaws = []
    found = list(crops(names, lambda *flaw: flaws.append(flaw)))
    assert found == [Crop(names[0], 5, 2, 46985), Crop(names[3], 1, 1, 44158)]
    assert [number for number, _ in flaws] == [2, 3]


@pytest.mark.parametrize(
    "name", ["\u0660\u0660\u06605_c2_f0046985.jpg", "0005_c2_f0046985.jpg\n", "0005_c2.jpg", ""]
)
def test_another_name_is_a_flaw(name: str) -> None:
    flaws: Flaws = []
    assert list(crops([name], lambda *flaw: flaws.append(flaw))) == []
    assert len(flaws) == 1


def test_frames_are_in_a_folder_per_camera() -> None:
    flaws: Flaws = []
    paths = ["camera1/44158.jpg", "camera1/0.jpg", "camera9/1.jpg", frame_path(8, 353220)]
    assert list(frames(paths, lambda *flaw: flaws.append(flaw))) == [(1, 44158), (8, 353220)]
    assert [number for number, _ in flaws] == [2, 3]


def test_boxes_are_rows_of_the_matrix() -> None:
    found, flaws = read(trainData=np.array([ROW, ROW]))
    assert found == [Box(2, 5, 46985, 10.5, 20.0, 30.0, 80.25)] * 2
    assert flaws == []
    assert read(trainData=np.array([ROW[:9]]))[0] == found[:1]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (3, np.nan, "not a finite number"),
        (6, -np.inf, "not a finite number"),
        (0, 9, "has camera, ID and frame 9, 5, 46985"),
        (1, 0, "has camera, ID and frame 2, 0, 46985"),
        (2, 1.5, "has camera, ID and frame 2, 5, 1.5"),
    ],
)
def test_a_damaged_row_is_a_flaw(column: int, value: float, reason: str) -> None:
    rows = np.array([ROW] * 3)
    rows[1, column] = value
    found, flaws = read(trainData=rows)
    assert len(found) == 2
    assert flaws[0][0] == 2
    assert reason in flaws[0][1]


def test_another_matrix_is_refused() -> None:
    for values in ({"a": np.ones((3, 3))}, {"a": np.ones((1, 9)), "b": np.ones((1, 9))}):
        with pytest.raises(BadData, match="expected one with the columns camera, ID, frame"):
            read(**values)
