from facesr.datasets.lrgan_2018 import Lrgan2018


def test_the_mix_has_as_many_faces_as_the_paper() -> None:
    asks = {ask.set: ask for ask in Lrgan2018().portion("train", "hr").asks}
    people, aflw = 9_131, 25_993
    each = asks["vggface2"].settings["per_person"]
    assert asks["celeba"].n == 60_000
    assert asks["ls3dw"].n == 182_866 - 60_000 - each * people - aflw
    assert asks["vggface2"].settings["pose"] == "large"


def test_3000_small_faces_are_kept_for_the_test() -> None:
    test, train = (Lrgan2018().portion(part, "lr") for part in ("test", "train"))
    assert (test.skip, test.n, train.skip, train.n) == (0, 3_000, 3_000, None)
    assert test.asks == train.asks
    assert Lrgan2018().portion("test", "hr") == Lrgan2018().portion("train", "hr")
