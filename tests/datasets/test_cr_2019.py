import pytest

from facesr.datasets.cr_2019 import Cr2019


@pytest.mark.parametrize(
    ("test", "n"), [("lr_pipa", 8_641), ("lr_dukemtmc", 7_044), ("helen", 2_330)]
)
def test_each_test_set_has_the_size_of_the_paper(test: str, n: int) -> None:
    recipe = Cr2019(test=test)  # type: ignore[arg-type]
    portion = recipe.portion("test", "hr" if test == "helen" else "lr")
    assert portion.paper == n
    assert [ask.set for ask in portion.asks] == [test]
    assert recipe.degradation("test") == ("bicubic" if test == "helen" else "")
    assert recipe.degradation("train") == ""


def test_training_is_celeba_and_wider_face() -> None:
    large, small = (Cr2019().portion("train", side) for side in ("hr", "lr"))
    assert ([ask.set for ask in large.asks], large.paper) == (["celeba"], 202_599)
    assert ([ask.set for ask in small.asks], small.paper) == (["widerface"], 153_440)
