from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.protocols._intervals import groups, jackknife
from facesr.protocols.metrics import prdc as module
from facesr.protocols.metrics.prdc import Found, Part, Prdc, nearest, prdc

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]
PARTS: tuple[Part, ...] = ("precision", "recall", "density", "coverage")


def cloud(n: int, seed: int = 0, shift: float = 0.0, scale: float = 1.0, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


def by_definition(x: np.ndarray, y: np.ndarray) -> list[float]:
    def radius(of: np.ndarray, k: int) -> list[float]:
        return [sorted(float(np.linalg.norm(u - v)) for v in of)[k] for u in of]

    def inside(points: np.ndarray, balls: np.ndarray, k: int) -> np.ndarray:
        reach = radius(balls, k)
        return np.array(
            [[np.linalg.norm(p - b) < r for b, r in zip(balls, reach, strict=True)] for p in points]
        )

    close, wide = inside(x, y, 3), inside(x, y, 5)
    return [
        close.any(axis=1).mean(),
        inside(y, x, 3).any(axis=1).mean(),
        wide.sum() / (5 * len(x)),
        wide.any(axis=0).mean(),
    ]


def shares(found: Found) -> list[float]:
    means = found.precision.mean(), found.recall[0], found.density.mean(), found.coverage[0]
    return [float(mean) for mean in means]


@pytest.mark.parametrize(("n", "m"), [(40, 60), (60, 30), (7, 6)])
def test_all_four_equal_their_definitions(n: int, m: int) -> None:
    x, y = cloud(n, 0, 0.5, 1.2), cloud(m, 1)
    assert shares(prdc(x, y)) == pytest.approx(by_definition(x, y), abs=1e-12)


def test_all_four_equal_the_package_of_their_authors() -> None:
    theirs = pytest.importorskip("prdc").compute_prdc
    x, y = cloud(150, 0, 0.3, 1.1), cloud(120, 1)
    expected = [theirs(y, x, 3)[p] for p in PARTS[:2]] + [theirs(y, x, 5)[p] for p in PARTS[2:]]
    assert shares(prdc(x, y)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("people", [0, 9])
def test_jackknife_equals_leaving_out_by_hand(people: int) -> None:
    x, y = cloud(63, 0, 0.4), cloud(50, 1)
    shuffled = np.random.default_rng(0).permutation(63)
    parts = groups(63, [str(i % people) for i in shuffled] if people else None).parts
    found = prdc(x, y, parts)
    by_hand = [shares(prdc(np.delete(x, part, axis=0), y)) for part in parts]
    assert found.recall[1:].tolist() == [hand[1] for hand in by_hand]
    assert found.coverage[1:].tolist() == [hand[3] for hand in by_hand]


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(50, 0, 0.4), cloud(40, 1)
    parts = groups(50).parts
    whole = prdc(x, y, parts)
    monkeypatch.setattr(module, "AT_ONCE", 7)
    for one, other in zip(whole, prdc(x, y, parts), strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_order_changes_nothing() -> None:
    x, y = cloud(50, 0, 0.4), cloud(40, 1)
    assert shares(prdc(x[::-1], y)) == pytest.approx(shares(prdc(x, y[::-1])), abs=1e-12)


def test_a_set_against_itself_has_all_of_everything() -> None:
    x = cloud(60)
    assert shares(prdc(x, x)) == pytest.approx([1, 1, 1, 1], abs=1e-12)


def test_what_collapses_keeps_precision_and_loses_recall() -> None:
    y = cloud(200, 1)
    narrow = shares(prdc(cloud(200, 0, scale=0.2), y))
    wide = shares(prdc(cloud(200, 0, scale=3), y))
    assert narrow[0] > 0.95
    assert narrow[1] < 0.1
    assert narrow[3] < 0.5
    assert wide[0] < 0.2
    assert wide[1] > 0.8


def test_equal_faces_have_balls_without_size() -> None:
    x, y = np.ones((8, 6)), cloud(30, 1)
    assert (nearest(x) == 0).all()
    assert shares(prdc(x, x)) == [1, 1, 0, 0]  # closed balls hold their centre, open ones nothing
    assert np.isfinite(shares(prdc(x, y))).all()
    assert prdc(x, y).recall[0] == 0


@pytest.mark.parametrize("part", ["recall", "coverage"])
def test_the_interval_covers_what_as_many_pictures_show_on_average(part: str) -> None:
    y, near, n = cloud(80, 1, 0.3), nearest(cloud(80, 1, 0.3)), 100
    parts = groups(n).parts
    runs = [getattr(prdc(cloud(n, 100 + i), y, parts, near), part) for i in range(150)]
    truth = np.mean([run[0] for run in runs])
    ends = [jackknife(float(run[0]), run[1:])[:2] for run in runs]
    hits = sum(low <= truth <= high for low, high in ends if low is not None and high is not None)
    assert hits / 150 >= 0.93


def test_recall_and_coverage_depend_on_the_number_of_pictures_and_precision_does_not() -> None:
    y = cloud(100, 1)
    few, many = (
        np.mean([shares(prdc(cloud(n, 50 + i, 0.3), y)) for i in range(20)], axis=0)
        for n in (20, 400)
    )
    assert few[0] == pytest.approx(many[0], abs=0.03)
    assert few[2] == pytest.approx(many[2], abs=0.06)
    assert abs(few[1] - many[1]) > 0.03
    assert many[3] > few[3] + 0.2


@pytest.mark.parametrize("part", PARTS)
def test_a_score_says_everything(draw: Draw, store: Store, part: Part) -> None:
    sr, real = store(draw(30), "sr"), store(draw(25, seed=1), "real")
    score = Prdc(part=part).score(sr, real)
    by_picture = part in ("precision", "density")
    assert (score.metric, score.better, score.group) == (f"{part}[onet]", "higher", "realism")
    assert score.identity.startswith(f"{part}[onet@")
    k = 3 if part in ("precision", "recall") else 5
    assert f",k={k},ref=real@{real.fingerprint[:8]},v1.1]" in score.identity
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert 0 <= score.low <= score.value <= score.high
    assert score.ranked == by_picture
    assert score.sampling == ("picture" if by_picture else "jackknife")
    assert len(score.samples) == (30 if by_picture else 20)
    assert ("depends on both numbers" in score.note) != by_picture
    if part != "density":
        assert score.high <= 1


def test_one_look_serves_all_four_and_one_at_the_reference_all_methods(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sr, real = store(draw(12), "sr"), store(draw(15, seed=1), "real")
    Prdc().score(sr, real)
    with monkeypatch.context() as patch:
        patch.setattr(module, "prdc", lambda *_: pytest.fail("looked again"))
        for part in PARTS:
            Prdc(part=part).score(sr, real)
    monkeypatch.setattr(module, "nearest", lambda *_: pytest.fail("looked again"))
    Prdc().score(store(draw(12, seed=2), "other"), real)


def test_all_but_recall_fall_with_noise(draw: Draw, store: Store, noise: Spoil) -> None:
    real, pixels = store(draw(60, seed=1), "real"), draw(40)
    sets = [store(noise(pixels, step), f"noise{step}") for step in (0, 25, 50, 80)]
    for part in ("precision", "density", "coverage"):
        values = [Prdc(part=part).score(faces, real).value or 0.0 for faces in sets]
        assert np.diff(values).max() < 0


def test_too_few_faces_leave_the_place_empty(draw: Draw, store: Store) -> None:
    score = Prdc().score(store(draw(5), "sr"), store(draw(8, seed=1), "real"))
    assert (score.value, score.better) == (None, "higher")
    assert score.note == "needs at least 6 faces; sr holds 5"


def test_few_people_leave_too_few_pictures_for_an_interval(draw: Draw, store: Store) -> None:
    sr = store(draw(6), "sr", identities=tuple("aaabbb"))
    score = Prdc(part="recall").score(sr, store(draw(8, seed=1), "real"))
    assert score.value is not None
    assert (score.low, score.samples) == (None, ())


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(BadName, match="prdc has no part 'f1'; known: precision, recall"):
        Prdc(part="f1")  # type: ignore[arg-type]
