import pytest

from facesr.datasets.scgan_2022 import Scgan2022


@pytest.mark.parametrize(
    ("test", "side", "n", "chain"),
    [
        ("widerface", "lr", 2_000, ""),
        ("webface", "lr", 1_028, ""),
        ("ls3dw", "hr", 1_000, "bilinear"),
        ("ffhq", "hr", 2_500, "scgan"),
    ],
)
def test_each_test_has_the_size_and_the_degradation_of_the_paper(
    test: str, side: str, n: int, chain: str
) -> None:
    recipe = Scgan2022(test=test)  # type: ignore[arg-type]
    assert recipe.portion("test", side).paper == n  # type: ignore[arg-type]
    assert recipe.degradation("test") == chain
    assert recipe.degradation("train") == ""


def test_training_leaves_the_test_faces_alone() -> None:
    recipe = Scgan2022()
    large, small = (recipe.portion("train", side) for side in ("hr", "lr"))
    assert (large.skip, large.n, small.skip, small.n) == (2_500, 20_000, 2_000, 4_000)
    assert Scgan2022(test="ffhq").portion("test", "hr").n == large.skip
    assert recipe.portion("test", "lr").n == small.skip
