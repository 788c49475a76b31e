from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from facesr.bench.errors import BadData, BadName
from facesr.bench.faces import Faces
from facesr.protocols._intervals import groups
from facesr.protocols.features.onet import Onet
from facesr.protocols.metrics import fd
from facesr.protocols.metrics.fd import (
    Fd,
    frechet_between,
    frechet_distance,
    from_moments,
    gaussian,
)

Draw = Callable[..., NDArray[np.uint8]]
Store = Callable[..., Faces]
Spoil = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]


def cloud(n: int, d: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    scales = np.arange(1, d + 1) ** -0.7
    return random.normal(shift, 1, (n, d)) * scales @ random.normal(size=(d, d)) / np.sqrt(d)


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    apart = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    return float(apart + np.trace(cx + cy - 2 * sqrtm(cx @ cy).real))


def test_distance_of_one_dimension_is_known_by_hand() -> None:
    x, y = np.array([[-1.0], [0.0], [1.0]]), np.array([[3.0], [5.0], [7.0]])
    assert frechet_distance(x, y) == pytest.approx(25 + (2 - 1) ** 2)


@pytest.mark.parametrize(("n", "m", "d"), [(200, 300, 20), (90, 500, 64)])
def test_distance_equals_the_general_matrix_root(n: int, m: int, d: int) -> None:
    x, y = cloud(n, d, 0), cloud(m, d, 1, 0.3)
    assert frechet_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-9)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_distance_equals_pytorch_fid() -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    x, y = cloud(150, 32, 0), cloud(180, 32, 1, 0.2)
    theirs = calculate_frechet_distance(
        x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False)
    )
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("m", [50, 150])
def test_distance_between_moments_equals_the_distance_between_features(m: int) -> None:
    x, y = cloud(200, 64), cloud(m, 64, 1, 0.2)
    ours, theirs = ((z.mean(axis=0), np.cov(z, rowvar=False)) for z in (x, y))
    expected = frechet_distance(x, y)
    assert frechet_between(*ours, from_moments(*theirs)) == pytest.approx(expected, rel=1e-6)


def test_directions_without_any_spread_do_no_harm() -> None:
    x, y = cloud(100, 16), cloud(120, 16, 1, 0.1)
    expected = frechet_distance(x, y)
    x, y = (np.hstack([z, np.full((len(z), 3), 5.0)]) for z in (x, y))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(19, 19)))[0]
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(expected, rel=1e-6)


def test_rows_far_from_zero_lose_no_digits() -> None:
    x, y = cloud(3000, 8), cloud(2500, 8, 1, 0.3)
    assert frechet_distance(x + 1e6, y + 1e6) == pytest.approx(frechet_distance(x, y), rel=1e-8)


def test_blocks_of_rows_change_only_the_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(130, 16), cloud(90, 16, 1, 0.2)
    parts = groups(130, people(130, "people")).parts
    whole = fd._distances(x, gaussian(y), parts)
    monkeypatch.setattr(fd, "AT_ONCE", 7)
    value, without = fd._distances(x, gaussian(y), parts)
    assert value == pytest.approx(whole[0], rel=1e-12)
    assert without == pytest.approx(whole[1], rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(30, 500), (30, 40), (150, 40), (80, 80)])
def test_fewer_pictures_than_features_give_a_real_number(n: int, m: int) -> None:
    x, y = cloud(n, 80, 0), cloud(m, 80, 1)
    zx, zy = (z - z.mean(axis=0) for z in (x, y))
    root = np.linalg.svd(zx @ zy.T / np.sqrt((n - 1) * (m - 1)), compute_uv=False).sum()
    apart = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    exact = apart + np.square(zx).sum() / (n - 1) + np.square(zy).sum() / (m - 1) - 2 * root
    assert frechet_distance(x, y) == pytest.approx(exact, rel=1e-6)


def test_distance_to_itself_is_zero_and_order_does_not_matter() -> None:
    x, y = cloud(100, 16), cloud(120, 16, 1)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x[::-1], y) == pytest.approx(frechet_distance(x, y))
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x))


def people(n: int, kind: str) -> list[str] | None:
    who = np.random.default_rng(0).integers(0, n // 3, n)
    return None if kind == "pictures" else [str(person) for person in who]


@pytest.mark.parametrize("kind", ["pictures", "people"])
@pytest.mark.parametrize("n", [47, 130])
def test_jackknife_equals_leaving_out_by_hand(n: int, kind: str) -> None:
    x, y = cloud(n, 64), cloud(200, 64, 1, 0.2)
    parts = groups(n, people(n, kind)).parts
    _, without = fd._distances(x, gaussian(y), parts)
    by_hand = [frechet_distance(np.delete(x, p, axis=0), y) for p in parts]
    assert without == pytest.approx(by_hand, rel=1e-7)


def test_a_score_says_everything(draw: Draw, store: Store) -> None:
    sr, real = store(draw(30), "sr"), store(draw(25, seed=1), "real")
    score = Fd().score(sr, real)
    assert score.metric == "fd[onet]"
    assert score.identity == (
        f"fd[onet@{Onet().digest},resize=bilinear-antialiased-48,"
        f"ref=real@{real.fingerprint[:8]},v{fd.VERSION}.1]"
    )
    assert (score.n, score.better, score.sampling) == (30, "lower", "jackknife")
    assert len(score.samples) == 20
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert 0 <= score.low < score.value < score.high
    assert score.interval == "jackknife, 20 groups of pictures"


def test_small_sets_are_measured_and_not_ranked(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sr, real = store(draw(12), "sr"), store(draw(15, seed=1), "real")
    score = Fd().score(sr, real)
    assert not score.ranked
    assert "12 faces against 15: below 1536" in score.note
    monkeypatch.setattr(fd, "PER_FEATURE", 12 / 256)
    assert Fd().score(sr, real).ranked
    assert not Fd().score(sr, real.take(range(11))).ranked


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_distance_grows_with_every_degradation(
    draw: Draw, store: Store, blur: Spoil, noise: Spoil, metric: str
) -> None:
    from facesr.bench import catalog

    measure = catalog.load("metrics", metric)()
    real, pixels = store(draw(80, seed=1), "real"), draw(60)
    for name, spoil, steps in (("blur", blur, (0, 1, 2, 4)), ("noise", noise, (0, 12, 25, 50))):
        sets = [store(spoil(pixels, step), f"{name}{step}") for step in steps]
        values = [measure.score(faces, real).value for faces in sets]
        assert np.diff(values).min() > 0
        assert values[-1] > 2 * values[0]


@pytest.mark.parametrize("metric", ["fd", "kd", "niqe_fit"])
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    draw: Draw, store: Store, metric: str
) -> None:
    from facesr.bench import catalog

    measure = catalog.load("metrics", metric)()
    sr, real = store(draw(4), "sr"), store(draw(4, size=32), "real")
    with pytest.raises(BadData, match="name a folder of them"):
        measure.score(sr, None)
    with pytest.raises(BadData, match=r"sr has 64x64 faces, its reference real has 32x32"):
        measure.score(sr, real)
    with pytest.raises(BadData, match="empty holds no face"):
        measure.score(store(draw(1)[:0].reshape(0, 64, 64, 3), "empty"), sr)
    with pytest.raises(BadData, match="nobody holds no face"):
        measure.score(sr, store(draw(1)[:0].reshape(0, 64, 64, 3), "nobody"))


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_two_faces_are_too_few(draw: Draw, store: Store, metric: str) -> None:
    from facesr.bench import catalog

    score = catalog.load("metrics", metric)().score(store(draw(2), "sr"), store(draw(5), "real"))
    assert score.value is None
    assert score.note == "needs at least 3 faces; sr holds 2"


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_groups_are_made_of_people_where_they_are_known(
    draw: Draw, store: Store, metric: str
) -> None:
    from facesr.bench import catalog

    measure, real = catalog.load("metrics", metric)(), store(draw(12, seed=1), "real")
    pixels, people = draw(12), tuple("abcdabcdabcd")
    score = measure.score(store(pixels, "sr", identities=people), real)
    assert score.interval == "jackknife, 4 groups of people"
    for person, sample in zip("abcd", score.samples, strict=True):
        others = pixels[[who != person for who in people]]
        alone = measure.score(store(others, f"without {person}"), real)
        # float32 features depend on the batch by rounding; kd is a difference of sums near 1
        assert sample == pytest.approx(alone.value, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_one_person_has_a_distance_and_no_interval(draw: Draw, store: Store, metric: str) -> None:
    from facesr.bench import catalog

    sr = store(draw(5), "sr", identities=("a",) * 5)
    score = catalog.load("metrics", metric)().score(sr, store(draw(6, seed=1), "real"))
    assert score.value is not None
    assert (score.low, score.high, score.samples, score.sampling) == (None, None, (), "none")
    assert score.note.endswith("too few people to leave some out, so there is no interval")


@pytest.mark.parametrize("n", [3, 30])
def test_a_set_against_itself_has_no_distance(draw: Draw, store: Store, n: int) -> None:
    from facesr.bench import catalog

    faces = store(draw(n), "both")
    fd, kd = (catalog.load("metrics", name)().score(faces, faces) for name in ("fd", "kd"))
    assert fd.value == pytest.approx(0, abs=1e-3 * max(fd.samples))
    assert kd.value <= 0
    for score in (fd, kd):
        assert np.isfinite([score.low, score.high, *score.samples]).all()
        assert score.low <= score.value <= score.high


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_pictures_without_any_spread_have_a_distance(draw: Draw, store: Store, metric: str) -> None:
    from facesr.bench import catalog

    flat = np.full((4, 64, 64, 3), 90, np.uint8)
    score = catalog.load("metrics", metric)().score(store(flat, "flat"), store(draw(5), "real"))
    assert score.value > 0
    assert np.isfinite([score.low, score.high, *score.samples]).all()


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_one_reference_face_leaves_the_place_empty(draw: Draw, store: Store, metric: str) -> None:
    from facesr.bench import catalog

    score = catalog.load("metrics", metric)().score(store(draw(4), "sr"), store(draw(1), "real"))
    assert (score.value, score.ranked) == (None, False)
    assert score.note == "needs at least 3 faces; real holds 1"


@pytest.mark.parametrize("metric", ["fd", "kd"])
def test_other_features_or_another_reference_make_another_identity(
    draw: Draw, store: Store, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    from facesr.bench import catalog

    def measured() -> str:
        return catalog.load("metrics", metric)().score(sr, real).identity

    sr, real = store(draw(4), "sr"), store(draw(4, seed=1), "real")
    found = [measured()]
    for name, value in (("version", 77), ("digest", "0badcafe"), ("label", "onet@x,resize=none")):
        with monkeypatch.context() as patch:
            patch.setattr(Onet, name, value)
            found.append(measured())
    real = store(draw(4, seed=2), "real")
    assert len({*found, measured()}) == 5


def test_unknown_features_are_named() -> None:
    with pytest.raises(BadName, match="no features named 'vgg'; known: arcface, dinov2"):
        Fd(features="vgg").missing()
