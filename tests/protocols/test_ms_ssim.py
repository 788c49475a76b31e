from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols.metrics import ms_ssim as module
from facesr.protocols.metrics.ms_ssim import MsSsim, least, ms_ssim

Array = NDArray[np.float64]
Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def slow(x: Array, y: Array, scales: int) -> float:
    """The paper's formula on one channel, one window after the other."""
    steps = np.arange(-5, 6)
    line = np.exp(-(steps**2) / 4.5)
    window = np.outer(line, line) / line.sum() ** 2
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    if scales < 5:
        weights /= weights.sum()
    product = 1.0
    for scale, weight in enumerate(weights, 1):
        values = []
        for i in range(len(x) - 10):
            for j in range(len(x) - 10):
                a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
                ma, mb = (window * a).sum(), (window * b).sum()
                va = (window * (a - ma) ** 2).sum()
                vb = (window * (b - mb) ** 2).sum()
                cov = (window * (a - ma) * (b - mb)).sum()
                value = (2 * cov + 58.5225) / (va + vb + 58.5225)
                if scale == scales:
                    value *= (2 * ma * mb + 6.5025) / (ma**2 + mb**2 + 6.5025)
                values.append(value)
        product *= max(0.0, float(np.mean(values))) ** weight
        x, y = (z.reshape(len(z) // 2, 2, -1, 2).mean(axis=(1, 3)) for z in (x, y))
    return product


@pytest.mark.parametrize("scales", [2, 3])
def test_ms_ssim_equals_the_formula_of_the_paper(draw: Draw, noise: Spoil, scales: int) -> None:
    y = draw(1)
    x = noise(y, 30)
    a, b = (z[0].transpose(2, 0, 1).astype(np.float64) for z in (x, y))
    expected = np.mean([slow(p, q, scales) for p, q in zip(a, b, strict=True)])
    assert ms_ssim(a[None], b[None], scales).tolist() == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize(("size", "scales"), [(161, 5), (174, 5), (81, 4), (63, 3), (64, 2)])
def test_ms_ssim_equals_piq(draw: Draw, noise: Spoil, size: int, scales: int) -> None:
    piq: Any = pytest.importorskip("piq")
    torch: Any = pytest.importorskip("torch")
    y = draw(3, size=size)
    x = np.stack([noise(y[i : i + 1], sigma)[0] for i, sigma in enumerate((5, 40, 120))])
    a, b = (z.transpose(0, 3, 1, 2).astype(np.float64) for z in (x, y))
    weights = None if scales == 5 else torch.tensor(module.EXPONENTS[:scales], dtype=torch.float64)
    theirs = piq.multi_scale_ssim(
        torch.tensor(a),
        torch.tensor(b),
        data_range=255.0,
        reduction="none",
        scale_weights=weights,
    )
    assert ms_ssim(a, b, scales).tolist() == pytest.approx(theirs.tolist(), rel=1e-12)


def test_opposite_pictures_have_zero_instead_of_a_root_of_a_negative_number(draw: Draw) -> None:
    y = draw(1).transpose(0, 3, 1, 2).astype(np.float64)
    assert ms_ssim(255 - y, y, 3).tolist() == [0]


def test_five_scales_of_a_small_face_are_a_sentence(draw: Draw, store: Store) -> None:
    small = store(draw(2), "small")
    score = MsSsim().score(small, small)
    assert (score.metric, score.value, score.ranked) == ("ms_ssim", None, False)
    assert score.note == (
        "defined from 161 pixels on, these faces have 64; scales=3 is a variant for this size"
    )
    tiny = store(draw(2, size=16), "tiny")
    assert MsSsim().score(tiny, tiny).note == "defined from 161 pixels on, these faces have 16"


def test_a_variant_never_carries_the_plain_name(draw: Draw, store: Store, noise: Spoil) -> None:
    large = draw(2, size=161)
    sr, hr = store(noise(large, 20), "sr"), store(large, "hr")
    scores = [MsSsim(scales=n).score(sr, hr) for n in (5, 4, 3, 2)]
    assert [s.metric for s in scores] == ["ms_ssim", *(f"ms_ssim[scales={n}]" for n in (4, 3, 2))]
    assert len({s.identity for s in scores}) == len({s.value for s in scores}) == 4
    assert "crop=0,scales=5," in scores[0].identity
    assert MsSsim(channel="y", scales=3).column == "ms_ssim[y,scales=3]"


@pytest.mark.parametrize("scales", [2, 3, 4, 5])
def test_the_smallest_size_just_holds_one_window_at_the_last_scale(scales: int) -> None:
    y = np.random.default_rng(0).uniform(0, 255, (1, 1, least(scales), least(scales)))
    assert ms_ssim(y, y, scales).tolist() == [1]
    with pytest.raises(ValueError, match=r"negative|concatenate"):
        ms_ssim(y[..., 2:, 2:], y[..., 2:, 2:], scales)


@pytest.mark.parametrize("scales", [1, 6])
def test_other_numbers_of_scales_are_refused(scales: int) -> None:
    with pytest.raises(BadName, match=f"scales={scales} cannot be used"):
        MsSsim(scales=scales)
