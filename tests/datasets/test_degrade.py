import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facesr.bench.errors import BadImage, BadName
from facesr.datasets._blur import convolve, gaussian
from facesr.datasets._degrade import (
    CHAINS,
    STEPS,
    as_bytes,
    as_float,
    chain_of,
    degrade,
    generator,
    imresize,
    version,
)

JOINED = ["jitter+scgan", "scgan+jitter", "motion+bicubic", "gaussian+defocus+jitter+area"]
RANDOM = ["lrgan", "scgan", "realesrgan", "wild", *JOINED]
FIXED = ["bicubic", "bilinear", "area", "nearest"]

# A new digest is another data set: give the chain a new version as well. Chains
# with JPEG in them also depend on libjpeg-turbo, which Pillow's wheels bring.
DIGESTS = {
    "bicubic": (1, "d976bcb379e37d66"),
    "bilinear": (1, "8626febcbf6d443e"),
    "area": (1, "0efd1582f28d21b9"),
    "nearest": (1, "76675c58b0221bba"),
    "lrgan": (1, "201da859c1530a23"),
    "scgan": (1, "f8fddb83ceedbe69"),
    "realesrgan": (1, "21d21a0d6ca53d73"),
    "wild": (1, "8827792688dba190"),
}


def picture(key: object = 0, size: int = 64) -> np.ndarray:
    rng = generator(3, "picture", key)
    smooth = convolve(rng.random((size, size, 3)), gaussian(1.5 * size / 64))
    return as_bytes((smooth - 0.5) * 3 + 0.5)


def noise(key: int, size: int) -> np.ndarray:
    return np.random.default_rng(key).integers(0, 256, (size, size, 3), dtype=np.uint8)


def digest(chain: str) -> str:
    total = hashlib.sha256()
    for i in range(40):
        image = noise(i, 64 if i % 3 else 50)
        low, params = degrade(image, chain, generator(0, i), 16 if i % 2 else 13)
        total.update(low.tobytes() + json.dumps(params).encode())
    return total.hexdigest()[:16]


def test_every_chain_has_its_digest() -> None:
    assert set(DIGESTS) == set(CHAINS)


@pytest.mark.parametrize("chain", CHAINS)
def test_pixels_and_parameters_of_a_version_never_change(chain: str) -> None:
    assert (version(chain), digest(chain)) == DIGESTS[chain]


@pytest.mark.parametrize("chain", [*FIXED, *RANDOM])
def test_a_face_is_degraded_alike_whatever_else_is_and_when(chain: str) -> None:
    def low(i: int) -> bytes:
        return degrade(picture(i), chain, generator(0, f"{i}.png"), 16)[0].tobytes()

    alone = [low(i) for i in range(12)]
    assert [low(i) for i in reversed(range(12))][::-1] == alone
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(low, range(12))) == alone
    assert len(set(alone)) == 12


@pytest.mark.parametrize("chain", [*FIXED, *RANDOM])
def test_exported_parameters_repeat_the_result(chain: str) -> None:
    for i in range(20):
        image = picture(i)
        low, params = degrade(image, chain, generator(0, i), 16)
        assert low.shape == (16, 16, 3)
        assert low.dtype == np.uint8
        exported = json.loads(json.dumps(params))
        assert exported == params
        assert np.array_equal(chain_of(chain).apply(image, exported, 16), low)


@pytest.mark.parametrize("chain", RANDOM)
def test_a_random_chain_depends_on_seed_and_name(chain: str) -> None:
    image = picture()
    lows = [degrade(image, chain, generator(s, k), 16)[0] for s in (0, 1) for k in range(6)]
    assert len({low.tobytes() for low in lows}) > 4


@pytest.mark.parametrize("chain", FIXED)
def test_a_fixed_chain_draws_nothing(chain: str) -> None:
    rng = generator(0)
    _, params = degrade(picture(), chain, rng, 16)
    assert params == {}
    assert rng.random() == generator(0).random()


@pytest.mark.parametrize("chain", [*FIXED, *RANDOM])
@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 5), (2, 7), (9, 1), (33, 16), (25, 64)])
def test_any_sides_will_do(chain: str, old: int, new: int) -> None:
    for i in range(4):
        low, _ = degrade(noise(i, old), chain, generator(0, i), new)
        assert low.shape == (new, new, 3)


@pytest.mark.parametrize("chain", [*FIXED, "lrgan", "motion+bicubic"])
def test_blur_and_shrinking_keep_a_constant_and_grey(chain: str) -> None:
    flat = np.full((64, 64, 3), 77, np.uint8)
    assert (degrade(flat, chain, generator(0), 16)[0] == 77).all()
    grey = np.repeat(picture()[..., :1], 3, 2)
    low, _ = degrade(grey, chain, generator(0), 16)
    assert (low == low[..., :1]).all()


@pytest.mark.parametrize("chain", ["area", "lrgan", "scgan", "realesrgan", "wild"])
def test_bytes_and_their_floats_are_degraded_alike(chain: str) -> None:
    image = picture()
    from_bytes, _ = degrade(image, chain, generator(0), 16)
    from_floats, _ = degrade(as_float(image), chain, generator(0), 16)
    gap = np.abs(from_bytes.astype(int) - from_floats)
    assert gap.max() <= (1 if chain == "area" else 0)


def test_steps_act_in_the_order_of_their_names() -> None:
    image = picture()
    params = {"length": 1.5, "angle": 0.3}
    blurred = STEPS["motion"].apply(as_float(image), params, 16)
    expected = as_bytes(imresize(np.clip(blurred, 0, 1), 16))
    joined = chain_of("motion+bicubic")
    assert np.array_equal(joined.apply(image, {"motion": params, "bicubic": {}}, 16), expected)
    after = chain_of("bicubic+motion").apply(image, {"motion": params, "bicubic": {}}, 16)
    small = as_float(imresize(image, 16))
    assert np.array_equal(after, as_bytes(STEPS["motion"].apply(small, params, 16)))
    assert not np.array_equal(after, expected)


def test_the_version_of_a_joined_chain_goes_up_with_any_of_its_parts() -> None:
    assert version("scgan") == CHAINS["scgan"].version
    assert version("jitter+scgan") == STEPS["jitter"].version + CHAINS["scgan"].version


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bicubc", r"no degradation named 'bicubc'; did you mean 'bicubic'\?"),
        ("", "no degradation named ''; known: area, bicubic"),
        ("jiter+scgan", r"no degradation named 'jiter'; did you mean 'jitter'\?"),
        ("jitter", "'jitter' does not fit together; join steps"),
        ("scgan+bicubic", "exactly one chain"),
        ("jitter+jitter+scgan", "each at most once"),
    ],
)
def test_a_bad_name_is_explained(name: str, sentence: str) -> None:
    for use in (lambda: degrade(picture(), name, generator(0), 16), lambda: version(name)):
        with pytest.raises(BadName, match=sentence):
            use()


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((8, 8)), r"shape \(8, 8\), expected \(h, h, 3\)"),
        (np.zeros((8, 9, 3)), "crop it to a square"),
        (np.zeros((0, 0, 3)), "shape"),
        (np.zeros((8, 8, 3), np.int64), "holds int64, expected uint8 or float"),
        (np.full((8, 8, 3), 200.0), r"reaches from 200 to 200, expected floats in \[0, 1\]"),
        (np.full((8, 8, 3), np.nan), "reaches from nan"),
    ],
)
def test_a_bad_image_is_explained(image: np.ndarray, sentence: str) -> None:
    with pytest.raises(BadImage, match=sentence):
        degrade(image, "bicubic", generator(0), 4)


def test_the_image_itself_stays_as_it_was() -> None:
    for chain in [*FIXED, *RANDOM]:
        for image in (picture(), as_float(picture())):
            before = image.copy()
            degrade(image, chain, generator(0), 16)
            assert np.array_equal(image, before)


def test_bytes_and_floats_round_trip() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(as_bytes(as_float(values)), values)
    assert as_bytes(np.array([-0.2, 1.4])).tolist() == [0, 255]


def test_a_generator_depends_on_seed_and_key_alone() -> None:
    firsts = [generator(s, k).random() for s, k in ((0, "a"), (0, "b"), (1, "a"), (0, "a"))]
    assert firsts[0] == firsts[3]
    assert len(set(firsts)) == 3
