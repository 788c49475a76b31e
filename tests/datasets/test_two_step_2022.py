from facesr.datasets.two_step_2022 import TwoStep2022


def test_parts_have_the_sizes_of_the_paper_and_do_not_overlap() -> None:
    recipe = TwoStep2022()
    test, train = (recipe.portion(part, "lr") for part in ("test", "train"))
    assert (test.paper, train.paper) == (8_241, 156_557)
    assert (test.skip, test.n, train.skip) == (0, 8_241, 8_241)
    assert sum(ask.n or 0 for ask in recipe.portion("train", "hr").asks) == 100_000


def test_the_simulated_setting_is_paired() -> None:
    recipe = TwoStep2022(training="simulated")
    assert {recipe.degradation(part) for part in ("train", "test")} == {"bicubic"}
    test, train = (recipe.portion(part, "hr") for part in ("test", "train"))
    assert (test.n, train.skip) == (1_000, 1_000)
