import pytest

from facesr.datasets.selfsr_2021 import Selfsr2021


@pytest.mark.parametrize(
    ("training", "side", "train", "test"),
    [
        ("celeba", "hr", 168_854, 1_000),
        ("helen", "hr", 2_005, 50),
        ("realworld", "lr", 53_254, 3_000),
    ],
)
def test_parts_have_the_sizes_of_the_paper_and_do_not_overlap(
    training: str, side: str, train: int, test: int
) -> None:
    recipe = Selfsr2021(training=training)  # type: ignore[arg-type]
    first, rest = (recipe.portion(part, side) for part in ("test", "train"))  # type: ignore[arg-type]
    assert (first.skip, first.n, first.paper) == (0, test, test)
    assert (rest.skip, rest.n, rest.paper) == (test, train, train)
    assert first.asks == rest.asks


def test_only_the_real_world_is_unpaired() -> None:
    chains = [Selfsr2021(training=t).degradation("train") for t in ("celeba", "helen", "realworld")]
    assert chains == ["bicubic", "bicubic", ""]
    assert Selfsr2021(training="realworld").portion("test", "hr").paper == 182_866
