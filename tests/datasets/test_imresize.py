from itertools import product

import numpy as np
import pytest

from facesr.datasets._resize import MatlabKernel, imresize


def table(text: str) -> np.ndarray:
    return np.array([line.split() for line in text.split("\n") if line.strip()], np.float64)


def ramp(side: int) -> np.ndarray:
    return np.arange(float(side * side)).reshape(side, side)


PHOTO = table("""
    116 227 153 69 146 194 59 130 139 106
    2 47 137 249 90 75 16 24 158 44
    155 68 46 84 166 156 69 204 32 152
    71 221 137 230 210 153 192 115 30 118
    107 143 108 52 51 73 101 21 175 90
    54 158 143 77 26 168 113 229 165 225
    9 47 133 135 130 207 236 43 19 73
    129 60 59 243 64 181 249 56 32 86
""").astype(np.uint8)
SOURCES = {
    "ramp(4)": ramp(4),
    "ramp(8)": ramp(8),
    "corner": table("100 1 0 100\n10 0 0 0\n0 0 0 0\n0 0 0 0"),
}

# What MATLAB made of PHOTO, says the test of imresize in the Octave image package.
MATLAB_BYTES: dict[tuple[MatlabKernel, float, bool], str] = {
    ("bilinear", 0.91, False): """
        115 208 134 100 163 117 101 136 109 103
        26 61 149 182 95 53 41 116 73 60
        133 101 82 140 167 125 152 71 126 144
        88 184 137 164 142 145 110 81 104 108
        86 146 109 55 73 110 111 156 153 150
        33 104 131 100 130 184 147 97 133 142
        84 59 114 164 133 219 120 33 72 81
        126 60 104 181 116 218 125 38 77 86
    """,
    ("bicubic", 0.5, True): """
        105 140 126 81 109
        110 134 153 114 93
        108 108 94 127 146
        67 126 162 149 62
    """,
    ("bilinear", 0.5, True): """
        108 136 125 89 107
        111 132 143 114 99
        106 110 106 127 136
        75 124 154 142 75
    """,
    ("bicubic", 0.5, False): """
        92 164 123 38 118
        139 116 188 167 69
        121 87 67 108 180
        54 153 141 149 42
    """,
    ("bicubic", 1 / 3, True): """
        115 135 97 101
        113 119 124 125
        81 157 118 64
    """,
    ("bicubic", 1 / 3, False): """
        47 90 24 44
        143 51 21 90
        60 64 56 86
    """,
    ("bilinear", 1 / 3, True): """
        115 131 101 102
        114 117 120 121
        91 147 116 76
    """,
    ("bicubic", 4 / 3, True): """
        116 203 221 141 62 110 180 191 70 104 143 136 111 106
        26 78 126 156 200 139 103 103 33 28 92 158 67 46
        51 35 51 112 195 146 101 87 29 57 100 114 81 74
        159 110 63 50 82 148 179 152 83 173 147 27 143 170
        70 171 189 134 217 226 193 158 186 157 83 25 114 135
        91 152 162 116 118 114 102 98 138 65 60 127 92 84
        90 130 144 111 52 24 50 101 94 86 129 190 146 135
        41 114 157 139 89 37 82 178 125 192 203 154 213 227
        4 33 89 141 127 118 151 213 232 119 35 34 81 92
        88 61 54 97 203 129 115 203 255 119 18 24 70 81
        147 91 43 68 247 125 80 191 255 130 33 37 83 94
    """,
    ("bicubic", 1.5, True): """
        116 187 237 171 94 61 135 191 187 75 91 142 140 124 108
        43 92 143 149 164 163 119 123 118 44 38 80 151 118 62
        13 21 47 107 195 228 115 81 70 24 19 56 137 105 48
        146 98 49 49 71 107 148 159 132 58 124 176 61 85 146
        118 139 144 92 116 168 201 188 159 140 167 158 27 69 153
        61 151 218 145 174 219 201 164 146 187 148 84 48 76 115
        102 132 151 119 90 72 72 72 83 114 60 31 144 130 80
        81 121 154 133 87 41 19 67 116 95 108 140 183 180 163
        37 95 152 150 117 73 35 108 179 130 174 214 153 176 219
        3 29 73 131 136 120 116 162 214 229 147 54 35 62 96
        67 54 51 83 153 187 111 141 210 255 149 22 13 42 74
        142 99 53 43 164 237 77 103 197 254 159 42 31 59 91
    """,
    ("bilinear", 1.5, True): """
        116 172 215 165 111 82 133 170 171 81 95 132 138 123 106
        59 98 138 144 152 152 125 127 119 54 58 89 137 112 75
        27 39 62 110 172 202 123 96 78 36 40 68 123 100 62
        129 97 64 62 87 119 146 148 128 74 117 154 73 94 134
        113 129 136 101 125 162 183 172 151 135 146 139 53 83 135
        77 143 195 145 166 197 186 162 146 171 138 92 62 84 113
        101 129 149 120 98 81 78 82 91 111 77 56 132 123 95
        81 116 147 130 96 61 43 80 119 109 116 132 162 164 158
        46 93 139 141 114 80 50 109 168 141 166 189 151 171 200
        16 41 77 123 130 123 115 157 204 214 145 69 48 71 98
        69 62 61 89 143 174 112 146 202 235 147 46 30 53 80
        129 95 60 59 151 213 94 123 192 238 153 52 36 59 86
    """,
}

# What MATLAB R2019b made of small inputs: test_answer/ of sanghyun-son/bicubic_pytorch.
MATLAB_FLOATS = {
    ("ramp(4)", (3, 3), True): """
        0.75055188 2.1004415 3.45033113
        6.15011038 7.5 8.84988962
        11.54966887 12.8995585 14.24944812
    """,
    ("ramp(8)", (3, 4), True): """
        6.47252877 8.51159127 10.53502877 12.57409127
        28.44921875 30.48828125 32.51171875 34.55078125
        50.42590873 52.46497123 54.48840873 56.52747123
    """,
    ("ramp(8)", (3, 4), False): """
        7.01157407 9.07407407 11.07407407 13.13657407
        28.4375 30.5 32.5 34.5625
        49.86342593 51.92592593 53.92592593 55.98842593
    """,
    ("ramp(8)", (2, 2), True): """
        12.38378906 16.63183594
        46.36816406 50.61621094
    """,
    ("ramp(8)", (5, 7), True): """
        2.18452513 3.31913739 4.46884137 5.62045977 6.77207817 7.92178215 9.05639441
        15.21977157 16.35438383 17.50408782 18.65570621 19.80732461 20.9570286 22.09164086
        28.06406536 29.19867762 30.3483816 31.5 32.6516184 33.80132238 34.93593464
        40.90835914 42.0429714 43.19267539 44.34429379 45.49591218 46.64561617 47.78022843
        53.94360559 55.07821785 56.22792183 57.37954023 58.53115863 59.68086261 60.81547487
    """,
    ("corner", (5, 5), False): """
        108.685225 27.6970975 -12.4465625 26.8841925 109.2025
        35.471365 8.970789 -3.5895625 6.637437 26.961
        -0.6503125 -0.21221875 0.39453125 -1.60790625 -6.53125
        -0.768075 -0.18963 0.0459375 0 0
        0 0 0 0 0
    """,
}


@pytest.mark.parametrize(("kernel", "scale", "antialiasing"), MATLAB_BYTES)
def test_bytes_are_those_of_matlab(kernel: MatlabKernel, scale: float, antialiasing: bool) -> None:
    expected = table(MATLAB_BYTES[kernel, scale, antialiasing])
    ours = imresize(PHOTO, kernel=kernel, scale=scale, antialiasing=antialiasing)
    assert ours.dtype == np.uint8
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize(("source", "size", "antialiasing"), MATLAB_FLOATS)
def test_floats_are_those_of_matlab(source: str, size: tuple[int, int], antialiasing: bool) -> None:
    expected = table(MATLAB_FLOATS[source, size, antialiasing])
    ours = imresize(SOURCES[source], size, antialiasing=antialiasing)
    assert np.allclose(ours, expected, rtol=0, atol=6e-9)


def test_two_pixels_become_three_as_in_matlab() -> None:
    # Octave image package, "values from MATLAB"
    row = np.array([[10.0, 6.0]])
    assert np.allclose(imresize(row, (3, 3)), [[10.27777777777777, 8, 5.72222222222222]] * 3)
    assert np.allclose(imresize(row.T, (3, 3), "bilinear"), [[10] * 3, [8] * 3, [6] * 3])


def kernel_value(kernel: str, x: float) -> float:
    x = abs(x)
    if kernel == "bilinear":
        return 1 - x if x < 1 else 0.0
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def line_weights(
    kernel: str, old: int, scale: float, position: int, stretched: bool
) -> list[float]:
    """Weights of the old pixels in one new pixel, found by walking over the mirrored line."""
    weights = [0.0] * old
    stretch = max(1 / scale, 1) if stretched else 1
    middle = (position + 0.5) / scale - 0.5
    for at in range(int(middle - 2 * stretch) - 2, int(middle + 2 * stretch) + 3):
        inside = at
        while not 0 <= inside < old:
            inside = -1 - inside if inside < 0 else 2 * old - 1 - inside
        weights[inside] += kernel_value(kernel, (middle - at) / stretch)
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("antialiasing", [True, False])
@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_floats_agree_with_a_sum_over_all_pixels(kernel: MatlabKernel, antialiasing: bool) -> None:
    rng = np.random.default_rng(7)
    for _ in range(8):
        height, width, rows, columns = (int(n) for n in rng.integers(1, 12, 4))
        image = rng.normal(size=(height, width))
        expected = np.zeros((rows, columns))
        for i, j in product(range(rows), range(columns)):
            down = line_weights(kernel, height, rows / height, i, antialiasing)
            across = line_weights(kernel, width, columns / width, j, antialiasing)
            for y, x in product(range(height), range(width)):
                expected[i, j] += down[y] * across[x] * image[y, x]
        ours = imresize(image, (rows, columns), kernel, antialiasing=antialiasing)
        assert np.allclose(ours, expected, rtol=0, atol=1e-12)


def test_bytes_are_rounded_after_each_dimension() -> None:
    once = np.floor(np.clip(imresize(PHOTO.astype(float), scale=1.5), 0, 255) + 0.5)
    twice = imresize(PHOTO, scale=1.5)
    assert 0 < (once != twice).mean() < 0.5
    assert np.abs(once - twice).max() <= 1


def test_rows_are_resized_before_columns_only_if_they_shrink_as_much() -> None:
    wide = imresize(PHOTO, (8, 5))
    rows_first = imresize(imresize(PHOTO, (4, 10)), (4, 5))
    columns_first = imresize(imresize(PHOTO, (8, 3)), (4, 3))
    assert np.array_equal(imresize(PHOTO, (4, 5)), rows_first)
    assert np.array_equal(imresize(PHOTO, (4, 3)), columns_first)
    assert wide.shape == (8, 5)


def test_box_averages_and_nearest_picks() -> None:
    image = np.random.default_rng(0).random((16, 16, 3))
    blocks = image.reshape(4, 4, 4, 4, 3)
    assert np.allclose(imresize(image, 4, "box"), blocks.mean((1, 3)))
    assert np.array_equal(imresize(image, 4, "nearest"), blocks[:, 2, :, 2])
    assert np.array_equal(imresize(image, 32, "nearest"), image.repeat(2, 0).repeat(2, 1))
    assert np.allclose(imresize(image, 4, "nearest", antialiasing=True), blocks.mean((1, 3)))


def test_channels_are_resized_alone_and_a_pixel_fills_any_size() -> None:
    image = np.random.default_rng(0).random((9, 7, 3))
    apart = [imresize(image[..., i], (4, 11)) for i in range(3)]
    assert np.array_equal(imresize(image, (4, 11)), np.stack(apart, -1))
    assert np.allclose(imresize(np.full((1, 1, 3), 10.0), 5), 10)
    assert imresize(np.full((1, 1, 3), 255, np.uint8), 3).min() == 255


def test_size_and_scale_exclude_one_another() -> None:
    assert imresize(PHOTO, scale=1 / 3).shape == (3, 4)
    with pytest.raises(ValueError, match="expected exactly one of them"):
        imresize(PHOTO)
    with pytest.raises(ValueError, match=r"size=4 and scale=0\.5 were given"):
        imresize(PHOTO, 4, scale=0.5)
